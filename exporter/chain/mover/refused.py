"""Pods that are never made: pod security, a quota, a limit range or a webhook refuses them.

The Job is then active without a pod, VolSync shows a sync under way, and only the Job's `FailedCreate` events say why
(volsync#1000). They are repeated, and expire: that the Job has no pod is what is judged, the words are its reason.
"""

import re
from datetime import datetime

from exporter.chain import scope
from exporter.chain.backup import Backup, created
from exporter.chain.causes import Cause
from exporter.chain.mover_log import end_of
from exporter.chain.scope import Scope
from exporter.chain.text import one_line, sign_of
from exporter.chain.verdict import Problem
from exporter.durations import format_duration
from exporter.facts.cluster.core.objects import Job

_NAMESPACES_OWN = re.compile(
    r"exceeded quota|failed quota|violates PodSecurity|per (?:Pod|Container) is", re.IGNORECASE
)
"""Quotas, pod security and limit ranges lie in a namespace, or are its labels."""
_REFUSERS = tuple(
    re.compile(pattern)
    for pattern in (
        r"due to the following policies\s+(?P<name>[\w.-]+):",  # Kyverno
        r"ValidatingAdmissionPolicy '(?P<name>[\w.-]+)'",
        r"denied the request: \[(?P<name>[\w.-]+)\]",  # Gatekeeper
        r"admission webhook \"(?P<name>[\w.-]+)\" denied",
        r"failed calling webhook \"(?P<name>[\w.-]+)\"",
    )
)
_OF_THE_CLAIM = re.compile(r"service ?account|PriorityClass|is invalid:", re.IGNORECASE)
"""What the source itself asks of its mover."""


def problem_of(backup: Backup) -> Problem | None:
    """A Job that should have a pod by now and has none."""
    job = backup.job
    if job is None or not _lacks_pods(backup, job):
        return None
    since = _without_pod_since(backup, job)
    if since is None or backup.at - since <= backup.settings.grace.mover_start:
        return None
    words = words_of(backup, job, since)
    told = one_line(words) or "no event is left that shows what rejects them"
    return backup.problem(
        Cause.MOVER_REFUSED,
        f"Job {job.name} has had no pod for {format_duration(backup.at - since)}: {told}.",
        scopes=_scopes(backup, words),
        sign=sign_of(words, job.name) if _OF_THE_CLAIM.search(words) else "",
        since=since,
        variant="webhook" if refuser_in(words) else "",
        names={"refuser": refuser_in(words)},
    )


def is_open(backup: Backup) -> bool:
    """Whether the Job has no pod, in an old sync, and the events that would tell since when could not be read."""
    events = backup.cluster.core.job_events
    return (
        backup.job is not None
        and _lacks_pods(backup, backup.job)
        and backup.sync_age > backup.settings.grace.mover_start
        and events.applies
        and (not events.known or events.malformed_in(backup.namespace) is not None)
    )


def words_of(backup: Backup, job: Job, since: datetime) -> str:
    """What the Job controller was told last; empty where it was told nothing, or that has expired."""
    told = (event.text for event in backup.cluster.core.refusals_of(job) if event.at is None or event.at >= since)
    newest = next(reversed(tuple(told)), "")
    return newest.removeprefix("(combined from similar events): ").removeprefix("Error creating: ")


def _lacks_pods(backup: Backup, job: Job) -> bool:
    pods = backup.cluster.core.pods
    is_meant_to_run = job.spec.parallelism != 0 and not job.spec.suspend
    has_ended = job.status.succeeded or any(
        c.type in ("Complete", "Failed") and c.status == "True" for c in job.status.conditions or ()
    )
    return (
        is_meant_to_run
        and not has_ended
        and not job.status.active
        and pods.known
        and not pods.malformed_in(backup.namespace)
        and all(pod.status.phase in ("Failed", "Succeeded") for pod in backup.pods)
    )


def _without_pod_since(backup: Backup, job: Job) -> datetime | None:
    """Since when: over all Jobs of the sync, where its pods are shown to be refused; else since the last one ended.

    VolSync makes the Job again when its template changes, and begins no new sync with that.
    """
    if backup.pods:
        end = end_of(backup.pods[0])
        return (end.finished_at if end else None) or created(backup.pods[0])
    start = backup.status.last_sync_start_time
    told = (event.began for event in backup.cluster.core.refusals_of(job))
    refused = [began for began in told if began and start and began >= start]
    return min((moment for moment in (*refused, created(job)) if moment), default=None)


def refuser_in(words: str) -> str:
    """The policy or webhook that *words* name; empty where they name none."""
    found = (match["name"] for pattern in _REFUSERS if (match := pattern.search(words)))
    return next(found, "")


def _scopes(backup: Backup, words: str) -> tuple[Scope, ...]:
    namespace = scope.namespace(backup.namespace)
    if refuser := refuser_in(words):
        return (scope.policy(refuser),)
    if _OF_THE_CLAIM.search(words) and not _NAMESPACES_OWN.search(words):
        return (backup.scope, namespace)
    return (namespace,)
