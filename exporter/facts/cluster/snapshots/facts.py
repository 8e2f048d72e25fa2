"""VolumeSnapshots: the copies that movers read."""

import msgspec

from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.snapshots.objects import VolumeSnapshot


class SnapshotFacts(msgspec.Struct, frozen=True, dict=True):
    """The lists of the snapshot API."""

    snapshots: ObjectList[VolumeSnapshot] = ObjectList()
