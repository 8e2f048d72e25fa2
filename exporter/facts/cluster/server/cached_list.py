"""Lists that stand from one poll to the next, and are brought up to date by what changed since.

A poll asks for the events since its list's resourceVersion, with bookmarks, and for `OPEN_SECONDS`; it reads on until
the server ends the watch. When has it heard all? The events of a watch come in order, so whatever arrived is complete
up to its last event, and the next poll goes on from there: nothing is missed or taken twice, however a watch ends.
That no more was waiting is shown by

- a bookmark, which the API server sends two seconds before the end, behind all events that it had (apiserver
  `storage/cacher/cache_watcher.go`, `nextBookmarkTime`: with a shorter watch there is none);
- else, by a watch that brought nothing; one that brought events is followed by another.

Neither shows how far behind the API server itself is, which answers watches from memory, and goes on doing so without
its store. So where nothing moved, and every `_MARKED` in any case, the server is asked for the resourceVersion of now,
which it has to get from its store. That has to be reached by events or bookmarks within `_PROVEN`; one that lies before
ours shows that the store was restored from a backup. Events have no bookmarks (the API server keeps none in memory), so
they are listed about as often as that.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from time import monotonic as now
from typing import Final

from exporter.facts.cluster.changes import (
    Changed,
    Changes,
    ExpiredError,
    UnusableEventError,
    is_before,
    is_version,
    kept,
    malformed_with,
    names_all,
    with_changes,
)
from exporter.facts.cluster.decode import ListPage
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.object_list import Key, MalformedObject
from exporter.facts.cluster.server.lists import MOST_OBJECTS, Lists
from exporter.facts.cluster.server.targets import Ask, Verb
from exporter.facts.cluster.server.transport import ReadError
from exporter.facts.cluster.wire import Object
from exporter.facts.reading import Reason

OPEN_SECONDS: Final = 3
SMALL = 16 << 10
"""Bytes of a list that is as cheap to read as its changes are; for a selection the server may look through far more."""
MOST_FOLLOWED = 64
"""Lists of one source, the longest ones: each takes a connection and a thread while it is followed."""
_ROUNDS = 3
"""Watches one after the other, while each brings events and none a bookmark."""
_MARKED = 300.0
_PROVEN = 600.0
_RESYNC = 6 * 3600.0
"""The age at which a list is read in full whatever was heard: a store can be put back unseen between two polls."""
_PAUSE = 600.0
"""Longer with each failure in a row, without a watch; after the first one there is none."""
_LONGEST_PAUSE = 3600.0


class Listed(StrEnum):
    """Why a list was read in full."""

    FIRST = "first"
    """It was not read before, or not from this server."""
    NAMED = "named"
    """It is one object that is asked for by its name."""
    SMALL = "small"
    """It is as cheap to read as its changes are."""
    MANY = "many"
    """Longer ones are followed, and there are enough of them."""
    FREQUENT = "frequent"
    """Polls come so often that there is no time to wait for changes."""
    UNVERSIONED = "unversioned"
    """The server gave no resourceVersion, or an object that cannot be told from others."""
    REPLACED = "replaced"
    """The kind is read in another version of its API now."""
    EXPIRED = "expired"
    """The server does not keep changes for that long, or was restarted."""
    FORBIDDEN = "forbidden"
    """There is no permission to watch."""
    BROKEN = "broken"
    """The watch did not end in time, was cut off, or was refused for another reason."""
    UNUSABLE = "unusable"
    """An event could not be read."""
    BEHIND = "behind"
    """More changed than a few watches could bring."""
    RESET = "reset"
    """The server's store has gone back in time."""
    UNPROVEN = "unproven"
    """For ten minutes nothing showed that the watch is up to date: the server sends no bookmarks."""
    RESYNC = "resync"
    """It was last read in full long ago."""


class ListAgainError(Exception):
    """What changed cannot be had: the list has to be read in full."""

    def __init__(self, why: Listed, unreachable: ReadError | None = None) -> None:
        super().__init__(why.value)
        self.why = why
        self.unreachable = unreachable
        """No connection came about: a list now would fare no better."""


class CachedList:
    """One list as it stands."""

    def __init__(self) -> None:
        self.items: tuple[Object, ...] = ()
        self.malformed: tuple[MalformedObject, ...] = ()
        self.why: Listed | None = Listed.FIRST
        """Why the next read has to be in full; None: it need not."""
        self.version = ""
        self._lists: Lists | None = None
        """Of the server that *version* is of."""
        self._api_version = ""
        self._listed_at = 0.0
        self._mark = ("", 0.0)
        """A resourceVersion of the store, and when it was that."""
        self._failures = 0
        self._paused_until = 0.0
        self._paused_for = Listed.BROKEN

    def replace(self, kind: Kind, ask: Ask, lists: Lists, api_version: str, page: ListPage) -> None:
        """Take the whole list that was read."""
        self.items = kept(self.items, page.items)
        self.malformed = self.malformed if page.malformed == self.malformed else page.malformed
        self._lists, self._api_version, self.version = lists, api_version, page.version
        self._listed_at = now()
        self._mark = (page.version, self._listed_at)
        self.why = self._why_not(kind, ask, page)

    @staticmethod
    def _why_not(kind: Kind, ask: Ask, page: ListPage) -> Listed | None:
        if ask.target.verb is Verb.GET:
            return Listed.NAMED
        if not is_version(page.version) or not names_all(page.malformed):
            return Listed.UNVERSIONED
        is_selected = bool(kind.label_selector or ask.selector)
        return Listed.SMALL if page.size <= SMALL and not is_selected else None

    def must_list(self, lists: Lists, api_version: str) -> Listed | None:
        """Why the list has to be read in full now; None: what changed will do."""
        if lists is not self._lists:
            return Listed.FIRST
        if self.why is not None:
            return self.why
        if api_version != self._api_version:
            return Listed.REPLACED
        if now() < self._paused_until:
            return self._paused_for
        return Listed.RESYNC if now() - self._listed_at >= _RESYNC else None

    def follow(
        self, watch: Callable[[str, Callable[[bytes], None]], None], present_version: Callable[[], str], kind: Kind
    ) -> None:
        """Bring the list up to date.

        Raises:
            ListAgainError: that cannot be done.
            StoppedError: the reader was told to stop.
        """
        try:
            has_moved = self._follow_on(watch, kind)
            self._prove(present_version, has_moved=has_moved)
        except ExpiredError:
            raise ListAgainError(Listed.EXPIRED) from None
        except UnusableEventError:
            raise self._failed(Listed.UNUSABLE) from None
        except ReadError as error:
            if error.unreachable:
                raise ListAgainError(Listed.BROKEN, error) from None
            if error.reason is Reason.EXPIRED:
                raise ListAgainError(Listed.EXPIRED) from None
            raise self._failed(Listed.FORBIDDEN if error.reason is Reason.FORBIDDEN else Listed.BROKEN) from None
        self._failures = 0

    def _follow_on(self, watch: Callable[[str, Callable[[bytes], None]], None], kind: Kind) -> bool:
        """Take in what changed; whether the server told anything at all."""
        began = self.version
        for _ in range(_ROUNDS):
            changes = Changes(kind, self.version)
            watch(self.version, changes.take)
            objects = self._of_shard(kind, changes.objects)
            self.items = with_changes(self.items, objects)
            self.malformed = malformed_with(self.malformed, objects)
            self.version = changes.version
            if len(self.items) > MOST_OBJECTS:
                raise ListAgainError(Listed.BEHIND)
            if not names_all(self.malformed):
                raise UnusableEventError("an object has no name")
            if changes.is_bookmarked or not changes.objects:
                return self.version != began
        raise ListAgainError(Listed.BEHIND)

    def _of_shard(self, kind: Kind, objects: Mapping[Key, Changed]) -> Mapping[Key, Changed]:
        lists = self._lists
        if lists is None:
            return objects
        return {key: one if one is None or lists.is_of_shard(kind, one) else None for key, one in objects.items()}

    def _prove(self, present_version: Callable[[], str], *, has_moved: bool) -> None:
        marked, marked_at = self._mark
        is_reached = not is_before(self.version, marked)
        if not has_moved or (is_reached and now() - marked_at >= _MARKED):
            asked_at = now()
            present = present_version()
            if is_before(present, self.version):
                raise ListAgainError(Listed.RESET)
            if is_reached or present == self.version:
                self._mark = (present, asked_at)
        marked, marked_at = self._mark
        if is_before(self.version, marked) and now() - marked_at >= _PROVEN:
            raise ListAgainError(Listed.UNPROVEN)

    def _failed(self, why: Listed) -> ListAgainError:
        pause = min(_PAUSE * self._failures, _LONGEST_PAUSE)
        self._failures += 1
        self._paused_until, self._paused_for = now() + pause, why
        return ListAgainError(why)
