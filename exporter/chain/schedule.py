"""Schedules as VolSync reads them (robfig/cron v3, `ParseStandard`), and the objective that follows from one."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cronsim import CronSim, CronSimError

from exporter.durations import parse_duration

_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_DAYS = {2: "1-31", 4: "0-6"}
"""The two day fields by their place, and all that they can hold."""
_START = datetime(2023, 12, 31, tzinfo=UTC)
_HORIZON = timedelta(days=400)
_OCCURRENCES = 5000

LEAST_SLACK = timedelta(hours=2)
MOST_SLACK = timedelta(hours=48)


@lru_cache(maxsize=1024)
def interval_of(schedule: str) -> timedelta:
    """The greatest time between two runs of *schedule*.

    The greatest and not the next one, so that the objective of a schedule that rests at night or at weekends does
    not move with the clock. Time zones (`CRON_TZ=`) are accepted and make no difference here.

    Raises:
        ValueError: VolSync would not accept *schedule* either.
    """
    text = schedule.strip()
    if text.startswith(("TZ=", "CRON_TZ=")):
        text = text.partition(" ")[2].strip()
    if text.startswith("@every "):
        return parse_duration(text.removeprefix("@every ").strip())
    expression = _DESCRIPTORS.get(text.lower(), text)
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(f"schedule {schedule!r} does not have five fields")
    try:
        runs = CronSim(" ".join(_as_cronsim(place, field) for place, field in enumerate(fields)), _START)
        return _greatest_gap(runs)
    except CronSimError as error:
        raise ValueError(f"schedule {schedule!r}: {error}") from error


def _as_cronsim(place: int, field: str) -> str:
    """A field as cronsim reads what robfig/cron means by it.

    `?` is a star. A star with a step restricts its day field like any list of days; to cronsim, as to Debian's cron,
    it would leave the other day field alone to decide (robfig/cron v3.0.1 `parser.go`, getRange; tried).
    """
    field = field.replace("?", "*")
    step = re.fullmatch(r"\*/(\d+)", field)
    if step and int(step[1]) > 1 and place in _DAYS:
        return f"{_DAYS[place]}/{step[1]}"
    return field


def _greatest_gap(runs: CronSim) -> timedelta:
    """Over a year and a month of *runs*, or over the first 5,000 of them."""
    previous, greatest = next(runs), timedelta(0)
    for _ in range(_OCCURRENCES):
        run = next(runs, None)
        if run is None:
            break
        greatest = max(greatest, run - previous)
        if run > _START + _HORIZON:
            break
        previous = run
    return greatest


def objective_of(interval: timedelta) -> timedelta:
    """The greatest age that the recovery point may have: hourly 3 h, daily 48 h, weekly 9 d."""
    return interval + min(max(interval, LEAST_SLACK), MOST_SLACK)
