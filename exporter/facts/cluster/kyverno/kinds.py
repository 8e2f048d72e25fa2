"""The kinds of this API that are read."""

from exporter.facts.cluster.core.objects import Event
from exporter.facts.cluster.kind import Kind, Reach
from exporter.facts.cluster.kyverno import objects
from exporter.facts.reading import Source
from exporter.settings import Settings


def _namespace(settings: Settings) -> str:
    return settings.chain.kyverno_namespace


def _event_namespace(settings: Settings) -> str:  # noqa: ARG001
    """Events about a cluster-scoped object are kept in `default` (kyverno `pkg/event/controller.go`)."""
    return "default"


KINDS: tuple[Kind, ...] = (
    Kind(
        field="kyverno.cluster_policies",
        source=Source.KYVERNO,
        group="kyverno.io",
        versions=("v1", "v2beta1"),
        plural="clusterpolicies",
        kind="ClusterPolicy",
        struct=objects.ClusterPolicy,
        reach=Reach.CLUSTER,
    ),
    Kind(
        field="kyverno.generating_policies",
        source=Source.KYVERNO,
        group="policies.kyverno.io",
        versions=("v1", "v1beta1", "v1alpha1"),
        plural="generatingpolicies",
        kind="GeneratingPolicy",
        struct=objects.GeneratingPolicy,
        reach=Reach.CLUSTER,
    ),
    Kind(
        field="kyverno.policies",
        source=Source.KYVERNO,
        group="kyverno.io",
        versions=("v1", "v2beta1"),
        plural="policies",
        kind="Policy",
        struct=objects.Policy,
        reach=Reach.CLAIMS,
    ),
    Kind(
        field="kyverno.namespaced_generating_policies",
        source=Source.KYVERNO,
        group="policies.kyverno.io",
        versions=("v1", "v1beta1"),
        plural="namespacedgeneratingpolicies",
        kind="NamespacedGeneratingPolicy",
        struct=objects.NamespacedGeneratingPolicy,
        reach=Reach.CLAIMS,
    ),
    Kind(
        field="kyverno.exceptions",
        source=Source.KYVERNO,
        group="kyverno.io",
        versions=("v2", "v2beta1"),
        plural="policyexceptions",
        kind="PolicyException",
        struct=objects.PolicyException,
        reach=Reach.CLAIMS,
    ),
    Kind(
        field="kyverno.cel_exceptions",
        source=Source.KYVERNO,
        group="policies.kyverno.io",
        versions=("v1", "v1beta1", "v1alpha1"),
        plural="policyexceptions",
        kind="PolicyException",
        struct=objects.CELPolicyException,
        reach=Reach.CLAIMS,
    ),
    Kind(
        field="kyverno.update_requests",
        source=Source.KYVERNO,
        group="kyverno.io",
        versions=("v2", "v1beta1"),
        plural="updaterequests",
        kind="UpdateRequest",
        struct=objects.UpdateRequest,
        reach=Reach.ONE,
        namespace=_namespace,
    ),
    Kind(
        field="kyverno.events",
        source=Source.KYVERNO,
        group="",
        versions=("v1",),
        plural="events",
        kind="Event",
        struct=Event,
        reach=Reach.ONE,
        field_selectors=("reason=PolicyError",),
        namespace=_event_namespace,
        about=("kyverno.io", "policies.kyverno.io"),
    ),
)
