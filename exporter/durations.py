"""Durations as Go, Kubernetes and people write them: `90m`, `1h30m`, `24.08s`, `2d`, `1w`."""

import re
from datetime import timedelta
from typing import Final, Protocol

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,  # U+00B5, the micro sign
    "μs": 1e-6,  # U+03BC, the Greek letter
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_TERM = re.compile(rf"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)({'|'.join(_UNITS)})")

LONGEST: Final = timedelta(days=106751)
"""What Go's `time.Duration` holds in nanoseconds, 292 years: whoever adds it to a moment gets a moment."""
_MOST_SECONDS = LONGEST.total_seconds()


def parse_duration(text: str) -> timedelta:
    """Read *text*, one or more `<number><unit>` terms without blanks.

    Units are Go's (`time.ParseDuration`) and, for people, `d` and `w`. A bare `0` is zero.

    Raises:
        ValueError: *text* is no duration, is negative, or is too long to be one.
    """
    if text == "0":
        return timedelta(0)
    seconds, position = 0.0, 0
    while position < len(text) and (term := _TERM.match(text, position)):
        seconds += float(term[1]) * _UNITS[term[2]]
        position = term.end()
    if position == 0 or position != len(text):
        raise ValueError(f"{text!r} is not a duration: write it like 90m, 3h, 2d or 1h30m")
    return duration_of(seconds, text)


def duration_of(seconds: float, text: str) -> timedelta:
    """As many *seconds*.

    Raises:
        ValueError: no duration is that long; it is named as *text*.
    """
    # Written so that what is no number at all is refused too.
    if not abs(seconds) <= _MOST_SECONDS:
        raise ValueError(f"{text!r} is longer than a duration can be")
    return timedelta(seconds=seconds)


class Growing(Protocol):
    """A duration that goes on until it is shown."""

    def written(self) -> str:
        """What stands for it until then."""


def format_duration(duration: timedelta | Growing) -> str:
    """*duration* in its two greatest units, as a person would say it: `2d 3h`, `14m`, `40s`."""
    if not isinstance(duration, timedelta):
        return duration.written()
    seconds = int(duration.total_seconds())
    if seconds < 0:
        return f"-{format_duration(-duration)}"
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return " ".join(parts[:2])
