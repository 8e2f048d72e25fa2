"""Is the policy there that generates the backup's objects, in force, and does it work?"""

from exporter.chain import kyverno
from exporter.chain.case import Case, broken, ok, one_line, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.gap import missing_object
from exporter.chain.verdict import LinkVerdict
from exporter.chain.world import unread


def judge(case: Case) -> LinkVerdict | None:
    """It has to do with labelled PVCs only, and only where Kyverno is installed."""
    policies, generating = case.world.cluster.cluster_policies, case.world.cluster.generating_policies
    if not case.settings.chain.policy or not case.is_labelled or not (policies.applies or generating.applies):
        return None
    policy = case.world.policy
    if policy is None:
        return _missing(case)
    scope = f"policy/{policy.name}"
    if not kyverno.is_ready(policy):
        reason = f"{kyverno.kind_of(policy)} {policy.name} is not ready."
        return broken(
            Link.POLICY, case.problem(Cause.POLICY_NOT_READY, reason, scope=scope, names={"policy": policy.name})
        )
    missing = missing_object(case)
    if missing and (shown := kyverno.failure(case, policy, missing)):
        reason = f"Policy {policy.name} fails to generate the {missing}: {one_line(shown)}"
        return broken(
            Link.POLICY, case.problem(Cause.POLICY_FAILING, reason, scope=scope, names={"policy": policy.name})
        )
    return ok(Link.POLICY, f"{kyverno.kind_of(policy)} {policy.name} is ready.")


def _missing(case: Case) -> LinkVerdict:
    name = case.settings.chain.policy
    cluster = case.world.cluster
    listings = (cluster.cluster_policies, cluster.generating_policies)
    if failed := unread(*listings):
        return unknown(Link.POLICY, f"Kyverno's policies could not be read: {failed.detail or failed.reason}.")
    if any(bad.name == name for listing in listings for bad in listing.malformed):
        return unknown(Link.POLICY, f"Policy {name} could not be understood.")
    return broken(
        Link.POLICY,
        case.problem(Cause.POLICY_MISSING, f"There is no policy {name}.", scope=f"policy/{name}"),
    )
