"""Which ReplicationDestinations restore from where a source writes."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cached_property

import msgspec

from exporter.chain.binding import Bindings, Identity
from exporter.facts.cluster.object_list import Key
from exporter.facts.cluster.volsync.facts import VolSyncFacts
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationSource
from exporter.facts.dependencies import Table, apart

_OTHER_SECRET = "its Secret is in another namespace, and it is not known whether it names this repository"


class Reader(msgspec.Struct, frozen=True):
    """A ReplicationDestination that restores from where a source writes."""

    destination: ReplicationDestination
    doubt: str = ""
    """Why that is not certain; empty where it is."""


class Restores:
    """The ReplicationDestinations by the Secrets that they and the sources name, whatever these hold."""

    def __init__(self, volsync: VolSyncFacts) -> None:
        self.alike: dict[tuple[str, str, str], list[ReplicationDestination]] = defaultdict(list)
        """By namespace, Secret and method."""
        used, users = set[tuple[str, str, str]](), set[tuple[str, str, str, str]]()
        for one in sorted(volsync.destinations, key=lambda one: one.key):
            if one.spec.mover.repository:
                self.alike[one.namespace, one.spec.mover.repository, one.spec.method].append(one)
        for source in volsync.sources:
            secret, method = source.spec.mover.repository, source.spec.method
            used.add((source.namespace, secret or "", method))
            users.add((source.namespace, source.spec.source_pvc, secret or "", method))
        self.users_of_name = Counter((secret, method) for _, _, secret, method in users)
        """How many claims have sources with a Secret of a name and a method, whatever their namespace."""
        self.foreign = tuple(one for key, found in sorted(self.alike.items()) if key not in used for one in found)
        """Those with a Secret that no source of their namespace and method has."""


class Readers:
    """The readers of all sources' repositories, in one state of the cluster. What is joined is made when first used."""

    def __init__(self, volsync: VolSyncFacts, bindings: Bindings, restores: Restores) -> None:
        self._restores = restores
        self.look_at(volsync, bindings)

    def look_at(self, volsync: VolSyncFacts, bindings: Bindings) -> None:
        """Look at other facts, of which all that is looked at is the same: the earlier ones can be let go of."""
        self._volsync = volsync
        self._bindings = bindings

    def of(self, source: ReplicationSource) -> tuple[Reader, ...]:
        """The ReplicationDestinations that restore from where *source* writes, in any namespace."""
        return self._all.get(source.key, ())

    @apart
    def _all(self) -> Table[Key, tuple[Reader, ...]]:
        sources = (source for source in self._volsync.sources.items if source.spec.source_pvc)
        return Table("readers", {source.key: self._of(source) for source in sources})

    def _of(self, source: ReplicationSource) -> tuple[Reader, ...]:
        """The ReplicationDestinations that restore from where *source* writes, in any namespace.

        Those of its own Secret do, and those of which objects say the same address. A Secret's contents are not read:
        of one that has the same name in another namespace, which no source there uses, it is not known.
        """
        secret = source.spec.mover.repository
        found = self._restores.alike.get((source.namespace, secret or "", source.spec.method), ()) if secret else ()
        here = [Reader(one) for one in found if _may_be_of(one, source)]
        if not self._restores.foreign:
            return tuple(here)
        told = {
            one.key: Reader(one)
            for identity in self._bindings.identities_of(source)
            for one in self._foreign_at.get(identity, ())
        }
        namesakes = self._foreign_named.get((secret or "", source.spec.method), ())
        if self._restores.users_of_name[secret or "", source.spec.method] == 1:
            here += [Reader(one, _OTHER_SECRET) for one in namesakes if one.key not in told]
        return (*here, *(told[key] for key in sorted(told)))

    @cached_property
    def _foreign_at(self) -> Mapping[Identity, list[ReplicationDestination]]:
        found: dict[Identity, list[ReplicationDestination]] = defaultdict(list)
        for one in self._restores.foreign:
            for identity in self._bindings.identities_read_by(one):
                found[identity].append(one)
        return found

    @cached_property
    def _foreign_named(self) -> Mapping[tuple[str, str], list[ReplicationDestination]]:
        """By the name of their Secret and method: those of which objects say no address."""
        found: dict[tuple[str, str], list[ReplicationDestination]] = defaultdict(list)
        for one in self._restores.foreign:
            if not self._bindings.identities_read_by(one):
                found[one.spec.mover.repository or "", one.spec.method].append(one)
        return found


def _may_be_of(destination: ReplicationDestination, source: ReplicationSource) -> bool:
    """Whether it takes the snapshots of *source*: kopia's fork names one, where a repository holds those of many."""
    identity = destination.spec.mover.source_identity
    if identity is None or not identity.source_name:
        return True
    return (identity.source_namespace or source.namespace, identity.source_name) == source.key
