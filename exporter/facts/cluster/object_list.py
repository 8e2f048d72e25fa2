"""All objects of one kind, with how and when they were read, and what can be looked up among them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec

from exporter.facts.cluster.wire import Object, OwnerReference
from exporter.facts.reading import Reading, Reason
from exporter.facts.tables import Table, apart, aside, note

Key = tuple[str, str]
"""Namespace and name; the namespace is empty for what is cluster-scoped."""

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
ANY = "any object"
"""What rests on a list as a whole is noted by: it is another one once any list has changed."""
UNSETTLED = "unsettled"
"""What a list was read too early for is noted by: it is another thing once a list was read again."""


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
        uid = owner.metadata.uid
        return tuple(
            owned
            for reference, owned in self._by_owner.get((owner.namespace, kind, owner.name), ())
            if not uid or not reference.uid or reference.uid == uid
        )

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
        return Table("by key", {item.key: item for item in self})

    @apart
    def _by_namespace(self) -> Table[str, tuple[Object_co, ...]]:
        found: dict[str, list[Object_co]] = defaultdict(list)
        for item in sorted(self, key=_key):
            found[item.namespace].append(item)
        return Table("by namespace", {namespace: tuple(items) for namespace, items in found.items()})

    @apart
    def _by_owner(self) -> Table[tuple[str, str, str], list[tuple[OwnerReference, Object_co]]]:
        found: dict[tuple[str, str, str], list[tuple[OwnerReference, Object_co]]] = defaultdict(list)
        for owned in self:
            for reference in owned.metadata.owner_references or ():
                found[owned.namespace, reference.kind, reference.name].append((reference, owned))
        return Table("by owner", dict(found))


def _key(item: Object) -> Key:
    return item.key


def first_unread(*lists: ObjectList[Any]) -> ObjectList[Any] | None:
    """The first of *lists* that can be there and could not be read, if any."""
    return next((one for one in lists if one.applies and not one.known), None)


NOT_SERVED: ObjectList[Object] = ObjectList(reading=Reading.NOT_SERVED)
