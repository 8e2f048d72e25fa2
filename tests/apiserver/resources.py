"""The resources that the stand-in can serve: an own table, so that a mistake in the exporter's shows against it."""

from dataclasses import dataclass

METADATA_FIELDS = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True)
class Resource:
    """One resource of one group, in all the versions in which it is served (all of them the same shape here)."""

    group: str
    versions: tuple[str, ...]
    plural: str
    kind: str
    namespaced: bool = True
    selectable: tuple[str, ...] = ()
    """Field selectors beside name and namespace (the API refuses all others)."""


RESOURCES: tuple[Resource, ...] = (
    Resource("", ("v1",), "persistentvolumeclaims", "PersistentVolumeClaim"),
    Resource("", ("v1",), "persistentvolumes", "PersistentVolume", namespaced=False),
    Resource("", ("v1",), "namespaces", "Namespace", namespaced=False, selectable=("status.phase",)),
    Resource("", ("v1",), "nodes", "Node", namespaced=False, selectable=("spec.unschedulable",)),
    Resource("", ("v1",), "pods", "Pod", selectable=("status.phase", "spec.nodeName", "status.podIP")),
    Resource(
        "",
        ("v1",),
        "events",
        "Event",
        selectable=("reason", "type", "involvedObject.kind", "involvedObject.name", "involvedObject.namespace"),
    ),
    Resource("", ("v1",), "secrets", "Secret", selectable=("type",)),
    Resource("", ("v1",), "configmaps", "ConfigMap"),
    Resource("", ("v1",), "services", "Service"),
    Resource("", ("v1",), "serviceaccounts", "ServiceAccount"),
    Resource("apps", ("v1",), "deployments", "Deployment"),
    Resource("batch", ("v1",), "jobs", "Job", selectable=("status.successful",)),
    Resource("batch", ("v1",), "cronjobs", "CronJob"),
    Resource("events.k8s.io", ("v1",), "events", "Event", selectable=("reason", "type", "regarding.kind")),
    Resource("storage.k8s.io", ("v1",), "volumeattachments", "VolumeAttachment", namespaced=False),
    Resource("storage.k8s.io", ("v1",), "storageclasses", "StorageClass", namespaced=False),
    Resource("snapshot.storage.k8s.io", ("v1",), "volumesnapshots", "VolumeSnapshot"),
    Resource("volsync.backube", ("v1alpha1",), "replicationsources", "ReplicationSource"),
    Resource("volsync.backube", ("v1alpha1",), "replicationdestinations", "ReplicationDestination"),
    Resource("longhorn.io", ("v1beta2",), "volumes", "Volume"),
    Resource("longhorn.io", ("v1beta2",), "settings", "Setting"),
    Resource("longhorn.io", ("v1beta2",), "nodes", "Node"),
    Resource("kyverno.io", ("v1", "v2beta1"), "clusterpolicies", "ClusterPolicy", namespaced=False),
    Resource("kyverno.io", ("v1", "v2beta1"), "policies", "Policy"),
    Resource("kyverno.io", ("v2", "v2beta1"), "policyexceptions", "PolicyException"),
    Resource("kyverno.io", ("v2",), "updaterequests", "UpdateRequest"),
    Resource(
        "policies.kyverno.io", ("v1", "v1beta1", "v1alpha1"), "generatingpolicies", "GeneratingPolicy", namespaced=False
    ),
    Resource("policies.kyverno.io", ("v1", "v1beta1"), "namespacedgeneratingpolicies", "NamespacedGeneratingPolicy"),
    Resource("policies.kyverno.io", ("v1", "v1beta1", "v1alpha1"), "policyexceptions", "PolicyException"),
    Resource("external-secrets.io", ("v1",), "clusterexternalsecrets", "ClusterExternalSecret", namespaced=False),
    Resource("external-secrets.io", ("v1",), "externalsecrets", "ExternalSecret"),
    Resource("external-secrets.io", ("v1",), "clustersecretstores", "ClusterSecretStore", namespaced=False),
    Resource("external-secrets.io", ("v1",), "secretstores", "SecretStore"),
    Resource("rbac.authorization.k8s.io", ("v1",), "clusterroles", "ClusterRole", namespaced=False),
    Resource("rbac.authorization.k8s.io", ("v1",), "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    Resource("monitoring.coreos.com", ("v1",), "prometheuses", "Prometheus"),
    Resource("monitoring.coreos.com", ("v1",), "prometheusrules", "PrometheusRule"),
    Resource("monitoring.coreos.com", ("v1",), "servicemonitors", "ServiceMonitor"),
)
BUILT_IN = ("", "apps", "batch", "events.k8s.io", "rbac.authorization.k8s.io", "storage.k8s.io")
"""Groups that every API server has; the others come with their CustomResourceDefinitions."""
