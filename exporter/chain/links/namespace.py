"""Does the namespace bear the label that brings the base Secret, and the annotation that VolSync reads?"""

from exporter.chain.case import Case, broken, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.gap import missing_object
from exporter.chain.selectors import matches
from exporter.chain.verdict import LinkVerdict
from exporter.facts.objects import ClusterExternalSecret, Namespace

PRIVILEGED_MOVERS = "volsync.backube/privileged-movers"
"""VolSync reads the annotation of this name and no label (volsync `utils/namespace.go`)."""


def judge(case: Case) -> LinkVerdict | None:
    listing = case.world.cluster.namespaces
    if not case.is_labelled or not listing.applies or not case.settings.chain.namespace_label:
        return None
    namespace = case.world.namespaces.get(case.namespace)
    if namespace is None:
        if listing.garbled("", case.namespace):
            return unknown(Link.NAMESPACE, f"Namespace {case.namespace} could not be understood.")
        return None if listing.known else unknown(Link.NAMESPACE, f"Namespaces could not be read: {listing.detail}.")
    if not _is_selected(case, namespace):
        return _unlabelled(case)
    if _lacks_annotation(namespace):
        reason = (
            f"Namespace {case.namespace} has the label {PRIVILEGED_MOVERS}=true, but not the annotation of that name."
        )
        return broken(
            Link.NAMESPACE,
            case.problem(Cause.MOVERS_UNPRIVILEGED, reason, scope=f"namespace/{case.namespace}"),
        )
    return ok(Link.NAMESPACE, f"Namespace {case.namespace} is labelled for the base Secret.")


def selects(secret: ClusterExternalSecret, namespace: Namespace) -> bool:
    """Whether the ClusterExternalSecret asks for its Secret in *namespace*. No selector at all takes none."""
    spec = secret.spec
    selectors = [s for s in (spec.namespace_selector, *(spec.namespace_selectors or ())) if s is not None]
    return namespace.name in (spec.namespaces or ()) or any(
        matches(selector, namespace.metadata.labels) for selector in selectors
    )


def _is_selected(case: Case, namespace: Namespace) -> bool:
    """By the ClusterExternalSecrets of the base Secret; where there are none, by the label that the settings name."""
    if secrets := case.world.cluster_external_secrets:
        return any(selects(secret, namespace) for secret in secrets)
    key, _, value = case.settings.chain.namespace_label.partition("=")
    return (namespace.metadata.labels or {}).get(key) == value


def _unlabelled(case: Case) -> LinkVerdict | None:
    """Where nothing selects by the label, its absence means something only if the backup's objects are missing."""
    if not case.world.cluster_external_secrets and missing_object(case) is None:
        return None
    label = _wanted_label(case)
    reason = f"Namespace {case.namespace} lacks the label {label}, so it gets no base Secret."
    return broken(
        Link.NAMESPACE,
        case.problem(
            Cause.NAMESPACE_UNLABELLED,
            reason,
            scope=f"namespace/{case.namespace}",
            names={"namespace_label": label},
        ),
    )


def _wanted_label(case: Case) -> str:
    """The label that brings the base Secret: the ClusterExternalSecret's own, where it asks for one by value."""
    specs = (secret.spec for secret in case.world.cluster_external_secrets)
    selectors = (s for spec in specs for s in (spec.namespace_selector, *(spec.namespace_selectors or ())) if s)
    pairs = (f"{key}={value}" for selector in selectors for key, value in (selector.match_labels or {}).items())
    return next(pairs, case.settings.chain.namespace_label)


def _lacks_annotation(namespace: Namespace) -> bool:
    annotations = namespace.metadata.annotations
    annotated = ((annotations.privileged_movers if annotations else None) or "").lower() == "true"
    return (namespace.metadata.labels or {}).get(PRIVILEGED_MOVERS) == "true" and not annotated
