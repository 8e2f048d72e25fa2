"""The one sentence at the top of the page: whether all is well."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

import msgspec

from exporter.chain.causes import Impact, Link
from exporter.chain.verdict import ClaimState, Verdict
from exporter.durations import format_duration
from exporter.facts.model import SourceReport
from exporter.facts.reading import Reading, Source
from exporter.publication.families import Telemetry
from exporter.publication.page.words import STATES
from exporter.publication.plain import UNVERIFIED, counted, knows_claims, no_claims, reads_buckets

_OLD_AFTER: Final = 3
"""A verdict older than so many polls is out of date."""


class Headline(msgspec.Struct, frozen=True):
    """The worst state that any claim is in, and what that means."""

    state: ClaimState
    text: str
    detail: str
    counts: dict[ClaimState, int]


def too_old(verdict: Verdict, telemetry: Telemetry, now: datetime | None) -> timedelta | None:
    """The age of *verdict*, where it should long have been followed by another."""
    interval = telemetry.intervals.get(Source.KUBERNETES)
    if now is None or interval is None:
        return None
    age = now - verdict.at
    return age if age > _OLD_AFTER * interval + timedelta(minutes=1) else None


def headline(verdict: Verdict, old: timedelta | None) -> Headline:
    """The headline of *verdict*. New and exempt claims do not disturb a quiet night.

    *old* is the verdict's age where that is too great for it to be up to date (`too_old`).
    """
    found = Counter(claim.state for claim in verdict.claims)
    counts = {state: found[state] for state in STATES}
    if old is not None:
        text = f"The last verdict is {format_duration(old)} old"
        return Headline(ClaimState.UNKNOWN, text, "What follows was true then, and may have changed since.", counts)
    if not verdict.claims:
        return _of_nothing(verdict, counts)
    return _verified(_of_claims(verdict, counts), verdict)


def _of_nothing(verdict: Verdict, counts: dict[ClaimState, int]) -> Headline:
    """There is no claim: because there is none, or because nobody could look."""
    if knows_claims(verdict):
        return Headline(ClaimState.UNKNOWN, "No claim asks for a backup", no_claims(), counts)
    failed = [str(report.source) for report in verdict.facts.sources if not report.up]
    text = "Nothing was read" if not any(_was_read(report) for report in verdict.facts.sources) else "No claim was read"
    detail = f"Could not be read: {', '.join(failed)}. " if failed else ""
    return Headline(ClaimState.UNKNOWN, text, f"{detail}Whether any volume is backed up is not known.", counts)


def _was_read(report: SourceReport) -> bool:
    return report.reading is Reading.READ


def _verified(said: Headline, verdict: Verdict) -> Headline:
    """*said* with how far its recovery points may be believed."""
    if reads_buckets(verdict) or not any(claim.recovery_point for claim in verdict.claims):
        return said
    return msgspec.structs.replace(said, detail=f"{said.detail} {UNVERIFIED}".lstrip())


def _of_claims(verdict: Verdict, counts: dict[ClaimState, int]) -> Headline:
    total = len(verdict.claims)
    for state in (ClaimState.UNPROTECTED, ClaimState.AT_RISK, ClaimState.UNKNOWN):
        if counts[state]:
            verb = "is" if counts[state] == 1 else "are"
            return Headline(
                state,
                f"{counts[state]:,} of {counted(total, 'claim')} {verb} {STATES[state].word.lower()}",
                " ".join(filter(None, (STATES[state].meaning, _left_to_fix(verdict)))),
                counts,
            )
    if counts[ClaimState.PROTECTED]:
        return Headline(
            ClaimState.PROTECTED,
            f"All is well: {counted(counts[ClaimState.PROTECTED], 'claim')} could be restored now",
            " ".join(filter(None, (_sentence(_waiting(counts)), _worth_fixing(verdict)))),
            counts,
        )
    calm = ClaimState.STARTING if counts[ClaimState.STARTING] else ClaimState.EXEMPT
    return Headline(calm, f"No claim is protected yet: {_waiting(counts)}", "", counts)


def _left_to_fix(verdict: Verdict) -> str:
    causes = sum(1 for cause in verdict.root_causes if cause.impact is Impact.BLOCKING)
    return f"{counted(causes, 'root cause')} to fix." if causes else ""


def _worth_fixing(verdict: Verdict) -> str:
    advice = sum(1 for cause in verdict.root_causes if cause.cause.link is not Link.NONE)
    return f"{counted(advice, 'thing')} worth fixing before it hurts." if advice else ""


def _sentence(text: str) -> str:
    return f"{text}." if text else ""


def _waiting(counts: dict[ClaimState, int]) -> str:
    return ", ".join(
        f"{counted(counts[state], 'claim')} {word}"
        for state, word in ((ClaimState.STARTING, "starting"), (ClaimState.EXEMPT, "exempt"))
        if counts[state]
    )
