"""Schedules are read as VolSync reads them, and give the objective that people expect."""

from datetime import timedelta

import pytest

from exporter.chain.schedule import interval_of, objective_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("schedule", "interval"),
    [
        ("0 * * * *", HOUR),
        ("@hourly", HOUR),
        ("*/15 * * * *", HOUR / 4),
        ("@every 90m", timedelta(minutes=90)),
        ("@every 1h30m", timedelta(minutes=90)),
        ("0 3 * * *", DAY),
        ("@daily", DAY),
        ("@midnight", DAY),
        ("@weekly", 7 * DAY),
        ("0 0 * * SUN", 7 * DAY),
        ("0 0 ? * *", DAY),
        ("CRON_TZ=Europe/Berlin 0 3 * * *", DAY),
        ("TZ=UTC @hourly", HOUR),
        ("@monthly", 31 * DAY),
        ("@yearly", 366 * DAY),
        ("0 3 * JAN-dec Sun-Sat", DAY),
        ("0 5/10 * * *", 14 * HOUR),
        ("59 23,0 * * *", 23 * HOUR),
        ("1,,2 * * * *", HOUR - HOUR / 60),
        ("@every 0s", timedelta(seconds=1)),
        ("1," * 10_000 + "1 0 * * *", DAY),
    ],
)
def test_the_interval_is_the_time_between_two_runs(schedule: str, interval: timedelta) -> None:
    assert interval == interval_of(schedule)


@pytest.mark.parametrize(
    ("schedule", "interval"),
    [("0 3 * * 1-5", 3 * DAY), ("0 9-17 * * *", 16 * HOUR), ("0 0,6 * * *", 18 * HOUR), ("0 0 1,15 * *", 17 * DAY)],
)
def test_a_schedule_that_rests_has_its_longest_rest_for_interval(schedule: str, interval: timedelta) -> None:
    assert interval == interval_of(schedule)


@pytest.mark.parametrize(
    "schedule",
    [
        *(
            "",
            "hourly",
            "* * * *",
            "0 0 * * * *",
            "61 * * * *",
            "@every",
            "@every soon",
            "@every 999999999d",
            "@every -5m",
        ),
        *("TZ=UTC", "CRON_TZ=Europe/Berlin", "0 0 * * 7", "0 0 L * *", "0 0 * * 5#2", "0 0 * * 5L", "0 0 0 * *"),
        *("*/0 * * * *", "5-1 * * * *", ", * * * *", "1-2-3 * * * *", "1/2/3 * * * *", "٣ * * * *", "-1 * * * *"),
        *("9" * 5000 + " * * * *", "*/" + "9" * 5000 + " * * * *", "0 0 * foo *", "0 0 * mon *"),
    ],
)
def test_what_volsync_would_refuse_is_refused_by_name(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"schedule|duration"):
        interval_of(schedule)


@pytest.mark.parametrize(
    ("interval", "objective"),
    [(HOUR / 4, 2.25 * HOUR), (HOUR, 3 * HOUR), (6 * HOUR, 12 * HOUR), (DAY, 2 * DAY), (7 * DAY, 9 * DAY)],
)
def test_the_objective_leaves_a_run_to_fail_but_no_more_than_two_days(
    interval: timedelta, objective: timedelta
) -> None:
    assert objective == objective_of(interval)


@pytest.mark.parametrize(("schedule", "interval"), [("0 3 */2 * 0", 2 * DAY), ("0 3 * * */3", 3 * DAY)])
def test_a_star_with_a_step_restricts_its_day_field_as_robfig_has_it(schedule: str, interval: timedelta) -> None:
    assert interval == interval_of(schedule)
