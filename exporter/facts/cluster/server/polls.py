"""One poll of a source's lists: those that can be followed, side by side, and the others in full, one by one."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec

from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.server import cached_list as limits
from exporter.facts.cluster.server.cached_list import OPEN_SECONDS, CachedList, ListAgainError, Listed
from exporter.facts.cluster.server.lists import Lists
from exporter.facts.cluster.server.targets import Ask, asks
from exporter.facts.cluster.server.transport import ReadError, StoppedError
from exporter.facts.model import Read, ReadCount
from exporter.settings import Settings

VersionOf = Callable[[Kind], str | None]
"""The version of its API that a kind is read in; None: it is not served. Raises ReadError."""
_Place = tuple[str, Ask]
"""A kind's field, and what is asked for."""


class _Followed(msgspec.Struct, frozen=True):
    """A list that can be brought up to date by what changed."""

    kind: Kind
    api_version: str
    ask: Ask
    cached: CachedList


class CachedLists:
    """The lists of one reader as they stand from one poll to the next."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._all: dict[_Place, CachedList] = {}
        self.have_time = settings.poll.cluster.total_seconds() >= 2 * OPEN_SECONDS
        """Whether polls are so far apart that they can wait for changes."""

    def poll(self, stop: threading.Event | None) -> "Poll":
        """Begin a poll of some of them, until *stop* is set."""
        return Poll(self, stop)

    def of(self, kind: Kind, ask: Ask) -> CachedList:
        """What stands of the list that *ask* is for."""
        return self._all.setdefault((kind.field, ask), CachedList())

    def asks(self, kind: Kind) -> tuple[Ask, ...]:
        """What is asked for to have all objects of *kind*."""
        return asks(kind, self._settings)

    def drop(self, kind: Kind) -> None:
        """Forget what stands of *kind*, which is not served."""
        for ask in self.asks(kind):
            self._all.pop((kind.field, ask), None)


class Poll:
    """One poll under way."""

    def __init__(self, cached_lists: CachedLists, stop: threading.Event | None) -> None:
        self._cached_lists = cached_lists
        self.stop = stop
        self.counts: Counter[ReadCount] = Counter()
        self._outcomes: dict[_Place, ListAgainError | None] = {}

    def follow(self, kinds: Iterable[Kind], lists: Lists, version_of: VersionOf) -> None:
        """Bring up to date what can be followed of *kinds*.

        Raises:
            StoppedError: the reader was told to stop.
        """
        if self.stop is not None and self.stop.is_set():
            raise StoppedError
        followed = self._followed(kinds, lists, version_of)
        if not followed:
            return
        with ThreadPoolExecutor(len(followed), "changes") as pool:
            outcomes = list(pool.map(partial(_follow, lists, self.stop), followed))
        for one, outcome in zip(followed, outcomes, strict=True):
            if isinstance(outcome, StoppedError):
                raise outcome
            self._outcomes[one.kind.field, one.ask] = outcome

    def _followed(self, kinds: Iterable[Kind], lists: Lists, version_of: VersionOf) -> list[_Followed]:
        found: list[_Followed] = []
        for kind in kinds if self._cached_lists.have_time else ():
            parts = [(ask, self._cached_lists.of(kind, ask)) for ask in self._cached_lists.asks(kind)]
            if all(part.why is not None for _, part in parts):
                continue
            try:
                version = version_of(kind)
            except ReadError:  # the list will meet it too
                continue
            found += [
                _Followed(kind, version, ask, cached)
                for ask, cached in parts
                if version is not None and cached.must_list(lists, version) is None
            ]
        return sorted(found, key=lambda one: -len(one.cached.items))[: limits.MOST_FOLLOWED]

    def read(self, kind: Kind, api_version: str, lists: Lists) -> list[CachedList]:
        """Every list of *kind*, up to date.

        Raises:
            ReadError: one could not be read.
            StoppedError: the reader was told to stop.
        """
        return [self._read(kind, api_version, lists, ask) for ask in self._cached_lists.asks(kind)]

    def _read(self, kind: Kind, api_version: str, lists: Lists, ask: Ask) -> CachedList:
        cached, place = self._cached_lists.of(kind, ask), (kind.field, ask)
        why = cached.must_list(lists, api_version)
        if place in self._outcomes:
            outcome = self._outcomes.pop(place)
            if outcome is None and why is None:
                self.counts[ReadCount(kind.kind, Read.CHANGES, "none")] += 1
                return cached
            if outcome is not None and outcome.unreachable is not None:
                raise outcome.unreachable
            why = outcome.why if outcome is not None else why
        cached.replace(kind, ask, lists, api_version, lists.read(kind, api_version, ask, self.stop))
        why = why or (Listed.MANY if self._cached_lists.have_time else Listed.FREQUENT)
        self.counts[ReadCount(kind.kind, Read.LIST, why.value)] += 1
        return cached


def _follow(lists: Lists, stop: threading.Event | None, followed: _Followed) -> ListAgainError | StoppedError | None:
    """What came of following a list: None where it is up to date."""
    kind, version, ask = followed.kind, followed.api_version, followed.ask

    def watch(since: str, take: Callable[[bytes], None]) -> None:
        lists.watch(kind, version, ask, since, OPEN_SECONDS, take, stop)

    try:
        followed.cached.follow(watch, lambda: lists.present_version(kind, version, ask, stop), kind)
    except (ListAgainError, StoppedError) as outcome:
        return outcome
    return None
