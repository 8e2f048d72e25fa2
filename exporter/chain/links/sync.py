"""Do syncs complete, often enough, and do they save anything? The chain's catch-all: nothing earlier explains it."""

from datetime import datetime, timedelta

from exporter.chain.case import Case, broken, earlier, ok
from exporter.chain.causes import Cause, Link
from exporter.chain.recovery import snapshot_point
from exporter.chain.verdict import LinkVerdict, Problem
from exporter.durations import format_duration, parse_duration

FIRST_SYNC = timedelta(hours=48)
"""How long a first sync may take where no schedule sets an objective."""


def judge(case: Case) -> LinkVerdict | None:
    is_judged = case.source is not None and case.source.spec.method != "syncthing"
    problems = _annotations(case)
    if is_judged and (problem := _empty(case) or _never_synced(case) or _overdue(case)):
        problems.append(problem)
    if problems:
        return broken(Link.SYNC, *problems)
    if not is_judged or case.status.last_sync_time is None:
        return None
    age = format_duration(case.at - case.status.last_sync_time)
    took = f", took {format_duration(case.last_sync_duration)}" if case.last_sync_duration else ""
    return ok(Link.SYNC, f"The last sync ended {age} ago{took}.")


def vouches(case: Case, verdict: LinkVerdict | None) -> bool:
    """Whether the last sync is in time and none is under way: then everything before it worked."""
    synced = case.status.last_sync_time
    return (
        verdict is not None
        and not any(problem.cause in (Cause.NEVER_SYNCED, Cause.OVERDUE) for problem in verdict.problems)
        and synced is not None
        and not case.is_syncing
        and (case.objective is None or case.at - synced <= case.objective)
    )


def _empty(case: Case) -> Problem | None:
    if not case.saved_nothing:
        return None
    reason = f"The volume was empty at the last sync of {case.source_name}: nothing was saved."
    return case.problem(Cause.SOURCE_EMPTY, reason, since=case.status.last_sync_time)


def _never_synced(case: Case) -> Problem | None:
    """A first sync begins at once; while it runs it may take as long as the objective."""
    if case.status.last_sync_time is not None or case.began is None:
        return None
    patience = (case.objective or FIRST_SYNC) if case.is_syncing else case.settings.grace.operator
    age = case.at - case.began
    if age <= patience:
        return None
    name = case.source_name
    reason = f"ReplicationSource {name} was made {format_duration(age)} ago and has never completed a sync."
    return case.problem(Cause.NEVER_SYNCED, reason, since=case.began, variant=_variant(case))


def _overdue(case: Case) -> Problem | None:
    """By VolSync's word; a snapshot in the bucket that is young enough says that the backup is there all the same."""
    point, objective = case.volsync_point, case.objective
    if point is None or objective is None or case.at - point <= objective:
        return None
    snapshot = snapshot_point(case)
    if snapshot is not None and case.at - snapshot <= objective:
        return None
    reason = (
        f"The last backup is {format_duration(case.at - point)} old; its objective is {format_duration(objective)}."
    )
    return case.problem(Cause.OVERDUE, reason, since=earlier(point, -objective), variant=_variant(case))


def _variant(case: Case) -> str:
    return "begun" if case.is_syncing else ""


def _annotations(case: Case) -> list[Problem]:
    """The PVC's annotations that cannot be followed."""
    annotations = case.pvc.metadata.annotations if case.pvc else None
    if annotations is None:
        return []
    faults = (
        ("volsync-exporter.io/exempt", annotations.exempt, _reason_fault),
        ("volsync-exporter.io/objective", annotations.objective, _duration_fault),
        ("volsync-exporter.io/exempt-until", annotations.exempt_until, _date_fault),
    )
    return [
        case.problem(
            Cause.ANNOTATION_INVALID,
            f"Annotation {name}: {fault}.",
            names={"annotation": name},
        )
        for name, value, check in faults
        if value is not None and (fault := check(value))
    ]


def _reason_fault(value: str) -> str:
    return "" if value.strip() else "it gives no reason, and without one nothing is exempt"


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
        return f"{value!r} is no date: write it like 2026-12-31 or 2026-12-31T12:00:00Z"
    return ""
