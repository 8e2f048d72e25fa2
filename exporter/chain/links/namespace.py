"""Does the namespace have the label that brings the base Secret, and the annotation that VolSync reads?"""

from exporter.chain import scope
from exporter.chain.backup import Backup, broken, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.generated import missing_object
from exporter.chain.selectors import matches
from exporter.chain.verdict import LinkVerdict
from exporter.facts.cluster.core.objects import Namespace
from exporter.facts.cluster.external_secrets.objects import ClusterExternalSecret
from exporter.facts.cluster.wire import LabelSelector

PRIVILEGED_MOVERS = "volsync.backube/privileged-movers"
"""VolSync reads the annotation of this name and no label (volsync `utils/namespace.go`)."""


def judge(backup: Backup) -> LinkVerdict | None:
    """It applies where something selects namespaces for the backup: a ClusterExternalSecret, a policy, the settings."""
    listing = backup.cluster.core.namespaces
    if not backup.is_labelled or not listing.applies:
        return None
    namespace = listing.get(backup.namespace)
    if namespace is None:
        if not _selecting(backup):
            return None
        if listing.malformed_in("", backup.namespace):
            return unknown(Link.NAMESPACE, f"Namespace {backup.namespace} could not be understood.")
        return None if listing.known else unknown(Link.NAMESPACE, f"Namespaces could not be read: {listing.detail}.")
    if selector := _wanted_by_policy(backup):
        return _unlabelled(backup, label_of(selector), "the policy leaves it out")
    if label := _lacking(backup, namespace):
        return _unlabelled(backup, label, "it gets no base Secret")
    if _lacks_annotation(namespace):
        reason = f"Namespace {backup.namespace} has the label {PRIVILEGED_MOVERS}=true, but not that annotation."
        return broken(
            Link.NAMESPACE,
            backup.problem(Cause.MOVERS_UNPRIVILEGED, reason, scopes=(scope.namespace(backup.namespace),)),
        )
    return (
        ok(Link.NAMESPACE, f"Namespace {backup.namespace} is labelled for the base Secret.")
        if _selecting(backup)
        else None
    )


def selects(secret: ClusterExternalSecret, namespace: Namespace) -> bool:
    """Whether the ClusterExternalSecret asks for its Secret in *namespace*. No selector at all takes none."""
    return namespace.name in (secret.spec.namespaces or ()) or any(
        matches(selector, namespace.metadata.labels) for selector in _selectors(secret)
    )


def _selecting(backup: Backup) -> bool:
    """Whether anything selects namespaces for this claim's backup."""
    is_brought = bool(backup.base_secret and backup.inventory.cluster_external_secrets)
    return is_brought or bool(backup.settings.chain.namespace_label) or bool(_wanted_by_policy(backup))


def _lacking(backup: Backup, namespace: Namespace) -> str:
    """The label that the namespace lacks, as `key=value`; empty where it has what is asked for.

    A ClusterExternalSecret's own selector goes before the label that the settings name.
    """
    secrets = backup.inventory.cluster_external_secrets if backup.base_secret else ()
    wanted = backup.settings.chain.namespace_label
    if secrets:
        if any(selects(secret, namespace) for secret in secrets):
            return ""
        labels = (label_of(selector) for secret in secrets for selector in _selectors(secret))
        return next((label for label in labels if label), wanted)
    key, _, value = wanted.partition("=")
    is_there = (namespace.metadata.labels or {}).get(key) == value
    # Where nothing selects by the label, its absence means something only if the backup's objects are missing.
    return "" if not wanted or is_there or missing_object(backup) is None else wanted


def _wanted_by_policy(backup: Backup) -> LabelSelector | None:
    """The selector for namespaces that alone keeps every policy from the PVC."""
    if backup.trigger is None or backup.policies:
        return None
    trigger = backup.trigger
    wanted = (policy.wanted_namespace_labels(trigger) for policy in backup.inventory.policies.all)
    return next((selector for selector in wanted if selector and label_of(selector)), None)


def label_of(selector: LabelSelector) -> str:
    """A label that *selector* asks for, as `key=value`; empty where it only keeps labels out."""
    for key, value in (selector.match_labels or {}).items():
        return f"{key}={value}"
    for requirement in selector.match_expressions or ():
        if requirement.operator == "In" and requirement.values:
            return f"{requirement.key}={requirement.values[0]}"
        if requirement.operator == "Exists":
            return f"{requirement.key}=true"
    return ""


def _selectors(secret: ClusterExternalSecret) -> list[LabelSelector]:
    spec = secret.spec
    return [one for one in (spec.namespace_selector, *(spec.namespace_selectors or ())) if one is not None]


def _unlabelled(backup: Backup, label: str, consequence: str) -> LinkVerdict:
    return broken(
        Link.NAMESPACE,
        backup.problem(
            Cause.NAMESPACE_UNLABELLED,
            f"Namespace {backup.namespace} lacks the label {label}, so {consequence}.",
            scopes=(scope.namespace(backup.namespace),),
            names={"namespace_label": label},
        ),
    )


def _lacks_annotation(namespace: Namespace) -> bool:
    annotations = namespace.metadata.annotations
    annotated = ((annotations.privileged_movers if annotations else None) or "").lower() == "true"
    return (namespace.metadata.labels or {}).get(PRIVILEGED_MOVERS) == "true" and not annotated
