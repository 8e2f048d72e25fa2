"""A mover's pod that does not start: no node takes it, its image is not pulled, or it hangs where it was placed."""

from collections.abc import Iterator
from datetime import datetime

from exporter.chain import nodes, scope
from exporter.chain.backup import Backup, claims_of, created, is_running
from exporter.chain.causes import Cause
from exporter.chain.mover import copies, scheduling
from exporter.chain.mover_log import end_of
from exporter.chain.scope import Scope
from exporter.chain.text import one_line, sign_of
from exporter.chain.verdict import Problem
from exporter.durations import format_duration
from exporter.facts.cluster.core.objects import ContainerStatus, PersistentVolumeClaim, Pod

_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
_MISCONFIGURED = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")


def problem_of(backup: Backup) -> Problem | None:
    """Why the newest pod does not run, once it has had time to."""
    pod = backup.pods[0] if backup.pods else None
    if pod is None:
        return None
    if pod.metadata.deletion_timestamp:
        return _lost(backup, pod, pod.metadata.deletion_timestamp)
    if pod.status.phase != "Pending" or is_running(pod):
        return None
    if image := _waits_for_image(pod):
        return backup.problem(Cause.MOVER_IMAGE, image, scopes=(scope.OPERATOR,), since=created(pod))
    since = _waiting_since(backup, pod)
    if since is None or backup.at - since <= backup.settings.grace.mover_start:
        return None
    if next(copies.unready(backup), None) is not None or copies.is_open(backup):
        return None  # which waits for its copy, and that has its own time
    return _hanging(backup, pod, since) if pod.spec.node_name else scheduling.problem_of(backup, pod)


def _waiting_since(backup: Backup, pod: Pod) -> datetime | None:
    """Since when the mover has waited to run: over all pods of its Job where none ever ran, else since this one's.

    A pod that is made again (its node was lost) is young, its Job is not. A Job that is made again has all its time.
    """
    ever_ran = backup.last_failed or any(end_of(other) for other in backup.pods)
    return created(pod) if ever_ran else created(backup.job) or created(pod)


def _waits_for_image(pod: Pod) -> str | None:
    for container in _containers(pod):
        waiting = container.state.waiting
        if waiting and waiting.reason in _IMAGE:
            return f"Mover pod {pod.name}: {one_line(waiting.message or waiting.reason)}."
    return None


def _containers(pod: Pod) -> tuple[ContainerStatus, ...]:
    return (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ()))


# --- placed on a node


def _lost(backup: Backup, pod: Pod, deleted: datetime) -> Problem | None:
    """A pod whose node is gone goes on to look as it did, and no other takes its place until it is removed."""
    waited = backup.at - deleted
    if waited <= backup.settings.grace.mover_start or not pod.spec.node_name:
        return None
    reason = f"Mover pod {pod.name} has been terminating on {pod.spec.node_name} for {format_duration(waited)}."
    return _on_node(backup, reason, pod.spec.node_name, deleted)


def _on_node(backup: Backup, reason: str, node: str, since: datetime | None) -> Problem:
    is_lost = nodes.is_lost(backup.cluster.core, node)
    return backup.problem(
        Cause.MOVER_STUCK,
        reason,
        scopes=(scope.node(node),),
        since=since,
        variant="node" if is_lost else "",
        names={"node": node},
    )


def _hanging(backup: Backup, pod: Pod, since: datetime) -> Problem:
    core, waited = backup.cluster.core, backup.at - since
    told = _waits_for(backup, pod)
    reason = f"Mover pod {pod.name} has not started on {pod.spec.node_name} for {format_duration(waited)}"
    full = f"{reason}: {told}." if told else f"{reason}."
    if nodes.is_lost(core, pod.spec.node_name):
        return _on_node(backup, f"{reason}: the node does not answer.", pod.spec.node_name, since)
    if holder := next((node for node in _other_holders(backup, pod) if nodes.is_lost(core, node)), None):
        return _on_node(backup, f"{reason}: {holder}, which does not answer, still holds its volume.", holder, since)
    return backup.problem(
        Cause.MOVER_STUCK,
        full,
        scopes=_scopes(backup, pod),
        sign=sign_of(_words(backup, pod), backup.namespace, backup.pvc_name, backup.source_name),
        since=since,
    )


def _scopes(backup: Backup, pod: Pod) -> tuple[Scope, ...]:
    """The volume that is complained of, and its driver; else the node, unless the pod would start on none."""
    waiting = (container.state.waiting for container in _containers(pod))
    if any(w is not None and w.reason in _MISCONFIGURED for w in waiting):
        return (backup.scope,)
    words = _words(backup, pod)
    pvc = next((pvc for volume, pvc in _volumes(backup, pod) if _is_about(words, volume, pvc)), None)
    if pvc is None:
        return (backup.scope,) if "MountVolume" in words else (scope.node(pod.spec.node_name),)
    driver = backup.cluster.core.driver_of(pvc)
    is_shared = "ReadWriteMany" in (pvc.spec.access_modes or ()) or "Multi-Attach" in words
    on_node = () if is_shared else (scope.node(pod.spec.node_name),)
    return (scope.volume(pvc.spec.volume_name), *on_node, *((scope.storage(driver),) if driver else ()))


def _is_about(words: str, volume: str, pvc: PersistentVolumeClaim) -> bool:
    """Whether *words* are about the PVC: they name its PersistentVolume, or list the pod's volume as unmounted."""
    unmounted = words.partition("unmounted volumes=[")[2].partition("]")[0].split()
    return bool(pvc.spec.volume_name) and (pvc.spec.volume_name in words or volume in unmounted)


def _volumes(backup: Backup, pod: Pod) -> Iterator[tuple[str, PersistentVolumeClaim]]:
    """The pod's PVCs by the names of its volumes."""
    for mounted in pod.spec.volumes or ():
        source = mounted.persistent_volume_claim
        if source and (pvc := backup.cluster.core.pvcs.get((pod.namespace, source.claim_name))):
            yield mounted.name, pvc


def _other_holders(backup: Backup, pod: Pod) -> Iterator[str]:
    """Other nodes that a volume of the pod is attached to."""
    core = backup.cluster.core
    for name in claims_of(pod):
        pvc = core.pvcs.get((pod.namespace, name))
        for attachment in core.attachments_of(pvc.spec.volume_name) if pvc and pvc.spec.volume_name else ():
            if attachment.spec.node_name != pod.spec.node_name:
                yield attachment.spec.node_name


def _words(backup: Backup, pod: Pod) -> str:
    """What the attacher or the kubelet says of the pod's volumes: what stands on an attachment lasts longest."""
    core = backup.cluster.core
    for _, pvc in _volumes(backup, pod):
        for attachment in core.attachments_of(pvc.spec.volume_name):
            error = attachment.status.attach_error
            if error and error.message and not attachment.status.attached:
                return f'AttachVolume failed for volume "{pvc.spec.volume_name}" : {error.message}'
    events = core.complaints_about(pod)
    return events[-1].text if events else ""


def _waits_for(backup: Backup, pod: Pod) -> str:
    """What the pod's newest event or its container says it waits for."""
    if words := _words(backup, pod):
        return one_line(words)
    reasons = (c.state.waiting.message or c.state.waiting.reason for c in _containers(pod) if c.state.waiting)
    return one_line(next(reasons, ""))
