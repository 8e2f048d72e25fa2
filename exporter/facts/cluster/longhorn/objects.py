"""Longhorn's objects (longhorn.io)."""

import msgspec

from exporter.facts.cluster.wire import (
    Condition,
    Items,
    Name,
    Object,
    Text,
    Wire,
)

TELLING = "Scheduled"
"""The condition of a volume that tells something; a few others repeat its state."""


class LonghornVolumeSpec(Wire):
    node_id: Name = msgspec.field(default="", name="nodeID")
    number_of_replicas: int = 0
    access_mode: Text = ""
    """`rwx` volumes are served to their pods by a share manager, over NFS."""


class WorkloadStatus(Wire):
    pod_name: Name = ""
    pod_status: Text = ""


class KubernetesStatus(Wire):
    """Whom the volume serves. Every field outlives its truth: see `lastPVCRefAt` and `lastPodRefAt`."""

    pv_status: Text = ""
    last_pvc_ref_at: Text = msgspec.field(default="", name="lastPVCRefAt")
    last_pod_ref_at: Text = ""
    workloads_status: Items[WorkloadStatus] | None = None


class CloneStatus(Wire):
    """`initiated`, `copy-completed-awaiting-healthy`, `completed` or `failed`; empty: no clone."""

    state: Text = ""


class LonghornVolumeStatus(Wire):
    state: Text = ""
    robustness: Text = ""
    current_node_id: Name = msgspec.field(default="", name="currentNodeID")
    actual_size: int = 0
    last_degraded_at: Text = ""
    remount_requested_at: Text = ""
    """Set by a salvage and by an engine that died."""
    kubernetes_status: KubernetesStatus | None = None
    conditions: Items[Condition] | None = None
    """Of all that Longhorn says of each volume, what `TELLING` names: the others are never looked at."""
    clone_status: CloneStatus | None = None
    share_state: Text = ""
    """The share manager's: `running` once it serves at `share_endpoint`."""
    share_endpoint: Text = ""

    def __post_init__(self) -> None:
        if self.conditions:
            telling = tuple(one for one in self.conditions if one.type == TELLING)
            msgspec.structs.force_setattr(self, "conditions", telling)


class LonghornVolume(Object):
    spec: LonghornVolumeSpec = LonghornVolumeSpec()
    status: LonghornVolumeStatus = LonghornVolumeStatus()


class LonghornSetting(Object):
    """Longhorn's settings have no spec: `value` stands at the top, a scalar or (1.10 and later) JSON per engine."""

    value: Text = ""
