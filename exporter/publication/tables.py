"""The table of `status`: root causes first, then every claim, what no claim owns, and how the sources answered."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.chain.causes import CATALOGUE, Link, Severity
from exporter.chain.verdict import ClaimState, ClaimVerdict, RootCause, Verdict
from exporter.durations import format_duration
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.model import SourceReport
from exporter.facts.reading import Reading
from exporter.publication.plain import NOTHING, age_against_objective, ago, clean

STATE_STYLES: Final = {
    ClaimState.PROTECTED: "green",
    ClaimState.AT_RISK: "yellow",
    ClaimState.UNPROTECTED: "bold red",
    ClaimState.STARTING: "cyan",
    ClaimState.EXEMPT: "dim",
    ClaimState.UNKNOWN: "magenta",
}
SEVERITY_STYLES: Final = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_TRIED = (Reading.READ, Reading.UNREADABLE)
_INDENT = "  "
_WIDE = 1000
"""Where the output is no terminal, a claim stays on its line, for `grep`."""


_MOST_UNCOVERED = 20


def show_status(console: Console, verdict: Verdict, *, wide: bool = False) -> None:
    """Print the whole of `status`; with *wide*, also the PVCs that nobody backs up."""
    for part in _parts(verdict):
        _print(console, part)
    if wide and verdict.uncovered:
        show(console, Text())
        show(console, _uncovered(verdict))


def show(console: Console, text: Text) -> None:
    """Print *text* as its lines stand: a command that is wrapped cannot be copied."""
    console.print(text, soft_wrap=True)


def console_for_output() -> Console:
    """Standard output: coloured on a terminal that wants it (NO_COLOR is heeded), as wide as it is."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console


def _print(console: Console, part: Text | Table) -> None:
    if isinstance(part, Text):
        show(console, part)
        return
    for line in console.render_lines(part, pad=False):
        text = Text.assemble(*((segment.text, segment.style or "") for segment in line))
        text.rstrip()
        show(console, text)


def _parts(verdict: Verdict) -> Iterator[Text | Table]:
    causes = [cause for cause in verdict.root_causes if cause.cause.link is not Link.NONE]
    if causes:
        yield _heading("ROOT CAUSES")
        for cause in causes:
            yield _root_cause(cause, verdict)
        yield Text()
    if verdict.claims:
        yield _claims(verdict)
    elif verdict.facts.cluster.core.claims.known:
        yield Text("No PVC asks for a backup.")
    else:
        yield Text("Whether any PVC asks for a backup could not be read.", STATE_STYLES[ClaimState.UNKNOWN])
    if verdict.orphans:
        yield Text()
        yield _heading("REPOSITORIES WITHOUT A CLAIM")
        yield Text("\n").join(_orphans(verdict))
    if malformed := list(_malformed(verdict)):
        yield Text()
        yield _heading("NOT UNDERSTOOD")
        yield Text("\n").join(malformed)
    yield Text()
    yield _sources(verdict)
    yield Text()
    yield _sum(verdict)


def _heading(text: str) -> Text:
    return Text(text, style="bold")


def _root_cause(cause: RootCause, verdict: Verdict) -> Text:
    since = f" for {format_duration(verdict.at - cause.since)}" if cause.since else ""
    number = len(cause.claims)
    lines = Text()
    lines.append(f"{cause.severity:<9}", SEVERITY_STYLES[cause.severity])
    lines.append(f"{cause.cause}", "bold")
    lines.append(f" in {clean(str(cause.scope))}{since}: {number} {'claim' if number == 1 else 'claims'}\n")
    lines.append(f"{_INDENT}{clean(cause.reason if number == 1 else CATALOGUE[cause.cause].meaning)}\n")
    lines.append(f"{_INDENT}{', '.join(clean(claim) for claim in cause.claims)}\n")
    if cause.command_for:
        lines.append(f"{_INDENT}For {clean(cause.command_for)}; likewise for the others:\n")
    lines.append(f"{_INDENT}$ {clean(cause.command)}", "bold")
    return lines


def _claims(verdict: Verdict) -> Table:
    table = _table("NAMESPACE", "PVC", "STATE", "AGE/LIMIT", "CAUSE", "SCOPE")
    for claim in verdict.claims:
        problem = claim.problem
        table.add_row(
            clean(claim.namespace),
            clean(claim.pvc),
            Text(claim.state, STATE_STYLES[claim.state]),
            age_against_objective(claim, verdict.at),
            problem.cause if problem else _advised(claim),
            clean(str(problem.scope)) if problem else "",
        )
    return table


def _advised(claim: ClaimVerdict) -> Text:
    """The advisories of a claim that nothing blocks, less loud than a cause."""
    return Text(", ".join(dict.fromkeys(advisory.cause.value for advisory in claim.advisories)), "dim")


def _orphans(verdict: Verdict) -> Iterator[Text]:
    for orphan in verdict.orphans:
        severity = orphan.problem.severity
        line = Text()
        line.append(f"{severity:<9}", SEVERITY_STYLES[severity])
        line.append(f"{orphan.problem.cause}", "bold")
        line.append(f" {clean(orphan.bucket)}/{clean(orphan.prefix)}\n{_INDENT}$ {clean(orphan.problem.command)}")
        yield line


def _uncovered(verdict: Verdict) -> Text:
    """The PVCs that are no claims; of many, the first ones."""
    uncovered = verdict.uncovered
    lines = [_heading(f"NOT BACKED UP ({len(uncovered)})")]
    for pvc in uncovered[:_MOST_UNCOVERED]:
        about = ", ".join(part for part in (pvc.storage_class, pvc.requested) if part)
        lines.append(Text(clean(f"{pvc.namespace}/{pvc.pvc}" + (f" ({about})" if about else ""))))
    if len(uncovered) > _MOST_UNCOVERED:
        lines.append(Text(f"and {len(uncovered) - _MOST_UNCOVERED} more", "dim"))
    return Text("\n").join(lines)


def _malformed(verdict: Verdict) -> Iterator[Text]:
    """Objects whose claims are unknown because they are not as they should be."""
    for kind in KINDS:
        for broken in verdict.facts.cluster.list_of(kind.field).malformed:
            name = "/".join(part for part in (broken.namespace, broken.name) if part)
            yield Text(clean(f"{broken.kind} {name}: {broken.error}"))


def _sources(verdict: Verdict) -> Table:
    table = _table("SOURCE", "READ", "LAST SUCCESS", "")
    for report in verdict.facts.sources:
        success = ago(report.last_success, verdict.at) if report.last_success and report.reading in _TRIED else NOTHING
        table.add_row(report.source, _reading(report), success, clean("" if report.up else report.detail))
    return table


def _reading(report: SourceReport) -> Text:
    if report.reading is Reading.NOT_SERVED:
        return Text("not there", "dim")
    if report.up:
        return Text("yes", "green")
    return Text(f"no: {report.reason or report.reading}", "bold red")


def _sum(verdict: Verdict) -> Text:
    counts = Counter(claim.state for claim in verdict.claims)
    number = len(verdict.claims)
    text = Text(f"{number} {'claim' if number == 1 else 'claims'}")
    for position, state in enumerate(state for state in ClaimState if counts[state]):
        text.append(": " if position == 0 else ", ")
        text.append(f"{counts[state]} {state}", STATE_STYLES[state])
    return text


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
