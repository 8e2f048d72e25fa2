"""Verdicts made by hand: small ones, one that fills every family, and large ones."""

from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.chain import root_causes
from exporter.chain.binding import BindingState
from exporter.chain.causes import Cause, Link
from exporter.chain.verdict import (
    ClaimState,
    ClaimVerdict,
    LinkState,
    LinkVerdict,
    Orphan,
    PolicyState,
    Problem,
    RepositoryOf,
    RestoreEvidence,
    RestoreProof,
    RestoreVerdict,
    SecretPresence,
    SourceVerdict,
    Verdict,
    VolumeState,
)
from exporter.facts.bucket.model import Bucket, CorruptObject, ObjectType, Proof, Repository, Scrub, Totals
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.longhorn.objects import LonghornSetting
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.wire import Metadata
from exporter.facts.model import Facts, Read, ReadCount, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.publication.families import Telemetry
from tests.scopes import scope as scoped

AT = datetime(2026, 1, 18, 14, 12, tzinfo=UTC)
ENDPOINT = "http://192.168.10.133:30292"
LAST_SYNC = AT - timedelta(hours=1, minutes=11, seconds=36)
CHAIN = tuple(link for link in Link if link not in (Link.NONE, Link.RESTORE))


def problem(cause: Cause, scope: str, reason: str = "", command: str = "kubectl get pods", **more: Any) -> Problem:
    entry = cause.entry
    return Problem(
        cause=cause,
        scopes=(scoped(scope),),
        impact=entry.impact,
        severity=entry.severity,
        reason=reason or entry.meaning,
        command=command,
        **more,
    )


def source_verdict(name: str, state: ClaimState = ClaimState.PROTECTED) -> SourceVerdict:
    return SourceVerdict(
        name=name,
        method="restic",
        copy_method="Snapshot",
        schedule="0 * * * *",
        interval=timedelta(hours=1),
        recovery_point=LAST_SYNC - timedelta(seconds=24.08),
        last_sync=LAST_SYNC,
        last_sync_duration=timedelta(seconds=24.08),
        next_sync=AT + timedelta(minutes=48),
        sync_start=AT - timedelta(minutes=12) if state is not ClaimState.PROTECTED else None,
        mover_failures=2 if state is not ClaimState.PROTECTED else None,
        last_prune=AT - timedelta(days=3),
        state=state,
        binding=BindingState.PROVEN,
        store="store/192.168.10.133:30292/volsync-backup",
        binding_evidence="the mover's own log",
    )


def restore_proof(destination: str) -> RestoreProof:
    ended = LAST_SYNC - timedelta(days=20)
    return RestoreProof(
        destination=destination,
        ended=ended,
        took=timedelta(seconds=93.5),
        point=ended - timedelta(minutes=14),
        snapshot="3b1f8c0d",
        amount="",
        evidence="its mover's own log",
        counts_from=ended,
    )


def claim(
    namespace: str = "karakeep",
    pvc: str = "data-pvc",
    blocked: Problem | None = None,
    advisories: tuple[Problem, ...] = (),
    state: ClaimState | None = None,
) -> ClaimVerdict:
    """A claim that is sound but for *blocked* and *advisories*."""
    state = state or (ClaimState.AT_RISK if blocked else ClaimState.PROTECTED)
    problems = (blocked, *advisories) if blocked else advisories
    links = tuple(
        LinkVerdict(
            link=link,
            state=LinkState.BROKEN if blocked and blocked.link is link else LinkState.OK,
            evidence=f"The {link} of {namespace}/{pvc} is as it should be.",
            problems=tuple(p for p in problems if p.link is link),
        )
        for link in CHAIN
    )
    return ClaimVerdict(
        namespace=namespace,
        pvc=pvc,
        state=state,
        summary="Backed up 1h 11m ago." if not blocked else blocked.reason,
        problem=blocked,
        advisories=advisories,
        links=links,
        recovery_point=LAST_SYNC - timedelta(seconds=24.08),
        recovery_point_evidence="the last sync's end, less its duration",
        objective=timedelta(hours=3),
        last_sync=LAST_SYNC,
        storage_class="longhorn",
        sources=(source_verdict(f"{pvc}-backup", state),),
        secrets=(
            SecretPresence("volsync-rustfs-base", "base", present=True, evidence="its ExternalSecret is ready"),
            SecretPresence(f"{pvc}-volsync-secret", "repository", present=True, evidence="the source reconciles"),
        ),
        volumes=(
            VolumeState(f"pvc-{namespace}-{pvc}", "data", "attached", "healthy"),
            VolumeState(f"pvc-{namespace}-{pvc}-cache", "cache", "detached", "unknown"),
        ),
        restores=(RestoreVerdict(f"{pvc}-restore", LAST_SYNC - timedelta(days=20), None, "successful"),),
        restored=RestoreEvidence(restore_proof(f"{namespace}/{pvc}-restore"), wanted=timedelta(days=30)),
        repositories=(RepositoryOf("volsync-backup", f"{namespace}/{pvc}", ENDPOINT),),
    )


def repository(namespace: str = "karakeep", pvc: str = "data-pvc", **more: Any) -> Repository:
    return Repository(
        **{
            "bucket": "volsync-backup",
            "prefix": f"{namespace}/{pvc}",
            "measured_at": AT,
            "present": True,
            "created": AT - timedelta(days=90),
            "totals": {kind: Totals(objects=37, bytes=123_456_789) for kind in ObjectType},
            "data_measured_at": AT - timedelta(hours=3),
            "snapshots": 33,
            "newest_snapshot": LAST_SYNC,
            "oldest_snapshot": AT - timedelta(days=30),
            "index_generation": "9f2c",
            **more,
        }
    )


def reports(*down: tuple[Source, Reason]) -> tuple[SourceReport, ...]:
    """A report of every source; those in *down* failed."""
    failed = dict(down)
    return tuple(
        SourceReport(
            source=source,
            reading=Reading.UNREADABLE if source in failed else Reading.READ,
            reason=failed.get(source),
            last_success=AT - timedelta(seconds=20),
            duration=timedelta(milliseconds=340),
            errors={failed[source]: 1} if source in failed else {},
        )
        for source in Source
    )


def verdict(*claims: ClaimVerdict, orphans: tuple[Orphan, ...] = (), facts: Facts | None = None) -> Verdict:
    ordered = tuple(sorted(claims, key=lambda c: (c.namespace, c.pvc)))
    return Verdict(
        at=AT,
        claims=ordered,
        orphans=orphans,
        policies=(PolicyState("volsync-smart-protection", "ClusterPolicy", ready=True),),
        facts=facts or Facts(sources=reports()),
        owners={
            (bucket.identity, repository.prefix): (tuple(repository.prefix.split("/", 1)),)
            for bucket in (facts.buckets if facts else ())
            for repository in bucket.repositories
        },
        root_causes=root_causes.find(ordered, orphans),
    )


def orphan(namespace: str = "old", pvc: str = "wiki") -> Orphan:
    return Orphan(
        bucket="volsync-backup",
        prefix=f"{namespace}/{pvc}",
        problem=problem(Cause.BACKUP_WITHDRAWN, f"claim/{namespace}/{pvc}", command=f"kubectl get pvc {pvc}"),
        namespace=namespace,
        pvc=pvc,
    )


def bad_day() -> Verdict:
    """Four claims behind one storage fault, one orphan, one claim with an advisory, one sound."""
    fault = problem(
        Cause.VOLUME_FAULTED,
        "storage/driver.longhorn.io",
        "Longhorn has faulted the volume: it cannot be attached.",
        "kubectl -n longhorn-system get volumes.longhorn.io pvc-1 -w"
        "  # salvages itself once detached: kubectl -n paperless-ngx delete job volsync-src-data-backup",
        since=AT - timedelta(hours=2, minutes=3),
    )
    lock = problem(Cause.LOCK_STALE, "claim/n8n/data", command="kubectl patch replicationsource data -n n8n")
    return verdict(
        claim("open-webui", "storage", fault, state=ClaimState.UNPROTECTED),
        claim("paperless-ngx", "data", fault),
        claim("paperless-ngx", "media", fault),
        claim("redis-instance", "redis-master-0", fault),
        claim("n8n", "data", advisories=(lock,)),
        claim("karakeep", "data-pvc"),
        orphans=(orphan(),),
        facts=every_fact(),
    )


SCRUB = Scrub(
    scrubbed={Proof.CONTENT: 98_765_432, Proof.CHECKSUM: 1_000_000},
    oldest=AT - timedelta(days=17),
    corrupt=(CorruptObject(f"data/ab/ab{'0' * 62}", 16_777_216, "f" * 64, AT - timedelta(days=1)),),
    corrupt_objects=1,
    unread=2,
)


def every_fact() -> Facts:
    """Facts behind every family that rests on them."""
    setting = LonghornSetting(metadata=Metadata(name="auto-salvage", namespace="longhorn-system"), value="true")
    return Facts(
        cluster=ClusterFacts().with_lists({"longhorn.settings": ObjectList((setting,), Reading.READ)}),
        buckets=(
            Bucket(
                name="volsync-backup",
                endpoint=ENDPOINT,
                reading=Reading.READ,
                read_at=AT,
                clock_skew=timedelta(seconds=-1.5),
                capacity_bytes=4_000_000_000_000,
                repositories=(
                    repository(scrub=SCRUB),
                    repository("n8n", "data", oldest_lock=AT - timedelta(hours=5), stale_locks=1),
                    repository("khoj", "config", suspect=(Reason.CONTRADICTED,)),
                ),
            ),
        ),
        sources=reports((Source.S3, Reason.TIMEOUT)),
    )


def every_family() -> Verdict:
    """A verdict with at least one sample in every family."""
    day = bad_day()
    first, *others = day.claims
    running = RestoreVerdict("storage-restore", None, AT - timedelta(minutes=50), "running")
    filled = claim("volsync-test", "volsync-test-data")
    return verdict(
        first,
        *others,
        ClaimVerdict(
            namespace="khoj",
            pvc="config",
            state=ClaimState.STARTING,
            summary="It is new.",
            may_vanish=True,
            restores=(running,),
            sources=filled.sources,
        ),
        filled,
        orphans=day.orphans,
        facts=day.facts,
    )


def telemetry(*reported: SourceReport) -> Telemetry:
    return Telemetry(
        version="0.1.0",
        started=AT - timedelta(days=2),
        reports=reported or reports((Source.S3, Reason.TIMEOUT)),
        errors={(Source.S3, Reason.TIMEOUT): 3},
        intervals=dict.fromkeys(Source, timedelta(minutes=1)),
        verdict_at=AT - timedelta(seconds=4),
        judging=timedelta(milliseconds=12),
        malformed={"ReplicationSource": 1},
        unjudged={"OverflowError": 1},
        web_config_current=True,
        log_lines_dropped=2,
        reads={ReadCount("Pod", Read.CHANGES, "none"): 9, ReadCount("Pod", Read.LIST, "expired"): 2},
    )


def many(count: int) -> Verdict:
    """*count* claims in hundreds of namespaces, each with its repository."""
    keys = [(f"namespace-{number // 20:04d}", f"application-data-{number:05d}") for number in range(count)]
    bucket = Bucket(
        name="volsync-backup", reading=Reading.READ, read_at=AT, repositories=tuple(repository(*key) for key in keys)
    )
    return verdict(*(claim(*key) for key in keys), facts=Facts(buckets=(bucket,), sources=reports()))
