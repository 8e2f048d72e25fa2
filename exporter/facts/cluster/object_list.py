"""All objects of one kind, with how and when they were read, and what can be looked up among them."""

import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import compress, count
from typing import Any, Generic, TypeVar

import msgspec

from exporter.facts.cluster.wire import Object, OwnerReference
from exporter.facts.dependencies import Table, apart, aside, note
from exporter.facts.reading import Reading, Reason

Key = tuple[str, str]
"""Namespace and name; the namespace is empty for what is cluster-scoped."""

key_of: Callable[[Object], Key] = operator.attrgetter("metadata.namespace", "metadata.name")
"""`Object.key`, for all objects of a list: no line of Python runs for each."""

SETTLING = timedelta(minutes=1)
"""How much later than a reference a list must have been read to show that what it names is not there.

Lists are read one after the other, and an application's objects are made one after the other.
"""


class MalformedObject(msgspec.Struct, frozen=True):
    """An object that could not be understood; *claim* is the PVC it is about, where that much could be read."""

    kind: str
    namespace: str
    name: str
    error: str
    claim: str | None = None
    key: Key | None = None
    """Where the object itself lies, as far as that could be read: of a volume *namespace* is that of its claim."""

    @property
    def home(self) -> str:
        """As an object's that could be understood."""
        return self.namespace


Object_co = TypeVar("Object_co", bound=Object, covariant=True)
T = TypeVar("T")
AnyObject = TypeVar("AnyObject", bound=Object)
ANY = "any object"
"""What rests on a list as a whole is noted by: it is another one once any list has changed."""
UNSETTLED = "unsettled"
"""What a list was read too early for is noted by: it is another thing once a list was read again."""


class Written:
    """What was made of all but the status of a list's objects: lists that differ by nothing else share it."""

    def __init__(self) -> None:
        self.made: dict[Any, Any] = {}


class ObjectList(msgspec.Struct, Generic[Object_co], frozen=True, dict=True):
    """All objects of one kind, and how far to believe that they are all.

    Iteration and look-ups give the objects while the list is believed; `items` are those that were read last.
    Indexes are made when first used, and live as long as the list. A list that is read again and has not changed is
    the same one (`confirm`): whoever holds it need not look at its objects again.
    """

    items: tuple[Object_co, ...] = ()
    reading: Reading = Reading.PENDING
    reason: Reason | None = None
    detail: str = ""
    """One line for a person: what was asked and what came back."""
    read_at: datetime | None = None
    """When the items were last read, or seen to be as they were; a failed read keeps the last ones, dated."""
    malformed: tuple[MalformedObject, ...] = ()

    def confirm(self, at: datetime) -> None:
        """Date the list *at*, when it was seen to be unchanged: the one thing about it that ever changes."""
        msgspec.structs.force_setattr(self, "read_at", at)

    def __iter__(self) -> Iterator[Object_co]:
        note(ANY)
        return iter(() if self.reading is Reading.UNREADABLE else self.items)

    @property
    def known(self) -> bool:
        """Whether an object that is not in the items was not there when they were read."""
        return self.reading is Reading.READ

    @property
    def applies(self) -> bool:
        """Whether such objects can be there at all."""
        return self.reading is not Reading.NOT_SERVED

    @property
    def unread(self) -> str:
        """Why the list tells nothing, for a person."""
        return self.detail or self.reason or "it was not read yet"

    def get(self, name: str, namespace: str = "") -> Object_co | None:
        """The object of that name, where it is there and could be understood."""
        return self._by_key.get((namespace, name))

    def in_namespace(self, namespace: str) -> tuple[Object_co, ...]:
        """The namespace's objects, sorted by name."""
        return self._by_namespace.get(namespace, ())

    def owned_by(self, owner: Object, kind: str) -> tuple[Object_co, ...]:
        """The objects that name *owner* as such: its kind and name, and its UID wherever both sides tell it."""
        named = self._by_owner.get((owner.namespace, kind, owner.name))
        if not named:
            return ()
        uid = owner.metadata.uid
        return tuple(owned for reference, owned in named if not uid or not reference.uid or reference.uid == uid)

    def malformed_in(self, namespace: str, name: str | None = None) -> MalformedObject | None:
        """An object there (of that name, or of any) that could not be understood: what it says is not known."""
        return self._malformed_by_name.get((namespace, name))

    def malformed_about(self, namespace: str, claim: str) -> MalformedObject | None:
        """An object there that could not be understood: one about that PVC, else one of which that is not known."""
        by_claim = self._malformed_by_claim
        return by_claim.get((namespace, claim)) or by_claim.get((namespace, None))

    def lacks(self, name: str, namespace: str = "", *, wanted_since: datetime | None) -> bool:
        """Whether the object is known not to be there: the one place that decides that something is absent.

        *wanted_since* is when something began to refer to it, if that is known. A list that was read before then, or
        hardly after, shows nothing; neither does an object in the namespace that could not be understood.
        """
        if not self.known or self.get(name, namespace) is not None or self.malformed_in(namespace, name):
            return False
        if wanted_since is None or self.read_at is None or self.read_at - wanted_since >= SETTLING:
            return True
        note(UNSETTLED)
        return False

    def made(self, work: Callable[["ObjectList[Any]"], T]) -> T:
        """What *work* makes of the list: once, for as long as the list lives."""
        kept: dict[Any, Any] = self.__dict__
        if work not in kept:
            kept[work] = aside(lambda: work(self))
        made: T = kept[work]
        return made

    @property
    def written(self) -> Written:
        """What its objects are apart from their status: the same thing for as long as that is the same."""
        kept: dict[Any, Any] = self.__dict__
        written: Written = kept.get("_written") or kept.setdefault("_written", Written())
        return written

    def made_of_written(self, work: Callable[["ObjectList[Any]"], T]) -> T:
        """What *work* makes of its objects, of which it looks at no status: once for all that are written alike."""
        kept = self.written.made
        if work not in kept:
            kept[work] = aside(lambda: work(self))
        made: T = kept[work]
        return made

    def follow(self, before: "ObjectList[Any]") -> None:
        """Take over what was made of the list *before* that holds of this one, too."""
        pairs = differences(before, self)
        if pairs is None or not all(_are_written_alike(one, other) for one, other in pairs):
            return
        self.__dict__["_written"] = before.written
        for work, made in list(before.__dict__.items()):
            if isinstance(work, Grouped) and (followed := work.follow(made, pairs)):
                self.__dict__.setdefault(work, followed)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there, as far as was read last."""
        note(ANY)
        return not self.items

    @apart
    def _malformed_by_name(self) -> Mapping[tuple[str, str | None], MalformedObject]:
        """The first of that name in a namespace; without a name, the first there."""
        return {(bad.namespace, name): bad for bad in reversed(self.malformed) for name in (bad.name, None)}

    @apart
    def _malformed_by_claim(self) -> Mapping[tuple[str, str | None], MalformedObject]:
        return {(bad.namespace, bad.claim): bad for bad in reversed(self.malformed)}

    @apart
    def _by_key(self) -> Table[Key, Object_co]:
        items = tuple(self)
        return Table("by key", dict(zip(map(key_of, items), items, strict=True)))

    @apart
    def _by_namespace(self) -> Table[str, tuple[Object_co, ...]]:
        found: dict[str, list[Object_co]] = defaultdict(list)
        for item in sorted(self, key=key_of):
            found[item.namespace].append(item)
        return Table("by namespace", {namespace: tuple(items) for namespace, items in found.items()})

    @apart
    def _by_owner(self) -> Table[tuple[str, str, str], list[tuple[OwnerReference, Object_co]]]:
        found: dict[tuple[str, str, str], list[tuple[OwnerReference, Object_co]]] = defaultdict(list)
        for owned in self:
            for reference in owned.metadata.owner_references or ():
                found[owned.namespace, reference.kind, reference.name].append((reference, owned))
        return Table("by owner", dict(found))


class Grouped(Generic[AnyObject]):
    """Work for `made`: all objects by something that is written in them (not in their status), sorted by their keys."""

    def __init__(self, name: str, by: Callable[[AnyObject], Key | None]) -> None:
        self._name = name
        self._by = by

    def __call__(self, listing: ObjectList[AnyObject]) -> Table[Key, tuple[AnyObject, ...]]:
        found: dict[Key, list[AnyObject]] = defaultdict(list)
        for item in sorted(listing.items, key=key_of):
            if key := self._by(item):
                found[key].append(item)
        return Table(self._name, {key: tuple(items) for key, items in found.items()})

    def follow(
        self, before: Table[Key, tuple[AnyObject, ...]], pairs: Iterable[tuple[AnyObject, AnyObject]]
    ) -> Table[Key, tuple[AnyObject, ...]] | None:
        """What it makes once objects, each the first of a pair, are replaced by others that are written alike."""
        changes: dict[Key, tuple[AnyObject, ...]] = {}
        for old, new in pairs:
            if (key := self._by(new)) is None:
                continue
            group = changes.get(key) or before[key]
            if sum(one is old for one in group) != 1:
                return None
            changes[key] = tuple(new if one is old else one for one in group)
        return before.replaced(changes)


def differences(one: ObjectList[AnyObject], other: ObjectList[AnyObject]) -> list[tuple[AnyObject, AnyObject]] | None:
    """The objects that two lists have in the same places, and that are not the very same; None: they differ by more."""
    if one.reading is not other.reading or one.malformed != other.malformed or len(one.items) != len(other.items):
        return None
    places = compress(count(), map(operator.is_not, one.items, other.items))
    return [(one.items[place], other.items[place]) for place in places]


def _are_written_alike(one: Any, other: Any) -> bool:  # noqa: ANN401 - of any kind
    """Whether two objects differ by nothing but their status."""
    fields: tuple[str, ...] = one.__struct_fields__
    return all(field == "status" or getattr(one, field) == getattr(other, field) for field in fields)


def first_unread(*lists: ObjectList[Any]) -> ObjectList[Any] | None:
    """The first of *lists* that can be there and could not be read, if any."""
    return next((one for one in lists if one.applies and not one.known), None)


NOT_SERVED: ObjectList[Object] = ObjectList(reading=Reading.NOT_SERVED)
