"""Is the base Secret in the namespace, from which the policy copies the store's credentials?"""

from datetime import timedelta

from exporter.chain.case import Case, broken, ok, one_line, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.links.namespace import selects
from exporter.chain.verdict import LinkVerdict, SecretPresence
from exporter.chain.world import World, ready_condition, unread
from exporter.durations import parse_duration
from exporter.facts.objects import ClusterExternalSecret

_ABSENT = ("SecretMissing", "SecretDeleted")
"""Reasons of a Ready condition that say that the Secret is not there (external-secrets `externalsecret_types.go`)."""


def judge(case: Case) -> LinkVerdict | None:
    name = case.settings.chain.base_secret
    if not name or not case.is_labelled or not _is_in_use(case.world):
        return None
    if failing := _failing(case):
        return failing
    seen = presence(case)
    if seen is not None and not seen.present:
        reason = f"Secret {name} is not in namespace {case.namespace} ({seen.evidence})."
        return broken(
            Link.BASE_SECRET,
            case.problem(Cause.BASE_SECRET_MISSING, reason, scope=f"namespace/{case.namespace}"),
        )
    if stale := _stale(case):
        return stale
    if seen is not None:
        return ok(Link.BASE_SECRET, f"Secret {name} is there ({seen.evidence}).")
    cluster = case.world.cluster
    if failed := unread(cluster.external_secrets, cluster.cluster_external_secrets, cluster.secrets):
        return unknown(Link.BASE_SECRET, f"Whether Secret {name} is there could not be read: {failed.detail}.")
    return None


def presence(case: Case) -> SecretPresence | None:
    """Whether the base Secret is there, and who says so; None when nothing tells."""
    name = case.settings.chain.base_secret
    if not name:
        return None
    secret = case.world.external_secrets.get(case.namespace)
    ready = ready_condition(secret)
    if ready is not None and ready.reason in _ABSENT:
        return SecretPresence(name, "base", present=False, evidence="its ExternalSecret says so")
    if ready is not None and ready.status == "True":
        return SecretPresence(name, "base", present=True, evidence="its ExternalSecret is ready")
    if case.world.cluster.secrets.known:
        return SecretPresence(
            name, "base", present=(case.namespace, name) in case.world.secrets, evidence="read as metadata"
        )
    listing = case.world.cluster.external_secrets
    is_absent = secret is None and listing.known and not listing.garbled(case.namespace)
    if is_absent and case.world.cluster_external_secrets:
        return SecretPresence(name, "base", present=False, evidence="no ExternalSecret brings it")
    return None


def _is_in_use(world: World) -> bool:
    """Whether the cluster has a base Secret at all: it is met somewhere, or the policy that reads it is there."""
    name = world.settings.chain.base_secret
    return bool(
        world.cluster_external_secrets
        or world.external_secrets
        or any(secret == name for _, secret in world.secrets)
        or (world.policy is not None and world.settings.chain.policy)
    )


def _failing(case: Case) -> LinkVerdict | None:
    """By the ExternalSecret's condition, or by its namespace among those that the ClusterExternalSecret failed."""
    secret = case.world.external_secrets.get(case.namespace)
    ready = ready_condition(secret)
    if ready is not None and ready.status == "False" and ready.reason not in _ABSENT:
        return _external_secret_failing(
            case,
            f"ExternalSecret {case.namespace}/{secret.name if secret else ''}: "
            f"{one_line(ready.message or ready.reason)}.",
        )
    for cluster_secret in case.world.cluster_external_secrets:
        for failed in (cluster_secret.status.failed_namespaces if cluster_secret.status else None) or ():
            if failed.namespace == case.namespace:
                return _external_secret_failing(
                    case, f"ClusterExternalSecret {cluster_secret.name}: {one_line(failed.reason)}.", cluster_secret
                )
    return None


def _external_secret_failing(
    case: Case, reason: str, cluster_secret: ClusterExternalSecret | None = None
) -> LinkVerdict:
    failing = case.world.namespaces_without_base_secret
    owner = cluster_secret or next(iter(_selecting(case)), None)
    is_wide = owner is not None and len(failing) > 1
    scope = f"clusterexternalsecret/{owner.name}" if owner and is_wide else f"namespace/{case.namespace}"
    return broken(
        Link.BASE_SECRET,
        case.problem(
            Cause.EXTERNAL_SECRET_FAILING,
            reason,
            scope=scope,
            variant="clusterexternalsecret" if is_wide or cluster_secret else "",
            names={"cluster_external_secret": owner.name} if owner else None,
        ),
    )


def _selecting(case: Case) -> list[ClusterExternalSecret]:
    namespace = case.world.namespaces.get(case.namespace)
    return [s for s in case.world.cluster_external_secrets if namespace is None or selects(s, namespace)]


def _stale(case: Case) -> LinkVerdict | None:
    """`refreshTime` moves on success only, while `Ready` stays as it was when the controller dies."""
    secret = case.world.external_secrets.get(case.namespace)
    refreshed = secret.status.refresh_time if secret and secret.status else None
    if secret is None or refreshed is None or secret.spec.refresh_policy in ("CreatedOnce", "OnChange"):
        return None
    try:
        interval = parse_duration(secret.spec.refresh_interval or "1h")
    except ValueError:
        return None
    if interval == timedelta(0) or case.at - refreshed <= 2 * interval:
        return None
    return broken(
        Link.BASE_SECRET,
        case.problem(
            Cause.EXTERNAL_SECRET_STALE,
            f"ExternalSecret {case.namespace}/{secret.name} was last refreshed at {refreshed:%Y-%m-%d %H:%M}.",
            scope="external-secrets",
            since=refreshed,
        ),
    )
