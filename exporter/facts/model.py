"""The facts as the chain takes them: lists of objects and repositories, each with how and when it was read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec

from exporter.facts import objects
from exporter.facts.bucket.model import Bucket
from exporter.facts.reading import Reading, Reason, Source

__all__ = [
    "NOT_SERVED",
    "Check",
    "ClusterFacts",
    "Facts",
    "Listing",
    "Malformed",
    "Reading",
    "Reason",
    "Source",
    "SourceRead",
    "SourceReport",
]


class Malformed(msgspec.Struct, frozen=True):
    """An object that could not be understood; *claim* is the PVC it is about, where that much could be read."""

    kind: str
    namespace: str
    name: str
    error: str
    claim: str | None = None


T_co = TypeVar("T_co", covariant=True)


class Listing(msgspec.Struct, Generic[T_co], frozen=True):
    """All objects of one kind, and how far to believe that they are all."""

    items: tuple[T_co, ...] = ()
    reading: Reading = Reading.PENDING
    reason: Reason | None = None
    detail: str = ""
    """One line for a person: what was asked and what came back."""
    read_at: datetime | None = None
    """When the items were read; a failed read keeps the last ones, dated."""
    malformed: tuple[Malformed, ...] = ()

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.items)

    @property
    def known(self) -> bool:
        """Whether an object that is not in the items is not there."""
        return self.reading is Reading.READ

    @property
    def applies(self) -> bool:
        """Whether such objects can be there at all."""
        return self.reading is not Reading.NOT_SERVED

    def garbled(self, namespace: str, name: str | None = None) -> Malformed | None:
        """An object there (of that name, or of any) that could not be understood: what it says is not known."""
        return next((b for b in self.malformed if b.namespace == namespace and name in (None, b.name)), None)


NOT_SERVED: Listing[object] = Listing(reading=Reading.NOT_SERVED)


class ClusterFacts(msgspec.Struct, frozen=True):
    """The cluster's objects, a list of each kind."""

    claims: Listing[objects.PersistentVolumeClaim] = Listing()
    volumes: Listing[objects.PersistentVolume] = Listing()
    namespaces: Listing[objects.Namespace] = Listing()
    jobs: Listing[objects.Job] = Listing()
    pods: Listing[objects.Pod] = Listing()
    mount_events: Listing[objects.Event] = Listing()
    attachments: Listing[objects.VolumeAttachment] = Listing()
    snapshots: Listing[objects.VolumeSnapshot] = Listing()
    secrets: Listing[objects.Secret] = Listing()
    replication_sources: Listing[objects.ReplicationSource] = Listing()
    replication_destinations: Listing[objects.ReplicationDestination] = Listing()
    longhorn_volumes: Listing[objects.LonghornVolume] = Listing()
    longhorn_settings: Listing[objects.LonghornSetting] = Listing()
    cluster_policies: Listing[objects.ClusterPolicy] = Listing()
    generating_policies: Listing[objects.GeneratingPolicy] = Listing()
    update_requests: Listing[objects.UpdateRequest] = Listing()
    policy_events: Listing[objects.Event] = Listing()
    cluster_external_secrets: Listing[objects.ClusterExternalSecret] = Listing()
    external_secrets: Listing[objects.ExternalSecret] = Listing()


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

    @property
    def up(self) -> bool:
        return self.reading in (Reading.READ, Reading.NOT_SERVED)


class Facts(msgspec.Struct, frozen=True):
    """All that is known at one moment."""

    cluster: ClusterFacts = ClusterFacts()
    buckets: tuple[Bucket, ...] = ()
    sources: tuple[SourceReport, ...] = ()


class SourceRead(msgspec.Struct, frozen=True):
    """What one read of one source brought: its report, and either lists of objects or buckets."""

    report: SourceReport
    listings: dict[str, Listing[objects.Object]] = {}
    """By their field in `ClusterFacts`."""
    buckets: tuple[Bucket, ...] = ()


class Check(msgspec.Struct, frozen=True):
    """One thing that `doctor` tried, and what to do where it did not go well."""

    source: Source
    what: str
    """What was tried, in a few words: `list longhorn.io volumes`."""
    ok: bool | None
    """None: not tried, or it does not matter."""
    detail: str
    mend: str = ""
