"""The whole picture in a few flat fields, for dashboards of a homelab, and as a badge."""

from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

import msgspec

from exporter.chain.causes import Link, Severity
from exporter.chain.instants import utc
from exporter.chain.verdict import ClaimState, Verdict
from exporter.publication.families import Telemetry
from exporter.publication.page.headline import headline, too_old
from exporter.publication.plain import reads_buckets

_LABEL: Final = "volume backups"
_COLOURS: Final = {
    ClaimState.PROTECTED: "#00795a",
    ClaimState.STARTING: "#0a6ca8",
    ClaimState.EXEMPT: "#626d78",
    ClaimState.AT_RISK: "#b36200",
    ClaimState.UNPROTECTED: "#c0390b",
    ClaimState.UNKNOWN: "#98498a",
}
"""The page's, by daylight: white text on each has a contrast of 4.5 and more."""
_NO_VERDICT: Final = "no verdict yet"
_CHARACTER: Final = 6.6
"""The width of a character of the badge's font at its size, on the safe side."""


class Summary(msgspec.Struct, frozen=True):
    """One level of fields: what widgets can show without a program of their own."""

    at: datetime
    state: ClaimState
    """The worst that any claim is in; `unknown` where there is no claim, or the verdict is old."""
    text: str
    """The page's headline."""
    claims: int
    protected: int
    at_risk: int
    unprotected: int
    starting: int
    exempt: int
    unknown: int
    root_causes: int
    critical: int
    """Root causes of that severity."""
    warning: int
    orphans: int
    uncovered: int
    oldest_recovery_point: datetime | None
    """Of the claims that have one and are not exempt."""
    verified: bool
    """Whether a bucket is read; else recovery points are as reported by VolSync."""


def summary(verdict: Verdict, telemetry: Telemetry, now: datetime | None) -> Summary:
    """The picture of *verdict* at *now*."""
    said = headline(verdict, too_old(verdict, telemetry, now))
    causes = [cause for cause in verdict.root_causes if cause.cause.link is not Link.NONE]
    points = [
        claim.recovery_point
        for claim in verdict.claims
        if claim.recovery_point is not None and claim.state is not ClaimState.EXEMPT
    ]
    return Summary(
        at=utc(verdict.at),
        state=said.state,
        text=said.text,
        claims=len(verdict.claims),
        **{state.value: number for state, number in said.counts.items()},
        root_causes=len(causes),
        critical=sum(cause.severity is Severity.CRITICAL for cause in causes),
        warning=sum(cause.severity is Severity.WARNING for cause in causes),
        orphans=len(verdict.orphans),
        uncovered=len(verdict.uncovered),
        oldest_recovery_point=utc(min(points)) if points else None,
        verified=reads_buckets(verdict),
    )


def badge(found: Summary | None) -> str:
    """*found* as an SVG image of one line; None: there is no verdict yet."""
    state = found.state if found else ClaimState.UNKNOWN
    text = _words(found) if found else _NO_VERDICT
    label, value = (round(len(part) * _CHARACTER) + 12 for part in (_LABEL, text))
    title = escape(f"{_LABEL}: {text}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{label + value}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<rect width="{label + value}" height="20" rx="3" fill="#3b4248"/>'
        f'<path d="M{label} 0h{value - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{label}z" fill="{_COLOURS[state]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{label / 2:g}" y="14">{escape(_LABEL)}</text>'
        f'<text x="{label + value / 2:g}" y="14">{escape(text)}</text></g></svg>\n'
    )


def _words(found: Summary) -> str:
    """The worst state with how many claims are in it; no number where the state is not that of a claim."""
    number = getattr(found, found.state.value)
    word = found.state.value.replace("_", " ")
    if not number:
        return word
    return f"{number:,} {word}" if number == found.claims else f"{number:,} of {found.claims:,} {word}"
