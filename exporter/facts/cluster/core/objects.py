"""Kubernetes' own objects (core, batch and storage.k8s.io), cut down to the fields that a verdict rests on."""

from datetime import datetime

import msgspec

from exporter.facts.cluster.wire import (
    Condition,
    ErrorMessage,
    LabelledMetadata,
    Moment,
    Object,
    ObjectReference,
    TypedReference,
    Wire,
)


class ClaimAnnotations(Wire):
    """What the owner of a PVC may say about its backup."""

    exempt: str | None = msgspec.field(default=None, name="volsync-exporter.io/exempt")
    exempt_until: str | None = msgspec.field(default=None, name="volsync-exporter.io/exempt-until")
    objective: str | None = msgspec.field(default=None, name="volsync-exporter.io/objective")
    repository: str | None = msgspec.field(default=None, name="volsync-exporter.io/repository")


class ClaimMetadata(LabelledMetadata):
    annotations: ClaimAnnotations | None = None


class ResourceRequests(Wire):
    storage: str | int = ""


class VolumeResources(Wire):
    requests: ResourceRequests | None = None


class PersistentVolumeClaimSpec(Wire):
    volume_name: str = ""
    storage_class_name: str | None = None
    data_source_ref: TypedReference | None = None
    resources: VolumeResources | None = None

    @property
    def requested(self) -> str:
        """How much storage was asked for, as the API writes it; empty: it does not say."""
        return str(self.resources.requests.storage) if self.resources and self.resources.requests else ""


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


class AttachmentSource(Wire):
    persistent_volume_name: str | None = None


class VolumeAttachmentSpec(Wire):
    attacher: str = ""
    node_name: str = ""
    source: AttachmentSource = AttachmentSource()


class VolumeAttachmentStatus(Wire):
    attached: bool = False
    attach_error: ErrorMessage | None = None


class VolumeAttachment(Object):
    spec: VolumeAttachmentSpec = VolumeAttachmentSpec()
    status: VolumeAttachmentStatus = VolumeAttachmentStatus()
