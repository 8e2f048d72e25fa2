"""What a policy is asked about: a PVC in its namespace."""

from collections.abc import Mapping

import msgspec

from exporter.facts.cluster.core.objects import Namespace, PersistentVolumeClaim

KIND = "PersistentVolumeClaim"
RESOURCE = "persistentvolumeclaims"


class TriggerResource(msgspec.Struct, frozen=True):
    """A PVC with its namespace, where that could be read."""

    pvc: PersistentVolumeClaim
    in_namespace: Namespace | None = None

    @property
    def name(self) -> str:
        return self.pvc.name

    @property
    def namespace(self) -> str:
        return self.pvc.namespace

    @property
    def labels(self) -> Mapping[str, str]:
        return self.pvc.metadata.labels or {}

    @property
    def namespace_labels(self) -> Mapping[str, str] | None:
        """None: they are not known."""
        return (self.in_namespace.metadata.labels or {}) if self.in_namespace else None
