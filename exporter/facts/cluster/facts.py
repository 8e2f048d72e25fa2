"""The cluster's objects: each API's lists, with the joins among them."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from exporter.facts.cluster.core.facts import CoreFacts
from exporter.facts.cluster.external_secrets.facts import ExternalSecretsFacts
from exporter.facts.cluster.kyverno.facts import KyvernoFacts
from exporter.facts.cluster.longhorn.facts import LonghornFacts
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.snapshots.facts import SnapshotFacts
from exporter.facts.cluster.volsync.facts import VolSyncFacts


class ClusterFacts(msgspec.Struct, frozen=True):
    """The facts of every API. An API whose lists did not change keeps its indexes from one poll to the next."""

    core: CoreFacts = CoreFacts()
    snapshots: SnapshotFacts = SnapshotFacts()
    volsync: VolSyncFacts = VolSyncFacts()
    longhorn: LonghornFacts = LonghornFacts()
    kyverno: KyvernoFacts = KyvernoFacts()
    external_secrets: ExternalSecretsFacts = ExternalSecretsFacts()

    def list_of(self, field: str) -> ObjectList[Any]:
        """The list at *field*, a kind's own: `volsync.sources`."""
        api, _, name = field.partition(".")
        found: ObjectList[Any] = getattr(getattr(self, api), name)
        return found

    def lists(self) -> Iterator[tuple[str, ObjectList[Any]]]:
        """Every list with its field."""
        for api in self.__struct_fields__:
            facts = getattr(self, api)
            for name in facts.__struct_fields__:
                yield f"{api}.{name}", getattr(facts, name)

    def with_lists(self, lists: Mapping[str, ObjectList[Any]]) -> "ClusterFacts":
        """These facts with *lists* (by field) in place of their own."""
        changes: dict[str, dict[str, ObjectList[Any]]] = {}
        for field, new in lists.items():
            api, _, name = field.partition(".")
            if new is not self.list_of(field):
                changes.setdefault(api, {})[name] = new
        return msgspec.structs.replace(
            self, **{api: msgspec.structs.replace(getattr(self, api), **new) for api, new in changes.items()}
        )
