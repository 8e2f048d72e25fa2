"""The one sentence at the top of the page: whether all is well."""

from collections import Counter

import msgspec

from exporter.chain.causes import Impact
from exporter.chain.verdict import State, Verdict
from exporter.publication.page.words import STATES, counted


class Headline(msgspec.Struct, frozen=True):
    """The worst state that any claim is in, and what that means."""

    state: State
    text: str
    detail: str
    counts: dict[State, int]


def headline(verdict: Verdict) -> Headline:
    """The headline of *verdict*. New and exempt claims do not disturb a quiet night."""
    found = Counter(claim.state for claim in verdict.claims)
    counts = {state: found[state] for state in STATES}
    total = len(verdict.claims)
    if not total:
        return Headline(State.UNKNOWN, "No claim asks for a backup", "No PVC bears the backup label.", counts)
    for state in (State.UNPROTECTED, State.AT_RISK, State.UNKNOWN):
        if counts[state]:
            verb = "is" if counts[state] == 1 else "are"
            return Headline(
                state,
                f"{counts[state]:,} of {counted(total, 'claim')} {verb} {STATES[state].word.lower()}",
                " ".join(filter(None, (STATES[state].meaning, _to_mend(verdict)))),
                counts,
            )
    if counts[State.PROTECTED]:
        return Headline(
            State.PROTECTED,
            f"All is well: {counted(counts[State.PROTECTED], 'claim')} could be restored now",
            _waiting(counts),
            counts,
        )
    calm = State.STARTING if counts[State.STARTING] else State.EXEMPT
    return Headline(calm, f"No claim is protected yet: {_waiting(counts)}", "", counts)


def _to_mend(verdict: Verdict) -> str:
    causes = sum(1 for cause in verdict.root_causes if cause.impact is Impact.BLOCKING)
    return f"{counted(causes, 'root cause')} to mend." if causes else ""


def _waiting(counts: dict[State, int]) -> str:
    return ", ".join(
        f"{counted(counts[state], 'claim')} {word}"
        for state, word in ((State.STARTING, "starting"), (State.EXEMPT, "exempt"))
        if counts[state]
    )
