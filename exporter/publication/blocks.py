"""The exposition in blocks: a family's lines about some hundred claims, packed, and kept while they read the same.

Claims are put together by their names alone, so that one that comes or goes changes one block of each family. A block
is a gzip member of its own: members that follow one another are one file (RFC 1952, 2.2).
"""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from exporter.caching import are_identical
from exporter.chain.verdict import Verdict
from exporter.publication.families import Each, Family, Parts

_TOGETHER = 128
"""So many parts make a block on average: fewer pack worse, more are packed again where one of them has changed."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """Some lines of a family."""

    packed: bytes
    length: int
    """How long they are unpacked."""
    duplicates: int
    series: tuple[str, ...] = ()
    """Of an age family, in place of lines: the series."""
    since: tuple[float, ...] = ()


Make = Callable[[Family[Verdict], Iterable[tuple[tuple[str, ...], float]]], Block]
"""Makes a block of a family's samples."""


class _Group:
    """Parts that stand in the same blocks, and these blocks."""

    __slots__ = ("before", "blocks", "parts")

    def __init__(self, parts: tuple[Any, ...], before: "_Group | None") -> None:
        self.parts = parts
        self.blocks: dict[str, Block] = {}
        self.before = before

    def block(self, family: Family[Verdict], each: Each[Any], make: Make) -> tuple[Block, bool]:
        """The family's block, and whether it had to be made."""
        if kept := self.blocks.get(family.name):
            return kept, False
        kept = self.before.blocks.get(family.name) if self.before else None
        is_made = kept is None or not self._reads_the_same(each)
        block = make(family, (sample for part in self.parts for sample in each.of(part))) if is_made else kept
        assert block is not None, "made, or kept"  # noqa: S101 - narrows for mypy
        self.blocks[family.name] = block
        return block, is_made

    def _reads_the_same(self, each: Each[Any]) -> bool:
        before = self.before.parts if self.before else ()
        return len(before) == len(self.parts) and all(
            one is other or list(each.of(one)) == list(each.of(other))
            for one, other in zip(before, self.parts, strict=True)
        )


class Blocks:
    """The blocks of one verdict after the other."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._groups: dict[Parts, list[_Group]] = {}
        self._rests_on: dict[Parts, tuple[object, ...]] = {}
        self.made = 0
        """How many blocks had to be made for the last verdict."""

    def take(self, verdict: Verdict) -> None:
        """Take in the next verdict."""
        self.made = 0
        for kind in Parts:
            rests_on, before = kind.rests_on(verdict), self._rests_on.get(kind)
            if before is None or not are_identical(rests_on, before):
                self._groups[kind] = _grouped(kind, kind.of(verdict), self._groups.get(kind, []))
                self._rests_on[kind] = rests_on

    def of(self, family: Family[Verdict], each: Each[Any]) -> Iterator[Block]:
        """The blocks of a family, in order."""
        for group in self._groups[each.parts]:
            block, is_made = group.block(family, each, self._make)
            self.made += is_made
            yield block

    def settle(self) -> None:
        """Let go of the verdict before: every block of this one is made."""
        for groups in self._groups.values():
            for group in groups:
                group.before = None


def _grouped(kind: Parts, parts: Sequence[Any], before: list[_Group]) -> list[_Group]:
    if (groups := _replaced(kind, parts, before)) is not None:
        return groups
    known = {kind.name_of(group.parts[0]): group for group in before}
    return [_followed(together, known.get(kind.name_of(together[0]))) for together in _together(kind, parts)]


def _replaced(kind: Parts, parts: Sequence[Any], before: Iterable[_Group]) -> list[_Group] | None:
    """The groups where all names are as before, so that the same parts stand together; None where they are not."""
    groups, start = list[_Group](), 0
    for group in before:
        together = tuple(parts[start : start + len(group.parts)])
        start += len(together)
        if are_identical(together, group.parts):
            groups.append(group)
        elif [kind.name_of(part) for part in together] == [kind.name_of(part) for part in group.parts]:
            groups.append(_followed(together, group))
        else:
            return None
    return groups if start == len(parts) else None


def _followed(together: tuple[Any, ...], before: _Group | None) -> _Group:
    return before if before is not None and before.parts == together else _Group(together, before)


def _together(kind: Parts, parts: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """*parts* group by group; all are one where two of them might look alike, so that this is seen."""
    names = [kind.name_of(part) for part in parts]
    starts = [0] if parts else []
    if len(set(names)) == len(names) and all(map(str.isprintable, names)):
        starts += [place for place, name in enumerate(names) if place and zlib.crc32(name.encode()) % _TOGETHER == 0]
    ends = [*starts[1:], len(parts)]
    return (tuple(parts[start:end]) for start, end in zip(starts, ends, strict=False))
