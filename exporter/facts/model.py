"""The facts as the chain takes them: the cluster's objects and the buckets' repositories, and how reading them went."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from exporter.facts.bucket.model import Bucket, Scrub
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.wire import Object
from exporter.facts.reading import Reading, Reason, Source


class Read(StrEnum):
    """How a list of the cluster's objects was brought up to date."""

    LIST = "list"
    """It was read in full."""
    CHANGES = "changes"
    """What changed in it since the last time was read."""


class ReadCount(msgspec.Struct, frozen=True):
    """What reads of lists are counted by."""

    kind: str
    read: Read
    reason: str
    """Why it was a list; `none` where it was not."""


class SourceReport(msgspec.Struct, frozen=True):
    """How the last read of one source went."""

    source: Source
    reading: Reading = Reading.PENDING
    reason: Reason | None = None
    detail: str = ""
    last_success: datetime | None = None
    duration: timedelta | None = None
    errors: dict[Reason, int] = {}
    """Failures of this read alone, by reason; whoever keeps reading adds them up."""
    reads: dict[ReadCount, int] = {}
    """How its lists were read this time."""

    @property
    def up(self) -> bool:
        return self.reading in (Reading.READ, Reading.NOT_SERVED)


RepositoryPlace = tuple[tuple[str, str, str], str]
"""A bucket's identity, and a repository's prefix in it."""


class Facts(msgspec.Struct, frozen=True):
    """All that is known at one moment."""

    cluster: ClusterFacts = ClusterFacts()
    buckets: tuple[Bucket, ...] = ()
    sources: tuple[SourceReport, ...] = ()
    scrubs: dict[RepositoryPlace, Scrub] = {}
    """What reading objects has shown, of repositories that are listed and of others; `buckets` have it too."""


class SourceRead(msgspec.Struct, frozen=True):
    """What one read of one source brought: its report, and lists of objects, or buckets, or scrubs."""

    report: SourceReport
    lists: dict[str, ObjectList[Object]] = {}
    """By their field in `ClusterFacts`."""
    buckets: tuple[Bucket, ...] = ()
    scrubs: dict[RepositoryPlace, Scrub] = {}


class Check(msgspec.Struct, frozen=True):
    """One thing that `doctor` tried, and what to do where it did not go well."""

    source: Source
    what: str
    """What was tried, in a few words: `list longhorn.io volumes`."""
    ok: bool | None
    """None: not tried, or it does not matter."""
    detail: str
    fix: str = ""
