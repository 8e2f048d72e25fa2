"""The kinds of this API that are read."""

from exporter.facts.cluster.kind import Kind, Reach
from exporter.facts.cluster.volsync import objects
from exporter.facts.reading import Source

KINDS: tuple[Kind, ...] = (
    Kind(
        field="volsync.sources",
        source=Source.VOLSYNC,
        group="volsync.backube",
        versions=("v1alpha1",),
        plural="replicationsources",
        kind="ReplicationSource",
        struct=objects.ReplicationSource,
        reach=Reach.CLAIMS,
    ),
    Kind(
        field="volsync.destinations",
        source=Source.VOLSYNC,
        group="volsync.backube",
        versions=("v1alpha1",),
        plural="replicationdestinations",
        kind="ReplicationDestination",
        struct=objects.ReplicationDestination,
        reach=Reach.CLAIMS,
    ),
)
