"""The verdict as JSON: what `status --output json` prints and `/api/v1/status` serves."""

import json
from datetime import datetime

import msgspec

from exporter.chain.instants import utc
from exporter.chain.selection import Uncovered
from exporter.chain.state import RANK
from exporter.chain.verdict import ClaimVerdict, Orphan, Problem, RootCause, Verdict
from exporter.facts.model import SourceReport
from exporter.facts.reading import Reading, Source
from exporter.masking import masked


class AdvisoryEntry(msgspec.Struct, frozen=True):
    cause: str
    scope: str


class BindingEntry(msgspec.Struct, frozen=True):
    """How far it is known where the best source of a claim writes."""

    state: str
    store: str | None
    """The store as a scope, as far as it is known."""
    evidence: str


class ClaimEntry(msgspec.Struct, frozen=True):
    """One claim. What has no value is null; links that do not apply are left out."""

    namespace: str
    pvc: str
    state: str
    cause: str | None
    scope: str | None
    link: str | None
    recovery_point: datetime | None
    objective_seconds: float | None
    last_sync: datetime | None
    links: dict[str, str]
    advisories: tuple[AdvisoryEntry, ...]
    summary: str
    command: str | None
    binding: BindingEntry | None
    """Null for a claim without a source."""
    restore_proven: datetime | None
    """When the newest restore that brought data back ended."""


class RootCauseEntry(msgspec.Struct, frozen=True):
    """What is broken, once, with every claim that it hits."""

    cause: str
    scope: str
    severity: str
    claims: tuple[str, ...]
    command: str
    command_for: str | None
    """The claim that the command is for, where it is for one of several."""
    since: datetime | None


class OrphanEntry(msgspec.Struct, frozen=True):
    bucket: str
    prefix: str
    cause: str
    endpoint: str | None
    """The URL of the bucket's store, as far as it is known: buckets in several stores may have one name."""


class UncoveredEntry(msgspec.Struct, frozen=True):
    """A PVC that is no claim: nothing here backs it up."""

    namespace: str
    pvc: str
    storage_class: str | None
    requested: str | None


class SourceEntry(msgspec.Struct, frozen=True):
    up: bool
    reason: str | None


class Judged(msgspec.Struct, frozen=True):
    """What a command judged, and by what."""

    cluster: str
    """The context and its API server, or the dump, for a person."""
    settings: str
    """What set the settings: a file, the environment, flags, or defaults."""


class StatusDocument(msgspec.Struct, frozen=True):
    """The whole picture at one moment. Times are RFC 3339 in UTC."""

    at: datetime
    judged: Judged | None
    """Null where an exporter serves what it judges: it has one cluster, and its own settings."""
    claims: tuple[ClaimEntry, ...]
    root_causes: tuple[RootCauseEntry, ...]
    orphans: tuple[OrphanEntry, ...]
    uncovered: tuple[UncoveredEntry, ...]
    sources: dict[str, SourceEntry]


def document(verdict: Verdict, judged: Judged | None = None) -> StatusDocument:
    """The contract's form of *verdict*."""
    reports = {report.source: report for report in verdict.facts.sources}
    return StatusDocument(
        at=utc(verdict.at),
        judged=judged,
        claims=tuple(_claim(claim) for claim in verdict.claims),
        root_causes=tuple(_root_cause(cause) for cause in verdict.root_causes),
        orphans=tuple(_orphan(orphan) for orphan in verdict.orphans),
        uncovered=tuple(_uncovered(pvc) for pvc in verdict.uncovered),
        sources={source.value: _source(reports.get(source)) for source in Source},
    )


def encode(verdict: Verdict, *, judged: Judged | None = None, indent: int = 0) -> bytes:
    """*verdict* as JSON, on one line or, with *indent*, for people; *judged* says what it is about."""
    content = document(verdict, judged)
    try:
        packed = msgspec.json.encode(content)
    except UnicodeEncodeError:  # a dump in YAML can name half of a surrogate pair, which is no Unicode
        packed = json.dumps(msgspec.to_builtins(content)).encode()
    return msgspec.json.format(packed, indent=indent) if indent else packed


def _claim(claim: ClaimVerdict) -> ClaimEntry:
    problem = claim.problem
    return ClaimEntry(
        namespace=claim.namespace,
        pvc=claim.pvc,
        state=claim.state,
        cause=problem.cause if problem else None,
        scope=str(problem.scope) if problem else None,
        link=problem.link if problem else None,
        recovery_point=_utc(claim.recovery_point),
        objective_seconds=claim.objective.total_seconds() if claim.objective is not None else None,
        last_sync=_utc(claim.last_sync),
        links={link.link.value: link.state.value for link in claim.links},
        advisories=tuple(_advisory(advisory) for advisory in claim.advisories),
        summary=claim.summary,
        command=problem.command if problem else None,
        binding=_binding(claim),
        restore_proven=_utc(claim.restored.proof.ended) if claim.restored.proof else None,
    )


def _binding(claim: ClaimVerdict) -> BindingEntry | None:
    best = min(claim.sources, key=lambda source: RANK[source.state], default=None)
    return BindingEntry(best.binding, best.store or None, best.binding_evidence) if best else None


def _advisory(problem: Problem) -> AdvisoryEntry:
    return AdvisoryEntry(problem.cause, str(problem.scope))


def _root_cause(root: RootCause) -> RootCauseEntry:
    return RootCauseEntry(
        cause=root.cause,
        scope=str(root.scope),
        severity=root.severity,
        claims=root.claims,
        command=root.command,
        command_for=root.command_for or None,
        since=_utc(root.since),
    )


def _orphan(orphan: Orphan) -> OrphanEntry:
    return OrphanEntry(orphan.bucket, orphan.prefix, orphan.problem.cause, masked(orphan.endpoint) or None)


def _uncovered(pvc: Uncovered) -> UncoveredEntry:
    return UncoveredEntry(pvc.namespace, pvc.pvc, pvc.storage_class or None, pvc.requested or None)


def _source(report: SourceReport | None) -> SourceEntry:
    """A source that is not there to be read is up: nothing is wrong with it."""
    if report is None or report.reading is Reading.NOT_SERVED:
        return SourceEntry(up=True, reason=Reading.NOT_SERVED)
    if report.up:
        return SourceEntry(up=True, reason=None)
    return SourceEntry(up=False, reason=report.reason or report.reading)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else utc(moment)
