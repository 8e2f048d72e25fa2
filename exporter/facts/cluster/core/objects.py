"""Kubernetes' own objects (core, batch and storage.k8s.io), cut down to the fields that a verdict rests on."""

from datetime import datetime

import msgspec

from exporter.facts.cluster.wire import (
    Condition,
    ErrorMessage,
    Items,
    LabelledMetadata,
    Labels,
    Metadata,
    Moment,
    Name,
    Object,
    ObjectReference,
    ResourceRequirements,
    Text,
    TypedReference,
    Wire,
)


class ClaimAnnotations(Wire):
    """What the owner of a PVC may say about its backup, and what Kubernetes says about its volume."""

    exempt: Text | None = msgspec.field(default=None, name="volsync-exporter.io/exempt")
    exempt_until: Text | None = msgspec.field(default=None, name="volsync-exporter.io/exempt-until")
    objective: Text | None = msgspec.field(default=None, name="volsync-exporter.io/objective")
    repository: Text | None = msgspec.field(default=None, name="volsync-exporter.io/repository")
    restore_proof: Text | None = msgspec.field(default=None, name="volsync-exporter.io/restore-proof")
    may_vanish: Text | None = msgspec.field(default=None, name="volsync-exporter.io/may-vanish")

    provisioner: Text | None = msgspec.field(default=None, name="volume.kubernetes.io/storage-provisioner")
    """Who is to make the volume: set by Kubernetes once it is asked for."""
    selected_node: Text | None = msgspec.field(default=None, name="volume.kubernetes.io/selected-node")
    """The node that the scheduler chose for a volume that waits for its first consumer."""


class ClaimMetadata(LabelledMetadata):
    annotations: ClaimAnnotations | None = None


class ResourceRequests(Wire):
    storage: Text | int = ""


class VolumeResources(Wire):
    requests: ResourceRequests | None = None


class PersistentVolumeClaimSpec(Wire):
    volume_name: Name = ""
    storage_class_name: Name | None = None
    access_modes: Items[Text] | None = None
    data_source_ref: TypedReference | None = None
    resources: VolumeResources | None = None

    @property
    def requested(self) -> str:
        """How much storage was asked for, as the API writes it; empty: it does not say."""
        return str(self.resources.requests.storage) if self.resources and self.resources.requests else ""


class Phase(Wire):
    phase: Text = ""


class PersistentVolumeClaim(Object):
    metadata: ClaimMetadata
    spec: PersistentVolumeClaimSpec = PersistentVolumeClaimSpec()
    status: Phase = Phase()


class CSISource(Wire):
    driver: Text
    volume_handle: Text


class NodeSelectorRequirement(Wire):
    key: Text
    operator: Text = "In"
    values: Items[Text] | None = None


class NodeSelectorTerm(Wire):
    match_expressions: Items[NodeSelectorRequirement] | None = None
    match_fields: Items[NodeSelectorRequirement] | None = None


class NodeSelector(Wire):
    """Which nodes will do: all requirements of one of the terms have to hold."""

    node_selector_terms: Items[NodeSelectorTerm] | None = None


class VolumeNodeAffinity(Wire):
    required: NodeSelector | None = None


class PersistentVolumeSpec(Wire):
    csi: CSISource | None = None
    claim_ref: ObjectReference | None = None
    node_affinity: VolumeNodeAffinity | None = None


class VolumeAnnotations(Wire):
    provisioner: Text | None = msgspec.field(default=None, name="pv.kubernetes.io/provisioned-by")


class VolumeMetadata(Metadata):
    annotations: VolumeAnnotations | None = None


class PersistentVolume(Object):
    metadata: VolumeMetadata
    spec: PersistentVolumeSpec = PersistentVolumeSpec()
    status: Phase = Phase()

    @property
    def home(self) -> str:
        return self.spec.claim_ref.namespace if self.spec.claim_ref else ""


class NamespaceAnnotations(Wire):
    privileged_movers: Text | None = msgspec.field(default=None, name="volsync.backube/privileged-movers")


class NamespaceMetadata(LabelledMetadata):
    annotations: NamespaceAnnotations | None = None


class Namespace(Object):
    metadata: NamespaceMetadata


class Secret(Object):
    """That a Secret is there. Its data is not decoded, whatever the bytes hold."""


class Container(Wire):
    args: Items[Text] | None = None
    resources: ResourceRequirements | None = None


class JobPodSpec(Wire):
    containers: Items[Container] | None = None


class JobTemplate(Wire):
    spec: JobPodSpec = JobPodSpec()


class JobSpec(Wire):
    parallelism: int | None = None
    suspend: bool = False
    template: JobTemplate = JobTemplate()


class JobStatus(Wire):
    active: int = 0
    failed: int = 0
    succeeded: int = 0
    start_time: Moment | None = None
    completion_time: Moment | None = None
    conditions: Items[Condition] | None = None


class Job(Object):
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


class ClaimVolumeSource(Wire):
    claim_name: Name


class PodVolume(Wire):
    name: Name
    persistent_volume_claim: ClaimVolumeSource | None = None


class NodeAffinity(Wire):
    required: NodeSelector | None = msgspec.field(default=None, name="requiredDuringSchedulingIgnoredDuringExecution")


class Affinity(Wire):
    node_affinity: NodeAffinity | None = None


class PodSpec(Wire):
    node_name: Name = ""
    node_selector: Labels | None = None
    affinity: Affinity | None = None
    scheduler_name: Text = "default-scheduler"
    containers: Items[Container] | None = None
    volumes: Items[PodVolume] | None = None


class Waiting(Wire):
    reason: Text = ""
    message: Text = ""


class Running(Wire):
    started_at: Moment | None = None


class Terminated(Wire):
    exit_code: int
    reason: Text = ""
    message: Text = ""
    finished_at: Moment | None = None


class ContainerState(Wire):
    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Wire):
    name: Name
    state: ContainerState = ContainerState()
    restart_count: int = 0


class PodStatus(Wire):
    phase: Text = ""
    reason: Text = ""
    message: Text = ""
    conditions: Items[Condition] | None = None
    container_statuses: Items[ContainerStatus] | None = None
    init_container_statuses: Items[ContainerStatus] | None = None


class Pod(Object):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Event(Object):
    """An event of core/v1 or events.k8s.io/v1: the two name the same things differently."""

    reason: Text = ""
    message: Text = ""
    note: Text = ""
    involved_object: ObjectReference | None = None
    regarding: ObjectReference | None = None
    related: ObjectReference | None = None
    first_timestamp: Moment | None = None
    last_timestamp: Moment | None = None
    event_time: Moment | None = None

    @property
    def text(self) -> str:
        return self.note or self.message

    @property
    def about(self) -> ObjectReference:
        return self.regarding or self.involved_object or ObjectReference()

    @property
    def began(self) -> datetime | None:
        """When what it tells was seen first: it is told again with the same object."""
        return self.first_timestamp or self.at

    @property
    def at(self) -> datetime | None:
        return self.event_time or self.last_timestamp or self.metadata.creation_timestamp


class NodeSpec(Wire):
    unschedulable: bool = False


class NodeStatus(Wire):
    conditions: Items[Condition] | None = None


class Node(Object):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class StorageClass(Object):
    """A storage class has no spec: its fields stand at the top."""

    provisioner: Text = ""
    volume_binding_mode: Text = ""


class AttachmentSource(Wire):
    persistent_volume_name: Name | None = None


class VolumeAttachmentSpec(Wire):
    attacher: Text = ""
    node_name: Name = ""
    source: AttachmentSource = AttachmentSource()


class VolumeAttachmentStatus(Wire):
    attached: bool = False
    attach_error: ErrorMessage | None = None


class VolumeAttachment(Object):
    spec: VolumeAttachmentSpec = VolumeAttachmentSpec()
    status: VolumeAttachmentStatus = VolumeAttachmentStatus()
