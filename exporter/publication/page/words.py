"""The verdict's words as a person reads them. Every state has a word and a shape, so that colour never speaks alone."""

from collections.abc import Mapping

import msgspec

from exporter.chain.causes import Cause, Link
from exporter.chain.verdict import ClaimState
from exporter.facts.model import SourceReport
from exporter.facts.reading import Reading


class StateWords(msgspec.Struct, frozen=True):
    """How a state is shown. Its shape is the symbol `state-<state>` of `shapes.html`."""

    word: str
    meaning: str
    """What holds for a claim in this state, as a sentence."""


STATES: Mapping[ClaimState, StateWords] = {
    ClaimState.UNPROTECTED: StateWords("Unprotected", "There is no recovery point within the objective."),
    ClaimState.AT_RISK: StateWords("At risk", "A restore is possible now, but the next backup cannot succeed."),
    ClaimState.UNKNOWN: StateWords("Unknown", "What the verdict needs could not be read."),
    ClaimState.STARTING: StateWords("Starting", "New, and waiting for its first backup."),
    ClaimState.PROTECTED: StateWords(
        "Protected", "The recovery point is within the objective, and nothing blocks the next backup."
    ),
    ClaimState.EXEMPT: StateWords("Exempt", "An annotation exempts it."),
}
"""Every state, the one to look at first in front."""

RANK: Mapping[ClaimState, int] = {state: rank for rank, state in enumerate(STATES)}

LINKS: Mapping[Link, str] = {
    Link.POLICY: "Policy",
    Link.NAMESPACE: "Namespace",
    Link.BASE_SECRET: "Base Secret",
    Link.REPOSITORY_SECRET: "Repository Secret",
    Link.SOURCE: "ReplicationSource",
    Link.VOLUME: "Volume",
    Link.MOVER: "Mover",
    Link.SYNC: "Sync",
    Link.REPOSITORY: "Repository",
    Link.RESTORE: "Restore",
}
"""The links that a claim can have, in the order of the chain."""


def title_of(cause: Cause) -> str:
    """*cause* as a heading: `Volume faulted`."""
    return cause.replace("_", " ").capitalize()


def health_of(report: SourceReport) -> str:
    """How a source does, in two words at most; the class of its shape follows from it."""
    if report.reading is Reading.NOT_SERVED:
        return "Not installed"
    if report.reading is Reading.PENDING:
        return "Not read yet"
    return "Up" if report.up else "Down"


def bytes_of(size: int) -> str:
    """*size* in the binary unit that leaves it below 1,024: `1.4 GiB`."""
    if size < 1024:
        return f"{size} B"
    amount = float(size)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        amount /= 1024
        if amount < 1024:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1024:.1f} PiB"
