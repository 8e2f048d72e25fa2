"""Is the policy there that generates the backup's objects, in force, and does it work?"""

from exporter.chain import kyverno, scope
from exporter.chain.backup import Backup, broken, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.generated import missing_object
from exporter.chain.text import one_line
from exporter.chain.verdict import LinkVerdict
from exporter.facts.cluster.object_list import first_unread


def judge(backup: Backup) -> LinkVerdict | None:
    """It has to do with labelled PVCs only, and only where Kyverno is installed."""
    policies, generating = backup.cluster.kyverno.cluster_policies, backup.cluster.kyverno.generating_policies
    if not backup.settings.chain.policy or not backup.is_labelled or not (policies.applies or generating.applies):
        return None
    policy = backup.inventory.policy
    if policy is None:
        return _missing(backup)
    scopes = (scope.policy(policy.name),)
    if not kyverno.is_ready(policy):
        reason = f"{kyverno.kind_of(policy)} {policy.name} is not ready."
        return broken(
            Link.POLICY, backup.problem(Cause.POLICY_NOT_READY, reason, scopes=scopes, names={"policy": policy.name})
        )
    missing = missing_object(backup)
    if missing and (shown := kyverno.failure(backup, policy, missing)):
        reason = f"Policy {policy.name} fails to generate the {missing}: {one_line(shown)}"
        return broken(
            Link.POLICY, backup.problem(Cause.POLICY_FAILING, reason, scopes=scopes, names={"policy": policy.name})
        )
    return ok(Link.POLICY, f"{kyverno.kind_of(policy)} {policy.name} is ready.")


def _missing(backup: Backup) -> LinkVerdict:
    name = backup.settings.chain.policy
    cluster = backup.cluster
    listings = (cluster.kyverno.cluster_policies, cluster.kyverno.generating_policies)
    if failed := first_unread(*listings):
        return unknown(Link.POLICY, f"Kyverno's policies could not be read: {failed.unread}.")
    if any(bad.name == name for listing in listings for bad in listing.malformed):
        return unknown(Link.POLICY, f"Policy {name} could not be understood.")
    return broken(
        Link.POLICY,
        backup.problem(Cause.POLICY_MISSING, f"There is no policy {name}.", scopes=(scope.policy(name),)),
    )
