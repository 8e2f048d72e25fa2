"""VolSync's objects, joined: which sources back up a PVC."""

from collections import defaultdict
from datetime import datetime

import msgspec

from exporter.facts.cluster.object_list import Grouped, Key, ObjectList
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationSource
from exporter.facts.dependencies import Table, apart, shared


class VolSyncFacts(msgspec.Struct, frozen=True, dict=True):
    """The lists of VolSync's API."""

    sources: ObjectList[ReplicationSource] = ObjectList()
    destinations: ObjectList[ReplicationDestination] = ObjectList()

    @apart
    def sources_of(self) -> Table[Key, tuple[ReplicationSource, ...]]:
        """ReplicationSources by the PVC that they back up, sorted by name; as they were read last."""
        return self.sources.made(_BY_CLAIM)

    def sharers_of(self, secret: Key, method: str = "restic") -> tuple[Key, ...]:
        """The claims whose sources of one *method* take their repository from one Secret, sorted."""
        return self._sharers.get((*secret, method), ())

    @apart
    def _sharers(self) -> Table[tuple[str, str, str], tuple[Key, ...]]:
        return self.sources.made_of_written(_sharers)

    @apart
    def writers_of(self) -> Table[Key, Key]:
        """The claim that writes to the repository of a Secret, by the Secret; of several that share it, the first."""
        return self.sources.made_of_written(_writers)

    @shared
    def last_activity(self) -> datetime | None:
        """When VolSync last began or ended a sync of any source."""
        return self.sources.made(_last_activity)

    @shared
    def last_success(self) -> datetime | None:
        """When VolSync last ended a sync of any source."""
        return self.sources.made(_last_success)


Sources = ObjectList[ReplicationSource]


def _claim_of(source: ReplicationSource) -> Key | None:
    return (source.namespace, source.spec.source_pvc) if source.spec.source_pvc else None


_BY_CLAIM = Grouped("sources", _claim_of)


def _sharers(listing: Sources) -> Table[tuple[str, str, str], tuple[Key, ...]]:
    found: dict[tuple[str, str, str], list[Key]] = defaultdict(list)
    for key, sources in sorted(listing.made(_BY_CLAIM).items()):
        secrets = {(s.spec.mover.repository, s.spec.method) for s in sources if s.spec.mover.repository}
        for secret, method in secrets:
            found[key[0], secret, method].append(key)
    return Table("sharers", {secret: tuple(keys) for secret, keys in found.items()})


def _writers(listing: Sources) -> Table[Key, Key]:
    writers: dict[Key, Key] = {}
    for key, sources in sorted(listing.made(_BY_CLAIM).items()):
        for source in sources:
            writers.setdefault((key[0], source.spec.mover.repository or ""), key)
    return Table("writers", writers)


def _last_activity(listing: Sources) -> datetime | None:
    statuses = (source.status for source in listing.items if source.status)
    moments = (moment for status in statuses for moment in (status.last_sync_time, status.last_sync_start_time))
    return max((moment for moment in moments if moment), default=None)


def _last_success(listing: Sources) -> datetime | None:
    ends = (source.status.last_sync_time for source in listing.items if source.status)
    return max((end for end in ends if end), default=None)
