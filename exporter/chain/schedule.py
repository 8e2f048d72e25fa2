"""Schedules as VolSync reads them, and the objective that follows from one.

VolSync takes what robfig/cron v3.0.1 takes (`parser.go`, `ParseStandard`): five fields or a descriptor. Its days are
neither Debian's nor Vixie's, so that a library for those would be wrong at the edges: of two day fields that both say
something either will do, a star with a step says something, Sunday is 0 and never 7, and there is no `L` and no `#`.
"""

import re
from datetime import date, timedelta
from functools import cache, lru_cache, reduce
from itertools import pairwise
from operator import or_
from typing import Final

import msgspec

from exporter.durations import parse_duration

_DESCRIPTORS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LEAST_DELAY: Final = timedelta(seconds=1)
"""What robfig/cron makes of `@every` with less (`constantdelay.go`)."""

LEAST_SLACK: Final = timedelta(hours=2)
MOST_SLACK: Final = timedelta(hours=48)


class _Bounds(msgspec.Struct, frozen=True):
    """What one field can hold."""

    least: int
    most: int
    names: tuple[str, ...] = ()
    """From *least* on."""


_MINUTE, _HOUR, _DAY_OF_MONTH = _Bounds(0, 59), _Bounds(0, 23), _Bounds(1, 31)
_MONTH = _Bounds(1, 12, tuple("jan feb mar apr may jun jul aug sep oct nov dec".split()))
_DAY_OF_WEEK = _Bounds(0, 6, tuple("sun mon tue wed thu fri sat".split()))
_RANGE = re.compile(r"(?:(?P<star>[*?])|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]{1,9}))?", re.ASCII)

_FIRST_DAY, _LAST_DAY = date(2023, 3, 1), date(2028, 2, 29)
"""Five years that hold two leap days, and one of them between every other date and its next year's."""
_WINDOW: Final = [_FIRST_DAY + timedelta(days) for days in range((_LAST_DAY - _FIRST_DAY).days + 1)]
_EVERY_DAY: Final = (1 << len(_WINDOW)) - 1


@lru_cache(maxsize=65_536)
def interval_of(schedule: str) -> timedelta:
    """The greatest time between two runs of *schedule*.

    The greatest and not the next one, so that the objective of a schedule that rests at night or at weekends does
    not move with the clock. Time zones (`CRON_TZ=`) are accepted and make no difference here.

    Raises:
        ValueError: VolSync would not accept *schedule* either, or it never runs.
    """
    text = schedule.strip()
    if text.startswith(("TZ=", "CRON_TZ=")):
        text = text.partition(" ")[2].strip()
    if text.startswith("@every "):
        return max(_LEAST_DELAY, parse_duration(text.removeprefix("@every ").strip()))
    fields = _DESCRIPTORS.get(text.lower(), text).split()
    if len(fields) != 5:
        raise ValueError(f"schedule {schedule!r} does not have five fields")
    try:
        minute, hour, days = _spread(fields[0], _MINUTE), _spread(fields[1], _HOUR), _days_apart(*fields[2:])
    except ValueError as error:
        raise ValueError(f"schedule {schedule!r}: {error}") from None
    first, last = 60 * hour.first + minute.first, 60 * hour.last + minute.last
    within_the_hour, into_the_next = minute.gap, 60 * hour.gap - (minute.last - minute.first)
    return timedelta(minutes=max(within_the_hour, into_the_next, 24 * 60 * days - (last - first)))


class _Spread(msgspec.Struct, frozen=True):
    """The values of a field."""

    first: int
    last: int
    gap: int
    """The greatest difference between one and the next; 0 where there is only one."""


@lru_cache(maxsize=4096)
def _spread(field: str, bounds: _Bounds) -> _Spread:
    values = sorted(_values(field, bounds)[0])
    gap = max((later - one for one, later in pairwise(values)), default=0)
    return _Spread(values[0], values[-1], gap)


@lru_cache(maxsize=4096)
def _days_apart(day_of_month: str, month: str, day_of_week: str) -> int:
    """The greatest number of days between a day that the three fields take and the next one.

    Raises:
        ValueError: a field is wrong, or there is no such day.
    """
    dates, any_date = _days(day_of_month, _DAY_OF_MONTH)
    months, _ = _days(month, _MONTH)
    weekdays, any_weekday = _days(day_of_week, _DAY_OF_WEEK)
    days = months & (dates & weekdays if any_date or any_weekday else dates | weekdays)
    if not days:
        raise ValueError("there is no such day")
    return 1 + len(max(f"{days:b}".strip("0").split("1")))


@lru_cache(maxsize=4096)
def _days(field: str, bounds: _Bounds) -> tuple[int, bool]:
    """The days of the window that a day field takes, each of them a bit; and whether the field leaves it open."""
    values, is_open = _values(field, bounds)
    return _EVERY_DAY if is_open else reduce(or_, (_days_with(value, bounds) for value in values)), is_open


@cache
def _days_with(value: int, bounds: _Bounds) -> int:
    """The days of the window on which a day field's calendar shows *value*: 50 such sets at the most."""
    return sum(1 << place for place, day in enumerate(_WINDOW) if value == _shown(day, bounds))


def _shown(day: date, bounds: _Bounds) -> int:
    if bounds is _DAY_OF_MONTH:
        return day.day
    return day.month if bounds is _MONTH else day.isoweekday() % 7


def _values(field: str, bounds: _Bounds) -> tuple[set[int], bool]:
    """The values that *field* takes, and whether it is open: one of its ranges is a star without a step.

    Raises:
        ValueError: it holds something else, or nothing.
    """
    ranges = [_range(part, bounds) for part in field.split(",") if part]
    if not ranges:
        raise ValueError(f"{field!r} says nothing")
    return {value for values, _ in ranges for value in values}, any(is_open for _, is_open in ranges)


@lru_cache(maxsize=4096)
def _range(part: str, bounds: _Bounds) -> tuple[range, bool]:
    found = _RANGE.fullmatch(part)
    if not found:
        raise ValueError(f"{part!r} is no range")
    step = int(found["step"] or 1)
    if step == 0:
        raise ValueError(f"{part!r} has a step of nothing")
    if found["star"]:
        return range(bounds.least, bounds.most + 1, step), step == 1
    first = _number(found["first"], bounds)
    # `5/10` goes on to the end.
    last = _number(found["last"], bounds) if found["last"] else bounds.most if found["step"] else first
    if first > last:
        raise ValueError(f"{part!r} ends before it begins")
    return range(first, last + 1, step), False


def _number(text: str, bounds: _Bounds) -> int:
    if text.lower() in bounds.names:
        return bounds.least + bounds.names.index(text.lower())
    number = int(text) if text.isdecimal() and len(text) < 10 else -1
    if not bounds.least <= number <= bounds.most:
        raise ValueError(f"{text!r} is not within {bounds.least} and {bounds.most}")
    return number


def objective_of(interval: timedelta) -> timedelta:
    """The greatest age that the recovery point may have: hourly 3 h, daily 48 h, weekly 9 d."""
    return interval + min(max(interval, LEAST_SLACK), MOST_SLACK)
