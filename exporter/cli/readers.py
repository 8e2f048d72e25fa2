"""The readers of a live cluster and its buckets. Importing this takes about a second, for the clients behind them."""

from collections.abc import Iterator
from functools import partial

from exporter.facts.bucket.access import check_access as check_buckets
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.cluster.access import check_access as check_cluster
from exporter.facts.cluster.api import ClusterReader
from exporter.facts.model import Check, Source
from exporter.polling.poller import Read
from exporter.settings import SecretReading, Settings


def readers_of(settings: Settings) -> dict[Source, Read]:
    """How to read each source that the settings ask for.

    Raises:
        ValueError: a bucket's settings do not say which bucket.
    """
    cluster = ClusterReader(settings)
    wanted = [Source(name) for name in settings.sources]
    if settings.secrets is SecretReading.METADATA:
        wanted.append(Source.SECRETS)
    readers: dict[Source, Read] = {source: partial(cluster.read, source) for source in wanted}
    readers[Source.S3] = BucketReader(settings).read
    return readers


def check_access(settings: Settings) -> Iterator[Check]:
    """Everything that `doctor` tries.

    Raises:
        ValueError: a bucket's settings do not say which bucket.
    """
    buckets = BucketReader(settings)
    yield from check_cluster(ClusterReader(settings), settings)
    yield from check_buckets(buckets)
