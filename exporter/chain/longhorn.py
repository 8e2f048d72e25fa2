"""What a Longhorn volume says of itself (longhorn-manager `k8s/pkg/apis/longhorn/v1beta2/volume.go`)."""

from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.longhorn.facts import DRIVER
from exporter.facts.cluster.longhorn.objects import TELLING, LonghornVolume


def handle_of(cluster: ClusterFacts, pvc: PersistentVolumeClaim) -> str | None:
    """The name of the PVC's Longhorn volume: a statically made PV may name it differently from itself."""
    volume = cluster.core.volumes.get(pvc.spec.volume_name)
    csi = volume.spec.csi if volume else None
    return csi.volume_handle if csi and csi.driver == DRIVER else None


def volume_of(cluster: ClusterFacts, pvc: PersistentVolumeClaim) -> LonghornVolume | None:
    """The PVC's Longhorn volume, where there is one and it was read."""
    handle = handle_of(cluster, pvc)
    return cluster.longhorn.volume(handle) if handle else None


def clone_state(volume: LonghornVolume | None) -> str:
    """How far the cloning of *volume* is; empty once it is done, or where nothing is cloned.

    Until then the volume is "not ready for workloads" and does not attach.
    """
    clone = volume.status.clone_status if volume else None
    return "" if clone is None or clone.state == "completed" else clone.state


def no_room(volume: LonghornVolume) -> str:
    """Why Longhorn finds no place for the volume's replicas, in its own words; empty when it has found one."""
    conditions = volume.status.conditions or ()
    scheduled = next((c for c in conditions if c.type == TELLING and c.status == "False"), None)
    return (scheduled.message or scheduled.reason or "its replicas are not scheduled") if scheduled else ""


def share_fault(volume: LonghornVolume) -> str:
    """What keeps an RWX volume's share manager from serving it; empty when it serves, or none has to."""
    if volume.spec.access_mode != "rwx" or not volume.status.share_state:
        return ""
    if volume.status.share_state != "running":
        return f"its share manager is in state {volume.status.share_state!r}"
    return "" if volume.status.share_endpoint else "its share manager runs and has no endpoint"
