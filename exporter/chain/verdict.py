"""The words of a verdict: links, states, problems, and what stands beside the claims."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from exporter.chain.binding.model import BindingState
from exporter.chain.causes import Cause, Impact, Link, Severity
from exporter.chain.isolation import JudgingFailure
from exporter.chain.scope import Scope
from exporter.chain.selection import Uncovered
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
    scopes: tuple[Scope, ...]
    """What could explain it, the narrowest first: the claim itself, or the widest thing that is shown to be broken."""
    impact: Impact
    severity: Severity
    reason: str
    """One sentence with the facts that show it."""
    command: str
    """What to type, with the names filled in."""
    since: datetime | None = None
    source: str | None = None
    """The ReplicationSource (or ReplicationDestination) that it is about, where it is about one."""
    sign: str = ""
    """What two problems of one cause must have in common to be one fault: an error without its names, for example."""
    wide_command: str = ""
    """What to type where a wider scope than the narrowest is broken; empty: the command, claim by claim."""
    width: int = 0
    """Which of the scopes the pass over all claims has chosen."""
    on: Link | None = None
    """The link that it breaks, where that is not its cause's own."""

    @property
    def link(self) -> Link:
        return self.on or self.cause.link

    def as_advisory(self) -> "Problem":
        """The same problem where the next backup can succeed in spite of it."""
        severity = Severity.WARNING if self.severity is Severity.CRITICAL else self.severity
        return msgspec.structs.replace(self, impact=Impact.ADVISORY, severity=severity)

    @property
    def scope(self) -> Scope:
        """The narrowest thing that explains all claims with this problem."""
        return self.scopes[self.width]


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
    binding: BindingState = BindingState.UNKNOWN
    """How far it is known where it writes."""
    store: str = ""
    """The store that it writes to, as a scope; empty where that is not known."""
    binding_evidence: str = ""
    """How its binding is known, for a person."""


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


class RestoreProof(msgspec.Struct, frozen=True):
    """A restore of a claim's data that succeeded and brought something back."""

    destination: str
    """The ReplicationDestination, as `namespace/name`."""
    ended: datetime
    took: timedelta | None
    """With all that it waited for: VolSync counts from the trigger on."""
    point: datetime | None
    """The moment of the data that it brought back; None where its log does not tell."""
    snapshot: str
    """The snapshot's id as the log shortens it; empty where that does not tell."""
    amount: str
    """How much it brought back, in the mover's own words; empty where its log does not tell."""
    evidence: str
    """What shows that it brought something back, for a person."""
    counts_from: datetime
    """Since when the data is proven: a restore of an old snapshot proves what it was worth when that was new."""


class RestoreDoubt(msgspec.Struct, frozen=True):
    """A restore that succeeded, and of which it cannot be told whether it brought back this claim's data."""

    destination: str
    """The ReplicationDestination, as `namespace/name`."""
    ended: datetime
    reason: str


class RestoreEvidence(msgspec.Struct, frozen=True):
    """What the restores that the API shows prove of one claim's backups."""

    proof: RestoreProof | None = None
    """The newest that brought something back."""
    doubt: RestoreDoubt | None = None
    """The newest that may have, where it is newer than the proof."""
    counts_from: datetime | None = None
    """Since when the data is proven, by all proofs together."""
    wanted: timedelta | None = None
    """How often it is to be proven; None where nobody asks for it."""


class RepositoryOf(msgspec.Struct, frozen=True):
    """Where a claim's repository is: the bucket, and its path there. Together they tell a `Repository` of the facts."""

    bucket: str
    prefix: str
    endpoint: str = ""
    bucket_prefix: str = ""
    """The part of the bucket that is read."""

    @property
    def identity(self) -> tuple[str, str, str]:
        """The bucket's identity."""
        return self.endpoint, self.bucket, self.bucket_prefix


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
    may_vanish: bool = False
    """Whether it may go without anyone being told."""
    sources: tuple[SourceVerdict, ...] = ()
    secrets: tuple[SecretPresence, ...] = ()
    volumes: tuple[VolumeState, ...] = ()
    restores: tuple[RestoreVerdict, ...] = ()
    restored: RestoreEvidence = RestoreEvidence()
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
    endpoint: str = ""
    bucket_prefix: str = ""
    """The part of the bucket that is read."""

    @property
    def identity(self) -> tuple[str, str, str]:
        """The bucket's identity."""
        return self.endpoint, self.bucket, self.bucket_prefix

    @property
    def key(self) -> str:
        """Whose it was, where that is known; else where it is."""
        return f"{self.namespace}/{self.pvc}" if self.pvc else f"{self.bucket}/{self.prefix}"


class PolicyState(msgspec.Struct, frozen=True):
    """A policy that generates the chain's objects."""

    name: str
    """With its namespace before it, where it lies in one."""
    kind: str
    ready: bool


class RootCause(msgspec.Struct, frozen=True):
    """What one page is about: a cause and a scope, with every claim that it hits."""

    cause: Cause
    scope: Scope
    severity: Severity
    impact: Impact
    claims: tuple[str, ...]
    """`namespace/pvc`, sorted."""
    reason: str
    command: str
    since: datetime | None
    command_for: str = ""
    """The claim that the command is for, where it is for one of several."""


class Verdict(msgspec.Struct, frozen=True):
    """The whole picture at one moment: what is published, and the facts that it rests on."""

    at: datetime
    claims: tuple[ClaimVerdict, ...]
    """Sorted by namespace and PVC."""
    orphans: tuple[Orphan, ...]
    policies: tuple[PolicyState, ...]
    facts: Facts
    owners: Mapping[tuple[tuple[str, str, str], str], tuple[tuple[str, str], ...]] = {}
    """The claims that write to a repository, by its bucket's identity and its path."""
    root_causes: tuple[RootCause, ...] = ()
    """One for each cause and scope, the worst first."""
    failures: tuple[JudgingFailure, ...] = ()
    """What could not be judged; the claims that it is about are unknown, or lack what it would have told."""
    uncovered: tuple[Uncovered, ...] = ()
    """The PVCs that are no claims: nothing here tells whether they are backed up."""

    def claim(self, namespace: str, pvc: str) -> ClaimVerdict | None:
        """The verdict of one claim; None when there is no such claim."""
        return next((c for c in self.claims if (c.namespace, c.pvc) == (namespace, pvc)), None)
