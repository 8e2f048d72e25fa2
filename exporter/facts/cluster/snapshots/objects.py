"""CSI volume snapshots (snapshot.storage.k8s.io)."""

from exporter.facts.cluster.wire import ErrorMessage, Moment, Name, Object, Wire


class SnapshotSource(Wire):
    persistent_volume_claim_name: Name | None = None


class VolumeSnapshotSpec(Wire):
    source: SnapshotSource = SnapshotSource()


class VolumeSnapshotStatus(Wire):
    ready_to_use: bool | None = None
    error: ErrorMessage | None = None
    creation_time: Moment | None = None


class VolumeSnapshot(Object):
    spec: VolumeSnapshotSpec = VolumeSnapshotSpec()
    status: VolumeSnapshotStatus | None = None
