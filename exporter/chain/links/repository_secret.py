"""Is the Secret there that tells the mover the repository and its password?"""

import re

from exporter.chain.backup import Backup, broken, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.text import one_line
from exporter.chain.verdict import LinkVerdict, SecretPresence

_NOT_FOUND = re.compile(r'secrets? "(?P<name>[^"]+)" not found', re.IGNORECASE)
_INCOMPLETE = re.compile(r"secret (is missing field|should have fields)", re.IGNORECASE)


def judge(backup: Backup) -> LinkVerdict | None:
    name = backup.repository_secret
    if name is None:
        return None
    if fault := _fault(backup, name):
        return broken(
            Link.REPOSITORY_SECRET,
            backup.problem(Cause.REPOSITORY_SECRET_MISSING, fault, variant=backup.manager),
        )
    seen = presence(backup)
    if seen is not None and seen.present:
        return ok(Link.REPOSITORY_SECRET, f"Secret {name} is there ({seen.evidence}).")
    listing = backup.cluster.core.secrets
    if listing.applies and not listing.known:
        return unknown(Link.REPOSITORY_SECRET, f"Secrets could not be read: {listing.unread}.")
    return None


def presence(backup: Backup) -> SecretPresence | None:
    """Whether the repository Secret is there, and who says so; None when nothing tells.

    A list of Secrets is fresher than VolSync's status, which after an error may be a quarter of an hour old.
    """
    name = backup.repository_secret
    if name is None:
        return None
    if backup.cluster.core.secrets.known:
        there = backup.cluster.core.has_secret(backup.namespace, name)
        return SecretPresence(name, "repository", present=there, evidence="read as metadata")
    found = _NOT_FOUND.search(backup.reconcile_error)
    if found and found["name"] == name:
        return SecretPresence(name, "repository", present=False, evidence="VolSync's status says so")
    if backup.job is not None or backup.status.last_sync_time is not None:
        return SecretPresence(name, "repository", present=True, evidence="VolSync has used it")
    return None


def is_about_secret(message: str) -> bool:
    """Whether a reconcile error is about a Secret (volsync `utils/secrets.go`; client and cached-client wordings)."""
    return bool(_NOT_FOUND.search(message) or _INCOMPLETE.search(message))


def _fault(backup: Backup, name: str) -> str | None:
    if _INCOMPLETE.search(backup.reconcile_error):
        return f"Secret {name} is incomplete: {one_line(backup.reconcile_error)}."
    for pod in backup.pods[:1]:
        for container in pod.status.container_statuses or ():
            waiting = container.state.waiting
            if waiting and waiting.reason == "CreateContainerConfigError" and "secret" in waiting.message.lower():
                return f"The mover cannot read Secret {name}: {one_line(waiting.message)}."
    seen = presence(backup)
    is_due = backup.began is None or backup.at - backup.began >= backup.settings.grace.generation
    if seen and not seen.present and is_due:
        return f"Secret {name} is not there ({seen.evidence})."
    return None
