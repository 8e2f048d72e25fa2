"""Which sources are to be drilled, in which order, and why others are not."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from exporter.chain.backup import duration_of
from exporter.chain.instants import earlier
from exporter.chain.mover_log import says_nothing_restored
from exporter.drill.manifest import LABEL, name_of
from exporter.durations import format_duration, parse_duration
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.object_list import Key
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationSource
from exporter.quantities import parse_quantity

_EMPTY = "Directory is empty skipping backup"
_JUST_ENDED = timedelta(minutes=2)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Limits(msgspec.Struct, frozen=True):
    """What a drill may take."""

    storage_class: str = ""
    """For the throw-away volume; empty: that of the claim."""
    largest: Decimal | None = None
    """Bytes of a claim's volume, at the most; None: any."""
    every: timedelta = timedelta(0)
    """What was restored within so long is left out."""
    timeout: timedelta = timedelta(hours=1)
    """For one restore."""
    margin: timedelta = timedelta(minutes=10)
    """A restore holds a lock on the repository, and a backup's clean-up then fails: it begins no later before one."""
    unfinished: int = 3
    """How many restores may not have ended before no other is begun: one that fails must not stop the others' drills,
    and a store that is down must."""


class Candidate(msgspec.Struct, frozen=True):
    """A source that is to be drilled."""

    source: ReplicationSource
    raw: Mapping[str, Any]
    """The same as the API has it."""
    capacity: str
    storage_class: str
    drill: ReplicationDestination | None
    """Its destination from the last drill."""

    @property
    def claim(self) -> str:
        return f"{self.source.namespace}/{self.source.spec.source_pvc}"

    @property
    def last(self) -> datetime:
        """When the last drill ended."""
        status = self.drill.status if self.drill else None
        return (status.last_sync_time if status else None) or _LONG_AGO

    @property
    def usual(self) -> timedelta:
        """How long the last drill took."""
        status = self.drill.status if self.drill else None
        return (duration_of(status) if status else None) or timedelta(0)


class Skipped(msgspec.Struct, frozen=True):
    """A source that is not drilled."""

    claim: str
    reason: str


class Objects(msgspec.Struct, frozen=True):
    """What the API server holds."""

    sources: list[Mapping[str, Any]]
    destinations: list[Mapping[str, Any]]
    pvcs: list[Mapping[str, Any]]


def planned(objects: Objects, limits: Limits, at: datetime) -> tuple[list[Candidate], list[Skipped]]:
    """What is to be drilled, the longest unproven first, and what is not."""
    pvcs = {pvc.key: pvc for pvc in _decoded(objects.pvcs, PersistentVolumeClaim)}
    destinations = {one.key: one for one in _decoded(objects.destinations, ReplicationDestination)}
    found = [_considered(raw, pvcs, destinations, limits, at) for raw in objects.sources]
    candidates = [one for one in found if isinstance(one, Candidate)]
    skipped = [one for one in found if isinstance(one, Skipped)]
    return sorted(candidates, key=lambda one: (one.last, one.source.key)), sorted(skipped, key=lambda one: one.claim)


def unfinished(destinations: Iterable[Mapping[str, Any]]) -> list[Key]:
    """The drills that have not ended, be it that they run."""
    drills = [one for one in _decoded(destinations, ReplicationDestination) if LABEL in (one.metadata.labels or {})]
    return sorted(one.key for one in drills if not is_done(one))


def is_done(drill: ReplicationDestination) -> bool:
    """Whether VolSync has answered its trigger with a success."""
    trigger = drill.spec.trigger
    return drill.status is not None and trigger is not None and drill.status.last_manual_sync == trigger.manual


def reason_to_wait(candidate: Candidate, source: ReplicationSource, limits: Limits, at: datetime) -> str:
    """Why a restore would hinder the backup by *source* now; empty where it would not.

    A restore that takes longer than there is between two backups begins right after one.
    """
    status = source.status
    if status is None or status.last_sync_time is None:
        return "it has never completed a backup"
    if status.last_sync_start_time is not None:
        return "its backup is under way"
    room = max(limits.margin, 2 * candidate.usual)
    if status.next_sync_time is None or at - status.last_sync_time <= _JUST_ENDED:
        return ""
    return "its next backup is near" if earlier(status.next_sync_time, room) < at else ""


def _considered(
    raw: Mapping[str, Any],
    pvcs: Mapping[Key, PersistentVolumeClaim],
    destinations: Mapping[Key, ReplicationDestination],
    limits: Limits,
    at: datetime,
) -> Candidate | Skipped | None:
    source = next(_decoded([raw], ReplicationSource), None)
    if source is None or not source.spec.source_pvc or raw["metadata"].get("deletionTimestamp"):
        return None
    pvc = pvcs.get((source.namespace, source.spec.source_pvc))
    drill = destinations.get((source.namespace, name_of(source.name)))
    reason = _refusal(source, pvc, drill) or _limit(pvc, limits)
    claim = f"{source.namespace}/{source.spec.source_pvc}"
    if reason or pvc is None:
        return Skipped(claim, f"{source.name}: {reason}")
    storage_class = limits.storage_class or pvc.spec.storage_class_name or ""
    candidate = Candidate(source, raw, pvc.spec.requested, storage_class, drill)
    if limits.every and at - candidate.last < limits.every and not _brought_nothing(drill):
        return Skipped(claim, f"{source.name}: was restored {format_duration(at - candidate.last)} ago")
    return candidate


def _refusal(source: ReplicationSource, pvc: PersistentVolumeClaim | None, drill: ReplicationDestination | None) -> str:
    """Why it cannot or must not be drilled."""
    status = source.status
    if source.spec.method != "restic":
        return f"the method {source.spec.method or 'none'} is not drilled, only restic"
    if not source.spec.mover.repository:
        return "it names no repository"
    if status is None or status.last_sync_time is None:
        return "it has never completed a backup, and a restore would make a repository where there is none"
    if status.latest_mover_status and _EMPTY in status.latest_mover_status.logs:
        return "its volume was empty at the last backup"
    if pvc is None:
        return "its PVC is not there"
    if not pvc.spec.requested:
        return "its PVC does not say how large it is"
    annotations = pvc.metadata.annotations
    if annotations and annotations.restore_proof is not None and not _asked(annotations.restore_proof):
        return "its annotation asks for no restore"
    if drill is not None and LABEL not in (drill.metadata.labels or {}):
        return f"a ReplicationDestination {drill.name} is there that is not a drill's"
    return ""


def _limit(pvc: PersistentVolumeClaim | None, limits: Limits) -> str:
    if pvc is None or limits.largest is None:
        return ""
    try:
        is_large = parse_quantity(pvc.spec.requested) > limits.largest
    except ValueError:
        return "the size of its PVC cannot be read"
    return f"its volume is larger than the limit ({pvc.spec.requested})" if is_large else ""


def _asked(value: str) -> bool:
    try:
        return parse_duration(value) > timedelta(0)
    except ValueError:
        return True


def _brought_nothing(drill: ReplicationDestination | None) -> bool:
    status = drill.status if drill else None
    return bool(status and status.latest_mover_status and says_nothing_restored(status.latest_mover_status.logs))


def _decoded(raw: Iterable[Mapping[str, Any]], struct: type[Any]) -> Iterator[Any]:
    """Each of *raw* as a *struct*; what is none is left out, and so is not drilled."""
    for one in raw:
        try:
            yield msgspec.convert(one, struct, strict=True)
        except (msgspec.ValidationError, TypeError):
            continue
