"""What Kyverno says of a policy that fails for a PVC. It comes and goes: it explains a gap, and is none."""

import re
from collections.abc import Iterator
from datetime import timedelta

from exporter.chain.kyverno.policy import BackupPolicy
from exporter.chain.now import Now
from exporter.facts.cluster.kyverno.facts import KyvernoFacts
from exporter.facts.cluster.object_list import Key

_REFUSED = re.compile(r"\bforbidden\b|\bcannot (?:get|list|watch|create|update|patch|delete) resource", re.IGNORECASE)

"""The background controller may not do what the policy asks of it."""
_PENDING = "has been pending since"
"""The background controller does not come to it."""


def words(facts: KyvernoFacts, policy: BackupPolicy, claim: Key, at: Now, grace: timedelta) -> str | None:
    """Kyverno's own words about the policy's failure for the PVC, if it says any."""
    return next(_request_words(facts, policy, claim, at, grace), None) or max(
        _event_words(facts, policy, claim), default=None
    )


def kind_of(text: str) -> str:
    """What kind of failure the words tell of: `refused`, `pending`, or one of the policy's own text (empty)."""
    if _REFUSED.search(text):
        return "refused"
    return "pending" if _PENDING in text else ""


def _request_words(facts: KyvernoFacts, policy: BackupPolicy, claim: Key, at: Now, grace: timedelta) -> Iterator[str]:
    """A request that failed is flipped back to Pending between its attempts, with its message left in place."""
    for request in facts.requests_for(claim):
        status = request.status
        if status is None or request.spec.policy.rsplit("/", 1)[-1] != policy.name:
            continue
        made = request.metadata.creation_timestamp
        if status.state == "Failed" or (status.state == "Pending" and (status.retry_count or status.message)):
            yield status.message or f"UpdateRequest {request.name} fails"
        elif status.state == "Pending" and made and at - made > grace:
            yield f"UpdateRequest {request.name} {_PENDING} {made:%Y-%m-%d %H:%M}"


def _event_words(facts: KyvernoFacts, policy: BackupPolicy, claim: Key) -> Iterator[str]:
    return (event.text for event in facts.errors_for(claim) if event.about.name == policy.name)
