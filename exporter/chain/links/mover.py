"""Does the mover run, and if not, why?

While a mover hangs or fails, the source's status keeps the result of the last run that ended: the Job and its pods
tell. VolSync takes the result over only after eight failed pods, and then deletes the Job and makes a new one
(volsync `internal/controller/mover/restic/mover.go`).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from exporter.chain import movers
from exporter.chain.case import SOURCE, Case, broken, created, ok, one_line, unknown
from exporter.chain.causes import Cause, Link, Severity
from exporter.chain.movers import FEW_FAILURES, end_of
from exporter.chain.verdict import LinkVerdict, Problem
from exporter.chain.world import unread
from exporter.durations import format_duration
from exporter.facts.model import Listing, Malformed
from exporter.facts.objects import ContainerStatus, Object, Pod

_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
_MISCONFIGURED = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_TOLD_WITHIN = timedelta(minutes=45)
"""Within it eight pods have failed, and VolSync has told why (28 minutes apart where that was watched). Until then a
failure without a known reason is worth no page: a store that is down would have one for each claim."""
_SLOW = 3
"""So many times as long as the last run is slow."""
_STORE_FAULTS = (Cause.REPOSITORY_UNREACHABLE, Cause.REPOSITORY_FULL)


def judge(case: Case) -> LinkVerdict | None:
    if case.source is None or case.source.spec.method == "syncthing":
        return None
    if not case.is_syncing:
        return _idle(case)
    if case.source.spec.paused:
        return None
    if problem := _copy(case) or _failing(case) or _waiting(case):
        return broken(Link.MOVER, problem)
    if failed := unread(*_needed(case)):
        return unknown(Link.MOVER, f"What the mover does could not be read: {failed.detail or failed.reason}.")
    if garbled := _garbled(case):
        return unknown(Link.MOVER, f"{garbled.kind} {garbled.name} could not be understood.")
    if problem := _slow(case):
        return broken(Link.MOVER, problem)
    without = "" if case.job else ", and has no Job yet"
    return ok(Link.MOVER, f"A sync has been under way for {format_duration(case.sync_age)}{without}.")


def _needed(case: Case) -> tuple[Listing[Object], ...]:
    """The lists that tell what the mover waits for."""
    return (case.world.cluster.jobs, case.world.cluster.pods, *(_copies(case) if case.job is None else ()))


def _copies(case: Case) -> tuple[Listing[Object], ...]:
    cluster = case.world.cluster
    copies: dict[str | None, Listing[Object]] = {"Snapshot": cluster.snapshots, "Clone": cluster.claims}
    method = case.source.spec.mover.copy_method if case.source else None
    return (copies[method],) if method in copies else ()


def _garbled(case: Case) -> Malformed | None:
    """An object of the namespace that may be the one that is missing here: the Job, its pod, or the copy."""
    cluster = case.world.cluster
    missing: list[Listing[Object]] = [cluster.pods] if case.job and not case.pods else []
    if case.job is None:
        missing = [cluster.jobs, *_copies(case)]
    return next((bad for listing in missing if (bad := listing.garbled(case.namespace))), None)


def _idle(case: Case) -> LinkVerdict:
    if case.last_failed:
        cause = movers.cause_of_log(case.last_log) or Cause.MOVER_FAILING
        return broken(Link.MOVER, _of_log(case, cause))
    return ok(Link.MOVER, "No sync is under way.")


# --- waiting for the copy


def _copy(case: Case) -> Problem | None:
    """A snapshot or clone that is not ready, or that cannot become so."""
    for name, error, since in _unready_copies(case):
        waited = case.at - (since or case.status.last_sync_start_time or case.at)
        if error or waited > case.settings.grace.copy_ready:
            reason = f"{name} has not been ready for {format_duration(waited)}" + (
                f": {one_line(error)}." if error else "."
            )
            names = {"copy": name.split()[-1]}
            return case.problem(Cause.COPY_NOT_READY, reason, scope=_snapshotter(case), since=since, names=names)
    return None


def _snapshotter(case: Case) -> str:
    """The storage class, where the snapshots of several of its claims wait: then it is not the claim's own."""
    storage_class = (case.pvc.spec.storage_class_name if case.pvc else None) or ""
    return f"storageclass/{storage_class}" if case.world.unready_copies[storage_class] > 1 else ""


def _unready_copies(case: Case) -> Iterator[tuple[str, str, datetime | None]]:
    if case.source is None:
        return
    for snapshot in case.world.snapshots_of(case.source, SOURCE):
        if snapshot.status is None or not snapshot.status.ready_to_use:
            error = snapshot.status.error.message if snapshot.status and snapshot.status.error else ""
            yield f"VolumeSnapshot {snapshot.name}", error, created(snapshot)
    copy = case.copy
    if copy is not None and copy.status.phase == "Pending" and case.job is None:
        yield f"PVC {copy.name}", "", created(copy)


# --- failing


def _failing(case: Case) -> Problem | None:
    """By the last log once VolSync has taken it over, else by how the Job's pods ended."""
    if case.last_failed:
        named = movers.cause_of_log(case.last_log)
        return _of_log(case, named or _cause_of_pods(case) or Cause.MOVER_FAILING)
    failures = case.job.status.failed if case.job else 0
    failed = [pod for pod in case.pods if pod.status.phase == "Failed"]
    cause = _cause_of_pods(case)
    if cause is None and max(failures, len(failed)) < FEW_FAILURES:
        return None
    end = end_of(failed[0]) if failed else None
    told = f", exit code {end.exit_code}" if end else ""
    reason = (
        f"The mover of {case.source_name} has failed {max(failures, len(failed))} times since the sync began{told}."
    )
    if cause is None and case.sync_age <= _TOLD_WITHIN:
        return _problem(case, Cause.MOVER_FAILING, reason, Severity.INFO)
    return _problem(case, cause or Cause.MOVER_FAILING, reason)


def _cause_of_pods(case: Case) -> Cause | None:
    """The cause that the newest failed pod names."""
    ends = (end for pod in case.pods if pod.status.phase == "Failed" and (end := end_of(pod)))
    end = next(ends, None)
    return movers.cause_of_end(end) if end else None


def _of_log(case: Case, cause: Cause) -> Problem:
    words = one_line(movers.last_words(case.last_log, cause)) or "it left no log"
    return _problem(case, cause, f"The mover of {case.source_name} fails: {words}.")


def _problem(case: Case, cause: Cause, reason: str, severity: Severity | None = None) -> Problem:
    is_wide = cause in _STORE_FAULTS or (cause is Cause.REPOSITORY_PASSWORD and case.world.wrong_passwords > 1)
    scope = _store(case) if is_wide else ""
    return case.problem(cause, reason, scope=scope, since=case.status.last_sync_start_time, severity=severity)


def _store(case: Case) -> str:
    """The store as the settings name it, so that every claim names it alike; else as the log does."""
    names = {bucket.name for bucket in case.world.buckets}
    if len(names) == 1:
        return f"bucket/{names.pop()}"
    return movers.store_in(case.last_log) or "store"


# --- waiting to run


def _waiting(case: Case) -> Problem | None:
    """A pod that no node takes, or that does not start where it was placed."""
    pod = case.pods[0] if case.pods else None
    if pod is None:
        return None
    if pod.metadata.deletion_timestamp:
        return _lost(case, pod, pod.metadata.deletion_timestamp)
    if pod.status.phase != "Pending":
        return None
    if image := _waits_for_image(pod):
        return case.problem(Cause.MOVER_IMAGE, image, scope="operator", since=created(pod))
    waited = _waited(case, pod)
    if waited <= case.settings.grace.mover_start:
        return None
    since = case.at - waited
    if not pod.spec.node_name:
        return _unschedulable(case, pod, since)
    reason = f"Mover pod {pod.name} has not started on {pod.spec.node_name} for {format_duration(waited)}"
    return case.problem(
        Cause.MOVER_STUCK,
        f"{reason}: {_told(case, pod)}." if _told(case, pod) else f"{reason}.",
        scope="" if _is_misconfigured(pod) else f"node/{pod.spec.node_name}",
        since=since,
    )


def _lost(case: Case, pod: Pod, deleted: datetime) -> Problem | None:
    """A pod whose node is gone goes on to look as it did, and no other takes its place until it is removed."""
    waited = case.at - deleted
    if waited <= case.settings.grace.mover_start or not pod.spec.node_name:
        return None
    reason = f"Mover pod {pod.name} has been terminating on {pod.spec.node_name} for {format_duration(waited)}."
    return case.problem(Cause.MOVER_STUCK, reason, scope=f"node/{pod.spec.node_name}", since=deleted)


def _is_misconfigured(pod: Pod) -> bool:
    """Whether the pod would not start on any node."""
    waiting = (container.state.waiting for container in _containers(pod))
    return any(w is not None and w.reason in _MISCONFIGURED for w in waiting)


def _waited(case: Case, pod: Pod) -> timedelta:
    """How long the mover has waited to run, over all its pods where none ever ran.

    A pod that is made anew (a node was lost, a Job replaced) is young; the sync that it belongs to is not. Where a
    snapshot or clone had to be made first, the Job says when that was done.
    """
    ever_ran = case.last_failed or any(end_of(other) for other in case.pods)
    is_copied = case.source is not None and case.source.spec.mover.copy_method in ("Snapshot", "Clone")
    begun = created(case.job) if is_copied else case.status.last_sync_start_time
    since = created(pod) if ever_ran or begun is None else begun
    return case.at - since if since else timedelta(0)


def _waits_for_image(pod: Pod) -> str | None:
    for container in _containers(pod):
        waiting = container.state.waiting
        if waiting and waiting.reason in _IMAGE:
            return f"Mover pod {pod.name}: {one_line(waiting.message or waiting.reason)}."
    return None


def _containers(pod: Pod) -> tuple[ContainerStatus, ...]:
    return (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ()))


def _unschedulable(case: Case, pod: Pod, since: datetime) -> Problem:
    """Pinned to a node (VolSync pins a Direct copy to the node of the volume's user), that node is what is short."""
    conditions = pod.status.conditions or ()
    told = next((c.message for c in conditions if c.type == "PodScheduled" and c.status == "False"), "")
    node = (pod.spec.node_selector or {}).get("kubernetes.io/hostname", "")
    reason = f"Mover pod {pod.name} is not scheduled: {one_line(told) or 'no node was found'}."
    return case.problem(Cause.MOVER_UNSCHEDULABLE, reason, scope=f"node/{node}" if node else "", since=since)


def _told(case: Case, pod: Pod) -> str:
    """What the pod's newest event or its container says it waits for."""
    events = case.world.mount_events.get((pod.namespace, pod.name), ())
    if events:
        return one_line(events[-1].text)
    reasons = (c.state.waiting.message or c.state.waiting.reason for c in _containers(pod) if c.state.waiting)
    return one_line(next(reasons, ""))


# --- running, for too long


def _slow(case: Case) -> Problem | None:
    usual = case.last_sync_duration or timedelta(0)
    first = case.objective if case.status.last_sync_time is None else None
    limit = max(case.interval or timedelta(0), _SLOW * usual, first or timedelta(hours=1))
    is_running = any(pod.status.phase == "Running" for pod in case.pods)
    if not is_running or case.sync_age <= limit:
        return None
    reason = f"The mover of {case.source_name} has been running for {format_duration(case.sync_age)}."
    return case.problem(Cause.MOVER_SLOW, reason, since=case.status.last_sync_start_time)
