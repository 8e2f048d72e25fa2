"""The readers of a live cluster and its buckets. Importing this is slow, for the clients behind them."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from exporter.facts.bucket.address import addresses
from exporter.facts.cluster.server.access import check_access as check_cluster
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.cluster.server.connect import connect, context_of
from exporter.facts.cluster.server.official import ApiClient
from exporter.facts.cluster.volsync.objects import ReplicationSource
from exporter.facts.layout import Owner
from exporter.facts.model import Check, SourceRead
from exporter.facts.reading import Source
from exporter.settings import SecretReading, Settings

if TYPE_CHECKING:
    from exporter.facts.bucket.reader import BucketReader


Read = Callable[[datetime, threading.Event], SourceRead]
"""Reads one source, dated, until it is told to stop."""


def connection(kubeconfig: str, context: str) -> tuple[str, ApiClient]:
    """The name of the context, and the client for its API server.

    Raises:
        ReadError: there is none.
    """
    return context_of(kubeconfig, context), connect(kubeconfig, context)


def readers_of(
    settings: Settings,
    connector: Callable[[], ApiClient] = connect,
    longest: timedelta | None = None,
    *,
    scrubs: bool = False,
) -> dict[Source, Read]:
    """How to read each source that the settings ask for; *connector* makes the client when it is needed.

    A source of the cluster is given up after *longest* (None: what the settings allow a poll). Repositories are
    scrubbed by who stays: where *scrubs*, and the settings ask for it.

    Raises:
        ValueError: a bucket's settings do not say which bucket.
    """
    cluster = ClusterReader(settings, connector=connector, longest=longest)
    wanted = [Source(name) for name in settings.sources]
    if settings.secrets is SecretReading.METADATA:
        wanted.append(Source.SECRETS)
    readers: dict[Source, Read] = {source: partial(cluster.read, source) for source in wanted}
    if not addresses(settings, os.environ):
        return readers
    from exporter.facts.bucket.reader import BucketReader  # noqa: PLC0415 - the SDK is slow to import

    buckets = BucketReader(settings)
    readers[Source.S3] = buckets.read
    if Source.VOLSYNC in readers:
        readers[Source.VOLSYNC] = partial(_read_volsync, cluster, buckets)
    if scrubs and settings.scrub.enabled:
        from exporter.facts.bucket.scrub.reader import Scrubber  # noqa: PLC0415 - so is this one

        readers[Source.SCRUB] = Scrubber(settings, buckets).read
    return readers


def _read_volsync(cluster: ClusterReader, buckets: "BucketReader", at: datetime, stop: threading.Event) -> SourceRead:
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


def check_access(settings: Settings, connector: Callable[[], ApiClient] = connect) -> Iterator[Check]:
    """Everything that `doctor` tries.

    Raises:
        ValueError: a bucket's settings do not say which bucket.
    """
    from exporter.facts.bucket.access import check_access as check_buckets  # noqa: PLC0415 - the SDK is slow to import
    from exporter.facts.bucket.reader import BucketReader  # noqa: PLC0415

    buckets = BucketReader(settings)
    yield from check_cluster(ClusterReader(settings, connector=connector), settings)
    yield from check_buckets(buckets)
