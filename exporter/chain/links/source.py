"""Is there a ReplicationSource for the PVC, in order, not paused, and does VolSync act on it when it is due?"""

from datetime import datetime

from exporter.chain import kyverno
from exporter.chain.case import Case, broken, created, ok, one_line, unknown
from exporter.chain.causes import Cause, Link, Severity
from exporter.chain.gap import has_garbled_source
from exporter.chain.links.repository_secret import is_about_secret
from exporter.chain.movers import end_of
from exporter.chain.verdict import LinkVerdict
from exporter.durations import format_duration


def judge(case: Case) -> LinkVerdict | None:
    if case.source is None:
        return _absent(case)
    name = case.source.name
    if case.source.spec.paused:
        return _paused(case)
    if _has_no_pvc(case):
        reason = f"ReplicationSource {name} names PVC {case.pvc_name}, which does not exist."
        return broken(Link.SOURCE, case.problem(Cause.SOURCE_FAILING, reason))
    if case.reconcile_error and not is_about_secret(case.reconcile_error):
        return broken(
            Link.SOURCE,
            case.problem(Cause.SOURCE_FAILING, f"VolSync on {name}: {one_line(case.reconcile_error)}."),
        )
    if case.manual_trigger and case.schedule:
        reason = (
            f"ReplicationSource {name} has the manual trigger {one_line(case.manual_trigger, 40)!r} "
            f"beside the schedule {case.schedule!r}."
        )
        return broken(Link.SOURCE, case.problem(Cause.SCHEDULE_IGNORED, reason, since=case.status.last_sync_time))
    return _stalled(case) or ok(Link.SOURCE, f"ReplicationSource {name} backs it up {_when(case)}.")


def _when(case: Case) -> str:
    if case.schedule:
        return f"on schedule {case.schedule!r}"
    return "by manual trigger" if case.manual_trigger else "without a pause"


def _has_no_pvc(case: Case) -> bool:
    claims = case.world.cluster.claims
    return case.pvc is None and claims.known and not claims.garbled(*case.key)


# --- no source


def _absent(case: Case) -> LinkVerdict | None:
    listing = case.world.cluster.replication_sources
    if not listing.applies:
        return broken(
            Link.SOURCE,
            case.problem(Cause.SOURCE_MISSING, "VolSync is not installed: its API is not served.", scope="operator"),
        )
    if not listing.known:
        return unknown(Link.SOURCE, f"ReplicationSources could not be read: {listing.detail or listing.reason}.")
    if has_garbled_source(case):
        return unknown(Link.SOURCE, "A ReplicationSource in the namespace could not be understood.")
    if case.pvc is None:
        return unknown(Link.SOURCE, "The PersistentVolumeClaim could not be understood.")
    if _is_uncovered(case):
        return _not_covered(case)
    if (began := created(case.pvc)) and case.at - began < case.settings.grace.generation:
        return None
    return broken(
        Link.SOURCE,
        case.problem(
            Cause.SOURCE_MISSING, "No ReplicationSource names the PVC.", since=created(case.pvc), variant=case.manager
        ),
    )


def _is_uncovered(case: Case) -> bool:
    policy = case.world.policy
    return policy is not None and case.pvc is not None and kyverno.covers(policy, case.pvc) is False


def _not_covered(case: Case) -> LinkVerdict:
    """Every PVC with that label value is left out for the same reason: the policy is what is broken."""
    policy = case.world.policy
    label = case.settings.claims.label
    value = ((case.pvc.metadata.labels if case.pvc else None) or {}).get(label, "")
    covered = kyverno.covered_value(policy, label) if policy else None
    name = policy.name if policy else case.settings.chain.policy
    reason = f"Policy {name} does not match {label}={value}" + (f", only {label}={covered}." if covered else ".")
    return broken(
        Link.SOURCE,
        case.problem(
            Cause.NOT_COVERED,
            reason,
            scope=f"policy/{name}",
            names={"label": f"{label}={covered}"} if covered else None,
        ),
    )


# --- a source that does not move


def _paused(case: Case) -> LinkVerdict:
    """A pause is meant, so it is a warning until it has lasted for longer than anyone means it to."""
    since = case.status.last_sync_start_time or case.status.last_sync_time or case.began
    is_long = since is not None and case.at - since > case.settings.grace.pause
    reason = f"ReplicationSource {case.source_name} is paused."
    return broken(
        Link.SOURCE,
        case.problem(
            Cause.SOURCE_PAUSED,
            reason,
            since=since,
            severity=Severity.CRITICAL if is_long else Severity.WARNING,
        ),
    )


def _stalled(case: Case) -> LinkVerdict | None:
    """A sync that is due and was not begun, that was begun and has no Job, or whose Job is done.

    `nextSyncTime` lies in the past for as long as a sync runs, so it counts only while none does
    (volsync `statemachine/machine.go`).
    """
    status, grace = case.status, case.settings.grace.operator
    name = case.source_name
    if _is_operator_alive(case):
        return None
    if not case.is_syncing and status.next_sync_time and case.at - status.next_sync_time > grace:
        late = format_duration(case.at - status.next_sync_time)
        return _operator_stalled(case, f"The sync of {name} has been due for {late} and was not begun.")
    if case.source and case.source.status is None and case.began and case.at - case.began > grace:
        age = format_duration(case.at - case.began)
        return _operator_stalled(case, f"ReplicationSource {name} was made {age} ago and has no status at all.")
    done = _done(case)
    if case.is_syncing and done and case.at - done > grace:
        return _operator_stalled(case, f"The mover of {name} was done {format_duration(case.at - done)} ago.")
    if case.is_syncing and case.sync_age > grace and _waits_for_job(case):
        late = format_duration(case.sync_age)
        return _operator_stalled(case, f"The sync of {name} was begun {late} ago and has no Job.")
    return None


def _done(case: Case) -> datetime | None:
    """When the mover's Job succeeded; None while it has not."""
    if case.job is None or not case.job.status.succeeded:
        return None
    ends = (end.finished_at for pod in case.pods if (end := end_of(pod)) and end.finished_at)
    return case.job.status.completion_time or max(ends, default=None)


def _waits_for_job(case: Case) -> bool:
    """Whether only the operator can be what the sync waits for: no copy to wait for, no Job just failed."""
    mover = case.source.spec.mover if case.source else None
    return (
        case.world.cluster.jobs.known
        and case.job is None
        and not case.world.cluster.jobs.garbled(case.namespace)
        and not case.reconcile_error
        and not case.last_failed
        and mover is not None
        and mover.copy_method in ("Direct", "None")
    )


def _operator_stalled(case: Case, reason: str) -> LinkVerdict:
    since = case.status.last_sync_start_time or case.status.next_sync_time or case.began
    return broken(Link.SOURCE, case.problem(Cause.OPERATOR_STALLED, reason, scope="operator", since=since))


def _is_operator_alive(case: Case) -> bool:
    """Whether VolSync did anything for another source since this one was due."""
    due = case.status.last_sync_start_time or case.status.next_sync_time or case.began
    seen = case.world.last_activity
    return due is not None and seen is not None and seen > due + case.settings.grace.operator
