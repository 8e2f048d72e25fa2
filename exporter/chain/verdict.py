"""The words of a verdict: links, states, problems, and what stands beside the claims."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from exporter.chain.causes import Cause, Impact, Link, Severity
from exporter.facts.model import Facts


class ClaimState(StrEnum):
    """Whether a claim could be restored; exactly one holds."""

    PROTECTED = "protected"
    AT_RISK = "at_risk"
    UNPROTECTED = "unprotected"
    STARTING = "starting"
    EXEMPT = "exempt"
    UNKNOWN = "unknown"


class LinkState(StrEnum):
    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class Problem(msgspec.Struct, frozen=True):
    """A broken link: what broke it, how far it reaches, and what to type."""

    cause: Cause
    scope: str
    """The widest one thing that the facts show to be broken: `longhorn`, `operator`, or `<kind>/<name>`."""
    impact: Impact
    severity: Severity
    reason: str
    """One sentence with the facts that show it."""
    command: str
    """What to type, with the names filled in."""
    since: datetime | None = None
    source: str | None = None
    """The ReplicationSource (or ReplicationDestination) that it is about, where it is about one."""

    @property
    def link(self) -> Link:
        return self.cause.link


class LinkVerdict(msgspec.Struct, frozen=True):
    """One step of the chain for one claim. A link that does not apply has no verdict."""

    link: Link
    state: LinkState
    evidence: str
    """One sentence: what shows it, or what could not be read."""
    problems: tuple[Problem, ...] = ()


class SourceVerdict(msgspec.Struct, frozen=True):
    """One ReplicationSource of a claim, with the figures that are published of it."""

    name: str
    method: str
    copy_method: str
    schedule: str
    interval: timedelta | None
    recovery_point: datetime | None
    last_sync: datetime | None
    last_sync_duration: timedelta | None
    next_sync: datetime | None
    sync_start: datetime | None
    mover_failures: int | None
    last_prune: datetime | None
    state: ClaimState


class SecretPresence(msgspec.Struct, frozen=True):
    """Whether a Secret is there, and who says so."""

    name: str
    role: str
    """`base` or `repository`."""
    present: bool
    evidence: str


class VolumeState(msgspec.Struct, frozen=True):
    """A Longhorn volume that serves a claim's backup."""

    name: str
    role: str
    """`data`, `cache`, `copy` or `restore`."""
    state: str
    robustness: str


class RestoreVerdict(msgspec.Struct, frozen=True):
    """One ReplicationDestination of a claim."""

    name: str
    last_sync: datetime | None
    running_since: datetime | None
    result: str


class RepositoryOf(msgspec.Struct, frozen=True):
    """Where a claim's repository is: the key of a `Repository` among the facts."""

    bucket: str
    prefix: str


class ClaimVerdict(msgspec.Struct, frozen=True):
    """All that is decided about one claim."""

    namespace: str
    pvc: str
    state: ClaimState
    summary: str
    """One sentence for a person: the state and why."""
    problem: Problem | None = None
    """The blocking problem of the first broken link; None when nothing blocks."""
    advisories: tuple[Problem, ...] = ()
    links: tuple[LinkVerdict, ...] = ()
    """In the order of the chain; links that do not apply are left out. `restore` stands last."""
    recovery_point: datetime | None = None
    recovery_point_evidence: str = ""
    objective: timedelta | None = None
    last_sync: datetime | None = None
    storage_class: str = ""
    exemption: str = ""
    """Why it is exempt, in its owner's words; empty when it is not."""
    sources: tuple[SourceVerdict, ...] = ()
    secrets: tuple[SecretPresence, ...] = ()
    volumes: tuple[VolumeState, ...] = ()
    restores: tuple[RestoreVerdict, ...] = ()
    repositories: tuple[RepositoryOf, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.pvc}"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The blocking problem first, then the advisory ones."""
        return (self.problem, *self.advisories) if self.problem else self.advisories


class Orphan(msgspec.Struct, frozen=True):
    """A repository in a bucket that no claim writes to."""

    bucket: str
    prefix: str
    problem: Problem
    namespace: str = ""
    pvc: str = ""


class PolicyState(msgspec.Struct, frozen=True):
    """The policy that generates the chain's objects."""

    name: str
    kind: str
    ready: bool


class RootCause(msgspec.Struct, frozen=True):
    """What one page is about: a cause and a scope, with every claim that it hits."""

    cause: Cause
    scope: str
    severity: Severity
    impact: Impact
    claims: tuple[str, ...]
    """`namespace/pvc`, sorted."""
    reason: str
    command: str
    since: datetime | None


class Verdict(msgspec.Struct, frozen=True):
    """The whole picture at one moment: what is published, and the facts that it rests on."""

    at: datetime
    claims: tuple[ClaimVerdict, ...]
    """Sorted by namespace and PVC."""
    orphans: tuple[Orphan, ...]
    policies: tuple[PolicyState, ...]
    facts: Facts

    def claim(self, namespace: str, pvc: str) -> ClaimVerdict | None:
        """The verdict of one claim; None when there is no such claim."""
        return next((c for c in self.claims if (c.namespace, c.pvc) == (namespace, pvc)), None)

    @property
    def root_causes(self) -> tuple[RootCause, ...]:
        """One for each cause and scope, the worst first."""
        grouped: dict[tuple[Cause, str], list[tuple[str, Problem]]] = {}
        for claim in self.claims:
            for problem in claim.problems:
                grouped.setdefault((problem.cause, problem.scope), []).append((claim.key, problem))
        for orphan in self.orphans:
            key = f"{orphan.namespace}/{orphan.pvc}" if orphan.pvc else f"{orphan.bucket}/{orphan.prefix}"
            grouped.setdefault((orphan.problem.cause, orphan.problem.scope), []).append((key, orphan.problem))
        causes = [_root_cause(cause, scope, hits) for (cause, scope), hits in grouped.items()]
        return tuple(sorted(causes, key=lambda c: (c.severity.rank, -len(c.claims), c.cause, c.scope)))


def _root_cause(cause: Cause, scope: str, hits: list[tuple[str, Problem]]) -> RootCause:
    worst = min(hits, key=lambda hit: (hit[1].severity.rank, hit[1].impact is Impact.ADVISORY, hit[0]))[1]
    return RootCause(
        cause=cause,
        scope=scope,
        severity=worst.severity,
        impact=worst.impact,
        claims=tuple(sorted({key for key, _ in hits})),
        reason=worst.reason,
        command=worst.command,
        since=min((problem.since for _, problem in hits if problem.since), default=None),
    )
