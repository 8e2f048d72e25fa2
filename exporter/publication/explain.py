"""`explain`: one claim's chain, link by link, each with what shows its state and what mends it."""

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from exporter.chain.causes import Impact, Link
from exporter.chain.verdict import ClaimVerdict, LinkState, LinkVerdict, Problem
from exporter.durations import format_duration
from exporter.publication.plain import ago, clean, moment
from exporter.publication.tables import SEVERITY_STYLES, STATE_STYLES

_LINK_STYLES = {LinkState.OK: "green", LinkState.BROKEN: "bold red", LinkState.UNKNOWN: "magenta"}
_CHAIN = tuple(link for link in Link if link is not Link.NONE)
_STATE_WIDTH = max(len(state) for state in LinkState)
_LINK_WIDTH = max(len(link) for link in _CHAIN)
_DEEP = " " * (_STATE_WIDTH + 2)


def explain(claim: ClaimVerdict, at: datetime) -> Text:
    """The chain of *claim* as lines of text; *at* is the moment of its verdict."""
    return Text("\n").join(_lines(claim, at))


def _lines(claim: ClaimVerdict, at: datetime) -> Iterator[Text]:
    yield Text.assemble((clean(claim.key), "bold"), " is ", (claim.state, STATE_STYLES[claim.state]))
    yield Text(clean(claim.summary))
    yield Text()
    yield from (Text(f"{name:<16}{value}") for name, value in _figures(claim, at))
    yield Text()
    judged = {link.link: link for link in claim.links}
    for link in _CHAIN:
        if link in judged:
            yield from _link(judged[link], at)
        elif link is not Link.RESTORE:
            yield Text(f"{'-':<{_STATE_WIDTH}}  {link:<{_LINK_WIDTH}}  does not apply", "dim")


def _figures(claim: ClaimVerdict, at: datetime) -> Iterator[tuple[str, str]]:
    if claim.exemption:
        yield "exempt", clean(claim.exemption)
    if claim.problem:
        yield "cause", f"{claim.problem.cause} in {clean(str(claim.problem.scope))}"
    if claim.recovery_point:
        evidence = f" ({clean(claim.recovery_point_evidence)})" if claim.recovery_point_evidence else ""
        yield "recovery point", f"{moment(claim.recovery_point)}, {ago(claim.recovery_point, at)}{evidence}"
    else:
        yield "recovery point", "none"
    if claim.objective is not None:
        yield "objective", format_duration(claim.objective)
    for source in claim.sources:
        schedule = f", schedule {clean(source.schedule)}" if source.schedule else ""
        last = f", last sync {moment(source.last_sync)}" if source.last_sync else ", never synced"
        yield "source", f"{clean(source.name)}, {clean(source.method) or 'no mover'}{schedule}{last}"
    for repository in claim.repositories:
        yield "repository", f"{clean(repository.bucket)}/{clean(repository.prefix)}"


def _link(link: LinkVerdict, at: datetime) -> Iterator[Text]:
    yield Text.assemble(
        (f"{link.state:<{_STATE_WIDTH}}", _LINK_STYLES[link.state]),
        f"  {link.link:<{_LINK_WIDTH}}  {clean(link.evidence)}",
    )
    for problem in link.problems:
        yield from _problem(problem, link.evidence, at)


def _problem(problem: Problem, evidence: str, at: datetime) -> Iterator[Text]:
    blocks = "blocks the next backup" if problem.impact is Impact.BLOCKING else "does not block"
    since = f", since {moment(problem.since)} ({ago(problem.since, at)})" if problem.since else ""
    yield Text.assemble(
        _DEEP,
        (problem.cause, SEVERITY_STYLES[problem.severity]),
        f" in {clean(str(problem.scope))}: {problem.severity}, {blocks}{since}",
    )
    if problem.reason != evidence:
        yield Text(f"{_DEEP}{clean(problem.reason)}")
    yield Text(f"{_DEEP}$ {clean(problem.command)}", "bold")
