"""The kinds of objects that are read: where the API serves them, what is asked of it, and what is kept.

This one table drives the API reader, the file reader, `doctor` and the permissions that the chart grants.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from exporter.facts import objects
from exporter.facts.model import Source
from exporter.settings import Settings

VOLSYNC_OBJECTS = "app.kubernetes.io/created-by=volsync"
"""The label of everything that VolSync's movers make (volsync `internal/controller/utils/labels.go`)."""


class Reach(StrEnum):
    """Where the objects of a kind are looked for."""

    CLUSTER = "cluster"
    """Cluster-scoped objects."""
    CLAIMS = "claims"
    """The namespaces in which claims are judged: all of them, or those that the settings name."""
    ONE = "one"
    """One namespace that the settings name, where an operator keeps its own objects."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of object."""

    field: str
    """Its field in `ClusterFacts`."""
    source: Source
    group: str
    """The API group; empty for the core group."""
    versions: tuple[str, ...]
    """The versions that can be decoded, the preferred one first; discovery picks the first that is served."""
    plural: str
    kind: str
    struct: type[objects.Object]
    reach: Reach
    label_selector: str = ""
    field_selectors: tuple[str, ...] = ("",)
    """One list is asked for each."""
    metadata_only: bool = False
    namespace: Callable[[Settings], str] | None = None
    """Reach.ONE: the namespace."""
    about: tuple[str, ...] = ()
    """Groups whose objects these tell of: where none of them is served, there is nothing to read."""


def _kyverno(settings: Settings) -> str:
    return settings.chain.kyverno_namespace


def _longhorn(settings: Settings) -> str:
    return settings.chain.longhorn_namespace


def _policy_events(settings: Settings) -> str:  # noqa: ARG001
    """Events about a cluster-scoped object are kept in `default` (kyverno `pkg/event/controller.go`)."""
    return "default"


KINDS: tuple[Kind, ...] = (
    Kind(
        field="claims",
        source=Source.KUBERNETES,
        group="",
        versions=("v1",),
        plural="persistentvolumeclaims",
        kind="PersistentVolumeClaim",
        struct=objects.PersistentVolumeClaim,
        reach=Reach.CLAIMS,
    ),
    Kind(
        field="volumes",
        source=Source.KUBERNETES,
        group="",
        versions=("v1",),
        plural="persistentvolumes",
        kind="PersistentVolume",
        struct=objects.PersistentVolume,
        reach=Reach.CLUSTER,
    ),
    Kind(
        field="namespaces",
        source=Source.KUBERNETES,
        group="",
        versions=("v1",),
        plural="namespaces",
        kind="Namespace",
        struct=objects.Namespace,
        reach=Reach.CLUSTER,
    ),
    Kind(
        field="pods",
        source=Source.KUBERNETES,
        group="",
        versions=("v1",),
        plural="pods",
        kind="Pod",
        struct=objects.Pod,
        reach=Reach.CLAIMS,
        label_selector=VOLSYNC_OBJECTS,
    ),
    Kind(
        field="jobs",
        source=Source.KUBERNETES,
        group="batch",
        versions=("v1",),
        plural="jobs",
        kind="Job",
        struct=objects.Job,
        reach=Reach.CLAIMS,
        label_selector=VOLSYNC_OBJECTS,
    ),
    Kind(
        field="mount_events",
        source=Source.KUBERNETES,
        group="",
        versions=("v1",),
        plural="events",
        kind="Event",
        struct=objects.Event,
        reach=Reach.CLAIMS,
        field_selectors=("reason=FailedAttachVolume", "reason=FailedMount"),
    ),
    Kind(
        field="attachments",
        source=Source.KUBERNETES,
        group="storage.k8s.io",
        versions=("v1",),
        plural="volumeattachments",
        kind="VolumeAttachment",
        struct=objects.VolumeAttachment,
        reach=Reach.CLUSTER,
    ),
    Kind(
        field="snapshots",
        source=Source.KUBERNETES,
        group="snapshot.storage.k8s.io",
        versions=("v1", "v1beta1"),
        plural="volumesnapshots",
        kind="VolumeSnapshot",
        struct=objects.VolumeSnapshot,
        reach=Reach.CLAIMS,
        label_selector=VOLSYNC_OBJECTS,
    ),
    Kind(
        field="secrets",
        source=Source.SECRETS,
        group="",
        versions=("v1",),
        plural="secrets",
        kind="Secret",
        struct=objects.Secret,
        reach=Reach.CLAIMS,
        metadata_only=True,
    ),
    Kind(
        field="replication_sources",
        source=Source.VOLSYNC,
        group="volsync.backube",
        versions=("v1alpha1",),
        plural="replicationsources",
        kind="ReplicationSource",
        struct=objects.ReplicationSource,
        reach=Reach.CLAIMS,
    ),
    Kind(
        field="replication_destinations",
        source=Source.VOLSYNC,
        group="volsync.backube",
        versions=("v1alpha1",),
        plural="replicationdestinations",
        kind="ReplicationDestination",
        struct=objects.ReplicationDestination,
        reach=Reach.CLAIMS,
    ),
    Kind(
        field="longhorn_volumes",
        source=Source.LONGHORN,
        group="longhorn.io",
        versions=("v1beta2", "v1beta1"),
        plural="volumes",
        kind="Volume",
        struct=objects.LonghornVolume,
        reach=Reach.ONE,
        namespace=_longhorn,
    ),
    Kind(
        field="longhorn_settings",
        source=Source.LONGHORN,
        group="longhorn.io",
        versions=("v1beta2", "v1beta1"),
        plural="settings",
        kind="Setting",
        struct=objects.LonghornSetting,
        reach=Reach.ONE,
        namespace=_longhorn,
    ),
    Kind(
        field="cluster_policies",
        source=Source.KYVERNO,
        group="kyverno.io",
        versions=("v1", "v2beta1"),
        plural="clusterpolicies",
        kind="ClusterPolicy",
        struct=objects.ClusterPolicy,
        reach=Reach.CLUSTER,
    ),
    Kind(
        field="generating_policies",
        source=Source.KYVERNO,
        group="policies.kyverno.io",
        versions=("v1", "v1beta1", "v1alpha1"),
        plural="generatingpolicies",
        kind="GeneratingPolicy",
        struct=objects.GeneratingPolicy,
        reach=Reach.CLUSTER,
    ),
    Kind(
        field="update_requests",
        source=Source.KYVERNO,
        group="kyverno.io",
        versions=("v2", "v1beta1"),
        plural="updaterequests",
        kind="UpdateRequest",
        struct=objects.UpdateRequest,
        reach=Reach.ONE,
        namespace=_kyverno,
    ),
    Kind(
        field="policy_events",
        source=Source.KYVERNO,
        group="",
        versions=("v1",),
        plural="events",
        kind="Event",
        struct=objects.Event,
        reach=Reach.ONE,
        field_selectors=("reason=PolicyError",),
        namespace=_policy_events,
        about=("kyverno.io", "policies.kyverno.io"),
    ),
    Kind(
        field="cluster_external_secrets",
        source=Source.EXTERNAL_SECRETS,
        group="external-secrets.io",
        versions=("v1", "v1beta1"),
        plural="clusterexternalsecrets",
        kind="ClusterExternalSecret",
        struct=objects.ClusterExternalSecret,
        reach=Reach.CLUSTER,
    ),
    Kind(
        field="external_secrets",
        source=Source.EXTERNAL_SECRETS,
        group="external-secrets.io",
        versions=("v1", "v1beta1"),
        plural="externalsecrets",
        kind="ExternalSecret",
        struct=objects.ExternalSecret,
        reach=Reach.CLAIMS,
    ),
)
