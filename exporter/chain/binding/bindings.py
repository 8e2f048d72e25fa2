"""Where every source writes, decided for all of them together: the first evidence that speaks decides.

1. an annotation on the PVC; a layout that the settings give a bucket;
2. what other objects say: an ExternalSecret's template, a policy's expression, the mover's own log;
3. what is found: a repository whose path ends in one of the source's names, written to during its last sync. Where
   several sources prove a layout so, it says where the other sources of that kind should be.

Everything else is unknown, and then what VolSync reports stands: a guess that fails is a doubt, never an accusation.
"""

import operator
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple, TypeVar

from exporter.chain import scope
from exporter.chain.binding.evidence import Hint
from exporter.chain.binding.hints import Hints, Said
from exporter.chain.binding.layouts import LayoutScore, templates_of
from exporter.chain.binding.model import Binding, BindingState, is_same, store_of
from exporter.chain.binding.places import FoundRepository, Place, Places
from exporter.chain.binding.sources import names_of_source, one_for_each_claim, pattern_of, wrote
from exporter.chain.binding.tally import Bases, Shown, Standing, Tally
from exporter.chain.isolation import Isolation
from exporter.chain.scope import Scope
from exporter.facts.bucket.model import Bucket
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.object_list import Key, differences
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationSource
from exporter.facts.dependencies import Table, apart, shared
from exporter.facts.reading import Reading

READ_METHODS = ("restic",)
"""The movers whose repositories a listing can be read of."""
_NOT_RESTIC = "repositories of its mover are not read"
_NUMBER = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\])(?::\d+)?")
_MANY = 3
"""So many that are there speak for one that is not."""
_NO_BUCKET = "no bucket is read"
_UNTOLD = Binding(BindingState.UNKNOWN, "a value in its objects could not be understood")
_UNREAD = Binding(BindingState.UNKNOWN, _NO_BUCKET)
_NO_HINTS: tuple[Hint, ...] = ()
Identity = tuple[str, ...]
"""What is one for all that read from or write to one repository."""
T = TypeVar("T")
_WRITTEN = ("_untold", "_siblings", "_all_names", "_patterns")
"""What is made of the sources as they are written, whatever their status."""
_DECIDED = (
    "_hints_of",
    "_bases",
    "_found",
    "_tally",
    "layouts",
    "_proven_layouts",
    "_all",
    "_sole_endpoint",
    "claims_at",
    "unplaced",
)
"""What is made of all that is said of them, and of what each wrote to."""


class _Templates(NamedTuple):
    """The templates that give a path of the names of a source, that of its PVC among them."""

    path: str
    pvc: str
    found: tuple[str, ...]


class _Memory:
    """What was made of single sources, and of what: it holds for whoever finds the very same things."""

    def __init__(self) -> None:
        self.places: Places | None = None
        self.names: frozenset[str] = frozenset()
        self.read: dict[Key, tuple[Said, tuple[Hint, ...]]] = {}
        self.named: dict[Key, tuple[ReplicationSource, FoundRepository | None]] = {}
        self.templates: dict[Key, _Templates] = {}


class Bindings:
    """The bindings of all sources of one state of the facts."""

    def __init__(self, cluster: ClusterFacts, buckets: tuple[Bucket, ...], before: "Bindings | None" = None) -> None:
        """*before* are those of earlier facts: what was made of the very same things is taken over from them."""
        self._cluster = cluster
        self.buckets = buckets
        self.isolation = Isolation()
        self._objects = Hints(cluster)
        self._memory = _Memory()
        self._before = before._memory if before else _Memory()
        known = self._before.places
        self._places: Places = known if known is not None and known.is_of(buckets) else Places(buckets)
        self._memory.places = self._places
        if before is not None:
            self._follow(before)

    def of(self, source: ReplicationSource) -> Binding:
        """Where *source* writes."""
        return self._all.get(source.key, _UNREAD)

    @cached_property
    def unplaced(self) -> frozenset[Key]:
        """The sources of which it is not known where in a bucket they write."""
        return frozenset(key for key, binding in self._all.items() if binding.at is None)

    @property
    def decided(self) -> object:
        """All that is decided of the sources: the same thing for as long as that is the same."""
        return self._all

    @apart
    def claims_at(self) -> Table[Place, tuple[Key, ...]]:
        """The claims that write to a repository, by its bucket's identity and its path; sorted."""
        return Table("claims at", self._claims_of(self.sources))

    def _claims_of(self, sources: Iterable[ReplicationSource]) -> dict[Place, tuple[Key, ...]]:
        found: dict[Place, set[Key]] = defaultdict(set)
        for source in sources:
            if place := self._all.get(source.key, _UNREAD).at:
                found[place].add((source.namespace, source.spec.source_pvc))
        return {place: tuple(sorted(keys)) for place, keys in found.items()}

    def identities_of(self, source: ReplicationSource) -> frozenset[Identity]:
        """What is the same of a restore from where *source* writes: its place, else an address as it is written."""
        binding = self.of(source)
        if binding.state is BindingState.PROVEN and binding.bucket is not None:
            return frozenset({(*binding.bucket.identity, binding.prefix)})
        return frozenset(address for hint in self._hints(source) if (address := hint.address))

    def identities_read_by(self, destination: ReplicationDestination) -> frozenset[Identity]:
        """Where objects say in so many words that *destination* restores from, as `identities_of` names it."""
        hints = [hint for hint in self._hints_of_destination(destination) if hint.path is not None]
        placed = [binding for hint in hints if (binding := self._placed(hint)) and binding.bucket]
        places = {(*binding.bucket.identity, binding.prefix) for binding in placed if binding.bucket}
        return frozenset({*places, *(address for hint in hints if (address := hint.address))})

    def _hints_of_destination(self, destination: ReplicationDestination) -> tuple[Hint, ...]:
        name = "/".join(destination.key)
        return self.isolation.attempt(name, lambda: self._objects.of_destination(destination), lambda _: _NO_HINTS)

    @cached_property
    def layouts(self) -> Mapping[tuple[str, str, str], LayoutScore]:
        """The layout of each bucket, as far as places that are proven without it show one."""
        return dict(self._tally.layouts)

    def layout_of(self, bucket: Bucket) -> str:
        """The layout that the settings give *bucket*, else the one that is proven; empty where there is none."""
        return bucket.layout or self._proven_layouts.get(bucket.identity, "")

    @shared
    def _proven_layouts(self) -> Mapping[tuple[str, str, str], str]:
        return {bucket: score.layout for bucket, score in self.layouts.items() if score.is_proven}

    def stores_of(self, source: ReplicationSource) -> tuple[Scope, ...]:
        """The store that *source* writes to, the narrowest first: its bucket, and the whole endpoint.

        Movers name a store each in their own way: by bucket, by host, by the address that did not answer, or not at
        all. What is no name is taken to be the one endpoint that all others name, where there is only one.
        """
        own = self.of(source).store
        if own is None or _is_number(own.endpoint):
            stores = (own, self._sole_endpoint or own or scope.store(""))
        else:
            stores = (own, own.endpoint)
        return tuple(dict.fromkeys(store for store in stores if store))

    @shared
    def _sole_endpoint(self) -> Scope | None:
        stores = {binding.store for binding in self._all.values() if binding.store}
        named = {endpoint for endpoint in (store.endpoint for store in stores) if not _is_number(endpoint)}
        return named.pop() if len(named) == 1 else None

    def store_of_all(self, buckets: Iterable[Bucket]) -> Scope:
        """The store of several buckets, where it is one."""
        stores = {store_of(bucket) for bucket in buckets}
        return stores.pop() if len(stores) == 1 else scope.store("")

    # --- all of them

    @cached_property
    def sources(self) -> tuple[ReplicationSource, ...]:
        """The sources that back a PVC up."""
        return tuple(source for source in self._cluster.volsync.sources.items if source.spec.source_pvc)

    # --- taking over what was made before

    def _follow(self, before: "Bindings") -> None:
        """Take over what was made *before* that holds now, too, where only the status of sources is another one.

        Then the sources of which other things are said, or that wrote to elsewhere, are decided again, and those that
        wanted the same repository with them: what all of them show together is kept as counts.
        """
        again = before._to_decide_again(self._cluster, self._places)
        if again is None:
            return
        made = vars(before)
        if not again:
            self._memory = self._before
            self.__dict__.update({name: made[name] for name in (*_WRITTEN, *_DECIDED) if name in made})
            return
        self._memory.read = self._before.read
        self.__dict__.update({name: made[name] for name in _WRITTEN if name in made})
        hints = {new.key: self._alone(new, self._hinted, _NO_HINTS) for _, new in again}
        bases = before._bases.copy()
        for old, new in again:
            self._count_bases(bases, old, before._hints_of[old.key], -1)
            self._count_bases(bases, new, hints[new.key], 1)
        told = {hint.base for old, new in again for hint in (*before._hints_of[old.key], *hints[new.key])}
        self.__dict__.update(_hints_of={**before._hints_of, **hints}, _bases=bases)
        if bases.tells_the_same(before._bases, told):
            self._memory = self._before
            self._decide_again(before, [new for _, new in again])

    def _decide_again(self, before: "Bindings", sources: list[ReplicationSource]) -> None:
        """Decide of *sources*, of which other things are said than *before*, or that wrote to elsewhere."""
        named = self._memory.named
        left = [named.pop(source.key, (source, None)) for source in sources]
        told = {source.key: self._alone(source, self._told, _UNTOLD) for source in sources}
        self._name([source for source in sources if told[source.key].state is BindingState.UNKNOWN])
        wanted = {place for _, place in (*left, *(named.get(key, (None, None)) for key in told))} - {None}
        rivals = [(source, place) for source, place in named.values() if place in wanted]
        told |= {source.key: self._alone(source, self._told, _UNTOLD) for source, _ in rivals}
        changes = {**told, **self._matched(rivals)}
        tally = before._tally.copy()
        for source in {source.key: source for source in (*sources, *(source for source, _ in rivals))}.values():
            tally.count(self._shown(source, before._found[source.key]), -1)
            tally.count(self._shown(source, changes[source.key]), 1)
        self.__dict__.update(_found={**before._found, **changes}, _tally=tally)
        self._follow_places(before)

    def _follow_places(self, before: "Bindings") -> None:
        """Say again which claims write to the places that are another claim's than *before*."""
        bindings, known = dict(self._all.items()), dict(before._all.items())
        pairs = [(one, known[key]) for key, one in bindings.items() if one is not known[key]]
        moved = {place for one, other in pairs if one.at != other.at for place in (one.at, other.at) if place}
        there = [source for source in self.sources if moved and bindings[source.key].at in moved]
        kept = {place: claims for place, claims in before.claims_at.items() if place not in moved} if moved else {}
        table = Table("claims at", {**kept, **self._claims_of(there)}) if moved else before.claims_at
        self.__dict__["claims_at"] = table
        if all((one.at is None) is (other.at is None) for one, other in pairs):
            self.__dict__["unplaced"] = before.unplaced

    def _to_decide_again(
        self, cluster: ClusterFacts, places: Places
    ) -> list[tuple[ReplicationSource, ReplicationSource]] | None:
        """The sources of *cluster* that were decided here and are to be decided again, as they were and as they are.

        None where that may be any: then more than the status of sources is another one.
        """
        known = self._cluster
        is_same = (
            places is self._places
            and cluster.core.claims is known.core.claims
            and cluster.external_secrets.external_secrets is known.external_secrets.external_secrets
            and cluster.kyverno.cluster_policies is known.kyverno.cluster_policies
            and cluster.volsync.sources.written is known.volsync.sources.written
        )
        if not is_same or "_all" not in vars(self) or self.isolation.failures:
            return None
        synced = differences(known.volsync.sources, cluster.volsync.sources)
        pairs = [(old, new) for old, new in synced or () if new.spec.source_pvc]
        if synced is None or len(self._hints_of) != len(self.sources):
            return None  # or there are several of one name
        return [(old, new) for old, new in pairs if not (self._is_told_alike(new) and self._wrote_alike(old, new))]

    def _is_told_alike(self, new: ReplicationSource) -> bool:
        """Whether *new*, of which only the status is another one than before, has the same said of it."""
        said, hints = self._memory.read[new.key]
        said = said._replace(source=new)
        try:
            if self._objects.of(said) != hints:
                return False
        except Exception:  # noqa: BLE001 - what comes from outside can break any line: it is isolated among all
            return False
        self._memory.read[new.key] = said, hints
        return True

    def _wrote_alike(self, old: ReplicationSource, new: ReplicationSource) -> bool:
        """Whether *new*, of which the same is said as of *old*, wrote to where that did."""
        memory = self._memory
        named = memory.named.get(new.key)
        if named is not None and named[0] is not old:
            return False
        tails = [hint.tail for hint in self._hints(new) if hint.tail and not hint.is_one_base]
        places = [place for tail in tails for place in self._places.ending_in(tail)]
        try:
            if any(wrote(old, place) is not wrote(new, place) for place in places):
                return False
            if named is not None and self._by_name(new) is not named[1]:
                return False
        except Exception:  # noqa: BLE001 - as above
            return False
        if named is not None:
            memory.named[new.key] = new, named[1]
        return True

    @apart
    def _all(self) -> Table[Key, Binding]:
        return Table("binding", {**self._found, **dict(self._by_layout())}, is_same)

    @cached_property
    def _found(self) -> Mapping[Key, Binding]:
        """The bindings that rest on objects, and on what was found by name and moment."""
        told = {source.key: self._alone(source, self._told, _UNTOLD) for source in self.sources}
        is_same = self._before.places is self._places and self._before.names == self._all_names
        known = self._before.named if is_same else {}
        self._name([source for source in self.sources if told[source.key].state is BindingState.UNKNOWN], known)
        return {**told, **self._matched(self._memory.named.values())}

    def _alone(self, source: ReplicationSource, function: Callable[[ReplicationSource], T], default: T) -> T:
        """What *function* makes of *source*: what its objects hold costs no other source its binding."""
        claim = f"{source.namespace}/{source.spec.source_pvc}"
        return self.isolation.attempt(claim, lambda: function(source), lambda _failure: default)

    def _told(self, source: ReplicationSource) -> Binding:
        """The binding that objects tell."""
        if source.spec.method not in READ_METHODS:
            hint = next(iter(self._hints(source)), None)
            return Binding(BindingState.ELSEWHERE, _NOT_RESTIC, store=hint.store if hint else None)
        if not self._hints(source):
            return self._untold
        store: Scope | None = None
        is_alone = self._siblings[source.namespace, source.spec.source_pvc] == 1
        for hint in self._hints(source):
            binding = self._placed(hint)
            if binding is not None and (is_alone or hint.path is not None):
                return binding  # which of a claim's sources writes to a place, a tail cannot tell
            store = store or hint.store or self._store_of_log(hint)
        return Binding(BindingState.UNKNOWN, self._nothing, store=store)

    @cached_property
    def _untold(self) -> Binding:
        """The binding of a source that no object says anything of."""
        return Binding(BindingState.UNKNOWN, self._nothing)

    @property
    def _nothing(self) -> str:
        return "no evidence of its repository was found" if self.buckets else _NO_BUCKET

    def _store_of_log(self, hint: Hint) -> Scope | None:
        allowed = [bucket for bucket in self.buckets if hint.names(bucket)]
        return store_of(allowed[0]) if len(allowed) == 1 else None

    def _placed(self, hint: Hint) -> Binding | None:
        """The place that *hint* leads to; None where it leads to none."""
        allowed = [bucket for bucket in self.buckets if hint.allows(bucket)]
        if not allowed:
            if not self.buckets or not (hint.protocol or hint.bucket or hint.endpoint):
                return None
            return Binding(BindingState.ELSEWHERE, f"{hint.says}; that store is not read", store=hint.store)
        if hint.path is not None:
            return self._at(hint, allowed, hint.path)
        return self._ending(hint, allowed) if hint.tail else None

    def _at(self, hint: Hint, allowed: list[Bucket], path: str) -> Binding | None:
        """A whole path in one of the buckets that the hint allows."""
        named = [bucket for bucket in allowed if hint.names(bucket)]
        there = [bucket for bucket in named if (bucket.identity, path) in self._places.at]
        chosen = there or [bucket for bucket in named if not path or path.startswith(bucket.prefix)]
        if len(chosen) != 1:
            return None
        return self._binding(chosen[0], path, hint.says, is_set=True)

    def _ending(self, hint: Hint, allowed: list[Bucket]) -> Binding | None:
        """A repository whose path ends in what the hint knows of it; where none is, the place that should hold it."""
        tail = hint.tail or ""
        found = [place for place in self._places.ending_in(tail) if place.bucket in allowed]
        if len(found) == 1 and self._base_of(hint, found[0].bucket) == _base_in(found[0].repository.prefix, tail):
            return self._binding(found[0].bucket, found[0].repository.prefix, hint.says, is_set=True)
        if found or len(allowed) != 1:
            return None  # a repository of that name may be left from before; its moments can tell
        bucket = allowed[0]
        base = self._base_of(hint, bucket)
        if base is None:
            return None
        return self._binding(bucket, _under(base, tail), hint.says, is_set=True)

    def _base_of(self, hint: Hint, bucket: Bucket) -> str | None:
        """What stands before the tails of one base in *bucket*, shown by the repositories of most of its sources.

        In a bucket that is empty nothing can show it, and nothing can be anywhere else.
        """
        if not bucket.exists or (bucket.reading is Reading.READ and not bucket.repositories and not bucket.others):
            return bucket.prefix
        return self._bases.folder(hint.base, bucket.identity, is_one=hint.is_one_base)

    @cached_property
    def _bases(self) -> Bases:
        bases = Bases()
        for source in self.sources:
            self._count_bases(bases, source, self._hints(source), 1)
        return bases

    def _count_bases(self, bases: Bases, source: ReplicationSource, hints: Iterable[Hint], by: int) -> None:
        for hint in hints:
            if hint.tail:
                places = [place for place in self._places.ending_in(hint.tail) if hint.allows(place.bucket)]
                standing = (
                    Standing(hint.base, place.bucket.identity, _base_in(place.repository.prefix, hint.tail))
                    for place in places
                    if hint.is_one_base or wrote(source, place)
                )
                bases.count((hint.base,), standing, by)

    def _hints(self, source: ReplicationSource) -> tuple[Hint, ...]:
        return self._hints_of[source.key]

    @cached_property
    def _hints_of(self) -> Mapping[Key, tuple[Hint, ...]]:
        return {source.key: self._alone(source, self._hinted, _NO_HINTS) for source in self.sources}

    def _hinted(self, source: ReplicationSource) -> tuple[Hint, ...]:
        """What is said of the source's repository, read again only where it may be another thing."""
        said = self._objects.saying(source)
        before = self._before.read.get(source.key)
        hints = before[1] if before and all(map(operator.is_, before[0], said)) else self._objects.of(said)
        self._memory.read[source.key] = said, hints
        return hints

    def _binding(self, bucket: Bucket, prefix: str, says: str, *, is_set: bool = False) -> Binding:
        place = self._places.at.get((bucket.identity, prefix))
        return Binding(
            BindingState.PROVEN,
            says,
            store=store_of(bucket),
            bucket=bucket,
            prefix=prefix,
            repository=place.repository if place else None,
            is_set=is_set,
        )

    # --- what is found

    def _name(
        self,
        sources: Iterable[ReplicationSource],
        known: Mapping[Key, tuple[ReplicationSource, FoundRepository | None]] = {},
    ) -> None:
        """Find the repositories of the names of *sources*, but for those of which that is *known*."""
        self._memory.names = self._all_names
        for source in sources:
            before = known.get(source.key)
            if before is None or before[0] is not source:
                failures = len(self.isolation.failures)
                before = source, self._alone(source, self._by_name, None)
                if len(self.isolation.failures) > failures:
                    continue  # and it is told again
            self._memory.named[source.key] = before

    def _matched(self, named: Iterable[tuple[ReplicationSource, FoundRepository | None]]) -> Mapping[Key, Binding]:
        """Bindings by name and moment. Where two sources of a claim could both have written, the rhythm decides."""
        wanted: dict[Place, list[tuple[ReplicationSource, FoundRepository]]] = defaultdict(list)
        for source, place in named:
            if place is not None:
                wanted[place.key].append((source, place))
        says = "a repository with its name that was written to during its last sync"
        return {
            source.key: self._binding(place.bucket, place.repository.prefix, says)
            for rivals in wanted.values()
            for source, place in (one_for_each_claim(rivals) if len(rivals) > 1 else rivals)
        }

    def _by_name(self, source: ReplicationSource) -> FoundRepository | None:
        """The one repository of the source's name that its last sync wrote to."""
        names = dict.fromkeys((source.spec.source_pvc, source.name))
        for index in (self._places.by_name, self._places.by_word):
            repositories = {
                place.key: place for name in names for place in index.get(name, ()) if name in self._own_names(place)
            }
            written = [place for place in repositories.values() if wrote(source, place)]
            nearer = [place for place in written if source.namespace in place.repository.prefix.split("/")] or written
            if len(nearer) == 1:
                return nearer[0]
        return None

    @cached_property
    def _all_names(self) -> frozenset[str]:
        return frozenset(name for source in self.sources for name in (source.spec.source_pvc, source.name))

    def _own_names(self, place: FoundRepository) -> frozenset[str]:
        """The longest names of sources in the last part of a repository's path: `config-data` is no `data`'s."""
        parts = place.last_part.split("-")[:16]
        words = {"-".join(parts[a:b]) for a in range(len(parts)) for b in range(a + 1, len(parts) + 1)}
        found = words & self._all_names
        longest = max(map(len, found), default=0)
        return frozenset(name for name in found if len(name) == longest)

    # --- what the others show

    @cached_property
    def _tally(self) -> Tally:
        tally = Tally()
        for source in self.sources:
            tally.count(self._shown(source, self._found[source.key]), 1)
        return tally

    def _shown(self, source: ReplicationSource, binding: Binding) -> Shown:
        """What *binding* shows of its bucket's layout."""
        templates = None
        if binding.bucket is not None and binding.repository is not None:
            path = binding.prefix.removeprefix(binding.bucket.prefix).strip("/")
            templates = self._templates(source, path)
        return Shown(self._patterns[source.key], binding, templates)

    def _templates(self, source: ReplicationSource, path: str) -> tuple[str, ...]:
        """The templates that give *path* of the source's names, told again only of others."""
        before = self._before.templates.get(source.key)
        if before is None or (before.path, before.pvc) != (path, source.spec.source_pvc):
            templates = tuple(set(templates_of(names_of_source(source), path)))
            before = _Templates(path, source.spec.source_pvc, templates)
        self._memory.templates[source.key] = before
        return before.found

    def _by_layout(self) -> Iterator[tuple[Key, Binding]]:
        """The places of the other sources, by their bucket's layout."""
        for bucket in self.buckets:
            layout = self.layout_of(bucket)
            if layout:
                yield from self._laid_out(bucket, layout)

    def _laid_out(self, bucket: Bucket, layout: str) -> Iterator[tuple[Key, Binding]]:
        """The places of the sources that nothing else tells of, where they are made like those that are proven here.

        A claim's sources that write to several stores follow one layout in each: which of them writes here, only its
        moments tell. Absence is believed of a few, not of as many as are there.
        """
        undecided = [source for source in self._undecided if self._may_be_laid_out(source, bucket)]
        if not undecided:
            return
        is_set = bool(bucket.layout)
        says = (
            f"the layout {layout} from the settings"
            if is_set
            else f"the layout {layout} of other repositories in its store"
        )
        patterns, alike = self._patterns, self._tally.alike(bucket.identity)
        is_shown = {
            pattern: len(self.buckets) == 1 and times > 1 + 2 * self._tally.unlike(bucket.identity, pattern)
            for pattern, times in alike.items()
        }
        wanted = [
            (source, _under(bucket.prefix, names_of_source(source).path_by(layout)))
            for source in undecided
            if is_set or is_shown.get(patterns[source.key])
        ]
        if not is_set:  # a place that another claim writes to is that one's
            paths = {path for _, path in wanted}
            taken = {b.prefix for b in self._found.values() if b.prefix in paths and b.writes_to(bucket)}
            wanted = [(source, path) for source, path in wanted if path not in taken]
        absent = Counter(
            patterns[source.key] for source, path in wanted if (bucket.identity, path) not in self._places.at
        )
        for source, path in wanted:
            is_there = (bucket.identity, path) in self._places.at
            if is_set or is_there or _MANY * absent[patterns[source.key]] <= alike.get(patterns[source.key], 0):
                yield source.key, self._binding(bucket, path, says, is_set=True)

    @cached_property
    def _undecided(self) -> tuple[ReplicationSource, ...]:
        """The sources that nothing tells of but, perhaps, the layout of the others."""
        keys = {key for key, binding in self._found.items() if binding.state is BindingState.UNKNOWN}
        return tuple(source for source in self.sources if source.key in keys) if keys else ()

    def _may_be_laid_out(self, source: ReplicationSource, bucket: Bucket) -> bool:
        """Whether the source, which nothing tells of, may lie in *bucket*."""
        is_alone = self._siblings[source.namespace, source.spec.source_pvc] == 1
        return is_alone and self._found[source.key].may_lie_in(bucket)

    @cached_property
    def _patterns(self) -> Mapping[Key, str]:
        """How each source is made: those of one pattern are made alike."""
        return {source.key: pattern_of(source) for source in self.sources}

    @cached_property
    def _siblings(self) -> Counter[Key]:
        """How many sources a claim has."""
        return Counter((source.namespace, source.spec.source_pvc) for source in self.sources)


def _base_in(prefix: str, tail: str) -> str:
    return prefix.removesuffix(tail).strip("/")


def _is_number(store: Scope) -> bool:
    """Whether a store is only known by the address that was dialled."""
    return bool(_NUMBER.fullmatch(store.name))


def _under(base: str, path: str) -> str:
    return "/".join(part for part in (base.strip("/"), path.strip("/")) if part)
