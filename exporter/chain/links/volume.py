"""Is the PVC bound, and are the Longhorn volumes that the backup needs fit to be attached?

A detached volume rests in robustness `unknown`: that is no fault. Attached and `unknown` is one
(longhorn-manager `controller/volume_controller.go`).
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from exporter.chain import nodes, scope, unbound
from exporter.chain.backup import Backup, broken, claims_of, created, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.instants import moment_of
from exporter.chain.longhorn import clone_state, handle_of, no_room, share_fault
from exporter.chain.now import Age
from exporter.chain.scope import Scope
from exporter.chain.text import one_line, sign_of
from exporter.chain.verdict import LinkVerdict, Problem, VolumeState
from exporter.durations import format_duration
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.longhorn.facts import DRIVER
from exporter.facts.cluster.longhorn.objects import LonghornVolume


class ServingVolume(msgspec.Struct, frozen=True):
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
    if problem := unbound.problem_of(backup):
        return broken(Link.VOLUME, problem)
    if not listing.applies:
        return None
    if not backup.cluster.core.volumes.known and backup.cluster.core.volumes.applies:
        return unknown(Link.VOLUME, f"PersistentVolumes could not be read: {backup.cluster.core.volumes.detail}.")
    if backup.pvc is not None and backup.cluster.core.volumes.malformed_in("", backup.pvc.spec.volume_name):
        return unknown(Link.VOLUME, f"PersistentVolume {backup.pvc.spec.volume_name} could not be understood.")
    serving = volumes_of(backup)
    if not serving:
        return None
    if not listing.known:
        return unknown(Link.VOLUME, f"Longhorn's volumes could not be read: {listing.unread}.")
    if problems := [problem for one in serving if (problem := _problem(backup, one))]:
        return broken(Link.VOLUME, *problems)
    if any(backup.cluster.longhorn.is_malformed(one.handle) for one in serving):
        return unknown(Link.VOLUME, "A Longhorn volume of the claim could not be understood.")
    return ok(Link.VOLUME, "; ".join(f"{one.role} volume {_condition(one.volume)}" for one in serving if one.volume))


def volumes_of(backup: Backup) -> tuple[ServingVolume, ...]:
    """The data volume, the mover's cache and its copy, as far as Longhorn holds them."""
    return backup.once(_volumes_of)


def _volumes_of(backup: Backup) -> tuple[ServingVolume, ...]:
    return tuple(_serving(backup))


def _serving(backup: Backup) -> Iterator[ServingVolume]:
    for role, pvc in (("data", backup.pvc), ("cache", backup.cache), ("copy", backup.copy)):
        if pvc is not None and (handle := handle_of(backup.cluster, pvc)):
            yield ServingVolume(role, pvc, handle, backup.cluster.longhorn.volume(handle))


def states_of(backup: Backup) -> Iterator[VolumeState]:
    """What is published of them, and of the volumes that a restore fills."""
    for one in volumes_of(backup):
        if one.volume:
            yield _state(one.role, one.volume)
    for destination in backup.destinations:
        for pvc in backup.cluster.core.claims.owned_by(destination, "ReplicationDestination"):
            handle = handle_of(backup.cluster, pvc)
            if handle and (volume := backup.cluster.longhorn.volume(handle)):
                yield _state("restore", volume)


def _state(role: str, volume: LonghornVolume) -> VolumeState:
    return VolumeState(volume.name, role, volume.status.state, volume.status.robustness)


def _condition(volume: LonghornVolume) -> str:
    if volume.status.state == "detached":
        return "detached"
    return f"{volume.status.state} and {volume.status.robustness}"


def _problem(backup: Backup, one: ServingVolume) -> Problem | None:
    volume = one.volume
    if volume is None:
        return _missing(backup, one)
    return (
        _faulted(backup, one, volume)
        or _unreachable(backup, one, volume)
        or _stuck(backup, one, volume)
        or _unshared(backup, one, volume)
        or _degraded(backup, one, volume)
    )


def _what(one: ServingVolume, volume: LonghornVolume) -> str:
    return f"Longhorn volume {volume.name} ({one.role} of PVC {one.pvc.name})"


def _names(volume: LonghornVolume) -> dict[str, str]:
    return {"volume": volume.name, "node": volume.status.current_node_id}


def _scopes(volume: LonghornVolume) -> tuple[Scope, ...]:
    return (scope.volume(volume.name), scope.storage(DRIVER))


def _faulted(backup: Backup, one: ServingVolume, volume: LonghornVolume) -> Problem | None:
    state, is_faulted = volume.status.state, volume.status.robustness == "faulted"
    if not is_faulted and not (_stuck_for(backup, one, state) and _has_died(backup, one, volume)):
        return None
    how = "is faulted" if is_faulted else f"keeps faulting: it is {state} again"
    return backup.problem(
        Cause.VOLUME_FAULTED,
        f"{_what(one, volume)} {how}.",
        scopes=_scopes(volume),
        variant=one.role,
        since=_wanted_since(backup, one),
        names=_names(volume),
    )


def _unreachable(backup: Backup, one: ServingVolume, volume: LonghornVolume) -> Problem | None:
    """Where the node is lost, it is what is broken, with everything on it, and also what it does not let go of."""
    is_attached = volume.status.state == "attached"
    if is_attached and volume.status.robustness != "unknown":
        return None
    node = volume.status.current_node_id or _holder(backup, one)
    is_lost = nodes.is_lost(backup.cluster.core, node)
    if not is_attached and not (is_lost and _stuck_for(backup, one, volume.status.state)):
        return None
    how = "attached to" if is_attached else "held by"
    why = "the node does not answer" if is_lost else "its engine does not answer"
    on_node = (scope.node(node),) if node else ()
    return backup.problem(
        Cause.VOLUME_UNREACHABLE,
        f"{_what(one, volume)} is {how} {node or 'a node'}, and {why}.",
        scopes=on_node if is_lost else (scope.volume(volume.name), *on_node, scope.storage(DRIVER)),
        since=nodes.lost_since(backup.cluster.core, node) if is_lost else None,
        names=_names(volume),
    )


def _holder(backup: Backup, one: ServingVolume) -> str:
    """A node that is lost and still holds an attachment of the volume; empty where there is none."""
    core = backup.cluster.core
    held_by = (attachment.spec.node_name for attachment in core.attachments_of(one.pvc.spec.volume_name))
    return next((node for node in held_by if nodes.is_lost(core, node)), "")


def _stuck(backup: Backup, one: ServingVolume, volume: LonghornVolume) -> Problem | None:
    """A copy that Longhorn is still making is no stuck volume, nor a copy that it could not make: see `copies`."""
    stuck = _stuck_for(backup, one, volume.status.state)
    if not stuck or (one.role == "copy" and clone_state(volume)):
        return None
    why = no_room(volume)
    reason = f"{_what(one, volume)} has been needed for {format_duration(stuck)} and is"
    state = volume.status.state or "not created yet"
    return backup.problem(
        Cause.VOLUME_STUCK,
        f"{reason} {state}: {one_line(why)}." if why else f"{reason} {state}.",
        scopes=_scopes(volume),
        sign=sign_of(why),
        variant="no_room" if why else "",
        since=_wanted_since(backup, one),
        names=_names(volume),
    )


def _unshared(backup: Backup, one: ServingVolume, volume: LonghornVolume) -> Problem | None:
    """Its pods mount an RWX volume from its share manager, wherever they run: their nodes have no part in it."""
    why = share_fault(volume)
    since = _wanted_since(backup, one) if why else None
    if since is None or backup.at - since <= backup.settings.grace.volume_attach:
        return None
    waiting = format_duration(backup.at - since)
    return backup.problem(
        Cause.VOLUME_STUCK,
        f"{_what(one, volume)} has been needed for {waiting}, and {why}.",
        scopes=_scopes(volume),
        sign="share manager",
        variant="share",
        since=since,
        names=_names(volume),
    )


def _degraded(backup: Backup, one: ServingVolume, volume: LonghornVolume) -> Problem | None:
    """A clone is degraded until it is done."""
    status = volume.status
    if status.state != "attached" or status.robustness != "degraded" or clone_state(volume):
        return None
    why = no_room(volume)
    return backup.problem(
        Cause.VOLUME_DEGRADED,
        f"{_what(one, volume)} is degraded" + (f": {one_line(why)}." if why else "."),
        scopes=_scopes(volume),
        sign=sign_of(why),
        since=moment_of(status.last_degraded_at),
        names=_names(volume),
    )


def _missing(backup: Backup, one: ServingVolume) -> Problem | None:
    namespace = backup.settings.chain.longhorn_namespace
    if not backup.cluster.longhorn.volumes.lacks(one.handle, namespace, wanted_since=created(one.pvc)):
        return None
    reason = f"PVC {one.pvc.name} ({one.role}) is bound to Longhorn volume {one.handle}, which does not exist."
    return backup.problem(Cause.VOLUME_MISSING, reason, names={"volume": one.handle})


def _stuck_for(backup: Backup, one: ServingVolume, state: str) -> Age | None:
    """For how long the volume has been wanted and not attached, once that is too long."""
    since = _wanted_since(backup, one) if state != "attached" else None
    if since is None:
        return None
    waiting = backup.at - since
    return waiting if waiting > backup.settings.grace.volume_attach else None


def _has_died(backup: Backup, one: ServingVolume, volume: LonghornVolume) -> bool:
    """Whether the volume was faulted since it has been wanted.

    Between two attempts, about every two minutes, it is not faulted for a moment: that is the same fault.
    """
    died, since = moment_of(volume.status.remount_requested_at), _wanted_since(backup, one)
    return died is not None and since is not None and died >= since


def _wanted_since(backup: Backup, one: ServingVolume) -> datetime | None:
    """Since when something waits for the volume: a VolumeAttachment, a mover pod that is not running yet, or the sync.

    All of them keep their age while the volume flaps, which the volume's own state does not.
    """
    attachments = backup.cluster.core.attachments_of(one.pvc.spec.volume_name)
    moments = [created(attachment) for attachment in attachments if not attachment.metadata.deletion_timestamp]
    moments += [
        created(pod)
        for pod in backup.pods
        if pod.status.phase == "Pending" and pod.spec.node_name and one.pvc.name in claims_of(pod)
    ]
    if one.volume and _is_in_use(one.volume) and not _waits_for_a_node(backup):
        moments.append(backup.status.last_sync_start_time)
    return min((moment for moment in moments if moment), default=None)


def _waits_for_a_node(backup: Backup) -> bool:
    """Whether the mover's pod has no node yet: nothing attaches a volume before that."""
    return bool(backup.pods) and backup.pods[0].status.phase == "Pending" and not backup.pods[0].spec.node_name


def _is_in_use(volume: LonghornVolume) -> bool:
    """Whether Longhorn knows of a pod that wants the volume now; what it knows of past ones stays on the volume."""
    known = volume.status.kubernetes_status
    pods = (known.workloads_status if known and not known.last_pod_ref_at else None) or ()
    return any(pod.pod_status not in ("Succeeded", "Failed") for pod in pods)
