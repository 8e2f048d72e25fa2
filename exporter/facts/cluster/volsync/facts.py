"""VolSync's objects, joined: which sources back up a PVC."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

import msgspec

from exporter.facts.cluster.object_list import Key, ObjectList
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationSource


class VolSyncFacts(msgspec.Struct, frozen=True, dict=True):
    """The lists of VolSync's API."""

    sources: ObjectList[ReplicationSource] = ObjectList()
    destinations: ObjectList[ReplicationDestination] = ObjectList()

    @cached_property
    def sources_of(self) -> Mapping[Key, tuple[ReplicationSource, ...]]:
        """ReplicationSources by the PVC that they back up, sorted by name; as they were read last."""
        found: dict[Key, list[ReplicationSource]] = defaultdict(list)
        for source in sorted(self.sources.items, key=lambda source: source.key):
            if source.spec.source_pvc:
                found[source.namespace, source.spec.source_pvc].append(source)
        return {key: tuple(sources) for key, sources in found.items()}

    def sharers_of(self, secret: Key, method: str = "restic") -> tuple[Key, ...]:
        """The claims whose sources of one *method* take their repository from one Secret, sorted."""
        return self._sharers.get((*secret, method), ())

    @cached_property
    def _sharers(self) -> Mapping[tuple[str, str, str], tuple[Key, ...]]:
        found: dict[tuple[str, str, str], list[Key]] = defaultdict(list)
        for key, sources in sorted(self.sources_of.items()):
            secrets = {(s.spec.mover.repository, s.spec.method) for s in sources if s.spec.mover.repository}
            for secret, method in secrets:
                found[key[0], secret, method].append(key)
        return {secret: tuple(keys) for secret, keys in found.items()}

    @cached_property
    def writers_of(self) -> Mapping[Key, Key]:
        """The claim that writes to the repository of a Secret, by the Secret; of several that share it, the first."""
        writers: dict[Key, Key] = {}
        for key, sources in sorted(self.sources_of.items()):
            for source in sources:
                writers.setdefault((key[0], source.spec.mover.repository or ""), key)
        return writers

    @cached_property
    def last_activity(self) -> datetime | None:
        """When VolSync last began or ended a sync of any source."""
        statuses = (source.status for source in self.sources.items if source.status)
        moments = (moment for status in statuses for moment in (status.last_sync_time, status.last_sync_start_time))
        return max((moment for moment in moments if moment), default=None)

    @cached_property
    def last_success(self) -> datetime | None:
        """When VolSync last ended a sync of any source."""
        ends = (source.status.last_sync_time for source in self.sources.items if source.status)
        return max((end for end in ends if end), default=None)
