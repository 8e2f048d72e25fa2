"""Does the namespace bear the label that brings the base Secret, and the annotation that VolSync reads?"""

from exporter.chain import scope
from exporter.chain.backup import Backup, broken, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.generated import missing_object
from exporter.chain.selectors import matches
from exporter.chain.verdict import LinkVerdict
from exporter.facts.cluster.core.objects import Namespace
from exporter.facts.cluster.external_secrets.objects import ClusterExternalSecret

PRIVILEGED_MOVERS = "volsync.backube/privileged-movers"
"""VolSync reads the annotation of this name and no label (volsync `utils/namespace.go`)."""


def judge(backup: Backup) -> LinkVerdict | None:
    listing = backup.cluster.core.namespaces
    if not backup.is_labelled or not listing.applies or not backup.settings.chain.namespace_label:
        return None
    namespace = backup.cluster.core.namespaces.get(backup.namespace)
    if namespace is None:
        if listing.malformed_in("", backup.namespace):
            return unknown(Link.NAMESPACE, f"Namespace {backup.namespace} could not be understood.")
        return None if listing.known else unknown(Link.NAMESPACE, f"Namespaces could not be read: {listing.detail}.")
    if not _is_selected(backup, namespace):
        return _unlabelled(backup)
    if _lacks_annotation(namespace):
        reason = (
            f"Namespace {backup.namespace} has the label {PRIVILEGED_MOVERS}=true, but not the annotation of that name."
        )
        return broken(
            Link.NAMESPACE,
            backup.problem(Cause.MOVERS_UNPRIVILEGED, reason, scopes=(scope.namespace(backup.namespace),)),
        )
    return ok(Link.NAMESPACE, f"Namespace {backup.namespace} is labelled for the base Secret.")


def selects(secret: ClusterExternalSecret, namespace: Namespace) -> bool:
    """Whether the ClusterExternalSecret asks for its Secret in *namespace*. No selector at all takes none."""
    spec = secret.spec
    selectors = [s for s in (spec.namespace_selector, *(spec.namespace_selectors or ())) if s is not None]
    return namespace.name in (spec.namespaces or ()) or any(
        matches(selector, namespace.metadata.labels) for selector in selectors
    )


def _is_selected(backup: Backup, namespace: Namespace) -> bool:
    """By the ClusterExternalSecrets of the base Secret; where there are none, by the label that the settings name."""
    if secrets := backup.inventory.cluster_external_secrets:
        return any(selects(secret, namespace) for secret in secrets)
    key, _, value = backup.settings.chain.namespace_label.partition("=")
    return (namespace.metadata.labels or {}).get(key) == value


def _unlabelled(backup: Backup) -> LinkVerdict | None:
    """Where nothing selects by the label, its absence means something only if the backup's objects are missing."""
    if not backup.inventory.cluster_external_secrets and missing_object(backup) is None:
        return None
    label = _wanted_label(backup)
    reason = f"Namespace {backup.namespace} lacks the label {label}, so it gets no base Secret."
    return broken(
        Link.NAMESPACE,
        backup.problem(
            Cause.NAMESPACE_UNLABELLED,
            reason,
            scopes=(scope.namespace(backup.namespace),),
            names={"namespace_label": label},
        ),
    )


def _wanted_label(backup: Backup) -> str:
    """The label that brings the base Secret: the ClusterExternalSecret's own, where it asks for one by value."""
    specs = (secret.spec for secret in backup.inventory.cluster_external_secrets)
    selectors = (s for spec in specs for s in (spec.namespace_selector, *(spec.namespace_selectors or ())) if s)
    pairs = (f"{key}={value}" for selector in selectors for key, value in (selector.match_labels or {}).items())
    return next(pairs, backup.settings.chain.namespace_label)


def _lacks_annotation(namespace: Namespace) -> bool:
    annotations = namespace.metadata.annotations
    annotated = ((annotations.privileged_movers if annotations else None) or "").lower() == "true"
    return (namespace.metadata.labels or {}).get(PRIVILEGED_MOVERS) == "true" and not annotated
