"""Tables in which things are looked up, and what of them a result rests on.

While something is worked out inside `noting`, every look-up notes what was looked up, whether it was found or not. What
was noted then tells whether the result still stands once tables have changed: `changed` says what would be found
differently. A note is a number, so that ten thousand results can be asked at once; two things that share one cost some
work and no truth.
"""

import operator
from collections.abc import Callable, Hashable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from contextvars import ContextVar
from functools import cached_property
from typing import Any, Final, Generic, TypeVar, overload

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
W = TypeVar("W")
T = TypeVar("T")

_noted: ContextVar[list[int] | None] = ContextVar("noted", default=None)
_ALL: Final = "\0all"
_MISSING: Final = object()


class Table(Mapping[K, V]):
    """A mapping that does not change, and notes what is looked up in it.

    Args:
        name: What is looked up; tables of one name take each other's place.
        found: What is there.
        same: Whether two values are the same to whoever looks them up.
    """

    __slots__ = ("_found", "_mark", "_name", "_same")

    def __init__(self, name: str, found: Mapping[K, V], same: Callable[[V, V], bool] | None = None) -> None:
        self._name = name
        self._mark = hash(name)
        self._found = found
        self._same = same

    @overload
    def get(self, key: K) -> V | None: ...

    @overload
    def get(self, key: K, default: V | W) -> V | W: ...

    def get(self, key: K, default: Any = None) -> Any:
        noted = _noted.get()
        if noted is not None:
            noted.append(self._mark ^ hash(key))
        return self._found.get(key, default)

    def __getitem__(self, key: K) -> V:
        note(self._name, key)
        return self._found[key]

    def __contains__(self, key: object) -> bool:
        note(self._name, key)
        return key in self._found

    def __iter__(self) -> Iterator[K]:
        note(self._name, _ALL)
        return iter(self._found)

    def __len__(self) -> int:
        note(self._name, _ALL)
        return len(self._found)

    def keys(self) -> KeysView[K]:
        note(self._name, _ALL)
        return self._found.keys()

    def values(self) -> ValuesView[V]:
        note(self._name, _ALL)
        return self._found.values()

    def items(self) -> ItemsView[K, V]:
        note(self._name, _ALL)
        return self._found.items()

    def replaced(self, changes: Mapping[K, V]) -> "Table[K, V]":
        """The table with other values for some of its keys."""
        return Table(self._name, {**self._found, **changes}, self._same)

    def changes_since(self, old: "Table[K, V]") -> Iterator[int]:
        """The notes of all that is looked up here with another outcome than in *old*."""
        before: Mapping[K, Any] = old._found  # noqa: SLF001 - its own class's
        if before is self._found:
            return
        same = self._same or operator.eq
        changed = [
            key
            for key, value in self._found.items()
            if (was := before.get(key, _MISSING)) is not value and (was is _MISSING or not same(was, value))
        ]
        changed += [key for key in before if key not in self._found]
        if changed:
            yield note_of(self._name, _ALL)
            yield from (note_of(self._name, key) for key in changed)


def note(what: str, key: object = None) -> None:
    """Note that what is worked out just now rests on *what*."""
    noted = _noted.get()
    if noted is not None:
        noted.append(note_of(what, key))


def note_of(what: str, key: object = None) -> int:
    """What `note` notes."""
    return hash(what) ^ hash(key)


def noting(work: Callable[[], W]) -> tuple[W, list[int]]:
    """What comes of *work*, and the notes of what was looked up for it."""
    notes: list[int] = []
    token = _noted.set(notes)
    try:
        return work(), notes
    finally:
        _noted.reset(token)


def aside(work: Callable[[], W]) -> W:
    """What comes of *work*, whose look-ups are not noted: many results share it, and it is compared as a whole."""
    if _noted.get() is None:
        return work()
    token = _noted.set(None)
    try:
        return work()
    finally:
        _noted.reset(token)


class apart(cached_property[T]):  # noqa: N801 - as below
    """A cached property that many results look things up in: whoever comes first does not note what it is made of."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        super().__init__(lambda instance: aside(lambda: work(instance)))
        self.__doc__ = work.__doc__


class shared(Generic[T]):  # noqa: N801 - used as a decorator, as `cached_property` is
    """A cached property that many results rest on: it is worked out aside, and noted by its name when it is used."""

    def __init__(self, work: Callable[[Any], T]) -> None:
        self._work = work
        self.__doc__ = work.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> T:  # noqa: ANN401 - of any class
        note(self.name)
        kept = instance.__dict__
        if self.name not in kept:
            kept[self.name] = aside(lambda: self._work(instance))
        value: T = kept[self.name]
        return value

    def __set__(self, instance: Any, value: T) -> None:  # noqa: ANN401 - of any class
        raise AttributeError(self.name)


def changed(old: Any, new: Any) -> Iterator[int]:  # noqa: ANN401 - of any class
    """The notes of what is found differently in *new*, of all tables and shared values that *old* was asked for.

    Both are of one class, whose tables are cached properties.
    """
    if old is new:
        return
    for name, value in list(old.__dict__.items()):
        if not isinstance(name, str):
            continue  # what was made of a list stands in a table here or elsewhere
        if isinstance(value, Table):
            yield from getattr(new, name).changes_since(value)
        elif isinstance(vars(type(old)).get(name), shared) and getattr(new, name) != value:
            yield note_of(name)
