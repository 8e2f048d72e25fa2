"""Is the Secret there that tells the mover the repository and its password, and is it kept up to date?"""

import re
from datetime import datetime

import msgspec

from exporter.chain import external_secrets, mover_log, scope
from exporter.chain.backup import Backup, broken, created, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.instants import moment_of
from exporter.chain.text import one_line
from exporter.chain.verdict import LinkVerdict, Problem, SecretPresence

_NOT_FOUND = re.compile(r'secrets? "(?P<name>[^"]+)" not found', re.IGNORECASE)
_INCOMPLETE = re.compile(r"secret (is missing field|should have fields)", re.IGNORECASE)


def judge(backup: Backup) -> LinkVerdict | None:
    name = backup.repository_secret
    if name is None:
        return None
    seen = presence(backup)
    if problem := backup.once(_blocking):
        return broken(Link.REPOSITORY_SECRET, _on_this_link(problem))
    if problem := external_secrets.failing(backup, name) or external_secrets.stale(backup, name):
        return broken(Link.REPOSITORY_SECRET, _on_this_link(problem.as_advisory()))
    if _is_undecided(backup):
        return unknown(Link.REPOSITORY_SECRET, f"Whether Secret {name} exists again is not known.")
    if seen is not None and seen.present:
        return ok(Link.REPOSITORY_SECRET, f"Secret {name} is there ({seen.evidence}).")
    listing = backup.cluster.core.secrets
    if listing.applies and not listing.known:
        return unknown(Link.REPOSITORY_SECRET, f"Secrets could not be read: {listing.unread}.")
    return None


def presence(backup: Backup) -> SecretPresence | None:
    """Whether the repository Secret is there, and who says so; None when nothing tells.

    A list of Secrets is fresher than an ExternalSecret's condition, and that than VolSync's status, which after an
    error may be a quarter of an hour old.
    """
    return backup.once(_presence)


def _presence(backup: Backup) -> SecretPresence | None:
    name = backup.repository_secret
    if name is None:
        return None
    secrets = backup.cluster.core.secrets
    if secrets.lacks(name, backup.namespace, wanted_since=created(backup.source)):
        return SecretPresence(name, "repository", present=False, evidence="read as metadata")
    if secrets.known and backup.cluster.core.has_secret(backup.namespace, name):
        return SecretPresence(name, "repository", present=True, evidence="read as metadata")
    report = external_secrets.report_on(backup, name)
    if _missing_by_volsync(backup) == name:
        return SecretPresence(name, "repository", present=False, evidence="according to VolSync's status")
    used = backup.status.last_sync_time
    if report is not None and (report.present or used is None or report.at is None or report.at > used):
        return SecretPresence(name, "repository", present=report.present, evidence=report.evidence)
    if backup.job is not None or used is not None:
        return SecretPresence(name, "repository", present=True, evidence="VolSync has used it")
    return None


def is_missing(backup: Backup) -> bool:
    """Whether the mover is known to be without its Secret."""
    return backup.once(_blocking) is not None


def is_about_secret(message: str) -> bool:
    """Whether a reconcile error is about a Secret (volsync `utils/secrets.go`; client and cached-client wordings)."""
    return bool(_NOT_FOUND.search(message) or _INCOMPLETE.search(message))


def _blocking(backup: Backup) -> Problem | None:
    """What keeps the mover from its Secret."""
    name, seen = backup.repository_secret, presence(backup)
    if name is None:
        return None
    if fault := _incomplete(backup, name) or _unreadable(backup, name):
        return _missing(backup, name, fault)
    other = _missing_by_volsync(backup)
    if other is not None and other != name:
        return _missing(backup, other, f"Secret {other} is not there (according to VolSync's status).")
    is_due = backup.began is None or backup.at - backup.began >= backup.settings.grace.generation
    if seen is None or seen.present or not is_due:
        return None
    return (
        external_secrets.failing(backup, name, at_once=True)
        or external_secrets.unattended(backup, name)
        or _missing(backup, name, f"Secret {name} is not there ({seen.evidence}).")
    )


def _missing(backup: Backup, name: str, fault: str) -> Problem:
    """One Secret may serve several sources of a namespace."""
    brought = external_secrets.bringing(backup, name)
    return backup.problem(
        Cause.REPOSITORY_SECRET_MISSING,
        fault,
        scopes=(backup.scope, scope.namespace(backup.namespace)),
        sign=name,
        since=_error_since(backup) if backup.reconcile_error else None,
        variant="externalsecret" if brought else backup.manager,
        names={"secret": name, **({"external_secret": brought[0].name} if brought else {})},
    )


def _incomplete(backup: Backup, name: str) -> str | None:
    """By VolSync's own check of the keys, or by the mover's, which finds an empty one as well."""
    if backup.reconcile_error and _INCOMPLETE.search(backup.reconcile_error) and not _is_passing(backup):
        return f"Secret {name} is incomplete: {one_line(backup.reconcile_error)}."
    log = _last_words(backup)
    if log and mover_log.cause_of_log(log) is Cause.REPOSITORY_SECRET_MISSING:
        return f"Secret {name} is incomplete: {one_line(mover_log.last_words(log))}."
    return None


def _last_words(backup: Backup) -> str:
    """The log of the last mover, where that one failed, else how the newest pod of the Job ended."""
    if backup.last_failed:
        return backup.last_log
    ends = (end for pod in backup.pods if pod.status.phase == "Failed" and (end := mover_log.end_of(pod)))
    end = next(ends, None)
    return end.message if end else ""


def _unreadable(backup: Backup, name: str) -> str | None:
    """By the kubelet, which reads the keys that the mover's container asks for."""
    for pod in backup.pods[:1]:
        for container in pod.status.container_statuses or ():
            waiting = container.state.waiting
            if waiting and waiting.reason == "CreateContainerConfigError" and "secret" in waiting.message.lower():
                return f"The mover cannot read Secret {name}: {one_line(waiting.message)}."
    return None


def _missing_by_volsync(backup: Backup) -> str | None:
    """The Secret that VolSync does not find; None when it names none, or when its error is not to be believed.

    It goes on saying so for up to 16 minutes after the Secret came back: so long does it wait until it looks again.
    What was seen there since the error began goes before it.
    """
    found = _NOT_FOUND.search(backup.reconcile_error) if backup.reconcile_error else None
    if found is None or _is_passing(backup) or _is_undecided(backup):
        return None
    name = found["name"]
    secrets = backup.cluster.core.secrets
    if secrets.known and backup.cluster.core.has_secret(backup.namespace, name):
        return None
    report, since = external_secrets.report_on(backup, name), _error_since(backup)
    is_back = (
        report is not None and report.present and report.at is not None and since is not None and report.at > since
    )
    return None if is_back else name


def _is_undecided(backup: Backup) -> bool:
    """Whether VolSync finds no Secret, and neither Secrets nor ExternalSecrets tell whether it came back since."""
    if not backup.reconcile_error:
        return False
    listing = backup.cluster.external_secrets.external_secrets
    is_unread = listing.applies and (not listing.known or listing.malformed_in(backup.namespace) is not None)
    is_said = _NOT_FOUND.search(backup.reconcile_error) is not None
    return is_said and is_unread and not backup.cluster.core.secrets.known


def _is_passing(backup: Backup) -> bool:
    """Whether VolSync's error is so young that its next try may well succeed."""
    since = _error_since(backup)
    return since is not None and backup.at - since < backup.settings.grace.generation


def _error_since(backup: Backup) -> datetime | None:
    return moment_of(backup.condition.last_transition_time) if backup.condition else None


def _on_this_link(problem: Problem) -> Problem:
    return msgspec.structs.replace(problem, on=Link.REPOSITORY_SECRET)
