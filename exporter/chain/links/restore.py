"""Beside the chain: did the claim's ReplicationDestinations restore, and does anything use what they restored?"""

from datetime import timedelta

from exporter.chain.case import (
    DESTINATION,
    Case,
    broken,
    duration_of,
    earlier,
    ok,
    one_line,
    synchronizing,
    unknown,
)
from exporter.chain.causes import Cause, Link
from exporter.chain.movers import FEW_FAILURES, last_words
from exporter.chain.recovery import located, ours, recovery_point
from exporter.chain.verdict import LinkVerdict, Problem, RestoreVerdict
from exporter.chain.world import GENERATED_BY
from exporter.durations import format_duration
from exporter.facts.objects import ReplicationDestination, ReplicationDestinationStatus

_CONSUMED_WITHIN = timedelta(days=1)
_NOTHING_RESTORED = ("No eligible snapshots found", "No data will be restored")
"""volsync `mover-restic/entry.sh`, do_restore."""


def judge(case: Case) -> LinkVerdict | None:
    garbled = case.world.cluster.replication_destinations.garbled(case.namespace)
    if not case.destinations and not garbled:
        return None
    problems = [problem for destination in case.destinations if (problem := _problem(case, destination))]
    if problems:
        return broken(Link.RESTORE, *problems)
    if garbled:
        return unknown(Link.RESTORE, f"ReplicationDestination {garbled.name} could not be understood.")
    return ok(Link.RESTORE, f"{len(case.destinations)} restores are in order.")


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


def _problem(case: Case, destination: ReplicationDestination) -> Problem | None:
    return (
        _failing(case, destination)
        or _stuck(case, destination)
        or _empty(case, destination)
        or _stale(case, destination)
        or _unconsumed(case, destination)
    )


def _about(case: Case, destination: ReplicationDestination) -> dict[str, str]:
    job = case.world.job_of(destination, DESTINATION)
    image = _status(destination).latest_image
    return {
        "destination": destination.name,
        "job": job.name if job else f"volsync-dst-{destination.name}",
        "image": image.name if image else "",
    }


def _failing(case: Case, destination: ReplicationDestination) -> Problem | None:
    status = _status(destination)
    condition = synchronizing(status)
    if condition and condition.reason == "Error":
        told = condition.message
    elif status.latest_mover_status and status.latest_mover_status.result == "Failed":
        told = last_words(_log(status))
    elif failures := _failures(case, destination):
        told = f"its mover has failed {failures} times"
    else:
        return None
    return case.problem(
        Cause.RESTORE_FAILING,
        f"Restore {destination.name} fails: {one_line(told)}.",
        since=status.last_sync_start_time,
        names=_about(case, destination),
    )


def _failures(case: Case, destination: ReplicationDestination) -> int:
    """Failed pods of the restore's Job, once they are too many; VolSync's status tells only of the eighth."""
    job = case.world.job_of(destination, DESTINATION)
    failed = job.status.failed if job and _status(destination).last_sync_start_time else 0
    return failed if failed >= FEW_FAILURES else 0


def _stuck(case: Case, destination: ReplicationDestination) -> Problem | None:
    """A restore of much data may run for long; one whose pod does not run is stuck."""
    start = _status(destination).last_sync_start_time
    if start is None or destination.spec.paused:
        return None
    age = case.at - start
    job = case.world.job_of(destination, DESTINATION)
    pods = case.world.pods_of(job) if job else ()
    is_running = bool(pods) and pods[0].status.phase == "Running"
    is_waiting = bool(pods) and pods[0].status.phase == "Pending"
    grace = case.settings.grace
    if is_running or age <= (grace.mover_start if is_waiting else grace.restore):
        return None
    return case.problem(
        Cause.RESTORE_STUCK,
        f"Restore {destination.name} was begun {format_duration(age)} ago and does not run.",
        since=start,
        names=_about(case, destination),
    )


def _empty(case: Case, destination: ReplicationDestination) -> Problem | None:
    """Nothing to restore is right for an application's first day, which the bucket can tell: no snapshot is older."""
    status = _status(destination)
    if not any(words in _log(status) for words in _NOTHING_RESTORED):
        return None
    place = located(case)
    if place and place.is_believed and place.repository and status.last_sync_time:
        oldest = ours(place.bucket, place.repository.oldest_snapshot)
        if oldest is not None and oldest > earlier(status.last_sync_time, duration_of(status) or timedelta(0)):
            return None
    return case.problem(
        Cause.RESTORE_EMPTY,
        f"Restore {destination.name} found no snapshot and left an empty volume.",
        since=status.last_sync_time,
        names=_about(case, destination),
    )


def _stale(case: Case, destination: ReplicationDestination) -> Problem | None:
    """The image that new volumes are filled from was made once, by a trigger that will not fire again."""
    status = _status(destination)
    populates = case.pvc.spec.data_source_ref if case.pvc else None
    is_populator = populates is not None and populates.kind == DESTINATION and populates.name == destination.name
    trigger = destination.spec.trigger
    is_done = trigger is not None and bool(trigger.manual) and trigger.manual == status.last_manual_sync
    point, _ = recovery_point(case)
    if not is_populator or not is_done or status.last_sync_time is None or point is None:
        return None
    behind = point - status.last_sync_time
    if behind <= max(case.objective or timedelta(0), timedelta(days=1)):
        return None
    return case.problem(
        Cause.RESTORE_STALE,
        f"Restore {destination.name} is {format_duration(behind)} behind the newest backup.",
        scope=_maker(case, destination),
        since=status.last_sync_time,
        names=_about(case, destination),
    )


def _unconsumed(case: Case, destination: ReplicationDestination) -> Problem | None:
    """A volume of its own that no VolumeAttachment and no PVC has taken up for a day."""
    status = _status(destination)
    image = status.latest_image
    if image is None or image.kind != "PersistentVolumeClaim" or destination.spec.mover.destination_pvc:
        return None
    pvc = case.world.pvcs.get((destination.namespace, image.name))
    if pvc is None or status.last_sync_time is None or case.at - status.last_sync_time <= _CONSUMED_WITHIN:
        return None
    populated = case.pvc.spec.data_source_ref if case.pvc else None
    if (
        not case.world.cluster.attachments.known
        or case.world.attachments.get(pvc.spec.volume_name)
        or (populated and populated.name == destination.name)
    ):
        return None
    return case.problem(
        Cause.RESTORE_UNCONSUMED,
        f"Restore {destination.name} filled PVC {image.name}, which nothing uses.",
        scope=_maker(case, destination),
        since=status.last_sync_time,
        names=_about(case, destination),
    )


def _maker(case: Case, destination: ReplicationDestination) -> str:
    """The policy that makes every such destination, else the claim."""
    policy = (destination.metadata.labels or {}).get(GENERATED_BY)
    return f"policy/{policy}" if policy else case.scope()
