"""Words for a terminal: moments, ages, and text from the cluster made harmless."""

from datetime import datetime

from exporter.chain.instants import utc
from exporter.chain.verdict import ClaimVerdict
from exporter.durations import format_duration
from exporter.visible import visible

NOTHING = "-"


def clean(text: str) -> str:
    """*text* on one line, fit for a terminal."""
    return visible(text)


def moment(at: datetime) -> str:
    """*at* in UTC, to the second."""
    return f"{utc(at):%Y-%m-%d %H:%M:%SZ}"


def ago(then: datetime, now: datetime) -> str:
    """How long ago *then* was: `2h 3m ago`; a moment to come is `in 12m`."""
    return f"{format_duration(now - then)} ago" if then <= now else f"in {format_duration(then - now)}"


def age_against_objective(claim: ClaimVerdict, at: datetime) -> str:
    """`1h 12m/3h`: how old the recovery point is, and how old it may be."""
    age = format_duration(at - claim.recovery_point) if claim.recovery_point else "never"
    if claim.objective is None:
        return age if claim.recovery_point else NOTHING
    return f"{age}/{format_duration(claim.objective)}"


def counted(number: int, one: str, many: str = "") -> str:
    """*number* and its noun: `1 claim`, `4 claims`, `2 repositories`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
