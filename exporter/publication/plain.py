"""Words for a terminal: moments, ages, and text from the cluster made harmless."""

import re
from datetime import UTC, datetime

from exporter.chain.verdict import ClaimVerdict
from exporter.durations import format_duration

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that move the cursor, start an escape sequence, turn the direction of writing, or are none."""
NOTHING = "-"


def clean(text: str) -> str:
    """*text* on one line, each control character as a blank or, where it is none, as a mark."""
    return _CONTROL.sub(lambda found: " " if found[0] in "\t\n\r" else "\N{REPLACEMENT CHARACTER}", text)


def moment(at: datetime) -> str:
    """*at* in UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def ago(then: datetime, now: datetime) -> str:
    """How long ago *then* was: `2h 3m ago`; a moment to come is `in 12m`."""
    return f"{format_duration(now - then)} ago" if then <= now else f"in {format_duration(then - now)}"


def age_against_objective(claim: ClaimVerdict, at: datetime) -> str:
    """`1h 12m/3h`: how old the recovery point is, and how old it may be."""
    age = format_duration(at - claim.recovery_point) if claim.recovery_point else "never"
    if claim.objective is None:
        return age if claim.recovery_point else NOTHING
    return f"{age}/{format_duration(claim.objective)}"


def counted(number: int, one: str) -> str:
    """*number* and its noun: `1 claim`, `4 claims`."""
    return f"{number:,} {one if number == 1 else one + 's'}"
