"""Is the base Secret in the namespace, from which the policy copies the store's credentials?"""

from datetime import timedelta

from exporter.chain import scope
from exporter.chain.backup import Backup, broken, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.inventory import Inventory, ready_condition
from exporter.chain.links.namespace import selects
from exporter.chain.text import one_line
from exporter.chain.verdict import LinkVerdict, SecretPresence
from exporter.durations import parse_duration
from exporter.facts.cluster.external_secrets.objects import ClusterExternalSecret
from exporter.facts.cluster.object_list import first_unread

_ABSENT = ("SecretMissing", "SecretDeleted")
"""Reasons of a Ready condition that say that the Secret is not there (external-secrets `externalsecret_types.go`)."""


def judge(backup: Backup) -> LinkVerdict | None:
    name = backup.settings.chain.base_secret
    if not name or not backup.is_labelled or not _is_in_use(backup.inventory):
        return None
    if failing := _failing(backup):
        return failing
    seen = presence(backup)
    if seen is not None and not seen.present:
        reason = f"Secret {name} is not in namespace {backup.namespace} ({seen.evidence})."
        return broken(
            Link.BASE_SECRET,
            backup.problem(Cause.BASE_SECRET_MISSING, reason, scopes=(scope.namespace(backup.namespace),)),
        )
    if stale := _stale(backup):
        return stale
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
    name = backup.settings.chain.base_secret
    if not name:
        return None
    secret = backup.inventory.external_secrets.get(backup.namespace)
    ready = ready_condition(secret)
    if ready is not None and ready.reason in _ABSENT:
        return SecretPresence(name, "base", present=False, evidence="its ExternalSecret says so")
    if ready is not None and ready.status == "True":
        return SecretPresence(name, "base", present=True, evidence="its ExternalSecret is ready")
    if backup.cluster.core.secrets.known:
        return SecretPresence(
            name, "base", present=backup.cluster.core.has_secret(backup.namespace, name), evidence="read as metadata"
        )
    listing = backup.cluster.external_secrets.external_secrets
    is_absent = secret is None and listing.known and not listing.malformed_in(backup.namespace)
    if is_absent and backup.inventory.cluster_external_secrets:
        return SecretPresence(name, "base", present=False, evidence="no ExternalSecret brings it")
    return None


def _is_in_use(inventory: Inventory) -> bool:
    """Whether the cluster has a base Secret at all: it is met somewhere, or the policy that reads it is there."""
    name = inventory.settings.chain.base_secret
    return bool(
        inventory.cluster_external_secrets
        or inventory.external_secrets
        or any(secret.name == name for secret in inventory.cluster.core.secrets)
        or (inventory.policy is not None and inventory.settings.chain.policy)
    )


def _failing(backup: Backup) -> LinkVerdict | None:
    """By the ExternalSecret's condition, or by its namespace among those that the ClusterExternalSecret failed."""
    secret = backup.inventory.external_secrets.get(backup.namespace)
    ready = ready_condition(secret)
    if ready is not None and ready.status == "False" and ready.reason not in _ABSENT:
        return _external_secret_failing(
            backup,
            f"ExternalSecret {backup.namespace}/{secret.name if secret else ''}: "
            f"{one_line(ready.message or ready.reason)}.",
        )
    for cluster_secret in backup.inventory.cluster_external_secrets:
        for failed in (cluster_secret.status.failed_namespaces if cluster_secret.status else None) or ():
            if failed.namespace == backup.namespace:
                return _external_secret_failing(
                    backup, f"ClusterExternalSecret {cluster_secret.name}: {one_line(failed.reason)}.", cluster_secret
                )
    return None


def _external_secret_failing(
    backup: Backup, reason: str, cluster_secret: ClusterExternalSecret | None = None
) -> LinkVerdict:
    failing = backup.inventory.namespaces_without_base_secret
    owner = cluster_secret or next(iter(_selecting(backup)), None)
    is_wide = owner is not None and len(failing) > 1
    wide = scope.Scope(scope.ScopeKind.EXTERNALSECRET, owner.name) if owner else None
    scopes = tuple(one for one in (scope.namespace(backup.namespace), wide) if one)
    return broken(
        Link.BASE_SECRET,
        backup.problem(
            Cause.EXTERNAL_SECRET_FAILING,
            reason,
            scopes=scopes,
            variant="clusterexternalsecret" if is_wide or cluster_secret else "",
            names={"cluster_external_secret": owner.name} if owner else None,
        ),
    )


def _selecting(backup: Backup) -> list[ClusterExternalSecret]:
    namespace = backup.cluster.core.namespaces.get(backup.namespace)
    return [s for s in backup.inventory.cluster_external_secrets if namespace is None or selects(s, namespace)]


def _stale(backup: Backup) -> LinkVerdict | None:
    """`refreshTime` moves on success only, while `Ready` stays as it was when the controller dies."""
    secret = backup.inventory.external_secrets.get(backup.namespace)
    refreshed = secret.status.refresh_time if secret and secret.status else None
    if secret is None or refreshed is None or secret.spec.refresh_policy in ("CreatedOnce", "OnChange"):
        return None
    try:
        interval = parse_duration(secret.spec.refresh_interval or "1h")
    except ValueError:
        return None
    if interval == timedelta(0) or backup.at - refreshed <= 2 * interval:
        return None
    return broken(
        Link.BASE_SECRET,
        backup.problem(
            Cause.EXTERNAL_SECRET_STALE,
            f"ExternalSecret {backup.namespace}/{secret.name} was last refreshed at {refreshed:%Y-%m-%d %H:%M}.",
            scopes=(scope.EXTERNAL_SECRETS,),
            since=refreshed,
        ),
    )
