"""Is the base Secret in the namespace, from which the policy copies the store's credentials?"""

from datetime import datetime

import msgspec

from exporter.chain import external_secrets, scope
from exporter.chain.backup import Backup, broken, created, fill, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.kyverno.policy import SECRET
from exporter.chain.links.namespace import selects
from exporter.chain.verdict import LinkVerdict, Problem, SecretPresence
from exporter.facts.cluster.external_secrets.objects import ClusterExternalSecret
from exporter.facts.cluster.object_list import first_unread


def judge(backup: Backup) -> LinkVerdict | None:
    name = backup.base_secret
    if not name or not backup.is_labelled or not _is_in_use(backup):
        return None
    seen = presence(backup)
    is_absent = seen is not None and not seen.present
    if problem := external_secrets.failing(backup, name, at_once=is_absent) or _not_provisioned(backup):
        # A failing ExternalSecret leaves the Secret as it is.
        return broken(Link.BASE_SECRET, problem.as_advisory() if seen and seen.present else problem)
    if seen is not None and not seen.present:
        return None if _is_new(backup) else broken(Link.BASE_SECRET, _missing(backup, name, seen))
    if stale := external_secrets.stale(backup, name):
        return broken(Link.BASE_SECRET, stale)
    if seen is not None:
        return ok(Link.BASE_SECRET, f"Secret {name} is there ({seen.evidence}).")
    cluster = backup.cluster
    if failed := first_unread(
        cluster.external_secrets.external_secrets,
        cluster.external_secrets.cluster_external_secrets,
        cluster.core.secrets,
    ):
        return unknown(Link.BASE_SECRET, f"Whether Secret {name} is there could not be read: {failed.detail}.")
    return None


def presence(backup: Backup) -> SecretPresence | None:
    """Whether the base Secret is there, and who says so; None when nothing tells."""
    name = backup.base_secret
    if not name:
        return None
    report = external_secrets.report_on(backup, name)
    secrets = backup.cluster.core.secrets
    if secrets.known and backup.cluster.core.has_secret(backup.namespace, name):
        evidence = report.evidence if report and report.present else "read as metadata"
        return SecretPresence(name, "base", present=True, evidence=evidence)
    if secrets.lacks(name, backup.namespace, wanted_since=_wanted_since(backup)):
        evidence = report.evidence if report and not report.present else "read as metadata"
        return SecretPresence(name, "base", present=False, evidence=evidence)
    if report is not None:
        return SecretPresence(name, "base", present=report.present, evidence=report.evidence)
    listing = backup.cluster.external_secrets.external_secrets
    is_brought = external_secrets.bringing(backup, name) or listing.malformed_in(backup.namespace)
    owner = _owner(backup)
    if owner and not is_brought and _lacks(backup, owner):
        return SecretPresence(name, "base", present=False, evidence="no ExternalSecret creates it")
    return None


def _lacks(backup: Backup, owner: ClusterExternalSecret) -> bool:
    listing = backup.cluster.external_secrets.external_secrets
    return listing.lacks(owner.external_secret, backup.namespace, wanted_since=_wanted_since(backup))


def _is_in_use(backup: Backup) -> bool:
    """Whether the cluster has a base Secret at all: a policy reads it for the PVC, or it is met somewhere."""
    inventory = backup.inventory
    return bool(
        backup.policies
        or inventory.cluster_external_secrets
        or inventory.cluster.external_secrets.brings_anywhere(backup.base_secret)
        or inventory.is_base_secret_met
    )


def _wanted_since(backup: Backup) -> datetime | None:
    """Since when the Secret can have been wanted here: the later of the claim and its namespace."""
    namespace = backup.cluster.core.namespaces.get(backup.namespace)
    return max((at for at in (created(backup.pvc), created(namespace)) if at), default=None)


def _is_new(backup: Backup) -> bool:
    since = _wanted_since(backup)
    return since is not None and backup.at - since < backup.settings.grace.generation


def _owner(backup: Backup) -> ClusterExternalSecret | None:
    """The ClusterExternalSecret that should bring the base Secret to the claim's namespace."""
    namespace = backup.cluster.core.namespaces.get(backup.namespace)
    owners = backup.inventory.cluster_external_secrets
    return next((owner for owner in owners if namespace is None or selects(owner, namespace)), None)


def _not_provisioned(backup: Backup) -> Problem | None:
    """By the namespace among those that the ClusterExternalSecret failed in."""
    owner, message = backup.inventory.failed_namespaces.get(backup.namespace, (None, ""))
    return external_secrets.not_provisioned(backup, owner, message) if owner else None


def _missing(backup: Backup, name: str, seen: SecretPresence) -> Problem:
    if left := external_secrets.unattended(backup, name):
        return left
    owner, brought = _owner(backup), external_secrets.bringing(backup, name)
    scopes = [scope.namespace(backup.namespace)]
    variant, wide = "" if owner or brought else "unmanaged", "unmanaged"
    if owner:
        scopes.append(scope.external_secret(owner.name))
        wide = "clusterexternalsecret"
    elif policies := backup.policies_for(SECRET) or backup.policies:
        scopes.append(policies[0].scope)
    if owner and not brought and external_secrets.is_silent(backup):
        # A controller that is dead makes no ExternalSecret for a new namespace (external-secrets#4662).
        scopes, variant = [scope.EXTERNAL_SECRETS], "operator"
    names = {
        "external_secret": brought[0].name if brought else owner.external_secret if owner else name,
        "cluster_external_secret": owner.name if owner else "",
    }
    reason = f"Secret {name} is not in namespace {backup.namespace} ({seen.evidence})."
    problem = backup.problem(Cause.BASE_SECRET_MISSING, reason, scopes=tuple(scopes), variant=variant, names=names)
    command = Cause.BASE_SECRET_MISSING.entry.variants[wide if variant != "operator" else variant]
    return msgspec.structs.replace(problem, wide_command=fill(command, {"base_secret": name, **names}))
