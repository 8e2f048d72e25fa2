"""The one sentence at the top of the page: whether all is well."""

from collections import Counter
from datetime import timedelta

import msgspec

from exporter.chain.causes import Impact, Link
from exporter.chain.verdict import ClaimState, Verdict
from exporter.durations import format_duration
from exporter.publication.page.words import STATES
from exporter.publication.plain import counted


class Headline(msgspec.Struct, frozen=True):
    """The worst state that any claim is in, and what that means."""

    state: ClaimState
    text: str
    detail: str
    counts: dict[ClaimState, int]


def headline(verdict: Verdict, old: timedelta | None) -> Headline:
    """The headline of *verdict*. New and exempt claims do not disturb a quiet night.

    *old* is the verdict's age where that is too great for it to be a picture of now.
    """
    found = Counter(claim.state for claim in verdict.claims)
    counts = {state: found[state] for state in STATES}
    total = len(verdict.claims)
    if old is not None:
        text = f"The last verdict is {format_duration(old)} old"
        return Headline(ClaimState.UNKNOWN, text, "What follows held then, and may not hold any more.", counts)
    if not total:
        return Headline(ClaimState.UNKNOWN, "No claim asks for a backup", "No PVC has the backup label.", counts)
    for state in (ClaimState.UNPROTECTED, ClaimState.AT_RISK, ClaimState.UNKNOWN):
        if counts[state]:
            verb = "is" if counts[state] == 1 else "are"
            return Headline(
                state,
                f"{counts[state]:,} of {counted(total, 'claim')} {verb} {STATES[state].word.lower()}",
                " ".join(filter(None, (STATES[state].meaning, _to_mend(verdict)))),
                counts,
            )
    if counts[ClaimState.PROTECTED]:
        return Headline(
            ClaimState.PROTECTED,
            f"All is well: {counted(counts[ClaimState.PROTECTED], 'claim')} could be restored now",
            " ".join(filter(None, (_sentence(_waiting(counts)), _to_heed(verdict)))),
            counts,
        )
    calm = ClaimState.STARTING if counts[ClaimState.STARTING] else ClaimState.EXEMPT
    return Headline(calm, f"No claim is protected yet: {_waiting(counts)}", "", counts)


def _to_mend(verdict: Verdict) -> str:
    causes = sum(1 for cause in verdict.root_causes if cause.impact is Impact.BLOCKING)
    return f"{counted(causes, 'root cause')} to fix." if causes else ""


def _to_heed(verdict: Verdict) -> str:
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
