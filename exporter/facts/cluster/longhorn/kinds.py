"""The kinds of this API that are read."""

from exporter.facts.cluster.kind import Kind, Reach
from exporter.facts.cluster.longhorn import objects
from exporter.facts.reading import Source
from exporter.settings import Settings


def _namespace(settings: Settings) -> str:
    return settings.chain.longhorn_namespace


KINDS: tuple[Kind, ...] = (
    Kind(
        field="longhorn.volumes",
        source=Source.LONGHORN,
        group="longhorn.io",
        versions=("v1beta2",),
        plural="volumes",
        kind="Volume",
        struct=objects.LonghornVolume,
        reach=Reach.ONE,
        namespace=_namespace,
    ),
    Kind(
        field="longhorn.settings",
        source=Source.LONGHORN,
        group="longhorn.io",
        versions=("v1beta2",),
        plural="settings",
        kind="Setting",
        struct=objects.LonghornSetting,
        reach=Reach.ONE,
        namespace=_namespace,
    ),
)
