"""Which part of a repository is due to be read: it follows from the objects' names and the clock.

The names of packs begin evenly with all of the 256 first bytes (a name is the SHA-256 of the content, restic
`doc/design.rst`), and each first byte is a folder (`data/ab/`): a shard, which one listing shows. The period has a slot
for each shard. Nothing has to be remembered for that from one process to the next: where a process begins in the middle
of a period, it goes on with the shard whose slot it is.

It also goes back, as far as it has come forward: one slot for each that has passed since the start. That makes good
what was not read while no process ran, and finds again what the last process had found: the sooner, the younger that
was. After half a period all was read once, and from then on each shard once in a period.
"""

import math
from collections.abc import Sequence
from datetime import timedelta

import msgspec

SHARDS = 256
_SLACK = 60
"""Seconds. What was read later than that from now was read before somebody set the clock back."""


class Rotation(msgspec.Struct, frozen=True):
    """A period of *shards* slots of equal length. Moments are seconds since the epoch."""

    period: timedelta
    offset: float = 0.0
    """By which share of a period it is ahead of others: not all repositories are to have the same slot at once."""
    shards: int = SHARDS

    @property
    def length(self) -> float:
        """Seconds of one slot."""
        return self.period.total_seconds() / self.shards

    def slot(self, at: float) -> int:
        """The number of the slot that *at* lies in; the slot of a shard is its number, or one so many periods later."""
        return math.floor((at + self.offset * self.period.total_seconds()) / self.length)

    def _begin(self, slot: int) -> float:
        return slot * self.length - self.offset * self.period.total_seconds()

    def due(self, at: float, since: float, read: Sequence[int]) -> list[int]:
        """The shards that are to be read at *at*: those never read first, of these the youngest slot; then the oldest.

        *since* is when the process began with the repository, and *read* when it began to read each shard; 0 where it
        did not yet.
        """
        now = self.slot(at)
        start = min(self.slot(since), now)
        furthest = max(2 * start - now, now - self.shards + 1)
        found = []
        for slot in range(now, furthest - 1, -1):
            last = read[slot % self.shards]
            if not self._begin(slot) <= last <= at + _SLACK:
                found.append((last if last <= at + _SLACK else 0, -slot, slot % self.shards))
        return [shard for _, _, shard in sorted(found)]
