"""`explain`: one claim's chain, link by link, each with what shows its state and what fixes it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from rich.text import Text

from exporter.chain.causes import Impact, Link
from exporter.chain.verdict import (
    ClaimVerdict,
    LinkState,
    LinkVerdict,
    Problem,
    RestoreEvidence,
    SourceVerdict,
)
from exporter.durations import format_duration
from exporter.publication.document import Judged
from exporter.publication.plain import ago, clean, moment
from exporter.publication.tables import SEVERITY_STYLES, STATE_STYLES

_LINK_STYLES = {LinkState.OK: "green", LinkState.BROKEN: "bold red", LinkState.UNKNOWN: "magenta"}
_CHAIN = tuple(link for link in Link if link is not Link.NONE)
_STATE_WIDTH = max(len(state) for state in LinkState)
_LINK_WIDTH = max(len(link) for link in _CHAIN)
_DEEP = " " * (_STATE_WIDTH + 2)


def explain(claim: ClaimVerdict, at: datetime, runbook_base: str = "") -> Text:
    """The chain of *claim* as lines of text; *at* is the moment of its verdict.

    Where *runbook_base* is given, each problem has the address of its runbook.
    """
    return Text("\n").join(_lines(claim, at, runbook_base))


class ProblemEntry(msgspec.Struct, frozen=True):
    cause: str
    scope: str
    severity: str
    blocks: bool
    """Whether the next backup cannot succeed because of it."""
    reason: str
    since: datetime | None
    command: str


class LinkEntry(msgspec.Struct, frozen=True):
    link: str
    state: str
    evidence: str
    problems: tuple[ProblemEntry, ...]


class ExplainedSource(msgspec.Struct, frozen=True):
    name: str
    method: str
    schedule: str
    state: str
    last_sync: datetime | None
    recovery_point: datetime | None
    binding: str
    store: str


class RestoreEntry(msgspec.Struct, frozen=True):
    """What restores prove of a claim's backups. What is not known is null."""

    proven: datetime | None
    """When the newest restore that brought data back ended."""
    destination: str | None
    took_seconds: float | None
    recovery_point: datetime | None
    """The moment of the data that it brought back."""
    snapshot: str | None
    amount: str | None
    evidence: str | None
    doubt: str | None
    """Why a newer restore that succeeded proves nothing."""
    wanted_seconds: float | None
    """How often a restore is to be proven."""


class ExplainDocument(msgspec.Struct, frozen=True):
    """One claim with everything that its verdict depends on. Links that do not apply are left out; times are in UTC."""

    at: datetime
    judged: Judged
    namespace: str
    pvc: str
    state: str
    summary: str
    exemption: str | None
    recovery_point: datetime | None
    recovery_point_evidence: str | None
    objective_seconds: float | None
    sources: tuple[ExplainedSource, ...]
    repositories: tuple[str, ...]
    restored: RestoreEntry
    links: tuple[LinkEntry, ...]


def encode(claim: ClaimVerdict, at: datetime, judged: Judged) -> str:
    """The same as JSON, for programs; *judged* says what it is about."""
    document = ExplainDocument(
        at=at.astimezone(UTC),
        judged=judged,
        namespace=claim.namespace,
        pvc=claim.pvc,
        state=claim.state,
        summary=claim.summary,
        exemption=claim.exemption or None,
        recovery_point=_utc(claim.recovery_point),
        recovery_point_evidence=claim.recovery_point_evidence or None,
        objective_seconds=claim.objective.total_seconds() if claim.objective is not None else None,
        sources=tuple(_source_entry(source) for source in claim.sources),
        repositories=tuple(f"{one.bucket}/{one.prefix}" for one in claim.repositories),
        restored=_restore_entry(claim.restored),
        links=tuple(_link_entry(link) for link in claim.links),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _source_entry(source: SourceVerdict) -> ExplainedSource:
    return ExplainedSource(
        source.name,
        source.method,
        source.schedule,
        source.state,
        _utc(source.last_sync),
        _utc(source.recovery_point),
        source.binding,
        source.store,
    )


def _restore_entry(evidence: RestoreEvidence) -> RestoreEntry:
    proof, doubt = evidence.proof, evidence.doubt
    return RestoreEntry(
        proven=_utc(proof.ended) if proof else None,
        destination=proof.destination if proof else None,
        took_seconds=proof.took.total_seconds() if proof and proof.took is not None else None,
        recovery_point=_utc(proof.point) if proof else None,
        snapshot=(proof.snapshot or None) if proof else None,
        amount=(proof.amount or None) if proof else None,
        evidence=proof.evidence if proof else None,
        doubt=f"{doubt.destination}: {doubt.reason}" if doubt else None,
        wanted_seconds=evidence.wanted.total_seconds() if evidence.wanted is not None else None,
    )


def _link_entry(link: LinkVerdict) -> LinkEntry:
    return LinkEntry(link.link, link.state, link.evidence, tuple(_problem_entry(one) for one in link.problems))


def _problem_entry(problem: Problem) -> ProblemEntry:
    return ProblemEntry(
        problem.cause,
        str(problem.scope),
        problem.severity,
        problem.impact is Impact.BLOCKING,
        problem.reason,
        _utc(problem.since),
        problem.command,
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _lines(claim: ClaimVerdict, at: datetime, runbook_base: str) -> Iterator[Text]:
    yield Text.assemble((clean(claim.key), "bold"), " is ", (claim.state, STATE_STYLES[claim.state]))
    yield Text(clean(claim.summary))
    yield Text()
    yield from (Text(f"{name:<16}{value}") for name, value in _figures(claim, at))
    yield Text()
    judged = {link.link: link for link in claim.links}
    for link in _CHAIN:
        if link in judged:
            yield from _link(judged[link], at, runbook_base)
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
    yield from (("restored", text) for text in _restored(claim.restored, at))


def _restored(evidence: RestoreEvidence, at: datetime) -> Iterator[str]:
    """What restores prove; nothing where there was none, and nobody asks for one."""
    proof, doubt = evidence.proof, evidence.doubt
    if proof:
        took = f", in {format_duration(proof.took)}" if proof.took is not None else ""
        point = f" of {moment(proof.point)}" if proof.point else ""
        what = f"snapshot {clean(proof.snapshot)}{point}" if proof.snapshot else "a snapshot"
        amount = f" ({clean(proof.amount)})" if proof.amount else ""
        by = f"by {clean(proof.destination)} ({clean(proof.evidence)})"
        yield f"{moment(proof.ended)}, {ago(proof.ended, at)}: {what}{amount}{took}, {by}"
    if doubt:
        yield f"not known: {clean(doubt.destination)} succeeded {ago(doubt.ended, at)}; {clean(doubt.reason)}"
    if not proof and not doubt and evidence.wanted is not None:
        yield "no restore known"


def _link(link: LinkVerdict, at: datetime, runbook_base: str) -> Iterator[Text]:
    yield Text.assemble(
        (f"{link.state:<{_STATE_WIDTH}}", _LINK_STYLES[link.state]),
        f"  {link.link:<{_LINK_WIDTH}}  {clean(link.evidence)}",
    )
    for problem in link.problems:
        yield from _problem(problem, link.evidence, at)
        if runbook_base:
            yield Text(f"{_DEEP}{runbook_base}/{problem.cause}.md", "dim")


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
