"""Which kinds a dump tells of: what it does not hold is unknown, never *not there*.

A dump that `volsync-exporter dump` made says so itself. Of one that was made by hand only guesses are possible:
`kubectl get a,b,c` leaves no trace of a kind that has no objects. Such a kind counts as empty where that is usual, and
as not dumped where something else in the dump shows that it cannot be empty.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from exporter.facts.cluster.core.objects import PersistentVolume, PersistentVolumeClaim
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.object_list import Key, MalformedObject, ObjectList
from exporter.facts.cluster.volsync.objects import ReplicationSource
from exporter.facts.cluster.wire import Object
from exporter.facts.decoding import converted
from exporter.facts.reading import Reading, Reason, Source

MANIFEST = "volsync-exporter-dump.json"
"""The file in which a dump says what it holds."""
NOT_HELD = "it is not in the dump"

_OPERATORS = {
    "longhorn.io": Source.LONGHORN,
    "kyverno.io": Source.KYVERNO,
    "policies.kyverno.io": Source.KYVERNO,
    "external-secrets.io": Source.EXTERNAL_SECRETS,
}
"""Groups of which any object says that the operator is there."""
_SELDOM_DUMPED = frozenset({"external_secrets.cluster_secret_stores", "external_secrets.secret_stores"})
"""Who dumps ExternalSecrets does not think of their stores. The other kinds of an operator count as dumped together."""
PLAIN: Final = (Source.KUBERNETES, Source.VOLSYNC)
"""Sources whose kinds every cluster with VolSync serves."""
_LONGHORN_DRIVER = "driver.longhorn.io"

Found = Mapping[str, Mapping[Key, Object | MalformedObject]]
"""What was read so far: objects by their kind's field, and namespace and name."""


class DumpedKind(msgspec.Struct, frozen=True):
    """How reading one kind went when the dump was made."""

    reading: Reading
    reason: Reason | None = None
    detail: str = ""


class DumpManifest(msgspec.Struct, frozen=True, rename="camel"):
    """What a dump says of itself."""

    volsync_exporter_dump: int
    """The version of this form; 1."""
    version: str
    """The program's."""
    at: datetime
    kinds: dict[str, DumpedKind]
    """By their field in `ClusterFacts`."""
    kubernetes: str = ""
    context: str = ""
    buckets: dict[str, str] = {}
    """Of each bucket why it was not listed; empty where it was."""


def manifest_of(body: Mapping[str, Any]) -> DumpManifest | None:
    """*body* as a dump's manifest; None when it is something else, or one that cannot be understood."""
    if "volsyncExporterDump" not in body:
        return None
    try:
        return converted(body, DumpManifest)
    except msgspec.ValidationError:
        return None


class DumpContents:
    """What is known of the kinds in a dump while it is read."""

    def __init__(self) -> None:
        self.manifests: list[DumpManifest] = []
        self._held: set[str] = set()
        self._operators: set[Source] = set()

    def record(self, group: str, kinds: Iterable[Kind]) -> None:
        """An object of *group* was there, or a list of them without items; *kinds* are those that read such ones."""
        self._held.update(kind.field for kind in kinds)
        if group in _OPERATORS:
            self._operators.add(_OPERATORS[group])

    def holds(self, kind: Kind) -> None:
        """A list of *kind* was there, with or without items."""
        self._held.add(kind.field)

    @property
    def is_empty(self) -> bool:
        """Whether nothing tells of any kind."""
        return not self._held and not self.manifests

    def listing(self, kind: Kind, found: Found, at: datetime, settling: timedelta) -> ObjectList[Any]:
        """The list of *kind*, with how far it may be believed. *found* are all objects, by their kinds' fields."""
        dumped = next((one.kinds[kind.field] for one in self.manifests if kind.field in one.kinds), None)
        if dumped is None and not self._is_held(kind):
            dumped = self._guess(kind, found, at, settling)
        own = found[kind.field].values()
        return ObjectList(
            tuple(one for one in own if not isinstance(one, MalformedObject)),
            dumped.reading if dumped else Reading.READ,
            dumped.reason if dumped else None,
            dumped.detail if dumped else "",
            read_at=at,
            malformed=tuple(one for one in own if isinstance(one, MalformedObject)),
        )

    def _is_held(self, kind: Kind) -> bool:
        return kind.field in self._held or (kind.source in self._operators and kind.field not in _SELDOM_DUMPED)

    def _guess(self, kind: Kind, found: Found, at: datetime, settling: timedelta) -> DumpedKind | None:
        """What may be thought of a kind of which there is nothing; None: that there are none of it."""
        unread = DumpedKind(Reading.UNREADABLE, detail=f"{kind.plural}: {NOT_HELD}")
        if self.manifests or kind.source in self._operators or _is_proof_of(kind, found):
            return unread
        if kind.source not in PLAIN or kind.field == "core.namespaces":
            return DumpedKind(Reading.NOT_SERVED, detail="not among the files")
        return unread if _cannot_be_empty(kind, found, at, settling) else None


def _is_proof_of(kind: Kind, found: Found) -> bool:
    """Whether other objects show that the operator of *kind* is there."""
    if kind.source is not Source.LONGHORN:
        return False
    volumes = (one for one in found["core.volumes"].values() if isinstance(one, PersistentVolume))
    return any(one.spec.csi is not None and one.spec.csi.driver == _LONGHORN_DRIVER for one in volumes)


def _cannot_be_empty(kind: Kind, found: Found, at: datetime, settling: timedelta) -> bool:
    """Whether other objects show that there must be some of *kind*; a sync makes its own within *settling*."""
    sources = [one for one in found["volsync.sources"].values() if isinstance(one, ReplicationSource)]
    running = [one for one in sources if _since(one, at) > settling]
    match kind.field:
        case "core.claims":  # none is believed of a list alone: without a source nothing else would tell of one
            return not sources or any(not _has_lost_its_claim(one) for one in sources)
        case "volsync.sources":
            return True
        case "core.volumes":
            claims = (one for one in found["core.claims"].values() if isinstance(one, PersistentVolumeClaim))
            return any(one.spec.volume_name for one in claims)
        case "core.jobs" | "core.mount_events" | "core.attachments":
            return bool(running)
        case "core.pods":
            # An Event about a Job says that its pods are refused: then there are none.
            return (bool(running) or bool(found["core.jobs"])) and not found["core.job_events"]
        case "snapshots.snapshots":
            return any(one.spec.mover.copy_method == "Snapshot" for one in running)
        case _:
            return False


def _has_lost_its_claim(source: ReplicationSource) -> bool:
    """Whether VolSync itself says that the PVC is not there (the API server's words, as VolSync repeats them)."""
    conditions = (source.status.conditions if source.status else None) or ()
    return any("PersistentVolumeClaim" in one.message and "not found" in one.message for one in conditions)


def _since(source: ReplicationSource, at: datetime) -> timedelta:
    started = source.status.last_sync_start_time if source.status else None
    return at - started if started else timedelta(0)
