"""Whether a listing of packs is all of them: a test that costs no request.

A pack's name is the SHA-256 of its content (restic `doc/design.rst`), so the names of all packs lie evenly over the
hexadecimal space. A stretch that holds none is either chance or a listing that left them out, and chance can be
reckoned: that *n* names all miss a given share *g* of the space has the probability (1-g)^n.
"""

import math

import msgspec

IMPROBABLE = 1e-9
"""A gap less likely than this is no chance: one listing in a thousand million is disbelieved wrongly."""

_DIGITS = 13
_SPACE = 16.0**_DIGITS  # 52 bits, what a float holds exactly


class Spread:
    """The widest gap between consecutive names, taken in as they come, in their order."""

    __slots__ = ("_last", "_widest", "count")

    def __init__(self) -> None:
        self.count = 0
        self._last = 0
        self._widest = 0

    def add(self, names: list[str]) -> None:
        """Take in some *names*, hexadecimal and ascending; their first 13 digits count.

        Raises:
            ValueError: one of them is not hexadecimal.
        """
        points = [int(name[:_DIGITS], 16) for name in names]
        if not points:
            return
        gaps = map(int.__sub__, points, [self._last, *points])
        self._widest = max(self._widest, *gaps)
        self._last = points[-1]
        self.count += len(points)

    def result(self) -> "Gap":
        """The widest gap now, the one after the last name included."""
        return Gap(self.count, max(self._widest, _SPACE - self._last) / _SPACE)


class Gap(msgspec.Struct, frozen=True):
    """The widest stretch without a name among *count* names, as a share of the space."""

    count: int
    share: float

    @property
    def probability(self) -> float:
        """How likely so wide a gap is anywhere, at most (there are count + 1 places for it)."""
        if self.share >= 1.0:
            return 0.0 if self.count else 1.0
        return min(1.0, (self.count + 1) * math.exp(self.count * math.log1p(-self.share)))

    @property
    def is_chance(self) -> bool:
        return self.probability >= IMPROBABLE
