"""Does the mover run, and if not, why?

While a mover hangs or fails, the source's status keeps the result of the last run that ended: the Job and its pods
tell. VolSync takes the result over only after eight failed pods, and then deletes the Job and makes a new one
(volsync `internal/controller/mover/restic/mover.go`).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from exporter.chain import mover_log, scope
from exporter.chain.backup import SOURCE, Backup, broken, created, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.mover_log import FEW_FAILURES, end_of
from exporter.chain.scope import Scope
from exporter.chain.text import one_line
from exporter.chain.verdict import LinkVerdict, Problem
from exporter.durations import format_duration
from exporter.facts.cluster.core.objects import ContainerStatus, Pod
from exporter.facts.cluster.object_list import MalformedObject, ObjectList, first_unread
from exporter.facts.cluster.wire import Object

_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_MISCONFIGURED = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_STORE_FAULTS = (Cause.REPOSITORY_UNREACHABLE, Cause.REPOSITORY_FULL)
_STORE_SIDE = (Cause.REPOSITORY_PASSWORD, Cause.REPOSITORY_LOCKED)
"""The claim's own fault, or that of its store where it hits several."""


def judge(backup: Backup) -> LinkVerdict | None:
    if backup.source is None or backup.source.spec.method == "syncthing":
        return None
    if not backup.is_syncing:
        return _idle(backup)
    if backup.source.spec.paused:
        return None
    if problem := _copy(backup) or _failing(backup) or _waiting(backup):
        return broken(Link.MOVER, problem)
    if failed := first_unread(*_needed(backup)):
        return unknown(Link.MOVER, f"What the mover does could not be read: {failed.unread}.")
    if malformed := _malformed(backup):
        return unknown(Link.MOVER, f"{malformed.kind} {malformed.name} could not be understood.")
    if problem := _slow(backup):
        return broken(Link.MOVER, problem)
    without = "" if backup.job else ", and has no Job yet"
    return ok(Link.MOVER, f"A sync has been under way for {format_duration(backup.sync_age)}{without}.")


def _needed(backup: Backup) -> tuple[ObjectList[Object], ...]:
    """The lists that tell what the mover waits for."""
    return (backup.cluster.core.jobs, backup.cluster.core.pods, *(_copies(backup) if backup.job is None else ()))


def _copies(backup: Backup) -> tuple[ObjectList[Object], ...]:
    cluster = backup.cluster
    copies: dict[str | None, ObjectList[Object]] = {
        "Snapshot": cluster.snapshots.snapshots,
        "Clone": cluster.core.claims,
    }
    method = backup.source.spec.mover.copy_method if backup.source else None
    return (copies[method],) if method in copies else ()


def _malformed(backup: Backup) -> MalformedObject | None:
    """An object of the namespace that may be the one that is missing here: the Job, its pod, or the copy."""
    cluster = backup.cluster
    missing: list[ObjectList[Object]] = [cluster.core.pods] if backup.job and not backup.pods else []
    if backup.job is None:
        missing = [cluster.core.jobs, *_copies(backup)]
    return next((bad for listing in missing if (bad := listing.malformed_in(backup.namespace))), None)


def _idle(backup: Backup) -> LinkVerdict:
    if backup.last_failed:
        cause = backup.log_cause or Cause.MOVER_FAILING
        return broken(Link.MOVER, _of_log(backup, cause))
    return ok(Link.MOVER, "No sync is under way.")


# --- waiting for the copy


def _copy(backup: Backup) -> Problem | None:
    """A snapshot or clone that is not ready, or that cannot become so."""
    for name, error, since in _unready_copies(backup):
        waited = backup.at - (since or backup.status.last_sync_start_time or backup.at)
        if error or waited > backup.settings.grace.copy_ready:
            reason = f"{name} has not been ready for {format_duration(waited)}" + (
                f": {one_line(error)}." if error else "."
            )
            names = {"copy": name.split()[-1]}
            return backup.problem(Cause.COPY_NOT_READY, reason, scopes=_snapshotter(backup), since=since, names=names)
    return None


def _snapshotter(backup: Backup) -> tuple[Scope, ...]:
    """The claim, and the driver that makes its copies."""
    driver = backup.driver
    return (backup.scope, scope.storage(driver)) if driver else (backup.scope,)


def _unready_copies(backup: Backup) -> Iterator[tuple[str, str, datetime | None]]:
    if backup.source is None:
        return
    for snapshot in backup.cluster.snapshots.snapshots.owned_by(backup.source, SOURCE):
        if snapshot.status is None or not snapshot.status.ready_to_use:
            error = snapshot.status.error.message if snapshot.status and snapshot.status.error else ""
            yield f"VolumeSnapshot {snapshot.name}", error, created(snapshot)
    copy = backup.copy
    if copy is not None and copy.status.phase == "Pending" and backup.job is None:
        yield f"PVC {copy.name}", "", created(copy)


# --- failing


def _failing(backup: Backup) -> Problem | None:
    """By the last log once VolSync has taken it over, else by how the Job's pods ended."""
    if backup.last_failed:
        named = backup.log_cause
        return _of_log(backup, named or _cause_of_pods(backup) or Cause.MOVER_FAILING)
    failures = backup.job.status.failed if backup.job else 0
    failed = [pod for pod in backup.pods if pod.status.phase == "Failed"]
    cause = _cause_of_pods(backup)
    if cause is None and max(failures, len(failed)) < FEW_FAILURES:
        return None
    end = end_of(failed[0]) if failed else None
    told = f", exit code {end.exit_code}" if end else ""
    reason = (
        f"The mover of {backup.source_name} has failed {max(failures, len(failed))} times since the sync began{told}."
    )
    return _problem(backup, cause or Cause.MOVER_FAILING, reason)


def _cause_of_pods(backup: Backup) -> Cause | None:
    """The cause that the newest failed pod names."""
    ends = (end for pod in backup.pods if pod.status.phase == "Failed" and (end := end_of(pod)))
    end = next(ends, None)
    return mover_log.cause_of_end(end) if end else None


def _of_log(backup: Backup, cause: Cause) -> Problem:
    words = one_line(mover_log.last_words(backup.last_log)) or "it left no log"
    return _problem(backup, cause, f"The mover of {backup.source_name} fails: {words}.")


def _problem(backup: Backup, cause: Cause, reason: str) -> Problem:
    scopes = backup.stores if cause in _STORE_FAULTS else (backup.scope, *backup.stores) if cause in _STORE_SIDE else ()
    variant = backup.manager if cause is Cause.REPOSITORY_SECRET_MISSING else ""
    return backup.problem(cause, reason, scopes=scopes, since=backup.status.last_sync_start_time, variant=variant)


# --- waiting to run


def _waiting(backup: Backup) -> Problem | None:
    """A pod that no node takes, or that does not start where it was placed."""
    pod = backup.pods[0] if backup.pods else None
    if pod is None:
        return None
    if pod.metadata.deletion_timestamp:
        return _lost(backup, pod, pod.metadata.deletion_timestamp)
    if pod.status.phase != "Pending":
        return None
    if image := _waits_for_image(pod):
        return backup.problem(Cause.MOVER_IMAGE, image, scopes=(scope.OPERATOR,), since=created(pod))
    waited = _waited(backup, pod)
    if waited <= backup.settings.grace.mover_start:
        return None
    since = backup.at - waited
    if not pod.spec.node_name:
        return _unschedulable(backup, pod, since)
    reason = f"Mover pod {pod.name} has not started on {pod.spec.node_name} for {format_duration(waited)}"
    return backup.problem(
        Cause.MOVER_STUCK,
        f"{reason}: {_told(backup, pod)}." if _told(backup, pod) else f"{reason}.",
        scopes=() if _is_misconfigured(pod) else (scope.node(pod.spec.node_name),),
        since=since,
    )


def _lost(backup: Backup, pod: Pod, deleted: datetime) -> Problem | None:
    """A pod whose node is gone goes on to look as it did, and no other takes its place until it is removed."""
    waited = backup.at - deleted
    if waited <= backup.settings.grace.mover_start or not pod.spec.node_name:
        return None
    reason = f"Mover pod {pod.name} has been terminating on {pod.spec.node_name} for {format_duration(waited)}."
    return backup.problem(Cause.MOVER_STUCK, reason, scopes=(scope.node(pod.spec.node_name),), since=deleted)


def _is_misconfigured(pod: Pod) -> bool:
    """Whether the pod would not start on any node."""
    waiting = (container.state.waiting for container in _containers(pod))
    return any(w is not None and w.reason in _MISCONFIGURED for w in waiting)


def _waited(backup: Backup, pod: Pod) -> timedelta:
    """How long the mover has waited to run, over all its pods where none ever ran.

    A pod that is made anew (a node was lost, a Job replaced) is young; the sync that it belongs to is not. Where a
    snapshot or clone had to be made first, the Job says when that was done.
    """
    ever_ran = backup.last_failed or any(end_of(other) for other in backup.pods)
    is_copied = backup.source is not None and backup.source.spec.mover.copy_method in ("Snapshot", "Clone")
    begun = created(backup.job) if is_copied else backup.status.last_sync_start_time
    since = created(pod) if ever_ran or begun is None else begun
    return backup.at - since if since else timedelta(0)


def _waits_for_image(pod: Pod) -> str | None:
    for container in _containers(pod):
        waiting = container.state.waiting
        if waiting and waiting.reason in _IMAGE:
            return f"Mover pod {pod.name}: {one_line(waiting.message or waiting.reason)}."
    return None


def _containers(pod: Pod) -> tuple[ContainerStatus, ...]:
    return (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ()))


def _unschedulable(backup: Backup, pod: Pod, since: datetime) -> Problem:
    """Pinned to a node (VolSync pins a Direct copy to the node of the volume's user), that node is what is short."""
    conditions = pod.status.conditions or ()
    told = next((c.message for c in conditions if c.type == "PodScheduled" and c.status == "False"), "")
    node = (pod.spec.node_selector or {}).get("kubernetes.io/hostname", "")
    reason = f"Mover pod {pod.name} is not scheduled: {one_line(told) or 'no node was found'}."
    return backup.problem(Cause.MOVER_UNSCHEDULABLE, reason, scopes=(scope.node(node),) if node else (), since=since)


def _told(backup: Backup, pod: Pod) -> str:
    """What the pod's newest event or its container says it waits for."""
    events = backup.cluster.core.complaints_about(pod)
    if events:
        return one_line(events[-1].text)
    reasons = (c.state.waiting.message or c.state.waiting.reason for c in _containers(pod) if c.state.waiting)
    return one_line(next(reasons, ""))


# --- running, for too long


def _slow(backup: Backup) -> Problem | None:
    """Measured from the pod's start: the sync may have waited for long."""
    since = backup.running_since
    if since is None or backup.at - since <= backup.usual_run:
        return None
    reason = f"The mover of {backup.source_name} has been running for {format_duration(backup.at - since)}."
    return backup.problem(Cause.MOVER_SLOW, reason, scopes=(backup.scope, *backup.stores), since=since)
