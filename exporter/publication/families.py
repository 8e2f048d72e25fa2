"""Every metric family that the exporter serves, as data: its name, its help, its labels, and its samples.

The renderer, the metrics reference and the checks of the alert rules and of the dashboard all read this catalogue.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from exporter.chain.binding import BindingState
from exporter.chain.causes import Link
from exporter.chain.verdict import (
    ClaimState,
    ClaimVerdict,
    LinkState,
    Problem,
    RestoreProof,
    RootCause,
    SourceVerdict,
    Verdict,
)
from exporter.facts.bucket.model import Bucket, Repository, Scrub, Totals
from exporter.facts.model import ReadCount, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.publication.bucket_names import names_of

Sample = tuple[tuple[str, ...], float]
"""Label values, in the order of the family's labels, and the value."""

Of = TypeVar("Of")


class MetricType(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"


class Family(msgspec.Struct, Generic[Of], frozen=True):
    """One metric family. A sample that has no value is not yielded: there is no 0 for never."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: Callable[[Of], Iterable[Sample]]
    kind: MetricType = MetricType.GAUGE
    age: bool = False
    """The samples are Unix timestamps; what is served is their age at the moment of the scrape."""


class Telemetry(msgspec.Struct, frozen=True):
    """What the exporter knows of itself."""

    version: str
    started: datetime
    reports: tuple[SourceReport, ...]
    errors: dict[tuple[Source, Reason], int]
    """Failures since the start, by source and reason."""
    intervals: dict[Source, timedelta]
    """How often each source is read."""
    verdict_at: datetime | None
    """When the last verdict was reached; None before the first."""
    judging: timedelta | None
    """How long that took."""
    malformed: dict[str, int]
    """Objects that could not be understood, by kind."""
    unjudged: dict[str, int] = {}
    """Claims of the last verdict that could not be judged as a whole, by the kind of error."""
    duplicates: int = 0
    """Samples of the last verdict that were left out because an earlier one has the same labels."""
    failed: tuple[str, ...] = ()
    """Families of the last verdict that were left out because their samples could not be had."""
    web_config_current: bool | None = None
    """Whether the web configuration file is in force as it reads; None without one."""
    reads: dict[ReadCount, int] = {}
    """Reads of the cluster's lists since the start."""
    log_lines_dropped: int = 0
    """Lines that were not written, since nobody read the log."""


ROBUSTNESS = ("healthy", "degraded", "faulted", "unknown")
"""Longhorn `types.go`, VolumeRobustness."""
VOLUME_STATES = ("creating", "attached", "detached", "attaching", "detaching", "deleting")
"""Longhorn `types.go`, VolumeState."""
RESTORE_RESULTS = ("successful", "failed", "running", "none")

_CLAIM = ("namespace", "pvc")
_SOURCE = (*_CLAIM, "replication_source")
_REPOSITORY = (*_CLAIM, "bucket", "prefix")
_ROOT_CAUSE = ("cause", "scope")
_NAMED = 10
"""So many claims of a root cause are named in its info."""


def _one_hot(identity: tuple[str, ...], states: Iterable[str], current: str) -> Iterator[Sample]:
    return (((*identity, state), float(state == current)) for state in states)


class OwnedRepository(msgspec.Struct, frozen=True):
    """A repository with whose it is."""

    repository: Repository
    bucket: str
    """What its bucket is called in a label."""
    owners: tuple[tuple[str, str], ...]
    """The claims that write to it, or the one that did once; without either their labels are empty."""

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.bucket}/{self.repository.prefix}"


def _owned(verdict: Verdict) -> tuple[OwnedRepository, ...]:
    names = names_of(verdict.facts.buckets)
    former = {(orphan.identity, orphan.prefix): ((orphan.namespace, orphan.pvc),) for orphan in verdict.orphans}
    nobody = (("", ""),)
    return tuple(
        OwnedRepository(repository, names[bucket.identity], verdict.owners.get(place) or former.get(place) or nobody)
        for bucket in verdict.facts.buckets
        for repository in bucket.repositories
        for place in ((bucket.identity, repository.prefix),)
    )


class Parts(Enum):
    """What a verdict is made of, as far as families tell of one thing after the other."""

    CLAIMS = "claims"
    REPOSITORIES = "repositories"

    def of(self, verdict: Verdict) -> tuple[ClaimVerdict, ...] | tuple[OwnedRepository, ...]:
        """The parts of *verdict*, in order."""
        return verdict.claims if self is Parts.CLAIMS else _owned(verdict)

    def rests_on(self, verdict: Verdict) -> tuple[object, ...]:
        """What the parts are made of: while all of it is the same, so are they."""
        return (verdict.claims,) if self is Parts.CLAIMS else (verdict.owners, verdict.orphans, *verdict.facts.buckets)

    @staticmethod
    def name_of(part: ClaimVerdict | OwnedRepository) -> str:
        """What tells *part* from all others."""
        return part.key if isinstance(part, ClaimVerdict) else part.name


class Each(Generic[Of]):
    """Samples that each part of a verdict has by itself."""

    def __init__(self, parts: Parts, of: Callable[[Of], Iterable[Sample]]) -> None:
        self.parts = parts
        self.of = of

    def __call__(self, verdict: Verdict) -> Iterator[Sample]:
        parts: Iterable[Any] = self.parts.of(verdict)
        return (sample for part in parts for sample in self.of(part))


def _claims(of_claim: Callable[[ClaimVerdict], Iterable[Sample]]) -> Each[ClaimVerdict]:
    """Samples of every claim, each behind the claim's own labels."""

    def samples(claim: ClaimVerdict) -> Iterator[Sample]:
        identity = (claim.namespace, claim.pvc)
        return (((*identity, *labels), value) for labels, value in of_claim(claim))

    return Each(Parts.CLAIMS, samples)


def _sources(value_of: Callable[[SourceVerdict], datetime | timedelta | float | None]) -> Each[ClaimVerdict]:
    return _claims(
        lambda claim: (
            ((source.name,), number) for source in claim.sources if (number := _number(value_of(source))) is not None
        )
    )


def _claim_value(value_of: Callable[[ClaimVerdict], datetime | timedelta | None]) -> Each[ClaimVerdict]:
    return _claims(lambda claim: [((), number)] if (number := _number(value_of(claim))) is not None else [])


def _proof_value(value_of: Callable[[RestoreProof], datetime | timedelta | None]) -> Each[ClaimVerdict]:
    return _claim_value(lambda claim: value_of(claim.restored.proof) if claim.restored.proof else None)


def _repositories(of_repository: Callable[[Repository], Iterable[Sample]]) -> Each[OwnedRepository]:
    """Samples of every repository, once for each of its owners."""

    def samples(owned: OwnedRepository) -> Iterator[Sample]:
        repository = owned.repository
        return (
            ((*owner, owned.bucket, repository.prefix, *labels), value)
            for labels, value in of_repository(repository)
            for owner in owned.owners
        )

    return Each(Parts.REPOSITORIES, samples)


def _repository_value(value_of: Callable[[Repository], datetime | float | None]) -> Each[OwnedRepository]:
    return _repositories(
        lambda repository: [((), number)] if (number := _number(value_of(repository))) is not None else []
    )


def _scrubs(of_scrub: Callable[[Scrub], Iterable[Sample]]) -> Each[OwnedRepository]:
    """Samples of every repository that is scrubbed."""
    return _repositories(lambda repository: of_scrub(repository.scrub) if repository.scrub else ())


class OfBuckets:
    """Samples of every bucket that was read: they follow from the buckets alone."""

    def __init__(self, value_of: Callable[[Bucket], float | None]) -> None:
        self._value_of = value_of

    def __call__(self, verdict: Verdict) -> Iterator[Sample]:
        names = names_of(verdict.facts.buckets)
        for bucket in verdict.facts.buckets:
            if bucket.read_at is not None and (value := self._value_of(bucket)) is not None:
                yield (names[bucket.identity],), float(value)


def _number(value: datetime | timedelta | float | None) -> float | None:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return None if value is None else float(value)


def _problem_labels(problem: Problem) -> tuple[str, ...]:
    return (problem.link, problem.cause, str(problem.scope), problem.severity, problem.impact)


def _problems(verdict: Verdict) -> Iterator[Sample]:
    seen: set[tuple[str, ...]] = set()
    found = [(c.namespace, c.pvc, problem) for c in verdict.claims for problem in c.problems]
    found += [(orphan.namespace, orphan.pvc, orphan.problem) for orphan in verdict.orphans]
    for namespace, pvc, problem in found:
        labels = (namespace, pvc, *_problem_labels(problem))
        if labels not in seen:  # two sources of one claim may share a problem
            seen.add(labels)
            yield labels, 1.0


def _root_causes(
    of_root_cause: Callable[[RootCause], Iterable[Sample]],
) -> Callable[[Verdict], Iterator[Sample]]:
    return lambda verdict: (
        ((root.cause, str(root.scope), *labels), value)
        for root in verdict.root_causes
        for labels, value in of_root_cause(root)
    )


def _some(claims: tuple[str, ...]) -> str:
    more = len(claims) - _NAMED
    return ", ".join(claims[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _bucket_totals(bucket: Bucket) -> Iterator[Totals]:
    return (total for repository in bucket.repositories for total in repository.totals.values())


VERDICT_FAMILIES: tuple[Family[Verdict], ...] = (
    Family(
        "volsync_backup_state",
        "Whether the claim could be restored now: 1 for the present state, 0 for the others.",
        (*_CLAIM, "state"),
        _claims(lambda claim: _one_hot((), ClaimState, claim.state)),
    ),
    Family(
        "volsync_backup_may_vanish",
        "1 for a claim that may disappear without an alert, by its annotation or the settings; no series for other "
        "claims.",
        _CLAIM,
        _claims(lambda claim: [((), 1.0)] if claim.may_vanish else []),
    ),
    Family(
        "volsync_backup_problem",
        "A broken link of the claim's chain, with its cause and its scope (the narrowest thing that explains it).",
        (*_CLAIM, "link", "cause", "scope", "severity", "impact"),
        _problems,
    ),
    Family(
        "volsync_backup_problem_since_timestamp_seconds",
        "When a problem began, if the API has that time.",
        (*_CLAIM, "cause", "scope"),
        _claims(
            lambda claim: {
                (problem.cause, str(problem.scope)): problem.since.timestamp()
                for problem in reversed(claim.problems)
                if problem.since
            }.items()
        ),
    ),
    Family(
        "volsync_root_cause",
        "A root cause (a cause and a scope) and how many claims it affects; the severity is the worst among them.",
        (*_ROOT_CAUSE, "link", "severity", "namespace"),
        _root_causes(
            lambda root: [
                ((root.cause.link, root.severity, root.scope.namespace), float(len(root.claims))),
            ]
        ),
    ),
    Family(
        "volsync_root_cause_info",
        "The command for a root cause, and the claims that it affects: the first ten by name, then a count of the "
        "others.",
        (*_ROOT_CAUSE, "command", "claims"),
        _root_causes(lambda root: [((root.command, _some(root.claims)), 1.0)]),
    ),
    Family(
        "volsync_root_cause_since_timestamp_seconds",
        "When a root cause began, if the API has that time.",
        _ROOT_CAUSE,
        _root_causes(lambda root: [((), root.since.timestamp())] if root.since else []),
    ),
    Family(
        "volsync_backup_link_ok",
        "Whether a link of the claim's chain is ok; no series if that is unknown or does not apply.",
        (*_CLAIM, "link"),
        _claims(
            lambda claim: (
                ((link.link,), float(link.state is LinkState.OK))
                for link in claim.links
                if link.state is not LinkState.UNKNOWN
            )
        ),
    ),
    Family(
        "volsync_backup_info",
        "How the claim is backed up by one of its ReplicationSources.",
        (*_SOURCE, "method", "schedule", "copy_method", "storage_class"),
        _claims(
            lambda claim: (
                ((s.name, s.method, s.schedule, s.copy_method, claim.storage_class), 1.0) for s in claim.sources
            )
        ),
    ),
    Family(
        "volsync_backup_binding",
        "Whether it is known which repository a ReplicationSource writes to: 1 for the present state. With "
        "`proven` the bucket shows what a restore would find; otherwise the recovery point is as reported by "
        "VolSync, not verified in a bucket.",
        (*_SOURCE, "binding", "store"),
        _claims(
            lambda claim: (
                ((source.name, state, source.store), float(state == source.binding))
                for source in claim.sources
                for state in BindingState
            )
        ),
    ),
    Family(
        "volsync_backup_last_sync_timestamp_seconds",
        "When the last successful sync ended.",
        _SOURCE,
        _sources(lambda source: source.last_sync),
    ),
    Family(
        "volsync_backup_last_sync_age_seconds",
        "How long ago the last successful sync ended, at the time of the scrape.",
        _SOURCE,
        _sources(lambda source: source.last_sync),
        age=True,
    ),
    Family(
        "volsync_backup_last_sync_duration_seconds",
        "How long the last successful sync took, including waiting and retries.",
        _SOURCE,
        _sources(lambda source: source.last_sync_duration),
    ),
    Family(
        "volsync_backup_next_sync_timestamp_seconds",
        "When the next sync is due; while a sync runs, when that sync was due.",
        _SOURCE,
        _sources(lambda source: source.next_sync),
    ),
    Family(
        "volsync_backup_sync_start_timestamp_seconds",
        "When the running or failing sync began; no series if there is none.",
        _SOURCE,
        _sources(lambda source: source.sync_start),
    ),
    Family(
        "volsync_backup_interval_seconds",
        "The longest time between two scheduled backups.",
        _SOURCE,
        _sources(lambda source: source.interval),
    ),
    Family(
        "volsync_backup_mover_failures",
        "Failed pods of the mover's current Job; VolSync starts a new Job after eight.",
        _SOURCE,
        _sources(lambda source: source.mover_failures),
    ),
    Family(
        "volsync_backup_last_prune_timestamp_seconds",
        "When the repository was last pruned.",
        _SOURCE,
        _sources(lambda source: source.last_prune),
    ),
    Family(
        "volsync_backup_recovery_point_timestamp_seconds",
        "The point in time that a restore would bring back.",
        _CLAIM,
        _claim_value(lambda claim: claim.recovery_point),
    ),
    Family(
        "volsync_backup_objective_seconds",
        "The maximum age of the recovery point.",
        _CLAIM,
        _claim_value(lambda claim: claim.objective),
    ),
    Family(
        "volsync_backup_secret_present",
        "Whether a Secret that the backup needs exists; no series if that is unknown.",
        (*_CLAIM, "secret", "role"),
        _claims(lambda claim: (((s.name, s.role), float(s.present)) for s in claim.secrets)),
    ),
    Family(
        "volsync_backup_volume_robustness",
        "Robustness of a Longhorn volume that the backup uses: 1 for the present value. `unknown` is normal for a "
        "detached volume.",
        (*_CLAIM, "volume", "role", "robustness"),
        _claims(
            lambda claim: (
                sample for v in claim.volumes for sample in _one_hot((v.name, v.role), ROBUSTNESS, v.robustness)
            )
        ),
    ),
    Family(
        "volsync_backup_volume_state",
        "State of a Longhorn volume that the backup uses: 1 for the present state.",
        (*_CLAIM, "volume", "role", "state"),
        _claims(
            lambda claim: (
                sample for v in claim.volumes for sample in _one_hot((v.name, v.role), VOLUME_STATES, v.state)
            )
        ),
    ),
    Family(
        "volsync_restore_last_sync_timestamp_seconds",
        "When the last restore of a ReplicationDestination ended.",
        (*_CLAIM, "replication_destination"),
        _claims(lambda claim: (((r.name,), r.last_sync.timestamp()) for r in claim.restores if r.last_sync)),
    ),
    Family(
        "volsync_restore_running_since_timestamp_seconds",
        "When the running or failing restore began; no series if there is none.",
        (*_CLAIM, "replication_destination"),
        _claims(lambda claim: (((r.name,), r.running_since.timestamp()) for r in claim.restores if r.running_since)),
    ),
    Family(
        "volsync_restore_result",
        "Result of a ReplicationDestination's last restore: 1 for the present result.",
        (*_CLAIM, "replication_destination", "result"),
        _claims(
            lambda claim: (sample for r in claim.restores for sample in _one_hot((r.name,), RESTORE_RESULTS, r.result))
        ),
    ),
    Family(
        "volsync_backup_restore_proven_timestamp_seconds",
        "When the newest restore that brought back the claim's data ended; no series if no such restore is known.",
        _CLAIM,
        _proof_value(lambda proof: proof.ended),
    ),
    Family(
        "volsync_backup_restore_proven_recovery_point_timestamp_seconds",
        "The point in time of the data that this restore brought back; no series if its log does not say.",
        _CLAIM,
        _proof_value(lambda proof: proof.point),
    ),
    Family(
        "volsync_backup_restore_proven_duration_seconds",
        "How long this restore took, including waiting.",
        _CLAIM,
        _proof_value(lambda proof: proof.took),
    ),
    Family(
        "volsync_backup_restore_proof_interval_seconds",
        "How often a restore of the claim must be proven; no series if no proof is required.",
        _CLAIM,
        _claim_value(lambda claim: claim.restored.wanted),
    ),
    Family(
        "volsync_repository_present",
        "Whether the repository is in the bucket; no series if the listing is not plausible.",
        _REPOSITORY,
        _repository_value(lambda repository: repository.present),
    ),
    Family(
        "volsync_repository_size_bytes",
        "Bytes of the repository by type of object, as last measured.",
        (*_REPOSITORY, "type"),
        _repositories(lambda r: (((kind,), float(total.bytes)) for kind, total in r.totals.items())),
    ),
    Family(
        "volsync_repository_objects",
        "Objects of the repository by type, as last measured.",
        (*_REPOSITORY, "type"),
        _repositories(lambda r: (((kind,), float(total.objects)) for kind, total in r.totals.items())),
    ),
    Family(
        "volsync_repository_snapshots",
        "Snapshots in the repository.",
        _REPOSITORY,
        _repository_value(lambda repository: repository.snapshots if repository.present else None),
    ),
    Family(
        "volsync_repository_last_snapshot_timestamp_seconds",
        "When the newest snapshot was written, by the store's clock.",
        _REPOSITORY,
        _repository_value(lambda repository: repository.newest_snapshot),
    ),
    Family(
        "volsync_repository_first_snapshot_timestamp_seconds",
        "When the oldest remaining snapshot was written, by the store's clock.",
        _REPOSITORY,
        _repository_value(lambda repository: repository.oldest_snapshot),
    ),
    Family(
        "volsync_repository_oldest_lock_timestamp_seconds",
        "When the oldest lock was written, by the store's clock; no series if there is no lock.",
        _REPOSITORY,
        _repository_value(lambda repository: repository.oldest_lock),
    ),
    Family(
        "volsync_repository_stale_locks",
        "Locks older than restic's limit of 30 minutes: their client is dead.",
        _REPOSITORY,
        _repository_value(lambda repository: repository.stale_locks if repository.present else None),
    ),
    Family(
        "volsync_repository_created_timestamp_seconds",
        "When the repository was created, by the store's clock.",
        _REPOSITORY,
        _repository_value(lambda repository: repository.created),
    ),
    Family(
        "volsync_repository_data_measured_timestamp_seconds",
        "When the repository's data was last listed in full, by the store's clock.",
        _REPOSITORY,
        _repository_value(lambda repository: repository.data_measured_at),
    ),
    Family(
        "volsync_repository_suspect",
        "Why the repository's last listing is not plausible; its figures are those of the last plausible listing.",
        (*_REPOSITORY, "reason"),
        _repositories(lambda repository: (((reason,), 1.0) for reason in repository.suspect)),
    ),
    Family(
        "volsync_repository_scrubbed_bytes",
        "Bytes of the repository's objects that match their names, as last checked since the exporter started: by "
        "reading them (`content`), or by the SHA-256 that the store keeps (`checksum`). Divided by all bytes of "
        "the repository, this is the share that was scrubbed. No series if repositories are not scrubbed.",
        (*_REPOSITORY, "proof"),
        _scrubs(lambda scrub: (((proof,), float(count)) for proof, count in scrub.scrubbed.items())),
    ),
    Family(
        "volsync_repository_scrub_oldest_timestamp_seconds",
        "When the least recently scrubbed part of the repository was scrubbed; no series until every part was "
        "scrubbed, which takes half of `scrub.period` from the exporter's start.",
        _REPOSITORY,
        _scrubs(lambda scrub: [((), scrub.oldest.timestamp())] if scrub.oldest else []),
    ),
    Family(
        "volsync_repository_corrupt_objects",
        "Objects of the repository whose bytes do not match their names. No series until one was found, or every "
        "part was scrubbed.",
        _REPOSITORY,
        _scrubs(lambda scrub: [((), float(scrub.corrupt_objects))] if scrub.corrupt_objects is not None else []),
    ),
    Family(
        "volsync_repository_unread_objects",
        "Objects of the repository that were due to be scrubbed and could not be read: whether they are intact is "
        "unknown.",
        _REPOSITORY,
        _scrubs(lambda scrub: [((), float(scrub.unread))]),
    ),
    Family(
        "volsync_bucket_size_bytes",
        "Bytes of all repositories in the bucket, as last measured.",
        ("bucket",),
        OfBuckets(lambda bucket: sum(total.bytes for total in _bucket_totals(bucket))),
    ),
    Family(
        "volsync_bucket_objects",
        "Objects of all repositories in the bucket, as last measured.",
        ("bucket",),
        OfBuckets(lambda bucket: sum(total.objects for total in _bucket_totals(bucket))),
    ),
    Family(
        "volsync_bucket_repositories",
        "Repositories in the bucket.",
        ("bucket",),
        OfBuckets(lambda bucket: sum(1 for repository in bucket.repositories if repository.present)),
    ),
    Family(
        "volsync_bucket_capacity_bytes",
        "The bucket's configured capacity; no series if it is not configured.",
        ("bucket",),
        OfBuckets(lambda bucket: bucket.capacity_bytes or None),
    ),
    Family(
        "volsync_bucket_clock_skew_seconds",
        "How far the store's clock is ahead of the exporter's.",
        ("bucket",),
        OfBuckets(lambda bucket: _number(bucket.clock_skew)),
    ),
    Family(
        "volsync_policy_ready",
        "Whether the policy that generates the backup's objects is ready.",
        ("policy", "kind"),
        lambda verdict: (((p.name, p.kind), float(p.ready)) for p in verdict.policies),
    ),
    Family(
        "volsync_longhorn_setting_info",
        "A setting of Longhorn that backups depend on.",
        ("setting", "value"),
        lambda verdict: (((s.name, s.value), 1.0) for s in verdict.facts.cluster.longhorn.settings),
    ),
)
"""Families that follow from the verdict alone; they change only when it does."""


def _reports(
    value_of: Callable[[SourceReport], datetime | timedelta | float | None],
) -> Callable[[Telemetry], Iterator[Sample]]:
    return lambda telemetry: (
        ((report.source,), number)
        for report in telemetry.reports
        if report.reading is not Reading.NOT_SERVED and (number := _number(value_of(report))) is not None
    )


TELEMETRY_FAMILIES: tuple[Family[Telemetry], ...] = (
    Family(
        "volsync_exporter_source_up",
        "Whether the last read of the source succeeded; no series if the source is not installed.",
        ("source",),
        _reports(lambda report: report.up),
    ),
    Family(
        "volsync_exporter_source_last_success_timestamp_seconds",
        "When the source was last read successfully.",
        ("source",),
        _reports(lambda report: report.last_success),
    ),
    Family(
        "volsync_exporter_source_duration_seconds",
        "How long the last read of the source took.",
        ("source",),
        _reports(lambda report: report.duration),
    ),
    Family(
        "volsync_exporter_source_interval_seconds",
        "How often the source is read.",
        ("source",),
        lambda telemetry: (((s,), i.total_seconds()) for s, i in telemetry.intervals.items()),
    ),
    Family(
        "volsync_exporter_source_errors_total",
        "Failed reads and implausible responses, by reason.",
        ("source", "reason"),
        lambda telemetry: (
            ((source, reason), float(telemetry.errors.get((source, reason), 0)))
            for source in telemetry.intervals
            for reason in Reason
        ),
        kind=MetricType.COUNTER,
    ),
    Family(
        "volsync_exporter_list_reads_total",
        "Reads of each kind: `changes` returned only the changes since the last read, `list` the whole list, for "
        "the given reason.",
        ("kind", "read", "reason"),
        lambda telemetry: (((one.kind, one.read, one.reason), float(n)) for one, n in telemetry.reads.items()),
        kind=MetricType.COUNTER,
    ),
    Family(
        "volsync_exporter_malformed_objects",
        "Objects that could not be understood; the claims that depend on them are unknown.",
        ("kind",),
        lambda telemetry: (((kind,), float(count)) for kind, count in telemetry.malformed.items()),
    ),
    Family(
        "volsync_exporter_unjudged_claims",
        "Claims that could not be judged because of a value in their objects, by the kind of error; the log names "
        "them.",
        ("reason",),
        lambda telemetry: (((reason,), float(count)) for reason, count in telemetry.unjudged.items()),
    ),
    Family(
        "volsync_exporter_verdict_timestamp_seconds",
        "When the last verdict was computed. Verdicts are computed in the background; a scrape only publishes them.",
        (),
        lambda telemetry: [((), telemetry.verdict_at.timestamp())] if telemetry.verdict_at else [],
    ),
    Family(
        "volsync_exporter_verdict_duration_seconds",
        "How long the last verdict took.",
        (),
        lambda telemetry: [((), telemetry.judging.total_seconds())] if telemetry.judging else [],
    ),
    Family(
        "volsync_exporter_duplicate_samples",
        "Samples of the last verdict that were left out because another sample has the same labels.",
        (),
        lambda telemetry: [((), float(telemetry.duplicates))],
    ),
    Family(
        "volsync_exporter_failed_families",
        "Metric families of the last verdict that were left out because of an error; the log names it.",
        (),
        lambda telemetry: [((), float(len(telemetry.failed)))],
    ),
    Family(
        "volsync_exporter_web_config_current",
        "Whether the current web configuration file is in force. 0: it cannot be used, the log says why, and the "
        "previous file stays in force. No series without such a file.",
        (),
        lambda telemetry: [] if telemetry.web_config_current is None else [((), float(telemetry.web_config_current))],
    ),
    Family(
        "volsync_exporter_log_lines_dropped_total",
        "Log lines that were dropped because the log's reader was too slow or gone.",
        (),
        lambda telemetry: [((), float(telemetry.log_lines_dropped))],
        kind=MetricType.COUNTER,
    ),
    Family(
        "volsync_exporter_build_info",
        "The exporter's version.",
        ("version",),
        lambda telemetry: [((telemetry.version,), 1.0)],
    ),
)
"""Families about the exporter itself; they are rendered at each scrape."""

FAMILIES: tuple[Family[Verdict] | Family[Telemetry], ...] = (*VERDICT_FAMILIES, *TELEMETRY_FAMILIES)

LINKS = tuple(link for link in Link if link is not Link.NONE)
"""The values of the `link` label of `volsync_backup_link_ok`."""
