"""Words for a terminal: moments, ages, and text from the cluster made harmless."""

from datetime import datetime
from typing import Final

from exporter.chain.instants import utc
from exporter.chain.verdict import ClaimVerdict, Verdict
from exporter.durations import format_duration
from exporter.facts.reading import Reading
from exporter.visible import visible

NOTHING = "-"
UNVERIFIED: Final = "Recovery points are as reported by VolSync, not verified in a bucket."


def clean(text: str) -> str:
    """*text* on one line, fit for a terminal."""
    return visible(text)


def moment(at: datetime) -> str:
    """*at* in UTC, to the second."""
    return f"{utc(at):%Y-%m-%d %H:%M:%SZ}"


def ago(then: datetime, now: datetime) -> str:
    """How long ago *then* was: `2h 3m ago`; a moment to come is `in 12m`."""
    return f"{format_duration(now - then)} ago" if then <= now else f"in {format_duration(then - now)}"


def reads_buckets(verdict: Verdict) -> bool:
    """Whether a bucket is read, so that recovery points can be more than VolSync's word."""
    return any(bucket.reading is Reading.READ for bucket in verdict.facts.buckets)


def knows_claims(verdict: Verdict) -> bool:
    """Whether all that makes a PVC a claim was read, so that there being none means something."""
    cluster = verdict.facts.cluster
    return cluster.core.claims.known and (cluster.volsync.sources.known or not cluster.volsync.sources.applies)


def no_claims(label: str = "") -> str:
    """That no PVC asks for a backup, and what would make one do so; *label* is the one that counts, where known."""
    which = f"the label {clean(label)!r}" if label else "the label that asks for one"
    return (
        f"No PVC asks for a backup: none has {which}, and no ReplicationSource names one. "
        "A ReplicationSource with the PVC in spec.sourcePVC makes it a claim."
    )


def age_against_objective(claim: ClaimVerdict, at: datetime) -> str:
    """`1h 12m/3h`: how old the recovery point is, and how old it may be."""
    age = format_duration(at - claim.recovery_point) if claim.recovery_point else "never"
    if claim.objective is None:
        return age if claim.recovery_point else NOTHING
    return f"{age}/{format_duration(claim.objective)}"


def counted(number: int, one: str, many: str = "") -> str:
    """*number* and its noun: `1 claim`, `4 claims`, `2 repositories`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
