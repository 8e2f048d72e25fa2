"""The moment that is judged at, as a judge may use it: to compare with, and to tell ages by.

No judge can read it. It can be compared, and every comparison notes when it will turn out differently; and an age can
be written into a text, where it stays open until the text is shown. So a verdict says by itself for how long it holds,
and nothing but a comparison that turns makes it another one.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from exporter.durations import format_duration
from exporter.masking import masked
from exporter.visible import visible

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT: Final = timedelta.resolution
_OPEN, _CLOSE = "\ue000", "\ue001"
"""Around the moment that an age is reckoned from. No text from outside holds them where one is shown: see `visible`."""
_AGE = re.compile(f"{_OPEN}(-?[0-9]{{1,18}}){_CLOSE}")
_ASIDE = re.compile(f"({_OPEN}-?[0-9]{{1,18}}{_CLOSE})")


class Span(msgspec.Struct, frozen=True, gc=False):
    """The time for which comparisons turn out as they did: from *first*, to just before *end*; None: without end."""

    first: timedelta | None = None
    """Since 1970, as no moment beyond the calendar could be written otherwise."""
    end: timedelta | None = None

    def holds(self, at: datetime) -> bool:
        """Whether *at* lies in it."""
        now = at - _EPOCH
        return (self.first is None or self.first <= now) and (self.end is None or now < self.end)


def common(spans: Iterable[Span]) -> Span:
    """The time that lies in all of *spans*."""
    kept = list(spans)
    firsts = [span.first for span in kept if span.first is not None]
    ends = [span.end for span in kept if span.end is not None]
    return Span(max(firsts, default=None), min(ends, default=None))


class Now:
    """The moment that is judged at (timezone-aware)."""

    __slots__ = ("_at", "_end", "_first")

    def __init__(self, at: datetime) -> None:
        self._at = at - _EPOCH
        self._first: timedelta | None = None
        self._end: timedelta | None = None

    def __sub__(self, moment: datetime) -> "Age":
        return Age(self, moment)

    def __gt__(self, moment: datetime) -> bool:
        return self - moment > timedelta(0)

    def __ge__(self, moment: datetime) -> bool:
        return self - moment >= timedelta(0)

    @property
    def span(self) -> Span:
        """For how long all comparisons so far hold."""
        return Span(self._first, self._end)

    def has_reached(self, since: datetime, limit: timedelta, later: timedelta = timedelta(0)) -> bool:
        """Whether *since* was as long ago as *limit*, and *later*."""
        begun = since - _EPOCH
        try:
            turn = begun + limit + later
        except OverflowError:  # so far away that it never turns
            return self._at - begun >= limit
        if self._at >= turn:
            if self._first is None or turn > self._first:
                self._first = turn
            return True
        if self._end is None or turn < self._end:
            self._end = turn
        return False


class Age:
    """How long ago a moment was."""

    __slots__ = ("_now", "since")

    def __init__(self, now: Now, since: datetime) -> None:
        self._now = now
        self.since = since

    def __ge__(self, limit: timedelta) -> bool:
        return self._now.has_reached(self.since, limit)

    def __gt__(self, limit: timedelta) -> bool:
        return self._now.has_reached(self.since, limit, _INSTANT)

    def __lt__(self, limit: timedelta) -> bool:
        return not self._now.has_reached(self.since, limit)

    def __le__(self, limit: timedelta) -> bool:
        return not self._now.has_reached(self.since, limit, _INSTANT)

    def written(self) -> str:
        """The age as it stands in a text until that is shown: `with_ages` writes it out."""
        return f"{_OPEN}{(self.since - _EPOCH) // _INSTANT}{_CLOSE}"


def with_ages(text: str, at: datetime) -> str:
    """*text* with its ages as they are at the moment *at*."""
    if _OPEN not in text:
        return text
    now = at - _EPOCH
    return _AGE.sub(lambda found: format_duration(now - timedelta(microseconds=int(found[1]))), text)


def shown(text: str) -> str:
    """*text*, made of words from outside, fit to be shown: secrets masked, and what is not printed made visible."""
    if _OPEN not in text:
        return visible(masked(text))
    return "".join(part if place % 2 else visible(masked(part)) for place, part in enumerate(_ASIDE.split(text)))
