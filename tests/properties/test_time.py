"""Durations and schedules: read what was written, refuse the rest by name, and never anything else."""

import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.chain.schedule import interval_of, objective_of
from exporter.durations import format_duration, parse_duration

HOUR = timedelta(hours=1)
UNITS = ("ns", "us", "µs", "ms", "s", "m", "h", "d", "w")
DURATIONS = st.timedeltas(timedelta(0), timedelta(days=10_000))


@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(UNITS)), min_size=1, max_size=4))
def test_terms_add_up(terms: list[tuple[int, str]]) -> None:
    whole = parse_duration("".join(f"{number}{unit}" for number, unit in terms))
    parts = sum((parse_duration(f"{number}{unit}") for number, unit in terms), timedelta(0))
    assert abs(whole - parts) <= timedelta(microseconds=len(terms))


@given(DURATIONS)
def test_what_is_shown_is_the_duration_less_what_its_third_unit_would_add(duration: timedelta) -> None:
    shown = parse_duration(format_duration(duration).replace(" ", ""))
    assert timedelta(0) <= duration - shown < max(HOUR if duration >= 24 * HOUR else HOUR / 60, timedelta(seconds=1))


@given(st.text() | st.from_regex(r"[0-9.hmsdwnuµ-]{1,12}", fullmatch=True))
def test_any_text_is_a_duration_or_is_refused_by_name(text: str) -> None:
    refusal = ""
    try:
        assert parse_duration(text) >= timedelta(0)
    except ValueError as error:
        refusal = str(error)
    assert not refusal or repr(text) in refusal


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
    [("0 3 */2 * 0", 2), ("0 3 1 * */3", 3), ("0 3 1-31/2 * 0", 2), ("0 3 */1 * 0", 7), ("0 3 * * 0/2", 2)],
)
def test_a_day_field_with_a_step_is_no_star(schedule: str, days: int) -> None:
    """As robfig/cron v3.0.1 (`parser.go`, `getRange`) has it: of two day fields that say something, either will do."""
    assert interval_of(schedule) == timedelta(days=days)


@given(DURATIONS, DURATIONS)
def test_a_longer_interval_never_has_a_shorter_objective(one: timedelta, other: timedelta) -> None:
    assert objective_of(max(one, other)) >= objective_of(min(one, other))


def test_a_schedule_that_never_comes_is_refused() -> None:
    with pytest.raises(ValueError, match="schedule"):
        interval_of("0 0 30 2 *")
