"""Longhorn's volumes and settings."""

import msgspec

from exporter.facts.cluster.longhorn.objects import LonghornSetting, LonghornVolume
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.dependencies import Table, apart

DRIVER = "driver.longhorn.io"
"""Its CSI driver: a PV's volume handle is then the name of a Longhorn volume."""


class LonghornFacts(msgspec.Struct, frozen=True, dict=True):
    """The lists of Longhorn's API."""

    volumes: ObjectList[LonghornVolume] = ObjectList()
    settings: ObjectList[LonghornSetting] = ObjectList()

    def volume(self, handle: str) -> LonghornVolume | None:
        """The volume behind a PV's handle. They all live in one namespace, whatever its name."""
        return self._volumes.get(handle)

    def is_malformed(self, handle: str) -> bool:
        """Whether there is a volume behind a PV's handle that could not be understood."""
        return handle in self._malformed

    @apart
    def _volumes(self) -> Table[str, LonghornVolume]:
        return self.volumes.made(_by_name)

    @apart
    def _malformed(self) -> frozenset[str]:
        return frozenset(bad.name for bad in self.volumes.malformed)


def _by_name(volumes: ObjectList[LonghornVolume]) -> Table[str, LonghornVolume]:
    return Table("longhorn volumes", {volume.name: volume for volume in volumes})
