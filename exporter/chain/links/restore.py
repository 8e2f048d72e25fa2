"""Beside the chain: did the claim's ReplicationDestinations restore, does anything use it, and what does that prove?"""

from datetime import timedelta

from exporter.chain import scope
from exporter.chain.backup import (
    DESTINATION,
    Backup,
    broken,
    duration_of,
    ok,
    synchronizing,
    unknown,
)
from exporter.chain.causes import SYNCHRONISED, Cause, Link
from exporter.chain.instants import earlier
from exporter.chain.kyverno.generated import POLICY
from exporter.chain.mover.failing import STORE_FAULTS
from exporter.chain.mover.scheduling import scheduler_message
from exporter.chain.mover_log import FEW_FAILURES, cause_of_log, last_words, says_nothing_restored
from exporter.chain.recovery import ours, recovery_point
from exporter.chain.restores import unproven
from exporter.chain.scope import Scope
from exporter.chain.text import one_line, sign_of
from exporter.chain.verdict import LinkVerdict, Problem, RestoreVerdict
from exporter.durations import format_duration
from exporter.facts.cluster.core.objects import Job, Pod
from exporter.facts.cluster.object_list import first_unread
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationDestinationStatus

_CONSUMED_WITHIN = timedelta(days=1)
_NO_PROOF = (Cause.RESTORE_FAILING, Cause.RESTORE_STUCK, Cause.RESTORE_EMPTY)
"""What keeps a restore from proving anything."""


def judge(backup: Backup) -> LinkVerdict | None:
    malformed = backup.cluster.volsync.destinations.malformed_in(backup.namespace)
    problems = [problem for destination in backup.destinations if (problem := _problem(backup, destination))]
    if not malformed and not any(problem.cause in _NO_PROOF for problem in problems):
        problems += [problem] if (problem := unproven.problem_of(backup)) else []
    if problems:
        return broken(Link.RESTORE, *problems)
    if not backup.destinations and not malformed:
        return None
    if malformed:
        return unknown(Link.RESTORE, f"ReplicationDestination {malformed.name} could not be understood.")
    unread = first_unread(backup.cluster.core.jobs, backup.cluster.core.pods)
    if unread and any(_status(destination).last_sync_start_time for destination in backup.destinations):
        return unknown(Link.RESTORE, f"The state of a restore's mover could not be read: {unread.unread}.")
    number = len(backup.destinations)
    return ok(Link.RESTORE, "1 restore has no problem." if number == 1 else f"{number} restores have no problem.")


def verdict_of(destination: ReplicationDestination) -> RestoreVerdict:
    """What is published of a ReplicationDestination."""
    status = _status(destination)
    result = status.latest_mover_status.result.lower() if status.latest_mover_status else ""
    if status.last_sync_start_time and result != "failed":
        result = "running"
    return RestoreVerdict(destination.name, status.last_sync_time, status.last_sync_start_time, result or "none")


def _status(destination: ReplicationDestination) -> ReplicationDestinationStatus:
    return destination.status or ReplicationDestinationStatus()


def _log(status: ReplicationDestinationStatus) -> str:
    return status.latest_mover_status.logs if status.latest_mover_status else ""


def _problem(backup: Backup, destination: ReplicationDestination) -> Problem | None:
    return (
        _failing(backup, destination)
        or _stuck(backup, destination)
        or _empty(backup, destination)
        or _stale(backup, destination)
        or _unconsumed(backup, destination)
    )


def _about(backup: Backup, destination: ReplicationDestination) -> dict[str, str]:
    job = backup.cluster.core.job_of(destination, DESTINATION)
    image = _status(destination).latest_image
    return {
        "destination": destination.name,
        "job": job.name if job else f"volsync-dst-{destination.name}",
        "image": image.name if image else "",
    }


def _failing(backup: Backup, destination: ReplicationDestination) -> Problem | None:
    status = _status(destination)
    condition, words = synchronizing(status), ""
    if condition and condition.reason == "Error":
        told = words = condition.message
    elif status.latest_mover_status and status.latest_mover_status.result == "Failed":
        told = words = last_words(_log(status))
    elif failures := _failures(backup, destination):
        told = "its mover has failed once" if failures == 1 else f"its mover has failed {failures} times"
    else:
        return None
    is_of_store = cause_of_log(words) in STORE_FAULTS
    return backup.problem(
        Cause.RESTORE_FAILING,
        f"Restore {destination.name} fails: {one_line(told)}.",
        scopes=(backup.scope, *backup.stores) if is_of_store else _scopes(backup, words),
        sign="" if is_of_store else _sign(backup, destination, words),
        since=status.last_sync_start_time,
        names=_about(backup, destination),
    )


def _failures(backup: Backup, destination: ReplicationDestination) -> int:
    """Failed pods of the restore's Job, once they are too many; VolSync's status tells only of the eighth."""
    if not _status(destination).last_sync_start_time:
        return 0
    job = backup.cluster.core.job_of(destination, DESTINATION)
    failed = job.status.failed if job else 0
    return failed if failed >= FEW_FAILURES else 0


def _stuck(backup: Backup, destination: ReplicationDestination) -> Problem | None:
    """A restore of much data may run for long; one whose pod does not run is stuck."""
    start = _status(destination).last_sync_start_time
    if start is None or destination.spec.paused:
        return None
    if first_unread(backup.cluster.core.jobs, backup.cluster.core.pods):
        return None
    age = backup.at - start
    job = backup.cluster.core.job_of(destination, DESTINATION)
    pods = backup.cluster.core.pods_of(job) if job else ()
    is_running = bool(pods) and pods[0].status.phase == "Running"
    is_waiting = bool(pods) and pods[0].status.phase == "Pending"
    grace = backup.settings.grace
    if is_running or age <= (grace.mover_start if is_waiting else grace.restore):
        return None
    words = _obstacle(backup, job, pods)
    return backup.problem(
        Cause.RESTORE_STUCK,
        f"Restore {destination.name} started {format_duration(age)} ago and is not running.",
        scopes=_scopes(backup, words),
        sign=_sign(backup, destination, words),
        since=start,
        names=_about(backup, destination),
    )


def _obstacle(backup: Backup, job: Job | None, pods: tuple[Pod, ...]) -> str:
    """What keeps a restore's pod from running, as the cluster says it; empty when it says nothing."""
    core = backup.cluster.core
    if pods and (words := scheduler_message(pods[0])):
        return words
    events = core.complaints_about(pods[0]) if pods else core.refusals_of(job) if job else ()
    return events[-1].text if events else ""


def _scopes(backup: Backup, words: str) -> tuple[Scope, ...]:
    """Restores share a fault where the cluster says the same of each; where it says nothing, each has its own."""
    return backup.everywhere if words else (backup.scope,)


def _sign(backup: Backup, destination: ReplicationDestination, words: str) -> str:
    return sign_of(words, destination.name, backup.pvc_name, backup.namespace)


def _empty(backup: Backup, destination: ReplicationDestination) -> Problem | None:
    """Nothing to restore is right for an application's first day, which the bucket can tell: no snapshot is older."""
    status = _status(destination)
    if not says_nothing_restored(_log(status)):
        return None
    place = backup.binding
    if place and place.is_believed and place.bucket and place.repository and status.last_sync_time:
        oldest = ours(place.bucket, place.repository.oldest_snapshot)
        if oldest is not None and oldest > earlier(status.last_sync_time, duration_of(status) or timedelta(0)):
            return None
    return backup.problem(
        Cause.RESTORE_EMPTY,
        f"Restore {destination.name} found no snapshot and left an empty volume.",
        scopes=(backup.scope, *backup.stores),
        since=status.last_sync_time,
        names=_about(backup, destination),
    )


def _stale(backup: Backup, destination: ReplicationDestination) -> Problem | None:
    """The image that new volumes are filled from was made once, by a trigger that will not fire again."""
    status = _status(destination)
    populates = backup.pvc.spec.data_source_ref if backup.pvc else None
    is_populator = populates is not None and populates.kind == DESTINATION and populates.name == destination.name
    trigger = destination.spec.trigger
    is_done = trigger is not None and bool(trigger.manual) and trigger.manual == status.last_manual_sync
    point, _ = recovery_point(backup)
    if not is_populator or not is_done or status.last_sync_time is None or point is None:
        return None
    behind = point - status.last_sync_time
    if behind <= max(backup.objective or timedelta(0), timedelta(days=1)):
        return None
    return backup.problem(
        Cause.RESTORE_STALE,
        f"Restore {destination.name} is {format_duration(behind)} behind the newest backup.",
        scopes=_maker(backup, destination),
        since=status.last_sync_time,
        variant=SYNCHRONISED if backup.inventory.is_synchronised(destination.metadata.labels) else "",
        names=_about(backup, destination),
    )


def _unconsumed(backup: Backup, destination: ReplicationDestination) -> Problem | None:
    """A volume of its own that no VolumeAttachment and no PVC has taken up for a day."""
    status = _status(destination)
    image = status.latest_image
    if image is None or image.kind != "PersistentVolumeClaim" or destination.spec.mover.destination_pvc:
        return None
    pvc = backup.cluster.core.pvcs.get((destination.namespace, image.name))
    if pvc is None or status.last_sync_time is None or backup.at - status.last_sync_time <= _CONSUMED_WITHIN:
        return None
    populated = backup.pvc.spec.data_source_ref if backup.pvc else None
    if (
        not backup.cluster.core.attachments.known
        or backup.cluster.core.attachments_of(pvc.spec.volume_name)
        or (populated and populated.name == destination.name)
    ):
        return None
    return backup.problem(
        Cause.RESTORE_UNCONSUMED,
        f"Restore {destination.name} filled PVC {image.name}, which nothing uses.",
        scopes=_maker(backup, destination),
        since=status.last_sync_time,
        names=_about(backup, destination),
    )


def _maker(backup: Backup, destination: ReplicationDestination) -> tuple[Scope, ...]:
    """The policy that makes every such destination, else the claim."""
    policy = (destination.metadata.labels or {}).get(POLICY)
    return (scope.policy(policy),) if policy else (backup.scope,)
