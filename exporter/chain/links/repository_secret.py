"""Is the Secret there that tells the mover the repository and its password?"""

import re

from exporter.chain.case import Case, broken, ok, one_line, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.verdict import LinkVerdict, SecretPresence

_NOT_FOUND = re.compile(r'secrets? "(?P<name>[^"]+)" not found', re.IGNORECASE)
_INCOMPLETE = re.compile(r"secret (is missing field|should have fields)", re.IGNORECASE)


def judge(case: Case) -> LinkVerdict | None:
    name = case.repository_secret
    if name is None:
        return None
    if fault := _fault(case, name):
        return broken(
            Link.REPOSITORY_SECRET,
            case.problem(Cause.REPOSITORY_SECRET_MISSING, fault, variant=case.manager),
        )
    seen = presence(case)
    if seen is not None and seen.present:
        return ok(Link.REPOSITORY_SECRET, f"Secret {name} is there ({seen.evidence}).")
    listing = case.world.cluster.secrets
    if listing.applies and not listing.known:
        return unknown(Link.REPOSITORY_SECRET, f"Secrets could not be read: {listing.detail or listing.reason}.")
    return None


def presence(case: Case) -> SecretPresence | None:
    """Whether the repository Secret is there, and who says so; None when nothing tells.

    A list of Secrets is fresher than VolSync's status, which after an error may be a quarter of an hour old.
    """
    name = case.repository_secret
    if name is None:
        return None
    if case.world.cluster.secrets.known:
        there = (case.namespace, name) in case.world.secrets
        return SecretPresence(name, "repository", present=there, evidence="read as metadata")
    found = _NOT_FOUND.search(case.reconcile_error)
    if found and found["name"] == name:
        return SecretPresence(name, "repository", present=False, evidence="VolSync's status says so")
    if case.job is not None or case.status.last_sync_time is not None:
        return SecretPresence(name, "repository", present=True, evidence="VolSync has used it")
    return None


def is_about_secret(message: str) -> bool:
    """Whether a reconcile error is about a Secret (volsync `utils/secrets.go`; client and cached-client wordings)."""
    return bool(_NOT_FOUND.search(message) or _INCOMPLETE.search(message))


def _fault(case: Case, name: str) -> str | None:
    if _INCOMPLETE.search(case.reconcile_error):
        return f"Secret {name} is incomplete: {one_line(case.reconcile_error)}."
    for pod in case.pods[:1]:
        for container in pod.status.container_statuses or ():
            waiting = container.state.waiting
            if waiting and waiting.reason == "CreateContainerConfigError" and "secret" in waiting.message.lower():
                return f"The mover cannot read Secret {name}: {one_line(waiting.message)}."
    seen = presence(case)
    is_due = case.began is None or case.at - case.began >= case.settings.grace.generation
    if seen and not seen.present and is_due:
        return f"Secret {name} is not there ({seen.evidence})."
    return None
