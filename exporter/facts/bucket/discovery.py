"""Finding repositories wherever they stand: listings with a delimiter, from the top down, without a layout.

Where repositories were found at some depth, others most likely stand: there a look tells what a folder is, and costs
no more than the look that a repository needs anyway. Elsewhere a folder is listed first. A bucket may hold other
things without end, so the search gives a branch up that shows nothing for long, and says so.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from exporter.facts.bucket.client import Client
from exporter.facts.bucket.failure import BucketError
from exporter.facts.bucket.look import Look, folder_of
from exporter.facts.bucket.model import ObjectType, OtherKind
from exporter.facts.bucket.paging import walk
from exporter.facts.bucket.repository import is_kopias
from exporter.facts.bucket.state import RepositoryState
from exporter.facts.reading import Reason

MOST_DEPTH = 12
"""Folders below the bucket's prefix: what stands deeper is not looked for."""
MOST_BARREN = 2000
"""So many listings in a row that show no repository, and the rest of the bucket is given up."""
MOST_BARREN_OF_BRANCH = 200
"""The same of what stands under one folder."""
MOST_PAGES = 100
"""Of one folder: a hundred thousand folders in it."""

_FOLDERS = frozenset(ObjectType)
_LEGACY_FOLDERS = frozenset({"key", "lock", "snapshot"})


class LookAt(Protocol):
    """Looks at a prefix, and remembers a repository that stands there.

    Raises:
        BucketError: it could not be looked at.
    """

    def __call__(self, prefix: str, *, is_likely: bool) -> Look: ...


@dataclass(slots=True)
class Found:
    """What the search found beside repositories, and where it did not look."""

    others: dict[str, OtherKind] = field(default_factory=dict)
    failures: dict[str, BucketError] = field(default_factory=dict)
    """By the prefix that could not be listed, or whose listing is not believed."""
    given_up: set[str] = field(default_factory=set)
    """Prefixes that would cost too much."""
    errors: Counter[Reason] = field(default_factory=Counter)


@dataclass(slots=True)
class _Level:
    """What stands directly under one prefix."""

    prefix: str
    folders: set[str] = field(default_factory=set)
    has_config: bool = False
    is_kopias: bool = False

    @property
    def is_likely(self) -> bool:
        """Whether its folders are those of a repository, or what is left of them: others may have such names."""
        return len(self.folders & (_FOLDERS | _LEGACY_FOLDERS)) + self.has_config > 1

    def children(self, *, without_restics: bool) -> list[str]:
        base = folder_of(self.prefix)
        names = self.folders - (_FOLDERS if without_restics else frozenset())
        return sorted(base + name for name in names if name)


class _Branch:
    """How long the search below one folder has shown nothing."""

    def __init__(self) -> None:
        self.barren = 0


class RepositorySearch:
    """One search through one bucket."""

    def __init__(
        self,
        client: Client,
        base: str,
        states: Mapping[str, RepositoryState],
        look_at: LookAt,
        skip: Iterable[str] = (),
        is_left: Callable[[str], bool] = lambda _prefix: False,
    ) -> None:
        """Search under *base*; *states* are the repositories that are known, *look_at* adds to them.

        What is given in *skip* was given up before and is given up unseen. Nobody here asks for what *is_left* to
        other exporters.
        """
        self.found = Found()
        self._client = client
        self._base = base
        self._states = states
        self._look_at = look_at
        self._skip = frozenset(skip)
        self._is_left = is_left
        self._depths = {self._depth(prefix) for prefix in states}
        self._barren = 0
        self._lock = threading.Lock()

    def run(self, spread: Callable[[Callable[[str], None], Iterable[str]], object]) -> Found:
        """Search; *spread* calls a function with each of some folders in parallel.

        Raises:
            BucketError: nothing could be listed at all.
        """
        branch = _Branch()
        children = self._children(self._level(self._base, branch), branch)
        while len(children) == 1 and self._depth(children[0]) < MOST_DEPTH and not self._is_settled(children[0]):
            children = self._below(children[0], branch)
        self._explore_all(children[:1])  # what it teaches saves a request for each of the others
        spread(lambda child: self._explore(child, _Branch()), children[1:])
        return self.found

    def _explore_all(self, children: Iterable[str], branch: _Branch | None = None) -> None:
        branch = branch or _Branch()
        for child in children:
            self._explore(child, branch)

    def _explore(self, prefix: str, branch: _Branch) -> None:
        """Find the repositories at *prefix* and below."""
        if self._is_settled(prefix):
            return
        too_deep = self._depth(prefix) > MOST_DEPTH
        if too_deep or branch.barren >= MOST_BARREN_OF_BRANCH or self._barren >= MOST_BARREN:
            self._give_up(prefix)
            return
        self._explore_all(self._below(prefix, branch), branch)

    def _is_settled(self, prefix: str) -> bool:
        """Whether *prefix* is a repository that is known and holds nothing else, or was given up before."""
        if prefix in self._skip:
            self._give_up(prefix)
            return True
        state = self._states.get(prefix)
        if state is not None:
            self._has_found(None)
        return state is not None and not state.holds_more

    def _below(self, prefix: str, branch: _Branch) -> list[str]:
        """The folders under *prefix* in which to go on."""
        try:
            if prefix not in self._states and self._depth(prefix) in self._depths:
                look = self._look_at(prefix, is_likely=False)
                if look.contents.is_repository and not (look.is_shared or look.contents.foreign):
                    self._has_found(branch)
                    return []
            return self._children(self._level(prefix, branch), branch)
        except BucketError as failure:
            with self._lock:
                self.found.failures[prefix] = failure
            return []

    def _children(self, level: _Level, branch: _Branch) -> list[str]:
        if level.is_kopias:
            with self._lock:
                self.found.others[level.prefix] = OtherKind.KOPIA
            self._has_found(branch)
        is_known = level.prefix in self._states
        if is_known or (level.is_likely and self._look_at(level.prefix, is_likely=True).contents.is_repository):
            self._depths.add(self._depth(level.prefix))
            self._has_found(branch)
            return self._wanted(level.children(without_restics=True))
        return self._wanted(level.children(without_restics=False))

    def _wanted(self, prefixes: list[str]) -> list[str]:
        return [prefix for prefix in prefixes if not self._is_left(prefix)]

    def _level(self, prefix: str, branch: _Branch) -> _Level:
        """List what stands directly under *prefix*.

        Raises:
            BucketError: it could not be listed.
        """
        level, has_keys, base = _Level(prefix), False, folder_of(prefix)
        errors = Counter[Reason]()
        pages = walk(lambda token: self._client.list(base, token=token, delimiter="/"), errors=errors)
        for number, answer in enumerate(pages, start=1):
            self._spend(branch)
            level.folders.update(folder.removeprefix(base).rstrip("/") for folder in answer.page.folders)
            level.has_config = level.has_config or f"{base}config" in answer.page.keys
            level.is_kopias = level.is_kopias or any(is_kopias(key.removeprefix(base)) for key in answer.page.keys)
            has_keys = has_keys or bool(answer.page.keys)
            if answer.page.truncated and (number >= MOST_PAGES or (level.is_kopias and not level.folders)):
                self._give_up(prefix)  # kopia keeps all its blobs in one folder: that is all there is to know
                break
        if not level.folders and not has_keys:
            self._check_nothing(prefix, errors)
        with self._lock:
            self.found.errors += errors
        return level

    def _check_nothing(self, prefix: str, errors: Counter[Reason]) -> None:
        """A prefix that lists nothing: either nothing is there any more, or the listing with a delimiter is wrong.

        SeaweedFS shows a folder for minutes after its last object is gone; RustFS was seen to list a folder as empty
        whose objects it has (rustfs#2905).

        Raises:
            BucketError: there are objects under it.
        """
        if self._client.list(folder_of(prefix)).page.keys:
            raise BucketError(Reason.CONTRADICTED, f"{prefix or 'the bucket'} lists no folder, and holds objects")
        if prefix != self._base:
            errors[Reason.GHOST_PREFIX] += 1

    def _give_up(self, prefix: str) -> None:
        with self._lock:
            self.found.given_up.add(prefix)

    def _spend(self, branch: _Branch) -> None:
        with self._lock:
            self._barren += 1
            branch.barren += 1

    def _has_found(self, branch: _Branch | None) -> None:
        with self._lock:
            self._barren = 0
            if branch:
                branch.barren = 0

    def _depth(self, prefix: str) -> int:
        below = prefix.removeprefix(self._base).strip("/")
        return below.count("/") + 1 if below else 0
