"""Whether a policy is in force: registered with the admission webhook, as each version and kind says it."""

from datetime import timedelta

from exporter.chain.now import Now
from exporter.facts.cluster.kyverno.objects import ClusterPolicy, GeneratingPolicy

_IN_FORCE = ("Ready", "WebhookConfigured", "PolicyCached")
_FOR_REPORTS = "RBACPermissionsGranted"
"""It is about the reports controller, and makes a policy not `ready` that generates all the same (kyverno
`pkg/controllers/policystatus/controller.go`, 1.15 and later)."""


def why_not_ready(policy: ClusterPolicy | GeneratingPolicy, at: Now, grace: timedelta) -> str | None:
    """What shows that *policy* is not in force, as the end of a sentence; None when nothing does."""
    if isinstance(policy, GeneratingPolicy):
        status = policy.status.condition_status if policy.status else None
        conditions = (status.conditions if status else None) or ()
        ready = status.ready if status else None
    else:
        conditions = (policy.status.conditions if policy.status else None) or ()
        ready = policy.status.ready if policy.status else None
    if failed := next((c for c in conditions if c.type in _IN_FORCE and c.status != "True"), None):
        return f"{failed.type} is {failed.status}" + (f": {failed.message}" if failed.message else "")
    if ready is False and not any(c.type == _FOR_REPORTS and c.status != "True" for c in conditions):
        return "its status says that it is not ready"
    if ready is None and not conditions:
        return _never_written(policy, at, grace)
    return None


def _never_written(policy: ClusterPolicy | GeneratingPolicy, at: Now, grace: timedelta) -> str | None:
    """A policy whose status nobody writes is in force nowhere (kyverno#11488)."""
    made = policy.metadata.creation_timestamp
    return "its status was never written" if made and at - made > grace else None
