"""The copy that a mover reads: a snapshot, a PVC made of it, or a clone that is not ready, or cannot become so.

VolSync keeps a copy through all retries (volsync `internal/controller/volumehandler`): one that is wedged is used
again by the next Job, and only deleting it brings a new one (longhorn#13335, longhorn#13639).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from exporter.chain import scope
from exporter.chain.backup import SOURCE, Backup, created
from exporter.chain.causes import Cause
from exporter.chain.longhorn import clone_state, handle_of, volume_of
from exporter.chain.mover import patience
from exporter.chain.mover.scheduling import scheduler_message
from exporter.chain.scope import Scope
from exporter.chain.text import one_line, sign_of
from exporter.chain.verdict import Problem
from exporter.durations import format_duration
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.object_list import first_unread

_WAITS_FOR_CONSUMER = "WaitForFirstConsumer"


class UnreadyCopy(msgspec.Struct, frozen=True):
    """A copy that is not ready."""

    kind: str
    """`VolumeSnapshot` or `PVC`."""
    name: str
    error: str
    """What its driver says is wrong; empty where it says nothing."""
    since: datetime | None
    driver: str
    state: str = ""
    """How far the storage says it is, in its own word."""


def problem_of(backup: Backup) -> Problem | None:
    """The first copy that should be ready by now. An error that is shown leaves it less time, but some all the same."""
    for copy in unready(backup):
        since = copy.since or backup.status.last_sync_start_time
        waited = backup.at - since if since else timedelta(0)
        if waited > (backup.settings.grace.copy_ready if copy.error else patience.for_a_copy(backup)):
            told = copy.error or (f"Longhorn's clone is {copy.state!r}" if copy.state else "")
            reason = f"{copy.kind} {copy.name} has not been ready for {format_duration(waited)}"
            return backup.problem(
                Cause.COPY_NOT_READY,
                f"{reason}: {one_line(told)}." if told else f"{reason}.",
                scopes=_scopes(backup, copy),
                sign=sign_of(copy.error, backup.namespace, backup.pvc_name, backup.source_name, copy.name),
                since=copy.since,
                variant="clone" if copy.state else "pvc" if copy.kind == "PVC" else "",
                names={"copy": copy.name, "driver": copy.driver},
            )
    return None


def is_open(backup: Backup) -> bool:
    """Whether a placed pod may wait for its copy, and how far that is could not be read."""
    core, longhorn = backup.cluster.core, backup.cluster.longhorn
    is_waiting = bool(backup.pods) and backup.pods[0].status.phase == "Pending" and backup.pods[0].spec.node_name != ""
    is_copied = backup.source is not None and backup.source.spec.mover.copy_method in ("Snapshot", "Clone")
    if not is_waiting or not is_copied:
        return False
    if first_unread(core.claims, core.volumes, longhorn.volumes) or core.claims.malformed_in(backup.namespace):
        return True
    copy = backup.copy
    if copy is None:
        return False
    handle = handle_of(backup.cluster, copy)
    return core.volumes.malformed_in("", copy.spec.volume_name) is not None or (
        handle is not None and longhorn.is_malformed(handle)
    )


def unready(backup: Backup) -> Iterator[UnreadyCopy]:
    """The copies that the sync waits for."""
    if backup.source is None:
        return
    for snapshot in backup.cluster.snapshots.snapshots.owned_by(backup.source, SOURCE):
        if snapshot.status is None or not snapshot.status.ready_to_use:
            error = snapshot.status.error.message if snapshot.status and snapshot.status.error else ""
            yield UnreadyCopy("VolumeSnapshot", snapshot.name, error, created(snapshot), backup.driver)
    copy = backup.copy
    if copy is not None and copy.status.phase == "Pending" and not copy.metadata.deletion_timestamp:
        yield from _unbound(backup, copy)
    elif copy is not None and (state := clone_state(volume_of(backup.cluster, copy))):
        error = "Longhorn could not clone the volume" if state == "failed" else ""
        yield UnreadyCopy("PVC", copy.name, error, created(copy), backup.cluster.core.driver_of(copy), state)


def _unbound(backup: Backup, copy: PersistentVolumeClaim) -> Iterator[UnreadyCopy]:
    """A copy that waits for its mover's pod is in order, and what that pod waits for is the pod's affair."""
    core = backup.cluster.core
    complaints = core.complaints_about_claim(copy)
    storage_class = core.storage_classes.get(copy.spec.storage_class_name or "")
    waits_for_pod = backup.job is not None and (
        storage_class is None or storage_class.volume_binding_mode == _WAITS_FOR_CONSUMER
    )
    if complaints or not waits_for_pod or (backup.pods and "unbound immediate" in scheduler_message(backup.pods[0])):
        yield UnreadyCopy(
            "PVC", copy.name, complaints[-1].text if complaints else "", created(copy), core.driver_of(copy)
        )


def _scopes(backup: Backup, copy: UnreadyCopy) -> tuple[Scope, ...]:
    """The claim, and the driver that makes its copies: it is the driver that is broken, not one of its classes."""
    return (backup.scope, scope.storage(copy.driver)) if copy.driver else (backup.scope,)
