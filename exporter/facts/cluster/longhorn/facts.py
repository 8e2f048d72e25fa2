"""Longhorn's volumes and settings."""

from collections.abc import Mapping
from functools import cached_property

import msgspec

from exporter.facts.cluster.longhorn.objects import LonghornSetting, LonghornVolume
from exporter.facts.cluster.object_list import ObjectList

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

    @cached_property
    def _volumes(self) -> Mapping[str, LonghornVolume]:
        return {volume.name: volume for volume in self.volumes}

    @cached_property
    def _malformed(self) -> frozenset[str]:
        return frozenset(bad.name for bad in self.volumes.malformed)
