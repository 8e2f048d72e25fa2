"""A claim whose backups no restore has proven for longer than somebody asks for."""

from datetime import timedelta

import msgspec

from exporter.chain.backup import Backup, created
from exporter.chain.causes import Cause, Severity
from exporter.chain.instants import earlier
from exporter.chain.recovery import recovery_point
from exporter.chain.restores.evidence import evidence_of, wanted
from exporter.chain.schedule import interval_of, objective_of
from exporter.chain.verdict import Problem, RestoreEvidence
from exporter.durations import format_duration
from exporter.facts.cluster.volsync.objects import ReplicationDestination


def problem_of(backup: Backup) -> Problem | None:
    """No restore proves the claim's backups as often as its owner asks; else, as often as a restore is scheduled.

    Where neither asks for proof, that there is none is a figure and no problem. Nothing can be proven of a claim that
    has nothing to restore, and what a restore itself meets is told instead.
    """
    scheduled = [one for one in backup.destinations if one.spec.trigger and one.spec.trigger.schedule]
    if not scheduled and wanted(backup) is None:
        return None
    if not backup.cluster.volsync.destinations.known or recovery_point(backup)[0] is None:
        return None
    evidence = evidence_of(backup)
    if evidence.wanted is not None:
        return _overdue(backup, evidence, evidence.wanted)
    late = next((one for one in scheduled if _is_late(backup, one, evidence)), None)
    if late is None or late.spec.trigger is None:
        return None
    reason = f"Restore {late.name} has the schedule {late.spec.trigger.schedule!r}; {_last(backup, evidence)}."
    since = evidence.counts_from or created(late)
    return backup.problem(Cause.RESTORE_UNPROVEN, reason, scopes=backup.everywhere, since=since)


def _overdue(backup: Backup, evidence: RestoreEvidence, often: timedelta) -> Problem | None:
    since = evidence.counts_from or backup.began
    if since is None or backup.at - since <= often:
        return None
    reason = f"A restore must be proven every {format_duration(often)}; {_last(backup, evidence)}."
    problem = backup.problem(Cause.RESTORE_UNPROVEN, reason, scopes=backup.everywhere, since=earlier(since, -often))
    if evidence.doubt and backup.at - evidence.doubt.ended <= often:
        return problem
    return msgspec.structs.replace(problem, severity=Severity.WARNING)


def _is_late(backup: Backup, destination: ReplicationDestination, evidence: RestoreEvidence) -> bool:
    """Whether it restores the claim's own backups, and has not for longer than its schedule leaves between two."""
    trigger = destination.spec.trigger
    if trigger is None or not trigger.schedule or trigger.manual or destination.spec.paused:
        return False
    readers = (reader for source in backup.sources for reader in backup.inventory.readers.of(source))
    if destination.key not in {reader.destination.key for reader in readers}:
        return False
    try:
        objective = objective_of(interval_of(trigger.schedule))
    except ValueError:
        return False
    moments = (evidence.counts_from, evidence.doubt.ended if evidence.doubt else None, created(destination))
    since = max((moment for moment in moments if moment), default=None)
    return since is not None and backup.at - since > objective


def _last(backup: Backup, evidence: RestoreEvidence) -> str:
    """What is known of the last restore, as a part of a sentence."""
    if evidence.doubt:
        age = format_duration(backup.at - evidence.doubt.ended)
        return f"the last restore, {evidence.doubt.destination}, ended {age} ago, but {evidence.doubt.reason}"
    if evidence.proof is None:
        return "no restore that brought data back is known"
    age = format_duration(backup.at - evidence.proof.ended)
    if evidence.proof.point is None or evidence.counts_from == evidence.proof.ended:
        return f"the last restore that brought data back ended {age} ago"
    behind = format_duration(evidence.proof.ended - evidence.proof.point)
    return f"the last restore, {age} ago, brought back a snapshot that was {behind} old"
