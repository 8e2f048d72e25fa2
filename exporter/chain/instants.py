"""Moments and spans that come from outside, computed with so that none of them can raise."""

from datetime import UTC, datetime, timedelta

_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def earlier(moment: datetime, by: timedelta) -> datetime:
    """*moment* less *by*; the first or the last moment that there is, where that lies beyond them."""
    try:
        return moment - by
    except OverflowError:
        return _FIRST if by > timedelta(0) else _LAST


def moment_of(text: str | None) -> datetime | None:
    """A time that some APIs write as free text; None where it is none."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def utc(moment: datetime) -> datetime:
    """*moment* in UTC; an offset at the end of the calendar cannot carry it beyond."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)
