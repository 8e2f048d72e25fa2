"""The Kubernetes objects, cut down to the fields that a verdict rests on.

Each struct is a partial view of the object on the wire: what is not named here is skipped when the bytes are
decoded. A list or struct that a Go program writes as `null` when it is empty is optional here.
"""

from datetime import datetime
from typing import Annotated, Any, dataclass_transform

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone: without one it could not be compared, so such an object is malformed."""


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A part of an object as it stands in the API's JSON; field names are camel case there."""


# --- metadata ---------------------------------------------------------------------------------------------------


class OwnerReference(Wire):
    kind: str
    name: str
    uid: str = ""


class Metadata(Wire):
    """What every object has. Annotations are left out on purpose: a last-applied one can carry a Secret's data."""

    name: str
    namespace: str = ""
    uid: str = ""
    creation_timestamp: Moment | None = None
    deletion_timestamp: Moment | None = None
    owner_references: tuple[OwnerReference, ...] | None = None


class LabelledMetadata(Metadata):
    labels: dict[str, str] | None = None


class Object(Wire):
    """Anything with metadata."""

    metadata: Metadata

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name; the namespace is empty for cluster-scoped objects."""
        return self.metadata.namespace, self.metadata.name


class Condition(Wire):
    """A condition of any API: not all of them carry a reason or a transition time."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class ObjectReference(Wire):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class LabelSelectorRequirement(Wire):
    key: str
    operator: str
    values: tuple[str, ...] | None = None


class LabelSelector(Wire):
    match_labels: dict[str, str] | None = None
    match_expressions: tuple[LabelSelectorRequirement, ...] | None = None


# --- core -------------------------------------------------------------------------------------------------------


class ClaimAnnotations(Wire):
    """What the owner of a PVC may say about its backup."""

    exempt: str | None = msgspec.field(default=None, name="volsync-exporter.io/exempt")
    exempt_until: str | None = msgspec.field(default=None, name="volsync-exporter.io/exempt-until")
    objective: str | None = msgspec.field(default=None, name="volsync-exporter.io/objective")


class ClaimMetadata(LabelledMetadata):
    annotations: ClaimAnnotations | None = None


class TypedReference(Wire):
    kind: str
    name: str
    api_group: str | None = None


class PersistentVolumeClaimSpec(Wire):
    volume_name: str = ""
    storage_class_name: str | None = None
    data_source_ref: TypedReference | None = None


class Phase(Wire):
    phase: str = ""


class PersistentVolumeClaim(Object):
    metadata: ClaimMetadata
    spec: PersistentVolumeClaimSpec = PersistentVolumeClaimSpec()
    status: Phase = Phase()


class CSISource(Wire):
    driver: str
    volume_handle: str


class PersistentVolumeSpec(Wire):
    csi: CSISource | None = None
    claim_ref: ObjectReference | None = None


class PersistentVolume(Object):
    spec: PersistentVolumeSpec = PersistentVolumeSpec()
    status: Phase = Phase()


class NamespaceAnnotations(Wire):
    privileged_movers: str | None = msgspec.field(default=None, name="volsync.backube/privileged-movers")


class NamespaceMetadata(LabelledMetadata):
    annotations: NamespaceAnnotations | None = None


class Namespace(Object):
    metadata: NamespaceMetadata


class Secret(Object):
    """That a Secret is there. Its data is not decoded, whatever the bytes hold."""


class JobContainer(Wire):
    args: tuple[str, ...] | None = None


class JobPodSpec(Wire):
    containers: tuple[JobContainer, ...] | None = None


class JobTemplate(Wire):
    spec: JobPodSpec = JobPodSpec()


class JobSpec(Wire):
    parallelism: int | None = None
    template: JobTemplate = JobTemplate()


class JobStatus(Wire):
    active: int = 0
    failed: int = 0
    succeeded: int = 0
    start_time: Moment | None = None
    completion_time: Moment | None = None


class Job(Object):
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


class ClaimVolumeSource(Wire):
    claim_name: str


class PodVolume(Wire):
    name: str
    persistent_volume_claim: ClaimVolumeSource | None = None


class PodSpec(Wire):
    node_name: str = ""
    node_selector: dict[str, str] | None = None
    volumes: tuple[PodVolume, ...] | None = None


class Waiting(Wire):
    reason: str = ""
    message: str = ""


class Running(Wire):
    started_at: Moment | None = None


class Terminated(Wire):
    exit_code: int
    reason: str = ""
    message: str = ""
    finished_at: Moment | None = None


class ContainerState(Wire):
    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Wire):
    name: str
    state: ContainerState = ContainerState()
    restart_count: int = 0


class PodStatus(Wire):
    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None


class Pod(Object):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Event(Object):
    """An event of core/v1 or events.k8s.io/v1: the two name the same things differently."""

    reason: str = ""
    message: str = ""
    note: str = ""
    involved_object: ObjectReference | None = None
    regarding: ObjectReference | None = None
    related: ObjectReference | None = None
    last_timestamp: Moment | None = None
    event_time: Moment | None = None

    @property
    def text(self) -> str:
        return self.note or self.message

    @property
    def about(self) -> ObjectReference:
        return self.regarding or self.involved_object or ObjectReference()

    @property
    def at(self) -> datetime | None:
        return self.event_time or self.last_timestamp or self.metadata.creation_timestamp


# --- storage ----------------------------------------------------------------------------------------------------


class AttachmentSource(Wire):
    persistent_volume_name: str | None = None


class VolumeAttachmentSpec(Wire):
    attacher: str = ""
    node_name: str = ""
    source: AttachmentSource = AttachmentSource()


class ErrorMessage(Wire):
    message: str = ""
    time: Moment | None = None


class VolumeAttachmentStatus(Wire):
    attached: bool = False
    attach_error: ErrorMessage | None = None


class VolumeAttachment(Object):
    spec: VolumeAttachmentSpec = VolumeAttachmentSpec()
    status: VolumeAttachmentStatus = VolumeAttachmentStatus()


class SnapshotSource(Wire):
    persistent_volume_claim_name: str | None = None


class VolumeSnapshotSpec(Wire):
    source: SnapshotSource = SnapshotSource()


class VolumeSnapshotStatus(Wire):
    ready_to_use: bool | None = None
    error: ErrorMessage | None = None
    creation_time: Moment | None = None


class VolumeSnapshot(Object):
    spec: VolumeSnapshotSpec = VolumeSnapshotSpec()
    status: VolumeSnapshotStatus | None = None


# --- VolSync ----------------------------------------------------------------------------------------------------


class Trigger(Wire):
    schedule: str | None = None
    manual: str | None = None


class MoverSpec(Wire):
    """What the movers have in common; `repository` is restic's and Kopia's, `rcloneConfig` is rclone's."""

    repository: str | None = None
    rclone_config: str | None = None
    copy_method: str | None = None
    prune_interval_days: int | None = None
    unlock: str | None = None
    destination_pvc: str | None = msgspec.field(default=None, name="destinationPVC")


class MoverStatus(Wire):
    """How the last mover that ended did: `Successful`, `Failed`, or nothing yet; its last 1,024 bytes of log."""

    result: str = ""
    logs: str = ""


class ResticStatus(Wire):
    last_pruned: Moment | None = None
    last_unlocked: str | None = None


class Movers(Wire):
    restic: MoverSpec | None = None
    rclone: MoverSpec | None = None
    rsync: MoverSpec | None = None
    rsync_tls: MoverSpec | None = msgspec.field(default=None, name="rsyncTLS")
    kopia: MoverSpec | None = None
    syncthing: MoverSpec | None = None
    external: MoverSpec | None = None

    @property
    def method(self) -> str:
        """The mover's name as VolSync's own metrics have it; empty when the spec names none."""
        return next((name for name in _METHODS if getattr(self, name) is not None), "")

    @property
    def mover(self) -> MoverSpec:
        return getattr(self, self.method) if self.method else MoverSpec()


_METHODS = ("restic", "kopia", "rclone", "rsync_tls", "rsync", "syncthing", "external")


class ReplicationSourceSpec(Movers):
    source_pvc: str = msgspec.field(default="", name="sourcePVC")
    paused: bool = False
    trigger: Trigger | None = None


class ReplicationSourceStatus(Wire):
    last_sync_time: Moment | None = None
    last_sync_start_time: Moment | None = None
    last_sync_duration: str | None = None
    next_sync_time: Moment | None = None
    last_manual_sync: str | None = None
    latest_mover_status: MoverStatus | None = None
    conditions: tuple[Condition, ...] | None = None
    restic: ResticStatus | None = None


class ReplicationSource(Object):
    metadata: LabelledMetadata
    spec: ReplicationSourceSpec = ReplicationSourceSpec()
    status: ReplicationSourceStatus | None = None


class ReplicationDestinationSpec(Movers):
    paused: bool = False
    trigger: Trigger | None = None


class ReplicationDestinationStatus(Wire):
    last_sync_time: Moment | None = None
    last_sync_start_time: Moment | None = None
    last_sync_duration: str | None = None
    last_manual_sync: str | None = None
    latest_mover_status: MoverStatus | None = None
    latest_image: TypedReference | None = None
    conditions: tuple[Condition, ...] | None = None


class ReplicationDestination(Object):
    metadata: LabelledMetadata
    spec: ReplicationDestinationSpec = ReplicationDestinationSpec()
    status: ReplicationDestinationStatus | None = None


# --- Longhorn ---------------------------------------------------------------------------------------------------


class LonghornVolumeSpec(Wire):
    node_id: str = msgspec.field(default="", name="nodeID")
    number_of_replicas: int = 0


class WorkloadStatus(Wire):
    pod_name: str = ""
    pod_status: str = ""


class KubernetesStatus(Wire):
    """Whom the volume serves. Every field outlives its truth: see `lastPVCRefAt` and `lastPodRefAt`."""

    pv_status: str = ""
    last_pvc_ref_at: str = msgspec.field(default="", name="lastPVCRefAt")
    last_pod_ref_at: str = ""
    workloads_status: tuple[WorkloadStatus, ...] | None = None


class CloneStatus(Wire):
    state: str = ""


class LonghornVolumeStatus(Wire):
    state: str = ""
    robustness: str = ""
    current_node_id: str = msgspec.field(default="", name="currentNodeID")
    actual_size: int = 0
    last_degraded_at: str = ""
    remount_requested_at: str = ""
    """Set by a salvage and by an engine that died."""
    kubernetes_status: KubernetesStatus | None = None
    conditions: tuple[Condition, ...] | None = None
    clone_status: CloneStatus | None = None


class LonghornVolume(Object):
    spec: LonghornVolumeSpec = LonghornVolumeSpec()
    status: LonghornVolumeStatus = LonghornVolumeStatus()


class LonghornSetting(Object):
    """Longhorn's settings have no spec: `value` stands at the top, a scalar or (1.10 and later) JSON per engine."""

    value: str = ""


# --- Kyverno ----------------------------------------------------------------------------------------------------


class ResourceDescription(Wire):
    kinds: tuple[str, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None


class ResourceFilter(Wire):
    resources: ResourceDescription | None = None


class MatchResources(Wire):
    any: tuple[ResourceFilter, ...] | None = None
    all: tuple[ResourceFilter, ...] | None = None
    resources: ResourceDescription | None = None


class Generation(Wire):
    kind: str = ""
    data: Any = None
    """The object to generate, with expressions in its strings."""


class PolicyRule(Wire):
    name: str
    match: MatchResources | None = None
    exclude: MatchResources | None = None
    generate: Generation | None = None


class ClusterPolicySpec(Wire):
    rules: tuple[PolicyRule, ...] | None = None


class PolicyStatus(Wire):
    conditions: tuple[Condition, ...] | None = None


class ClusterPolicy(Object):
    spec: ClusterPolicySpec = ClusterPolicySpec()
    status: PolicyStatus | None = None


class MatchConstraints(Wire):
    object_selector: LabelSelector | None = None


class GeneratingPolicySpec(Wire):
    match_constraints: MatchConstraints | None = None
    generate: tuple[Any, ...] | None = None


class ConditionStatus(Wire):
    ready: bool | None = None
    message: str = ""
    conditions: tuple[Condition, ...] | None = None


class GeneratingPolicyStatus(Wire):
    condition_status: ConditionStatus | None = None


class GeneratingPolicy(Object):
    spec: GeneratingPolicySpec = GeneratingPolicySpec()
    status: GeneratingPolicyStatus | None = None


class RuleContext(Wire):
    rule: str = ""
    trigger: ObjectReference | None = None


class UpdateRequestSpec(Wire):
    """From Kyverno 1.13 the triggers stand in `ruleContext`; before, one stands in `rule` and `resource`."""

    policy: str = ""
    request_type: str = ""
    rule: str = ""
    resource: ObjectReference | None = None
    rule_context: tuple[RuleContext, ...] | None = None


class UpdateRequestStatus(Wire):
    state: str = ""
    message: str = ""
    retry_count: int = 0


class UpdateRequest(Object):
    spec: UpdateRequestSpec = UpdateRequestSpec()
    status: UpdateRequestStatus | None = None


# --- External Secrets -------------------------------------------------------------------------------------------


class SecretTarget(Wire):
    name: str | None = None


class ExternalSecretSpec(Wire):
    refresh_interval: str | None = None
    refresh_policy: str | None = None
    target: SecretTarget | None = None


class ExternalSecretStatus(Wire):
    refresh_time: Moment | None = None
    conditions: tuple[Condition, ...] | None = None


class ExternalSecret(Object):
    spec: ExternalSecretSpec = ExternalSecretSpec()
    status: ExternalSecretStatus | None = None


class FailedNamespace(Wire):
    namespace: str
    reason: str = ""


class ClusterExternalSecretSpec(Wire):
    external_secret_name: str | None = None
    namespace_selector: LabelSelector | None = None
    namespace_selectors: tuple[LabelSelector, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    external_secret_spec: ExternalSecretSpec = ExternalSecretSpec()


class ClusterExternalSecretStatus(Wire):
    provisioned_namespaces: tuple[str, ...] | None = None
    failed_namespaces: tuple[FailedNamespace, ...] | None = None
    conditions: tuple[Condition, ...] | None = None


class ClusterExternalSecret(Object):
    spec: ClusterExternalSecretSpec = ClusterExternalSecretSpec()
    status: ClusterExternalSecretStatus | None = None
