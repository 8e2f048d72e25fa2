"""The readers of a live cluster and its buckets. Importing this takes about a second, for the clients behind them."""

import threading
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from exporter.facts.bucket.access import check_access as check_buckets
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.cluster.server.access import check_access as check_cluster
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.cluster.volsync.objects import ReplicationSource
from exporter.facts.layout import Owner
from exporter.facts.model import Check, SourceRead
from exporter.facts.reading import Source
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
    buckets = BucketReader(settings)
    readers[Source.S3] = buckets.read
    if Source.VOLSYNC in readers:
        readers[Source.VOLSYNC] = partial(_read_volsync, cluster, buckets)
    return readers


def _read_volsync(cluster: ClusterReader, buckets: BucketReader, at: datetime, stop: threading.Event) -> SourceRead:
    """Its sources say where in the buckets repositories should be; only restic's have a layout that is known."""
    read = cluster.read(Source.VOLSYNC, at, stop)
    sources = read.lists.get("volsync.sources")
    if sources and sources.known:
        buckets.expect(
            Owner(source.namespace, source.spec.source_pvc, source.name)
            for source in sources
            if isinstance(source, ReplicationSource) and source.spec.method == "restic"
        )
    return read


def check_access(settings: Settings) -> Iterator[Check]:
    """Everything that `doctor` tries.

    Raises:
        ValueError: a bucket's settings do not say which bucket.
    """
    buckets = BucketReader(settings)
    yield from check_cluster(ClusterReader(settings), settings)
    yield from check_buckets(buckets)
