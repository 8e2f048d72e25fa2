"""What is remembered of one repository's scrub between two turns, and what follows from it."""

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from exporter.facts.bucket.model import MOST_NAMES, CorruptObject, Proof, Scrub
from exporter.facts.bucket.scrub.proof import Judged, Listed, Outcome
from exporter.facts.bucket.scrub.rotation import SHARDS

MOST_FOUND = 100
"""So many corrupt objects of one repository are remembered. Where there are more, nobody fixes them one by one."""
MOST_MISSED = 1000
"""So many objects that could not be read."""
TRIES = 3
"""So many turns in which an object that cannot be read is tried again, until its own time comes again."""
_LATEST = 2**32 - 1
"""Seconds since the epoch, in 2106: what four bytes hold. A clock may be set to anything."""
SMALL = -1
"""In the place of a shard's number: keys, indexes and snapshots."""


@dataclass(slots=True)
class Found:
    """A corrupt object, and as what it was listed."""

    listed: Listed
    digest: str
    at: datetime
    """When it was found first, …"""
    last: datetime
    """… and last."""


@dataclass(slots=True)
class Pass:
    """One part of a repository that is being read; it may be left and taken up again."""

    shard: int
    began: int
    """Seconds since the epoch."""
    after: str = ""
    """The last key that was dealt with."""
    scrubbed: Counter[Proof] = field(default_factory=Counter)


def _shards(code: str) -> "array[int]":
    return array(code, bytes(SHARDS * array(code).itemsize))


@dataclass(slots=True)
class RepositoryScrub:
    """One repository, as far as its objects were read. 10,000 of them take some 40 MiB."""

    prefix: str
    since: float
    """When the process began with it: seconds since the epoch, as all moments here."""
    read: "array[int]" = field(default_factory=lambda: _shards("I"))
    """When each shard was begun; 0 for never."""
    small: int = 0
    """When keys, indexes and snapshots were."""
    scrubbed: dict[Proof, "array[int]"] = field(default_factory=dict)
    """The bytes of each shard that were found sound, by what."""
    scrubbed_small: Counter[Proof] = field(default_factory=Counter)
    passes: dict[int, Pass] = field(default_factory=dict)
    """Under way, by shard."""
    found: dict[str, Found] = field(default_factory=dict)
    """By key."""
    missed: dict[str, int] = field(default_factory=dict)
    """How often in a row each key could not be read."""
    names_are_digests: bool = False
    """Whether one object at least is what its name says. Until then it may be the names that mean something else:
    where a gateway between restic and the store encrypts, for example."""
    was_hit: bool = False
    """Whether a corrupt object was ever found."""
    packs: int | None = None
    """How many it has; None where that is not known."""
    settled: int = -1
    """The slot in which nothing was left to read."""

    def begin(self, shard: int, at: float) -> Pass:
        """Begin to read a part of the repository."""
        begun = self.passes[shard] = Pass(shard, min(int(at) + 1, _LATEST))
        return begun

    def complete(self, done: Pass) -> None:
        """A part was read to its end."""
        self.passes.pop(done.shard, None)
        if done.shard == SMALL:
            self.small, self.scrubbed_small = done.began, done.scrubbed
            return
        self.read[done.shard] = done.began
        for proof in Proof:
            if done.scrubbed[proof] or proof in self.scrubbed:
                self.scrubbed.setdefault(proof, _shards("Q"))[done.shard] = done.scrubbed[proof]

    def take_in(self, listed: Listed, judged: Judged, at: datetime) -> None:
        """What was found of one object."""
        self.missed.pop(listed.key, None)
        if judged.outcome is not Outcome.CORRUPT:
            self.names_are_digests = self.names_are_digests or judged.outcome is Outcome.SOUND
            self.found.pop(listed.key, None)
            return
        known = self.found.get(listed.key)
        if known is not None or len(self.found) < MOST_FOUND:
            self.found[listed.key] = Found(listed, judged.digest, known.at if known else at, at)

    def miss(self, key: str) -> None:
        """An object could not be read: nothing is known of it, and what was known stays."""
        if key in self.missed or len(self.missed) < MOST_MISSED:
            self.missed[key] = self.missed.get(key, 0) + 1

    def to_retry(self) -> list[str]:
        """The keys to try again before their time."""
        return [key for key, times in self.missed.items() if times < TRIES]

    def forget_missed(self, folders: Iterable[str]) -> None:
        """Try what lies in *folders* as if for the first time."""
        starts = tuple(folders)
        self.missed = {key: times for key, times in self.missed.items() if not key.startswith(starts)}

    def scrub(self) -> Scrub:
        """The figures."""
        is_whole = self.small > 0 and 0 not in self.read
        base = f"{self.prefix}/" if self.prefix else ""
        found = sorted(self.found.items()) if self.names_are_digests else []
        self.was_hit = self.was_hit or bool(found)
        totals = Counter(self.scrubbed_small)
        for proof, shards in self.scrubbed.items():
            totals[proof] += sum(shards)
        return Scrub(
            scrubbed={Proof.CONTENT: totals[Proof.CONTENT]} | dict(totals) if self.small or totals else {},
            oldest=datetime.fromtimestamp(min(self.small, *self.read), UTC) if is_whole else None,
            corrupt=tuple(
                CorruptObject(key.removeprefix(base), one.listed.size, one.digest, one.at)
                for key, one in found[:MOST_NAMES]
            ),
            corrupt_objects=len(found) if is_whole or self.was_hit else None,
            unread=len(self.missed) + (0 if self.names_are_digests else len(self.found)),
        )
