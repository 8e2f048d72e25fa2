"""Durations and schedules: read what was written, refuse the rest by name, and never anything else."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, takewhile
from time import process_time

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.chain.schedule import interval_of, objective_of
from exporter.durations import duration_of, format_duration, parse_duration

HOUR = timedelta(hours=1)
UNITS = ("ns", "us", "µs", "ms", "s", "m", "h", "d", "w")
DURATIONS = st.timedeltas(timedelta(0), timedelta(days=10_000))


@given(st.lists(st.tuples(st.integers(0, 1000), st.sampled_from(UNITS)), min_size=1, max_size=4))
def test_terms_add_up(terms: list[tuple[int, str]]) -> None:
    whole = parse_duration("".join(f"{number}{unit}" for number, unit in terms))
    parts = sum((parse_duration(f"{number}{unit}") for number, unit in terms), timedelta(0))
    assert abs(whole - parts) <= timedelta(microseconds=len(terms))


@given(DURATIONS)
def test_what_is_shown_is_the_duration_less_what_its_third_unit_would_add(duration: timedelta) -> None:
    shown = parse_duration(format_duration(duration).replace(" ", ""))
    assert timedelta(0) <= duration - shown < max(HOUR if duration >= 24 * HOUR else HOUR / 60, timedelta(seconds=1))


@given(st.text() | st.from_regex(r"[0-9.hmsdwnuµ-]{1,12}", fullmatch=True) | st.from_regex(r"[0-9]{1,400}[smhdw]"))
def test_any_text_is_a_duration_or_is_refused_by_name(text: str) -> None:
    refusal = ""
    try:
        assert parse_duration(text) >= timedelta(0)
    except ValueError as error:
        refusal = str(error)
    assert not refusal or repr(text) in refusal


@pytest.mark.parametrize(
    "text",
    ["", "-5m", "999999998d", "1e9h", "٣h", "²h", "9" * 5000 + "h", "." + "h", "1h ", "\n1h", "1h\n", "nan", "infs"],
)
def test_what_go_would_not_take_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_both_letters_that_go_takes_for_micro_are_read() -> None:
    assert (
        parse_duration("5\N{MICRO SIGN}s") == parse_duration("5\N{GREEK SMALL LETTER MU}s") == timedelta(microseconds=5)
    )


def test_the_longest_duration_can_be_added_to_a_moment() -> None:
    """Go's `time.Duration` ends after 292 years (2⁶³ nanoseconds)."""
    longest = parse_duration("106751d")
    assert datetime(2026, 1, 1, tzinfo=UTC) - 3 * longest < datetime(2026, 1, 1, tzinfo=UTC) + 3 * longest
    with pytest.raises(ValueError, match="longer"):
        parse_duration("106752d")


@pytest.mark.parametrize("seconds", [float("inf"), float("-inf"), float("nan"), 1e300, -1e300, 10**400])
def test_no_number_of_seconds_overflows(seconds: float) -> None:
    with pytest.raises(ValueError, match="longer"):
        duration_of(seconds, "it")


def _fields(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.integers(1, high).map(lambda step: f"*/{step}"),
        st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}"),
        st.lists(number, min_size=2, max_size=4).map(lambda numbers: ",".join(map(str, numbers))),
    )


SCHEDULES = st.tuples(_fields(0, 59), _fields(0, 23), _fields(1, 28), _fields(1, 12), _fields(0, 6)).map(" ".join)


@settings(deadline=None)
@given(SCHEDULES)
def test_any_schedule_has_an_interval_and_an_objective_beyond_it(schedule: str) -> None:
    interval = interval_of(schedule)
    assert timedelta(0) < interval <= timedelta(days=366)
    assert interval + 2 * HOUR <= objective_of(interval) <= interval + 48 * HOUR


@given(st.integers(0, 59), st.integers(0, 23))
def test_a_fixed_time_of_day_is_a_day_apart(minute: int, hour: int) -> None:
    assert interval_of(f"{minute} {hour} * * *") == 24 * HOUR


@settings(deadline=None)
@given(st.text() | st.from_regex(r"[0-9*/,@?a-zA-Z =-]{0,24}", fullmatch=True))
def test_any_text_is_a_schedule_or_is_refused_as_a_value(text: str) -> None:
    refusal = ""
    try:
        assert interval_of(text) >= timedelta(0)
    except ValueError as error:
        refusal = str(error)
    assert not refusal or re.search("schedule|duration", refusal)


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ("0 3 */2 * 0", 2),
        ("0 3 1 * */3", 3),
        ("0 3 1-31/2 * 0", 2),
        ("0 3 */1 * 0", 7),
        ("0 3 * * 0/2", 2),
        ("0 3 5,* * 0", 7),
        ("0 3 */2,5 * 0", 2),
    ],
)
def test_a_day_field_with_a_step_is_no_star(schedule: str, days: int) -> None:
    """As robfig/cron v3.0.1 (`parser.go`, `getRange`) has it: of two day fields that say something, either will do."""
    assert interval_of(schedule) == timedelta(days=days)


def _walked(schedule: str, days: int) -> timedelta:
    """The greatest time between two runs over so many *days*, by a library that walks from one to the next.

    To it, as to Debian's cron, a star with a step leaves the other day field alone to decide; to robfig/cron it does
    not, so it is written as a range.
    """
    fields = schedule.split()
    for place, everything in {2: "1-31", 4: "0-6"}.items():
        if re.fullmatch(r"\*/([2-9]|\d\d+)", fields[place]):
            fields[place] = fields[place].replace("*", everything)
    start = datetime(2023, 2, 28, 23, 59, tzinfo=UTC)
    runs = takewhile(lambda run: run < start + timedelta(days=days, minutes=1), CronSim(" ".join(fields), start))
    return max(later - one for one, later in pairwise(runs))


def _few(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    return st.one_of(
        number.map(str),
        st.integers((high - low) // 3, high).map(lambda step: f"*/{step}"),
        st.lists(number, min_size=2, max_size=3).map(lambda numbers: ",".join(map(str, numbers))),
    )


DAYS = st.tuples(_fields(1, 31), _fields(1, 12), _fields(0, 6)).map(" ".join)


@settings(deadline=None, max_examples=40)
@given(st.tuples(_few(0, 59), _few(0, 23), DAYS).map(" ".join))
def test_the_interval_is_the_one_that_a_walk_over_five_years_finds(schedule: str) -> None:
    try:
        walked = _walked(schedule, (date(2028, 3, 1) - date(2023, 3, 1)).days)
    except (ValueError, CronSimError):  # it never runs
        with pytest.raises(ValueError, match="there is no such day"):
            interval_of(schedule)
    else:
        assert interval_of(schedule) == walked


@settings(deadline=None)
@given(st.tuples(_fields(0, 59), _fields(0, 23)).map(" ".join))
def test_the_interval_of_every_day_is_the_one_that_a_walk_finds(times: str) -> None:
    assert interval_of(f"{times} * * *") == _walked(f"{times} * * *", 3)


def test_as_many_schedules_as_a_large_cluster_has_cost_next_to_nothing() -> None:
    """A walk costs a millisecond each, and its cache of 1,024 was none for 1,100: 9 seconds of every pass."""
    schedules = [
        f"{minute},{(minute + 7) % 60} {hour} * * {day}"
        for minute in range(60)
        for hour in range(24)
        for day in range(7)
    ]
    assert len(schedules) > 10_000
    before = process_time()
    for schedule in schedules:
        interval_of(schedule)
    assert process_time() - before < 3


@given(DURATIONS, DURATIONS)
def test_a_longer_interval_never_has_a_shorter_objective(one: timedelta, other: timedelta) -> None:
    assert objective_of(max(one, other)) >= objective_of(min(one, other))


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30-31 feb ?"])
def test_a_schedule_that_never_comes_is_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"schedule.*there is no such day"):
        interval_of(schedule)


@pytest.mark.parametrize(
    ("schedule", "days"), [("0 0 29 2 *", 1461), ("0 0 31 12 *", 366), ("0 0 29 * *", 59), ("0 0 30 2 1", 350)]
)
def test_a_rare_schedule_has_its_longest_rest_for_interval(schedule: str, days: int) -> None:
    assert interval_of(schedule) == timedelta(days=days)
