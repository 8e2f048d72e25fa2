"""The facts as the chain takes them: lists of objects and repositories, each with how and when it was read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from exporter.facts import objects


class Source(StrEnum):
    """Where facts come from. Each is read, dated and reported by itself."""

    KUBERNETES = "kubernetes"
    VOLSYNC = "volsync"
    LONGHORN = "longhorn"
    KYVERNO = "kyverno"
    EXTERNAL_SECRETS = "external_secrets"
    SECRETS = "secrets"
    S3 = "s3"


class Reading(StrEnum):
    """What came of reading a list."""

    READ = "read"
    NOT_SERVED = "not_served"
    """It is not there to be read (the API is not installed, the part is switched off): its link does not apply."""
    UNREADABLE = "unreadable"
    """It is there, or may be, and could not be read: what depends on it is unknown."""
    PENDING = "pending"
    """It was not read yet."""


class Reason(StrEnum):
    """Why a read failed or an answer is not believed: the closed set behind every `reason` label."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    THROTTLED = "throttled"
    NOT_ACCEPTABLE = "not_acceptable"
    SERVER_ERROR = "server_error"
    EXPIRED = "expired"
    MALFORMED_ANSWER = "malformed_answer"
    MALFORMED_OBJECT = "malformed_object"
    STALE = "stale"
    # S3
    NO_CREDENTIALS = "no_credentials"
    WRONG_KEY = "wrong_key"
    EXPIRED_KEY = "expired_key"
    CLOCK_SKEW = "clock_skew"
    NO_SUCH_BUCKET = "no_such_bucket"
    NO_TOKEN = "no_token"
    REPEATED_TOKEN = "repeated_token"
    ENDLESS_LISTING = "endless_listing"
    KEY_COUNT = "key_count"
    INCLUSIVE_START_AFTER = "inclusive_start_after"
    GHOST_PREFIX = "ghost_prefix"
    CONTRADICTED = "contradicted"
    INCOMPLETE = "incomplete"
    LEGACY_LAYOUT = "legacy_layout"
    OTHER = "other"


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


class ObjectType(StrEnum):
    """The folders of a restic repository (restic `doc/design.rst`)."""

    DATA = "data"
    INDEX = "index"
    KEYS = "keys"
    LOCKS = "locks"
    SNAPSHOTS = "snapshots"


class Totals(msgspec.Struct, frozen=True):
    objects: int
    bytes: int


class Repository(msgspec.Struct, frozen=True):
    """What a listing without a password tells of one restic repository. Times are the store's."""

    bucket: str
    prefix: str
    """Its path in the bucket, without a slash at either end."""
    measured_at: datetime
    present: bool | None
    """Whether there is a repository; None when the listing cannot be believed either way."""
    namespace: str | None = None
    pvc: str | None = None
    source: str | None = None
    """Namespace, PVC and ReplicationSource as the bucket's layout reads the prefix."""
    created: datetime | None = None
    totals: dict[ObjectType, Totals] = {}
    """Objects and bytes by type; a type that was not measured yet is left out."""
    data_measured_at: datetime | None = None
    snapshots: int = 0
    newest_snapshot: datetime | None = None
    oldest_snapshot: datetime | None = None
    oldest_lock: datetime | None = None
    stale_locks: int = 0
    index_generation: str = ""
    """A digest of the index's names: it changes when a backup adds packs or a prune removes them."""
    suspect: tuple[Reason, ...] = ()
    """Why the listing is not believed; empty when it is."""


class Bucket(msgspec.Struct, frozen=True):
    """One bucket (or one prefix of it) and the repositories found under it."""

    name: str
    endpoint: str = ""
    prefix: str = ""
    layout: str = "{namespace}/{pvc}"
    reading: Reading = Reading.PENDING
    reason: Reason | None = None
    detail: str = ""
    read_at: datetime | None = None
    """When it was last read in full, by the exporter's clock."""
    clock_skew: timedelta | None = None
    """How far the store's clock is ahead of ours."""
    capacity_bytes: int = 0
    repositories: tuple[Repository, ...] = ()
    listed: tuple[str, ...] = ("",)
    """The prefixes under which all repositories were looked for; the empty one stands for the whole bucket."""
    unlisted: tuple[str, ...] = ()
    """Prefixes under these whose listing failed, or is not believed."""

    def covers(self, prefix: str) -> bool:
        """Whether a repository at *prefix* that is not among the repositories is not there."""
        return (
            self.reading is Reading.READ
            and any(_is_under(prefix, listed) for listed in self.listed)
            and not any(_is_under(prefix, unlisted) for unlisted in self.unlisted)
        )


def _is_under(prefix: str, parent: str) -> bool:
    return not parent or prefix == parent or prefix.startswith(f"{parent}/")


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
