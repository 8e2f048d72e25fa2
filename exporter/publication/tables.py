"""The screen of `status`: every claim, then what is wrong, the worst next to the prompt.

On a terminal nothing is wider than it, but for commands and addresses, which must be copied whole. Where the output is
no terminal, a claim and a sentence stay on their line, for `grep`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from exporter.chain.causes import CATALOGUE, Link, Severity
from exporter.chain.verdict import ClaimState, ClaimVerdict, RootCause, Verdict
from exporter.durations import format_duration
from exporter.facts.cluster.kinds import KINDS
from exporter.publication.document import Judged
from exporter.publication.plain import (
    NOTHING,
    UNVERIFIED,
    age_against_objective,
    ago,
    clean,
    counted,
    knows_claims,
    moment,
    no_claims,
    reads_buckets,
)

STATE_STYLES: Final = {
    ClaimState.PROTECTED: "green",
    ClaimState.AT_RISK: "yellow",
    ClaimState.UNPROTECTED: "bold red",
    ClaimState.STARTING: "cyan",
    ClaimState.EXEMPT: "dim",
    ClaimState.UNKNOWN: "magenta",
}
SEVERITY_STYLES: Final = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_ORDER: Final = (
    ClaimState.EXEMPT,
    ClaimState.PROTECTED,
    ClaimState.STARTING,
    ClaimState.UNKNOWN,
    ClaimState.AT_RISK,
    ClaimState.UNPROTECTED,
)
"""The better state first: the end of a long list is what stays on the screen."""
_INDENT = 2
_GAP = 2
_WIDE = 1000
_MOST_UNCOVERED = 20
_HEAD = re.compile(r"\s*(?:\S+(?: \S+)?\s{2,}){0,2}")
"""The width of the columns before the text of a line of `explain`."""


class TableView(msgspec.Struct, frozen=True):
    """What `status` says beside the verdict, and how."""

    judged: Judged | None = None
    runbook_base: str = ""
    of: int | None = None
    """How many claims there are, where only some are shown."""
    is_wide: bool = False
    in_namespace: bool = False
    """One namespace alone was asked for."""
    label: str = "backup"
    """The PVC label that asks for a backup."""


def console_for_output() -> Console:
    """Standard output: coloured on a terminal that wants it (NO_COLOR turns it off), as wide as it is."""
    return _console(stderr=False)


def console_for_errors() -> Console:
    """Standard error, likewise."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(highlight=False, markup=False, emoji=False, stderr=stderr)
    if not console.is_terminal:
        console.width = _WIDE
    return console


def show_status(console: Console, verdict: Verdict, view: TableView | None = None) -> None:
    """Print the whole of `status`."""
    for part in _parts(verdict, view or TableView(), console):
        show(console, part)


def show(console: Console, text: Text) -> None:
    """Print *text* as its lines stand: a command that is wrapped cannot be copied."""
    console.print(text, soft_wrap=True)


def show_hanging(console: Console, line: Text) -> None:
    """Print *line*, wrapped between words, what follows its first line indented."""
    show(console, _hanging(line, _INDENT, console))


def show_error(message: str) -> None:
    """Print the lines of *message* to standard error."""
    for line in f"Error: {message}".splitlines():
        show_hanging(console_for_errors(), Text(clean(line)))


def show_wrapped(console: Console, text: Text) -> None:
    """Print the lines of *text*, each wrapped between words below its own text; commands and addresses stay whole."""
    for line in text.split("\n", allow_blank=True):
        whole = line.plain.lstrip().startswith(("$ ", "http://", "https://"))
        head = _HEAD.match(line.plain)
        show(console, line if whole or head is None else _hanging(line, len(head[0]), console))


def _parts(verdict: Verdict, view: TableView, console: Console) -> Iterator[Text]:
    if view.judged:
        yield _hanging(origin(view.judged, verdict.at), _INDENT, console)
        yield Text()
    if verdict.claims:
        yield _claims(verdict, console, is_wide=view.is_wide, in_namespace=view.in_namespace)
    else:
        yield _hanging(_no_claims(verdict, view), 0, console)
    sections = (
        ("REPOSITORIES WITHOUT A CLAIM", _orphans(verdict, console)),
        (f"NOT BACKED UP ({len(verdict.uncovered)})", _uncovered(verdict, console) if view.is_wide else iter(())),
        ("NOT UNDERSTOOD", _malformed(verdict, console)),
        ("NOT READ", _unread(verdict, console)),
        ("ROOT CAUSES", _root_causes(verdict, view, console)),
    )
    for title, entries in sections:
        if found := list(entries):
            yield Text()
            yield Text(title, style="bold")
            yield from found
    yield Text()
    yield _sum(verdict, view)
    if verdict.claims and not reads_buckets(verdict):
        yield Text(UNVERIFIED, style="dim")


def origin(judged: Judged, at: datetime) -> Text:
    """Which cluster or dump was judged, when, and by which settings."""
    text = f"Judged {judged.cluster} at {moment(at)}, settings: {judged.settings}."
    return Text(clean(text), style="dim")


# --- claims


def _claims(verdict: Verdict, console: Console, *, is_wide: bool, in_namespace: bool) -> Text:
    claims = sorted(verdict.claims, key=lambda claim: (_ORDER.index(claim.state), claim.problem is not None))
    header = ["NAMESPACE", "PVC", "STATE", "AGE/LIMIT", "CAUSE"]
    rows = [_row(claim, verdict) for claim in claims]
    if is_wide:
        header += ["SCOPE", "RECOVERY POINT", "EVIDENCE", "RESTORED", "REPOSITORY"]
        rows = [[*row, *_more(claim, verdict.at)] for row, claim in zip(rows, claims, strict=True)]
    first = 1 if in_namespace else 0  # it is in the command that was typed
    table = _aligned([row[first:] for row in ([Text(name, "bold") for name in header], *rows)])
    if any(line.cell_len > console.width for line in table):
        return Text("\n").join(_stacked(claims, verdict, console, is_wide=is_wide))
    return Text("\n").join(table)


def _row(claim: ClaimVerdict, verdict: Verdict) -> list[Text]:
    return [
        Text(clean(claim.namespace)),
        Text(clean(claim.pvc)),
        Text(claim.state, STATE_STYLES[claim.state]),
        Text(age_against_objective(claim, verdict.at)),
        _cause(claim),
    ]


def _more(claim: ClaimVerdict, at: datetime) -> list[Text]:
    repositories = ", ".join(f"{one.bucket}/{one.prefix}" for one in claim.repositories)
    return [
        Text(clean(str(claim.problem.scope)) if claim.problem else NOTHING),
        Text(moment(claim.recovery_point) if claim.recovery_point else NOTHING),
        Text(clean(claim.recovery_point_evidence) if claim.recovery_point else NOTHING),
        Text(ago(claim.restored.proof.ended, at) if claim.restored.proof else NOTHING),
        Text(clean(repositories) or NOTHING),
    ]


def _cause(claim: ClaimVerdict) -> Text:
    """What blocks the claim; else its advisories, less loud than a cause: the first, and how many more."""
    if claim.problem:
        return Text(claim.problem.cause)
    advised = list(dict.fromkeys(advisory.cause.value for advisory in claim.advisories))
    more = f" and {len(advised) - 1} more" if len(advised) > 1 else ""
    return Text(f"{advised[0]}{more}" if advised else "", "dim")


def _stacked(claims: list[ClaimVerdict], verdict: Verdict, console: Console, *, is_wide: bool) -> Iterator[Text]:
    """Some lines for each claim, where one would be too long."""
    for claim in claims:
        yield Text(clean(claim.key), "bold")
        line = Text(" " * _INDENT)
        line.append(claim.state, STATE_STYLES[claim.state])
        line.append(f"  {age_against_objective(claim, verdict.at)}")
        if cause := _cause(claim):
            line.append("  ")
            line.append_text(cause)
        yield _hanging(line, _INDENT, console)
        if is_wide:
            yield from (_indented(f"{name}: {value}", console) for name, value in _details(claim, verdict.at))


def _details(claim: ClaimVerdict, at: datetime) -> Iterator[tuple[str, str]]:
    """What the wide table has in columns of their own, without what is not there."""
    scope, recovery_point, evidence, restored, repositories = _more(claim, at)
    if claim.problem:
        yield "scope", scope.plain
    if claim.recovery_point:
        yield "recovery point", f"{recovery_point.plain} ({evidence.plain})"
    if claim.restored.proof:
        yield "restored", restored.plain
    if claim.repositories:
        yield "repository", repositories.plain


def _no_claims(verdict: Verdict, view: TableView) -> Text:
    if view.of:
        return Text(f"None of {counted(view.of, 'claim')} matches.")
    if not knows_claims(verdict):
        return Text("Whether any PVC asks for a backup could not be read.", STATE_STYLES[ClaimState.UNKNOWN])
    return Text(no_claims(view.label))


# --- what is wrong


def _root_causes(verdict: Verdict, view: TableView, console: Console) -> Iterator[Text]:
    causes = [cause for cause in verdict.root_causes if cause.cause.link is not Link.NONE]
    for cause in reversed(causes):
        yield from _root_cause(cause, verdict, view, console)


def _root_cause(cause: RootCause, verdict: Verdict, view: TableView, console: Console) -> Iterator[Text]:
    since = f" for {format_duration(verdict.at - cause.since)}" if cause.since else ""
    number = len(cause.claims)
    is_of_one = cause.claims == (str(cause.scope).removeprefix("claim/"),)
    head = Text()
    head.append(f"{cause.severity:<9}", SEVERITY_STYLES[cause.severity])
    head.append(f"{cause.cause}", "bold")
    head.append(f" in {clean(str(cause.scope))}{since}")
    if not is_of_one:
        head.append(f": {counted(number, 'claim')}")
    yield _hanging(head, 9, console)
    yield _indented(clean(cause.reason if number == 1 else CATALOGUE[cause.cause].meaning), console)
    if not is_of_one:
        yield _indented(", ".join(clean(claim) for claim in cause.claims), console)
    if cause.command_for:
        yield _indented(f"For {clean(cause.command_for)}; repeat for the others:", console)
    yield Text(f"{' ' * _INDENT}$ {clean(cause.command)}", "bold")
    if view.runbook_base:
        yield Text(f"{' ' * _INDENT}{view.runbook_base}/{cause.cause}.md", "dim")


def _orphans(verdict: Verdict, console: Console) -> Iterator[Text]:
    for orphan in verdict.orphans:
        severity = orphan.problem.severity
        line = Text()
        line.append(f"{severity:<9}", SEVERITY_STYLES[severity])
        line.append(f"{orphan.problem.cause}", "bold")
        line.append(f" {clean(orphan.bucket)}/{clean(orphan.prefix)}")
        yield _hanging(line, 9, console)
        yield Text(f"{' ' * _INDENT}$ {clean(orphan.problem.command)}")


def _uncovered(verdict: Verdict, console: Console) -> Iterator[Text]:
    """The PVCs that are no claims; of many, the first ones."""
    for pvc in verdict.uncovered[:_MOST_UNCOVERED]:
        about = ", ".join(part for part in (pvc.storage_class, pvc.requested) if part)
        line = f"{pvc.namespace}/{pvc.pvc}" + (f" ({about})" if about else "")
        yield _hanging(Text(clean(line)), _INDENT, console)
    if len(verdict.uncovered) > _MOST_UNCOVERED:
        yield Text(f"and {len(verdict.uncovered) - _MOST_UNCOVERED} more", "dim")


def _malformed(verdict: Verdict, console: Console) -> Iterator[Text]:
    """Objects whose claims are unknown because they are not as they should be."""
    for kind in KINDS:
        for broken in verdict.facts.cluster.list_of(kind.field).malformed:
            name = "/".join(part for part in (broken.namespace, broken.name) if part)
            yield _hanging(Text(clean(f"{broken.kind} {name}: {broken.error}")), _INDENT, console)


def _unread(verdict: Verdict, console: Console) -> Iterator[Text]:
    """The sources that failed; one that is not there is no failure."""
    for report in verdict.facts.sources:
        if report.up:
            continue
        line = Text(f"{report.source}: ")
        line.append(f"{report.reason or report.reading}", "bold red")
        if report.last_success and report.last_success != verdict.at:
            line.append(f", last read {ago(report.last_success, verdict.at)}")
        if report.detail:
            line.append(f": {clean(report.detail)}")
        yield _hanging(line, _INDENT, console)


def _sum(verdict: Verdict, view: TableView) -> Text:
    counts = Counter(claim.state for claim in verdict.claims)
    number = len(verdict.claims)
    text = Text(counted(number, "claim"))
    if view.of is not None and view.of != number:
        text.append(f" of {view.of}")
    for position, state in enumerate(state for state in ClaimState if counts[state]):
        text.append(": " if position == 0 else ", ")
        text.append(f"{counts[state]} {state}", STATE_STYLES[state])
    return text


# --- lines


def _aligned(rows: list[list[Text]]) -> list[Text]:
    """*rows* as lines, each column as wide as its widest cell."""
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    return [_line(row, widths) for row in rows]


def _line(row: list[Text], widths: list[int]) -> Text:
    line = Text()
    for cell, width in zip(row, widths, strict=True):
        line.append_text(cell)
        line.append(" " * (width - cell.cell_len + _GAP))
    line.rstrip()
    return line


def _indented(text: str, console: Console) -> Text:
    return _hanging(Text(f"{' ' * _INDENT}{text}"), _INDENT, console)


def _hanging(line: Text, indent: int, console: Console) -> Text:
    """*line* wrapped between words, what follows its first line indented. A word that is too long stays whole."""
    if line.cell_len <= console.width:
        return line
    breaks: list[int] = []
    start, end = 0, indent
    for word in re.finditer(r"\S+", line.plain):
        room = console.width if not breaks else console.width - indent
        if word.end() - start > room and start < word.start() > indent:
            breaks.append(word.start())
            start = word.start()
        end = word.end()
    lines = line[:end].divide(breaks)
    for one in lines:
        one.rstrip()
    return Text(f"\n{' ' * indent}").join(lines)
