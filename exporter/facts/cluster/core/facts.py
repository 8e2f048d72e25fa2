"""Kubernetes' own objects, joined: a Job's pods, a PVC's volume and its attachments, and what is complained of."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from exporter.facts.cluster.core.objects import (
    Event,
    Job,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    Secret,
    StorageClass,
    VolumeAttachment,
)
from exporter.facts.cluster.object_list import Key, ObjectList, key_of
from exporter.facts.cluster.wire import Object
from exporter.facts.dependencies import Table, apart, shared

_NEVER = datetime.min.replace(tzinfo=UTC)


class CoreFacts(msgspec.Struct, frozen=True, dict=True):
    """The lists of the core, batch and storage APIs."""

    claims: ObjectList[PersistentVolumeClaim] = ObjectList()
    volumes: ObjectList[PersistentVolume] = ObjectList()
    namespaces: ObjectList[Namespace] = ObjectList()
    pods: ObjectList[Pod] = ObjectList()
    jobs: ObjectList[Job] = ObjectList()
    mount_events: ObjectList[Event] = ObjectList()
    job_events: ObjectList[Event] = ObjectList()
    claim_events: ObjectList[Event] = ObjectList()
    nodes: ObjectList[Node] = ObjectList()
    storage_classes: ObjectList[StorageClass] = ObjectList()
    attachments: ObjectList[VolumeAttachment] = ObjectList()
    secrets: ObjectList[Secret] = ObjectList()

    @apart
    def pvcs(self) -> Table[Key, PersistentVolumeClaim]:
        """PVCs as they were read last: a claim does not vanish when it becomes unknown."""
        return self.claims.made(_by_key)

    def job_of(self, owner: Object, kind: str) -> Job | None:
        """The newest Job of an owner."""
        return max(self.jobs.owned_by(owner, kind), key=_age, default=None)

    def pods_of(self, job: Job) -> tuple[Pod, ...]:
        """A Job's pods, the newest first."""
        return tuple(sorted(self.pods.owned_by(job, "Job"), key=_age, reverse=True))

    def has_secret(self, namespace: str, name: str) -> bool:
        """Whether a Secret is there; one that could not be understood is, too."""
        return self.secrets.get(name, namespace) is not None or self.secrets.malformed_in(namespace, name) is not None

    def attachments_of(self, volume: str) -> tuple[VolumeAttachment, ...]:
        """The VolumeAttachments of a PersistentVolume."""
        return self._attachments.get(volume, ())

    def complaints_about(self, pod: Pod) -> tuple[Event, ...]:
        """What the kubelet and the attacher complain of, the newest last."""
        return self._mount_events.get(pod.key, ())

    def refusals_of(self, job: Job) -> tuple[Event, ...]:
        """What refused the Job's pods, the newest last; also those of an earlier Job of that name."""
        return self._job_events.get(job.key, ())

    def complaints_about_claim(self, claim: PersistentVolumeClaim) -> tuple[Event, ...]:
        """Why no volume was made for a PVC, the newest last."""
        return self._claim_events.get(claim.key, ())

    def driver_of(self, claim: PersistentVolumeClaim) -> str:
        """Who makes the PVC's volume: a CSI driver or another provisioner; its storage class, where that is not known.

        A volume of no CSI driver names its provisioner in an annotation, and so does a PVC that waits for its volume.
        Else its class does, or another volume of that class.
        """
        if driver := self._maker_of(claim):
            return driver
        name = claim.spec.storage_class_name or ""
        storage_class = self.storage_classes.get(name)
        told = (
            claim.metadata.annotations.provisioner if claim.metadata.annotations else None,
            storage_class.provisioner if storage_class else None,
            self._makers.get(name),
        )
        return next((provisioner for provisioner in told if provisioner), name)

    def _maker_of(self, claim: PersistentVolumeClaim) -> str | None:
        """Who made the PVC's volume, where it has one that says so."""
        volume = self.volumes.get(claim.spec.volume_name)
        if volume is None or volume.spec.csi:
            return volume.spec.csi.driver if volume and volume.spec.csi else None
        return volume.metadata.annotations.provisioner if volume.metadata.annotations else None

    @apart
    def _makers(self) -> Table[str, str]:
        """Who makes the volumes of a storage class, as far as a volume of it says so."""
        made = ((claim.spec.storage_class_name, self._maker_of(claim)) for claim in self.claims.items)
        return Table("makers", {storage_class: maker for storage_class, maker in made if storage_class and maker})

    @shared
    def runs_a_mover(self) -> bool:
        """Whether any mover of the cluster runs just now."""
        return any(pod.status.phase == "Running" and not pod.metadata.deletion_timestamp for pod in self.pods)

    @apart
    def _attachments(self) -> Table[str, tuple[VolumeAttachment, ...]]:
        return self.attachments.made(_by_volume)

    @apart
    def _mount_events(self) -> Table[Key, tuple[Event, ...]]:
        return self.mount_events.made(_by_object)

    @apart
    def _job_events(self) -> Table[Key, tuple[Event, ...]]:
        return self.job_events.made(_by_object)

    @apart
    def _claim_events(self) -> Table[Key, tuple[Event, ...]]:
        return self.claim_events.made(_by_object)


def _by_key(claims: ObjectList[PersistentVolumeClaim]) -> Table[Key, PersistentVolumeClaim]:
    return Table("pvcs", dict(zip(map(key_of, claims.items), claims.items, strict=True)))


def _by_volume(attachments: ObjectList[VolumeAttachment]) -> Table[str, tuple[VolumeAttachment, ...]]:
    found: dict[str, list[VolumeAttachment]] = defaultdict(list)
    for attachment in attachments:
        if volume := attachment.spec.source.persistent_volume_name:
            found[volume].append(attachment)
    return Table("attachments", {volume: tuple(attached) for volume, attached in found.items()})


def _by_object(events: Iterable[Event]) -> Table[Key, tuple[Event, ...]]:
    """Events by the object that they are about, the newest last."""
    found: dict[Key, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.at or _NEVER, event.text)):
        found[event.about.namespace, event.about.name].append(event)
    return Table("events", {about: tuple(told) for about, told in found.items()})


def _age(item: Object) -> tuple[datetime, str]:
    return item.metadata.creation_timestamp or _NEVER, item.name
