"""The stand-in's watches: what changed since a resourceVersion, as the API server's watch cache tells it.

As there (apiserver `pkg/storage/cacher`): events in the order of their resourceVersions; an object that leaves a
selector is told as deleted, one that enters it as added; what is too old is an ERROR event behind status 200; nothing
at all is said of a resourceVersion that does not exist yet; and a bookmark comes two seconds before the end, where
there is something newer than what the client has.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
_BOOKMARK_BEFORE = 2.0


@dataclass(frozen=True)
class Event:
    """One change of one object."""

    version: int
    resource: tuple[str, str]
    """Group and plural."""
    old: Json | None
    new: Json | None


@dataclass
class History:
    """What changed, as far back as the server keeps it."""

    version: int
    events: list[Event] = field(default_factory=list)
    kept_since: int = 0
    """The oldest resourceVersion from which on all changes are known."""
    moved: threading.Condition = field(default_factory=threading.Condition)

    def add(self, resource: tuple[str, str], old: Json | None, new: Json | None) -> None:
        """Note the change that *version* is of."""
        with self.moved:
            self.events.append(Event(self.version, resource, old, new))
            self.moved.notify_all()

    def compact(self) -> None:
        """Forget all changes so far."""
        with self.moved:
            self.events.clear()
            self.kept_since = self.version

    def since(self, version: int, resource: tuple[str, str]) -> list[Event]:
        """The changes of *resource* after *version*."""
        with self.moved:
            return [one for one in self.events if one.version > version and one.resource == resource]


@dataclass(frozen=True)
class Watch:
    """One watch under way."""

    history: History
    resource: tuple[str, str]
    selects: Callable[[Json], bool]
    shown: Callable[[Json], Json]
    """An object as this client sees it."""
    empty: Json
    """The kind and API version that a bookmark has."""
    since: int
    seconds: float
    """As long as the client asked for."""
    second: float
    """How long one of them really takes."""
    bookmarks: bool
    closing: threading.Event

    def lines(self) -> Iterator[Json]:
        """The events, until the time is over."""
        if self.since < self.history.kept_since:
            yield {"type": "ERROR", "object": _expired(self.since, self.history.kept_since)}
            return
        told, began, is_marked = self.since, time.monotonic(), False
        while True:
            asked = (time.monotonic() - began) / self.second if self.second else self.seconds
            for event in self.history.since(told, self.resource):
                told = event.version
                if line := self._line(event):
                    yield line
            is_time = _BOOKMARK_BEFORE < self.seconds <= asked + _BOOKMARK_BEFORE
            if self.bookmarks and is_time and not is_marked:
                is_marked = True
                if self.history.version > self.since and not self.history.since(told, self.resource):
                    told = self.history.version
                    yield {"type": "BOOKMARK", "object": self._marked(told)}
            if asked >= self.seconds or self.closing.is_set():
                return
            with self.history.moved:
                self.history.moved.wait(0.02)

    def _line(self, event: Event) -> Json | None:
        before = event.old is not None and self.selects(event.old)
        after = event.new is not None and self.selects(event.new)
        if after:
            assert event.new is not None
            return {"type": "MODIFIED" if before else "ADDED", "object": self.shown(event.new)}
        if before:
            assert event.old is not None
            metadata = {**event.old["metadata"], "resourceVersion": str(event.version)}
            return {"type": "DELETED", "object": self.shown({**event.old, "metadata": metadata})}
        return None

    def _marked(self, version: int) -> Json:
        return {**self.empty, "metadata": {"resourceVersion": str(version), "creationTimestamp": None}}


def _expired(since: int, oldest: int) -> Json:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"too old resource version: {since} ({oldest})",
        "reason": "Expired",
        "code": 410,
    }
