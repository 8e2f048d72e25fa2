"""Finding repositories: listings with a delimiter, down the segments of the layout."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from exporter.facts.bucket.client import Client
from exporter.facts.bucket.failure import Failure
from exporter.facts.bucket.look import folder_of
from exporter.facts.bucket.model import ObjectType
from exporter.facts.bucket.paging import walk
from exporter.facts.bucket.repository import home_of
from exporter.facts.layout import depth_of
from exporter.facts.reading import Reason

_FOLDERS = frozenset(ObjectType)


@dataclass(slots=True)
class Found:
    """Where repositories may stand, and where nothing could be looked for."""

    candidates: set[str] = field(default_factory=set)
    failures: dict[str, Failure] = field(default_factory=dict)
    """By the prefix that could not be listed, or whose listing is not believed."""
    errors: Counter[Reason] = field(default_factory=Counter)


@dataclass(slots=True)
class _Level:
    """What stands directly under one prefix."""

    prefix: str
    children: list[str] = field(default_factory=list)
    is_repository: bool = False
    failure: Failure | None = None
    errors: Counter[Reason] = field(default_factory=Counter)


class Discovery:
    """Looks for the repositories of one bucket."""

    def __init__(
        self,
        client: Client,
        base: str,
        layout: str,
        spread: Callable[[Callable[[str], _Level], Iterable[str]], Iterable[_Level]],
    ) -> None:
        """Look under *base*, for repositories in *layout*; *spread* maps a function in parallel."""
        self._client = client
        self._base = base
        self._layout = layout
        self._spread = spread

    def all(self) -> Found:
        """Where repositories may stand: at the layout's depth, or above it where one shows itself.

        What stands at the layout's depth is not listed: a look at it tells what it is.

        Raises:
            Failure: nothing could be listed at all.
        """
        root = self._level(self._base)
        if root.failure:
            raise root.failure
        return self._down(Found(), [root], depth_of(self._layout) - 1)

    def below(self, prefix: str, keys: Iterable[str]) -> Found:
        """The same below *prefix*, a candidate that is none: its *keys* tell how deep its repositories stand."""
        homes = {home for key in keys if (home := home_of(key)) is not None and home.startswith(folder_of(prefix))}
        if not homes:
            return Found()
        depth = min(home.count("/") for home in homes) - prefix.count("/")
        return self._down(Found(), [self._level(prefix)], depth - 1)

    def _down(self, found: Found, levels: Iterable[_Level], depth: int) -> Found:
        """Add to *found* what stands *depth* levels below *levels*."""
        children: list[str] = []
        for level in levels:
            found.errors += level.errors
            if level.failure:
                found.failures[level.prefix] = level.failure
            elif level.is_repository:
                found.candidates.add(level.prefix)
            else:
                children += level.children
        if depth == 0:
            found.candidates.update(children)
            return found
        return self._down(found, self._spread(self._level, children), depth - 1) if children else found

    def _level(self, prefix: str) -> _Level:
        level, names, config = _Level(prefix), set[str](), False
        base = folder_of(prefix)
        try:
            for answer in walk(lambda token: self._client.list(base, token=token, delimiter="/"), errors=level.errors):
                names.update(folder.removeprefix(base).rstrip("/") for folder in answer.page.folders)
                config = config or f"{base}config" in answer.page.keys
                has_keys = config or bool(answer.page.keys)
            if not names and not has_keys:
                self._check_nothing(level)
        except Failure as failure:
            level.failure = failure
        level.is_repository = ObjectType.KEYS in names and (config or len(names & _FOLDERS) > 1)
        level.children = sorted(base + name for name in names if name)
        return level

    def _check_nothing(self, level: _Level) -> None:
        """A prefix that lists nothing: either nothing is there any more, or the listing with a delimiter is wrong.

        SeaweedFS shows a folder for minutes after its last object is gone; RustFS was seen to list a folder as empty
        whose objects it has (rustfs#2905).

        Raises:
            Failure: there are objects under it.
        """
        if self._client.list(folder_of(level.prefix)).page.keys:
            raise Failure(Reason.CONTRADICTED, f"{level.prefix or 'the bucket'} lists no folder, and holds objects")
        if level.prefix != self._base:
            level.errors[Reason.GHOST_PREFIX] += 1
