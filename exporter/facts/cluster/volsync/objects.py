"""VolSync's objects (volsync.backube), and the kopia fork's, which serves the same group."""

import msgspec

from exporter.facts.cluster.wire import (
    Condition,
    Items,
    LabelledMetadata,
    Moment,
    Name,
    Object,
    ResourceRequirements,
    Text,
    TypedReference,
    Wire,
)


class Trigger(Wire):
    schedule: Text | None = None
    manual: Text | None = None


class SourceIdentity(Wire):
    """Whose snapshots a restore of the kopia fork takes, out of a repository that holds those of many sources."""

    source_name: Name | None = None
    source_namespace: Name | None = None


class MoverSpec(Wire):
    """What the movers have in common; `repository` is restic's and Kopia's, `rcloneConfig` is rclone's."""

    repository: Name | None = None
    rclone_config: Name | None = None
    copy_method: Text | None = None
    prune_interval_days: int | None = None
    unlock: Text | None = None
    mover_resources: ResourceRequirements | None = None
    destination_pvc: Name | None = msgspec.field(default=None, name="destinationPVC")
    previous: int | None = None
    """A restore's: how many snapshots to go back from the newest."""
    restore_as_of: Text | None = None
    """A restore's: take the newest snapshot that is not younger than this moment."""
    source_identity: SourceIdentity | None = None


class MoverStatus(Wire):
    """How the last mover that ended did: `Successful`, `Failed`, or nothing yet; its last 1,024 bytes of log."""

    result: Text = ""
    logs: Text = ""


class ResticStatus(Wire):
    last_pruned: Moment | None = None
    last_unlocked: Text | None = None


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
        for name in _METHODS:
            if getattr(self, name) is not None:
                return name
        return ""

    @property
    def field(self) -> str:
        """The mover's field in the spec, as it stands on the wire; empty when the spec names none."""
        return {"rsync_tls": "rsyncTLS"}.get(self.method, self.method)

    @property
    def mover(self) -> MoverSpec:
        for name in _METHODS:
            mover: MoverSpec | None = getattr(self, name)
            if mover is not None:
                return mover
        return MoverSpec()


_METHODS = ("restic", "kopia", "rclone", "rsync_tls", "rsync", "syncthing", "external")


class ReplicationSourceSpec(Movers):
    source_pvc: Name = msgspec.field(default="", name="sourcePVC")
    paused: bool = False
    trigger: Trigger | None = None


class ReplicationSourceStatus(Wire):
    last_sync_time: Moment | None = None
    last_sync_start_time: Moment | None = None
    last_sync_duration: Text | None = None
    next_sync_time: Moment | None = None
    last_manual_sync: Text | None = None
    latest_mover_status: MoverStatus | None = None
    conditions: Items[Condition] | None = None
    restic: ResticStatus | None = None


class PlaceAnnotations(Wire):
    """What the owner of a ReplicationSource or ReplicationDestination may say of it."""

    repository: Text | None = msgspec.field(default=None, name="volsync-exporter.io/repository")
    may_vanish: Text | None = msgspec.field(default=None, name="volsync-exporter.io/may-vanish")


class PlaceMetadata(LabelledMetadata):
    annotations: PlaceAnnotations | None = None


class ReplicationSource(Object):
    metadata: PlaceMetadata
    spec: ReplicationSourceSpec = ReplicationSourceSpec()
    status: ReplicationSourceStatus | None = None


class ReplicationDestinationSpec(Movers):
    paused: bool = False
    trigger: Trigger | None = None


class ReplicationDestinationStatus(Wire):
    last_sync_time: Moment | None = None
    last_sync_start_time: Moment | None = None
    last_sync_duration: Text | None = None
    last_manual_sync: Text | None = None
    latest_mover_status: MoverStatus | None = None
    latest_image: TypedReference | None = None
    conditions: Items[Condition] | None = None


class ReplicationDestination(Object):
    metadata: PlaceMetadata
    spec: ReplicationDestinationSpec = ReplicationDestinationSpec()
    status: ReplicationDestinationStatus | None = None
