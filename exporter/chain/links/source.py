"""Is there a ReplicationSource for the PVC, in order, not paused, and does VolSync act on it when it is due?"""

import re
from datetime import datetime, timedelta

from exporter.chain import scope
from exporter.chain.backup import Backup, broken, created, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.generated import has_malformed_source
from exporter.chain.instants import moment_of
from exporter.chain.kyverno.policy import SOURCE, BackupPolicy
from exporter.chain.links.repository_secret import is_about_secret
from exporter.chain.mover_log import end_of
from exporter.chain.text import one_line, sign_of
from exporter.chain.verdict import LinkVerdict, Problem
from exporter.durations import format_duration

_SHORT = timedelta(minutes=2)
_LONG = timedelta(minutes=10)
_PASSING = re.compile(
    r"the object has been modified|so it can be recreated|informer|context deadline exceeded|etcdserver|"
    r"connection refused|Too many requests|failed calling webhook",
    re.IGNORECASE,
)
"""Errors of the API server and its clients that end by themselves."""
_ABOUT_STORAGE = re.compile(r"snapshot ?class|storage ?class|CSI|provision", re.IGNORECASE)


def judge(backup: Backup) -> LinkVerdict | None:
    if backup.source is None:
        return _absent(backup)
    name = backup.source.name
    if backup.source.spec.paused:
        return _paused(backup)
    if _has_no_pvc(backup):
        reason = f"ReplicationSource {name} names PVC {backup.pvc_name}, which does not exist."
        return broken(Link.SOURCE, backup.problem(Cause.SOURCE_FAILING, reason))
    if problem := _failing(backup):
        return broken(Link.SOURCE, problem)
    if backup.manual_trigger and backup.schedule and backup.manual_trigger == backup.status.last_manual_sync:
        reason = (
            f"ReplicationSource {name} has the manual trigger {one_line(backup.manual_trigger, 40)!r}, "
            f"so its schedule {backup.schedule!r} is ignored."
        )
        since = backup.status.last_sync_time
        problem = backup.problem(Cause.SCHEDULE_IGNORED, reason, scopes=backup.everywhere, since=since)
        return broken(Link.SOURCE, problem)
    return _stalled(backup) or ok(Link.SOURCE, f"ReplicationSource {name} backs it up {_when(backup)}.")


def _failing(backup: Backup) -> Problem | None:
    """VolSync's reconciler says what is wrong; what passes within moments is its way of working.

    It conflicts with other writers all the time, and makes objects again whose template has changed; the condition's
    own time tells for how long (volsync `statemachine/conditions.go`).
    """
    error = backup.reconcile_error
    if not error or is_about_secret(error):
        return None
    since = moment_of(backup.condition.last_transition_time) if backup.condition else None
    patience = _LONG if _PASSING.search(error) else _SHORT
    if since is not None and backup.at - since < patience:
        return None
    sign = sign_of(error, backup.namespace, backup.pvc_name, backup.source_name)
    scopes = (backup.scope, scope.namespace(backup.namespace), scope.OPERATOR)
    if _ABOUT_STORAGE.search(error) and backup.driver:
        scopes = (backup.scope, scope.storage(backup.driver), scope.OPERATOR)
    return backup.problem(
        Cause.SOURCE_FAILING,
        f"VolSync cannot reconcile {backup.source_name}: {one_line(error)}.",
        scopes=scopes,
        sign=sign,
        since=since,
    )


def _when(backup: Backup) -> str:
    if backup.schedule:
        return f"on schedule {backup.schedule!r}"
    return "by manual trigger" if backup.manual_trigger else "continuously"


def _has_no_pvc(backup: Backup) -> bool:
    claims = backup.cluster.core.claims
    return claims.lacks(backup.pvc_name, backup.namespace, wanted_since=created(backup.source))


# --- no source


def _absent(backup: Backup) -> LinkVerdict | None:
    listing = backup.cluster.volsync.sources
    if not listing.applies:
        return broken(
            Link.SOURCE,
            backup.problem(
                Cause.SOURCE_MISSING, "VolSync is not installed: its API is not served.", scopes=(scope.OPERATOR,)
            ),
        )
    if not listing.known:
        return unknown(Link.SOURCE, f"ReplicationSources could not be read: {listing.unread}.")
    if has_malformed_source(backup):
        return unknown(Link.SOURCE, "A ReplicationSource in the namespace could not be understood.")
    if backup.pvc is None:
        return unknown(Link.SOURCE, "The PersistentVolumeClaim could not be understood.")
    return _by_policy(backup) if backup.is_labelled else _not_backed_up(backup)


def _by_policy(backup: Backup) -> LinkVerdict | None:
    """No source for a PVC that asks for one: it is for a policy to make, if any matches the PVC."""
    selection = backup.inventory.selection
    policies = backup.inventory.policies
    if policies.all and policies.exceptions_unread:
        return unknown(Link.SOURCE, f"{policies.exceptions_unread}.")
    if not backup.policies_for(SOURCE):
        if policies.unread and not backup.settings.claims.label:
            return unknown(Link.SOURCE, f"Whether its label asks VolSync for a backup is not known: {policies.unread}.")
        if doubtful := _doubtful(backup):
            return unknown(
                Link.SOURCE,
                f"Whether policy {doubtful} applies to the PVC cannot be determined from the cluster's objects.",
            )
        if readers := policies.reading(selection.label):
            return _not_covered(backup, readers[0])
    if is_new(backup):
        return None
    return broken(
        Link.SOURCE,
        backup.problem(
            Cause.SOURCE_MISSING,
            "No ReplicationSource names the PVC.",
            since=created(backup.pvc),
            variant=backup.manager,
        ),
    )


def _not_backed_up(backup: Backup) -> LinkVerdict | None:
    """No source for a PVC that the settings take in with all others."""
    if is_new(backup):
        return None
    return broken(
        Link.SOURCE,
        backup.problem(
            Cause.SOURCE_MISSING,
            "No ReplicationSource names the PVC, and the settings ask for every PVC to be backed up.",
            scopes=(backup.scope, scope.namespace(backup.namespace)),
            since=created(backup.pvc),
            variant="unmanaged",
        ),
    )


def is_new(backup: Backup) -> bool:
    """Whether the PVC is so new that its source may still come."""
    began = created(backup.pvc)
    return began is not None and backup.at - began < backup.settings.grace.generation


def _doubtful(backup: Backup) -> str:
    """A policy of which its text does not tell whether it makes a source for the PVC; empty: there is none."""
    trigger = backup.trigger
    policies = backup.inventory.policies.all if trigger else ()
    return next((policy.name for policy in policies if trigger and policy.covers(trigger, SOURCE) is None), "")


def _not_covered(backup: Backup, policy: BackupPolicy) -> LinkVerdict:
    """Every PVC with that label value is left out for the same reason: the policy is what is broken."""
    label = backup.inventory.selection.label
    value = ((backup.pvc.metadata.labels if backup.pvc else None) or {}).get(label, "")
    covered = policy.covered_value(label)
    reason = f"Policy {policy.name} does not match {label}={value}" + (f", only {label}={covered}." if covered else ".")
    return broken(
        Link.SOURCE,
        backup.problem(
            Cause.NOT_COVERED,
            reason,
            scopes=(policy.scope,),
            names={"label": f"{label}={covered}"} if covered else None,
        ),
    )


# --- a source that does not move


def _paused(backup: Backup) -> LinkVerdict:
    """While a restore into the same PVC is under way a backup would save what is half restored: the pause is right."""
    since = backup.status.last_sync_start_time or backup.status.last_sync_time or backup.began
    restore = _restore_in_place(backup)
    into = f", while {restore} restores into its PVC" if restore else ""
    reason = f"ReplicationSource {backup.source_name} is paused{into}."
    return broken(
        Link.SOURCE,
        backup.problem(
            Cause.SOURCE_PAUSED,
            reason,
            scopes=(backup.scope,) if restore else backup.everywhere,
            since=since,
            variant="restoring" if restore else "",
            names={"destination": restore},
        ),
    )


def _restore_in_place(backup: Backup) -> str:
    """The ReplicationDestination that is restoring into the claim's own PVC; empty where none is."""
    for destination in backup.destinations:
        is_under_way = destination.status is not None and destination.status.last_sync_start_time is not None
        if is_under_way and destination.spec.mover.destination_pvc == backup.pvc_name:
            return destination.name
    return ""


def _stalled(backup: Backup) -> LinkVerdict | None:
    """A sync that is due and was not begun, that was begun and has no Job, or whose Job is done.

    `nextSyncTime` lies in the past for as long as a sync runs, so it counts only while none does
    (volsync `statemachine/machine.go`).
    """
    told = _standstill(backup)
    # Asked last: what VolSync does for others changes all the time.
    return None if told is None or _is_operator_alive(backup) else _operator_stalled(backup, told)


def _standstill(backup: Backup) -> str | None:
    """What shows that VolSync does nothing for the source, once it has had time to."""
    status, grace = backup.status, backup.settings.grace.operator
    name = backup.source_name
    if not backup.is_syncing and status.next_sync_time and backup.at - status.next_sync_time > grace:
        late = format_duration(backup.at - status.next_sync_time)
        return f"The sync of {name} has been due for {late} and has not started."
    if backup.source and backup.source.status is None and backup.began and backup.at - backup.began > grace:
        age = format_duration(backup.at - backup.began)
        return f"ReplicationSource {name} was created {age} ago and has no status."
    if (idle := _idle_since(backup)) and backup.at - idle > grace:
        return (
            f"{name} has no trigger, so it should always run, but has not run for {format_duration(backup.at - idle)}."
        )
    done = _done(backup)
    if backup.is_syncing and done and backup.at - done > grace:
        return f"The mover of {name} finished {format_duration(backup.at - done)} ago, but the sync has not ended."
    if backup.is_syncing and backup.sync_age > grace and _waits_for_job(backup):
        return f"The sync of {name} started {format_duration(backup.sync_age)} ago and has no Job."
    return None


def _idle_since(backup: Backup) -> datetime | None:
    """Since when a source without a trigger does nothing, which must sync in a loop (volsync `statemachine`)."""
    has_trigger = backup.schedule or backup.manual_trigger
    return None if has_trigger or backup.is_syncing else backup.status.last_sync_time


def _done(backup: Backup) -> datetime | None:
    """When the mover's Job succeeded; None while it has not."""
    if backup.job is None or not backup.job.status.succeeded:
        return None
    ends = (end.finished_at for pod in backup.pods if (end := end_of(pod)) and end.finished_at)
    return backup.job.status.completion_time or max(ends, default=None)


def _waits_for_job(backup: Backup) -> bool:
    """Whether only the operator can be what the sync waits for: no copy to wait for, no Job just failed."""
    mover = backup.source.spec.mover if backup.source else None
    return (
        backup.cluster.core.jobs.known
        and backup.job is None
        and not backup.cluster.core.jobs.malformed_in(backup.namespace)
        and not backup.reconcile_error
        and not backup.last_failed
        and mover is not None
        and mover.copy_method in ("Direct", "None")
    )


def _operator_stalled(backup: Backup, reason: str) -> LinkVerdict:
    since = backup.status.last_sync_start_time or backup.status.next_sync_time or backup.began
    return broken(Link.SOURCE, backup.problem(Cause.OPERATOR_STALLED, reason, scopes=(scope.OPERATOR,), since=since))


def _is_operator_alive(backup: Backup) -> bool:
    """Whether VolSync did anything for another source since this one was due."""
    status = backup.status
    due = status.last_sync_start_time or status.next_sync_time or status.last_sync_time or backup.began
    seen = backup.cluster.volsync.last_activity
    return due is not None and seen is not None and seen > due + backup.settings.grace.operator
