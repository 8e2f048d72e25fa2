"""Are the Longhorn volumes that the backup needs fit to be attached?

A detached volume rests in robustness `unknown`: that is no fault. Attached and `unknown` is one
(longhorn-manager `controller/volume_controller.go`).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from exporter.chain import scope
from exporter.chain.backup import Backup, broken, created, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.instants import moment_of
from exporter.chain.verdict import LinkVerdict, Problem, VolumeState
from exporter.durations import format_duration
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.longhorn.facts import DRIVER
from exporter.facts.cluster.longhorn.objects import LonghornVolume


class Serving(msgspec.Struct, frozen=True):
    """A PVC on Longhorn that serves the backup, and its volume where it is known."""

    role: str
    pvc: PersistentVolumeClaim
    handle: str
    volume: LonghornVolume | None


def judge(backup: Backup) -> LinkVerdict | None:
    listing = backup.cluster.longhorn.volumes
    if backup.pvc is not None and backup.pvc.status.phase == "Lost":
        reason = f"PVC {backup.pvc_name} has lost its volume {backup.pvc.spec.volume_name}."
        return broken(Link.VOLUME, backup.problem(Cause.VOLUME_MISSING, reason))
    if not listing.applies:
        return None
    if not backup.cluster.core.volumes.known and backup.cluster.core.volumes.applies:
        return unknown(Link.VOLUME, f"PersistentVolumes could not be read: {backup.cluster.core.volumes.detail}.")
    if backup.pvc is not None and backup.cluster.core.volumes.malformed_in("", backup.pvc.spec.volume_name):
        return unknown(Link.VOLUME, f"PersistentVolume {backup.pvc.spec.volume_name} could not be understood.")
    serving = tuple(volumes_of(backup))
    if not serving:
        return None
    if not listing.known:
        return unknown(Link.VOLUME, f"Longhorn's volumes could not be read: {listing.unread}.")
    if problems := [problem for one in serving if (problem := _problem(backup, one))]:
        return broken(Link.VOLUME, *problems)
    if any(_is_malformed(backup, one) for one in serving):
        return unknown(Link.VOLUME, "A Longhorn volume of the claim could not be understood.")
    return ok(Link.VOLUME, "; ".join(f"{one.role} volume {_condition(one.volume)}" for one in serving if one.volume))


def volumes_of(backup: Backup) -> Iterator[Serving]:
    """The data volume, the mover's cache and its copy, as far as Longhorn holds them."""
    for role, pvc in (("data", backup.pvc), ("cache", backup.cache), ("copy", backup.copy)):
        if pvc is not None and (handle := _handle(backup, pvc)):
            yield Serving(role, pvc, handle, backup.cluster.longhorn.volume(handle))


def states_of(backup: Backup) -> Iterator[VolumeState]:
    """What is published of them, and of the volumes that a restore fills."""
    for one in volumes_of(backup):
        if one.volume:
            yield _state(one.role, one.volume)
    for destination in backup.destinations:
        for pvc in backup.cluster.core.claims.owned_by(destination, "ReplicationDestination"):
            handle = _handle(backup, pvc)
            if handle and (volume := backup.cluster.longhorn.volume(handle)):
                yield _state("restore", volume)


def _state(role: str, volume: LonghornVolume) -> VolumeState:
    return VolumeState(volume.name, role, volume.status.state, volume.status.robustness)


def _handle(backup: Backup, pvc: PersistentVolumeClaim) -> str | None:
    """The name of the PVC's Longhorn volume: a statically made PV may name it differently from itself."""
    volume = backup.cluster.core.volumes.get(pvc.spec.volume_name)
    csi = volume.spec.csi if volume else None
    return csi.volume_handle if csi and csi.driver == DRIVER else None


def _condition(volume: LonghornVolume) -> str:
    if volume.status.state == "detached":
        return "at rest"
    return f"{volume.status.state} and {volume.status.robustness}"


def _problem(backup: Backup, one: Serving) -> Problem | None:
    volume = one.volume
    if volume is None:
        return _missing(backup, one)
    status = volume.status
    what = f"Longhorn volume {volume.name} ({one.role} of PVC {one.pvc.name})"
    names = {"volume": volume.name, "node": status.current_node_id}
    since = _wanted_since(backup, one)
    stuck = _stuck_for(backup, one, status.state)
    if status.robustness == "faulted" or (stuck and _has_died(backup, one, volume)):
        how = "is faulted" if status.robustness == "faulted" else f"keeps faulting: it is {status.state} once more"
        return backup.problem(
            Cause.VOLUME_FAULTED,
            f"{what} {how}.",
            scopes=(scope.volume(volume.name), scope.storage(DRIVER)),
            variant=one.role,
            since=since,
            names=names,
        )
    if status.state == "attached" and status.robustness == "unknown":
        reason = f"{what} is attached to {status.current_node_id or 'a node'}, and its engine does not answer."
        return backup.problem(
            Cause.VOLUME_UNREACHABLE, reason, scopes=(scope.volume(volume.name), scope.storage(DRIVER)), names=names
        )
    if stuck:
        reason = f"{what} has been wanted for {format_duration(stuck)} and is {status.state or 'not there yet'}."
        return backup.problem(
            Cause.VOLUME_STUCK,
            reason,
            scopes=(scope.volume(volume.name), scope.storage(DRIVER)),
            since=since,
            names=names,
        )
    if status.state == "attached" and status.robustness == "degraded":
        degraded = moment_of(status.last_degraded_at)
        return backup.problem(
            Cause.VOLUME_DEGRADED,
            f"{what} is degraded.",
            scopes=(scope.volume(volume.name), scope.storage(DRIVER)),
            since=degraded,
            names=names,
        )
    return None


def _missing(backup: Backup, one: Serving) -> Problem | None:
    if _is_malformed(backup, one):
        return None
    reason = f"PVC {one.pvc.name} ({one.role}) is bound to Longhorn volume {one.handle}, which does not exist."
    return backup.problem(Cause.VOLUME_MISSING, reason, names={"volume": one.handle})


def _is_malformed(backup: Backup, one: Serving) -> bool:
    return any(bad.name == one.handle for bad in backup.cluster.longhorn.volumes.malformed)


def _stuck_for(backup: Backup, one: Serving, state: str) -> timedelta | None:
    """For how long the volume has been wanted and not attached, once that is too long."""
    since = _wanted_since(backup, one)
    if state == "attached" or since is None:
        return None
    waiting = backup.at - since
    return waiting if waiting > backup.settings.grace.volume_attach else None


def _has_died(backup: Backup, one: Serving, volume: LonghornVolume) -> bool:
    """Whether the volume was faulted since it has been wanted.

    Between two attempts, about every two minutes, it is not faulted for a moment: that is the same fault.
    """
    died, since = moment_of(volume.status.remount_requested_at), _wanted_since(backup, one)
    return died is not None and since is not None and died >= since


def _wanted_since(backup: Backup, one: Serving) -> datetime | None:
    """Since when something waits for the volume: a VolumeAttachment, a mover pod that is not running yet, or the sync.

    All of them keep their age while the volume flaps, which the volume's own state does not.
    """
    attachments = backup.cluster.core.attachments_of(one.pvc.spec.volume_name)
    moments = [created(attachment) for attachment in attachments if not attachment.metadata.deletion_timestamp]
    moments += [
        created(pod)
        for pod in backup.pods
        if pod.status.phase == "Pending" and pod.spec.node_name and _mounts(pod.spec.volumes or (), one.pvc.name)
    ]
    if one.volume and _is_in_use(one.volume):
        moments.append(backup.status.last_sync_start_time)
    return min((moment for moment in moments if moment), default=None)


def _is_in_use(volume: LonghornVolume) -> bool:
    """Whether Longhorn knows of a pod that wants the volume now; what it knows of past ones stays on the volume."""
    known = volume.status.kubernetes_status
    pods = (known.workloads_status if known and not known.last_pod_ref_at else None) or ()
    return any(pod.pod_status not in ("Succeeded", "Failed") for pod in pods)


def _mounts(volumes: tuple[object, ...], claim: str) -> bool:
    return any(getattr(getattr(v, "persistent_volume_claim", None), "claim_name", None) == claim for v in volumes)
