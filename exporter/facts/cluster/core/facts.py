"""Kubernetes' own objects, joined: a Job's pods, a PVC's volume and its attachments, a pod's complaints."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property

import msgspec

from exporter.facts.cluster.core.objects import (
    Event,
    Job,
    Namespace,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    Secret,
    VolumeAttachment,
)
from exporter.facts.cluster.object_list import Key, ObjectList
from exporter.facts.cluster.wire import Object

_NEVER = datetime.min.replace(tzinfo=UTC)


class CoreFacts(msgspec.Struct, frozen=True, dict=True):
    """The lists of the core, batch and storage APIs."""

    claims: ObjectList[PersistentVolumeClaim] = ObjectList()
    volumes: ObjectList[PersistentVolume] = ObjectList()
    namespaces: ObjectList[Namespace] = ObjectList()
    pods: ObjectList[Pod] = ObjectList()
    jobs: ObjectList[Job] = ObjectList()
    mount_events: ObjectList[Event] = ObjectList()
    attachments: ObjectList[VolumeAttachment] = ObjectList()
    secrets: ObjectList[Secret] = ObjectList()

    @cached_property
    def pvcs(self) -> Mapping[Key, PersistentVolumeClaim]:
        """PVCs as they were read last: a claim does not vanish when it becomes unknown."""
        return {pvc.key: pvc for pvc in self.claims.items}

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

    @cached_property
    def _attachments(self) -> Mapping[str, tuple[VolumeAttachment, ...]]:
        found: dict[str, list[VolumeAttachment]] = defaultdict(list)
        for attachment in self.attachments:
            if volume := attachment.spec.source.persistent_volume_name:
                found[volume].append(attachment)
        return {volume: tuple(attachments) for volume, attachments in found.items()}

    @cached_property
    def _mount_events(self) -> Mapping[Key, tuple[Event, ...]]:
        found: dict[Key, list[Event]] = defaultdict(list)
        for event in sorted(self.mount_events, key=lambda event: (event.at or _NEVER, event.text)):
            found[event.about.namespace, event.about.name].append(event)
        return {pod: tuple(events) for pod, events in found.items()}


def _age(item: Object) -> tuple[datetime, str]:
    return item.metadata.creation_timestamp or _NEVER, item.name
