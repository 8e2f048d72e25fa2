"""The kinds of this API that are read."""

from exporter.facts.cluster.kind import VOLSYNC_OBJECTS, Kind, Reach
from exporter.facts.cluster.snapshots import objects
from exporter.facts.reading import Source

KINDS: tuple[Kind, ...] = (
    Kind(
        field="snapshots.snapshots",
        source=Source.KUBERNETES,
        group="snapshot.storage.k8s.io",
        versions=("v1", "v1beta1"),
        plural="volumesnapshots",
        kind="VolumeSnapshot",
        struct=objects.VolumeSnapshot,
        reach=Reach.CLAIMS,
        label_selector=VOLSYNC_OBJECTS,
    ),
)
