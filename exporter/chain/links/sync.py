"""Do syncs complete, often enough, and do they save anything? The chain's catch-all: nothing earlier explains it."""

from datetime import datetime, timedelta

from exporter.chain import scope, vanishing
from exporter.chain.backup import Backup, broken, ok
from exporter.chain.causes import Cause, Link
from exporter.chain.instants import earlier
from exporter.chain.recovery import snapshot_point
from exporter.chain.verdict import LinkState, LinkVerdict, Problem
from exporter.durations import format_duration, parse_duration
from exporter.facts.cluster.object_list import first_unread

FIRST_SYNC = timedelta(hours=48)
"""How long a first sync may take where no schedule sets an objective."""


def judge(backup: Backup) -> LinkVerdict | None:
    is_judged = backup.source is not None and backup.method != "syncthing"
    problems = _annotations(backup)
    if is_judged:
        late = _never_synced(backup) or _overdue(backup)
        if late and (healing := _catching_up(backup)):
            return LinkVerdict(Link.SYNC, LinkState.OK, healing.reason, (*problems, healing))
        if late and (unseen := _unseen(backup)):
            return LinkVerdict(Link.SYNC, LinkState.UNKNOWN, f"{late.reason} {unseen}", tuple(problems))
        problems += [problem for problem in (_empty(backup), late) if problem]
    if problems:
        return broken(Link.SYNC, *problems)
    if not is_judged or backup.status.last_sync_time is None:
        return None
    age = format_duration(backup.at - backup.status.last_sync_time)
    took = f", took {format_duration(backup.last_sync_duration)}" if backup.last_sync_duration else ""
    return ok(Link.SYNC, f"The last sync ended {age} ago{took}.")


def proves_earlier_links(backup: Backup, verdict: LinkVerdict | None) -> bool:
    """Whether the last sync is in time and none is under way: then everything before it worked."""
    synced = backup.status.last_sync_time
    return (
        verdict is not None
        and not any(problem.cause in (Cause.NEVER_SYNCED, Cause.OVERDUE) for problem in verdict.problems)
        and synced is not None
        and not backup.is_syncing
        and (backup.objective is None or backup.at - synced <= backup.objective)
    )


def _catching_up(backup: Backup) -> Problem | None:
    """A mover that runs after a fault, within its usual time, is no fault; nor is a sync that has only just begun."""
    running = backup.running_since
    if running is not None and backup.at - running <= backup.usual_run:
        reason = f"A mover has been running for {format_duration(backup.at - running)}: the backup is in progress."
        return backup.problem(Cause.CATCHING_UP, reason, since=running)
    if backup.is_syncing and backup.sync_age <= backup.settings.grace.mover_start and not backup.last_failed:
        reason = f"A sync started {format_duration(backup.sync_age)} ago: the backup is in progress."
        return backup.problem(Cause.CATCHING_UP, reason, since=backup.status.last_sync_start_time)
    return None


def _unseen(backup: Backup) -> str:
    """Why it cannot be told whether a mover makes up for what is late; empty where that can be told."""
    if not backup.is_syncing or backup.running_since is not None:
        return ""
    core = backup.cluster.core
    if failed := first_unread(core.jobs, core.pods):
        return f"Whether a mover is running could not be read: {failed.unread}."
    missing = core.jobs if backup.job is None else core.pods
    malformed = None if backup.pods else missing.malformed_in(backup.namespace)
    return f"{malformed.kind} {malformed.name}, which may be its mover's, could not be understood." if malformed else ""


def _empty(backup: Backup) -> Problem | None:
    if not backup.saved_nothing:
        return None
    reason = f"The volume was empty at the last sync of {backup.source_name}: nothing was saved."
    return backup.problem(Cause.SOURCE_EMPTY, reason, since=backup.status.last_sync_time)


def _never_synced(backup: Backup) -> Problem | None:
    """A first sync begins at once; while it runs it may take as long as the objective."""
    if backup.status.last_sync_time is not None or backup.began is None:
        return None
    patience = (backup.objective or FIRST_SYNC) if backup.is_syncing else backup.settings.grace.operator
    age = backup.at - backup.began
    if age <= patience:
        return None
    name = backup.source_name
    reason = f"ReplicationSource {name} was created {format_duration(age)} ago and has never completed a sync."
    scopes = (backup.scope, scope.OPERATOR)
    return backup.problem(Cause.NEVER_SYNCED, reason, scopes=scopes, since=backup.began, variant=_variant(backup))


def _overdue(backup: Backup) -> Problem | None:
    """As VolSync reports; a snapshot in the bucket that is young enough says that the backup is there all the same.

    A sync that found the volume empty was in time, and the next one is due all the same.
    """
    point, objective = backup.volsync_point or backup.status.last_sync_time, backup.objective
    if point is None or objective is None or backup.at - point <= objective:
        return None
    snapshot = snapshot_point(backup)
    if snapshot is not None and backup.at - snapshot <= objective:
        return None
    reason = (
        f"The last backup is {format_duration(backup.at - point)} old; its objective is {format_duration(objective)}."
    )
    scopes = (backup.scope, scope.OPERATOR)
    since = earlier(point, -objective)
    return backup.problem(Cause.OVERDUE, reason, scopes=scopes, since=since, variant=_variant(backup))


def _variant(backup: Backup) -> str:
    """While there is a Job, its mover runs or is hindered: restarting the operator would help neither."""
    if not backup.is_syncing:
        return ""
    return "running" if backup.job else "begun"


def _annotations(backup: Backup) -> list[Problem]:
    """The PVC's annotations that cannot be followed."""
    annotations = backup.pvc.metadata.annotations if backup.pvc else None
    if annotations is None:
        return []
    faults = (
        ("volsync-exporter.io/exempt", annotations.exempt, _reason_fault),
        ("volsync-exporter.io/objective", annotations.objective, _duration_fault),
        ("volsync-exporter.io/restore-proof", annotations.restore_proof, _duration_fault),
        ("volsync-exporter.io/exempt-until", annotations.exempt_until, _date_fault),
        (vanishing.ANNOTATION, annotations.may_vanish, vanishing.fault),
    )
    return [
        backup.problem(
            Cause.ANNOTATION_INVALID,
            f"Annotation {name}: {fault}.",
            names={"annotation": name},
        )
        for name, value, check in faults
        if value is not None and (fault := check(value))
    ]


def _reason_fault(value: str) -> str:
    return "" if value.strip() else "it gives no reason, which an exemption needs"


def _duration_fault(value: str) -> str:
    try:
        parse_duration(value)
    except ValueError as error:
        return str(error)
    return ""


def _date_fault(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return f"{value!r} is not a date: write it like 2026-12-31 or 2026-12-31T12:00:00Z"
    return ""
