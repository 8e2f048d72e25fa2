"""Verdicts made by hand, for what the page does with them: a bad day, a sound one, a great many claims."""

from datetime import UTC, datetime, timedelta

import msgspec

from exporter.chain import root_causes
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
    RestoreVerdict,
    SecretPresence,
    SourceVerdict,
    Verdict,
    VolumeState,
)
from exporter.facts.bucket.model import Bucket, ObjectType, Repository, Totals
from exporter.facts.model import Facts, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.publication.families import Telemetry
from tests.scopes import scope as scoped

AT = datetime(2026, 1, 18, 3, 12, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)
ENDPOINT = "http://rustfs:30292"
CHAIN = tuple(link for link in Link if link not in (Link.RESTORE, Link.NONE))
NAMES = (
    ("home-assistant", "config"),
    ("karakeep", "data-pvc"),
    ("karakeep", "meilisearch-pvc"),
    ("khoj", "config"),
    ("n8n", "data"),
    ("open-webui", "data"),
    ("open-webui", "storage"),
    ("paperless-ngx", "data"),
    ("paperless-ngx", "media"),
    ("redis-instance", "redis-master-0"),
    ("volsync-test", "volsync-test-data"),
)
"""The claims of the reference cluster."""
FAULTED = NAMES[6:10]
"""Those that its bad day stops."""


def problem(cause: Cause, scope: str, command: str, reason: str, since: datetime | None = None) -> Problem:
    entry = cause.entry
    return Problem(cause, (scoped(scope),), entry.impact, entry.severity, reason, command, since)


def protected(namespace: str, pvc: str, at: datetime = AT) -> ClaimVerdict:
    """A claim with nothing wrong, backed up twelve minutes ago."""
    done = at - timedelta(minutes=12)
    return ClaimVerdict(
        namespace=namespace,
        pvc=pvc,
        state=ClaimState.PROTECTED,
        summary="A restore would bring back a moment within the objective.",
        links=tuple(LinkVerdict(link, LinkState.OK, "It holds.") for link in CHAIN),
        recovery_point=done,
        recovery_point_evidence="The newest snapshot in the bucket.",
        objective=3 * HOUR,
        last_sync=done,
        storage_class="longhorn",
        sources=(
            SourceVerdict(
                name=f"{pvc}-backup",
                method="restic",
                copy_method="Snapshot",
                schedule="0 * * * *",
                interval=HOUR,
                recovery_point=done,
                last_sync=done,
                last_sync_duration=timedelta(seconds=42),
                next_sync=done + HOUR,
                sync_start=None,
                mover_failures=0,
                last_prune=at - timedelta(days=3),
                state=ClaimState.PROTECTED,
            ),
        ),
        secrets=(
            SecretPresence("volsync-rustfs-base", "base", present=True, evidence="Its ExternalSecret is ready."),
            SecretPresence(
                f"{pvc}-volsync-secret", "repository", present=True, evidence="The ReplicationSource reconciles."
            ),
        ),
        volumes=(VolumeState(f"pvc-{namespace}-{pvc}", "data", "attached", "healthy"),),
        restores=(RestoreVerdict(f"{pvc}-restore", at - timedelta(days=30), None, "successful"),),
        repositories=(RepositoryOf("volsync-backup", f"{namespace}/{pvc}", ENDPOINT),),
    )


def broken(claim: ClaimVerdict, state: ClaimState, found: Problem, **changes: object) -> ClaimVerdict:
    """*claim* with its chain broken by *found*; what comes after the break is not known."""
    links, seen = [], False
    if found.link is Link.RESTORE:
        links.append(LinkVerdict(Link.RESTORE, LinkState.BROKEN, found.reason, (found,)))
    for link in claim.links:
        if link.link is found.link:
            links.append(LinkVerdict(link.link, LinkState.BROKEN, found.reason, (found,)))
            seen = True
        else:
            links.append(LinkVerdict(link.link, LinkState.UNKNOWN, "Nothing got this far.") if seen else link)
    return msgspec.structs.replace(
        claim, state=state, summary=found.reason, problem=found, links=tuple(links), **changes
    )


def bad_day(at: datetime = AT) -> Verdict:
    """Four claims behind one storage fault, one of another cause, an advisory, an orphan, a source down."""
    claims = []
    for namespace, pvc in NAMES:
        claim = protected(namespace, pvc, at)
        if (namespace, pvc) in FAULTED:
            fault = problem(
                Cause.VOLUME_FAULTED,
                "storage/driver.longhorn.io",
                f"kubectl -n longhorn-system get volumes.longhorn.io pvc-{namespace}-{pvc} -w",
                f"Longhorn volume pvc-{namespace}-{pvc} (data) is faulted.",
                at - 5 * HOUR,
            )
            old = at - 6 * HOUR
            claim = broken(claim, ClaimState.UNPROTECTED, fault, recovery_point=old, last_sync=old)
            claim = msgspec.structs.replace(
                claim, volumes=(VolumeState(f"pvc-{namespace}-{pvc}", "data", "detached", "faulted"),)
            )
        if (namespace, pvc) == ("khoj", "config"):
            unlabelled = problem(
                Cause.SOURCE_PAUSED,
                "claim/khoj/config",
                'kubectl patch replicationsource config-backup -n khoj --type merge -p \'{"spec":{"paused":false}}\'',
                "ReplicationSource config-backup is paused.",
            )
            claim = broken(claim, ClaimState.AT_RISK, unlabelled)
        if (namespace, pvc) == ("n8n", "data"):
            stuck = problem(
                Cause.RESTORE_STUCK,
                "claim/n8n/data",
                "kubectl delete job volsync-dst-data-restore -n n8n",
                "ReplicationDestination data-restore has been running for 2d 4h.",
                at - timedelta(days=2, hours=4),
            )
            claim = msgspec.structs.replace(
                claim,
                advisories=(stuck,),
                links=(*claim.links, LinkVerdict(Link.RESTORE, LinkState.BROKEN, stuck.reason, (stuck,))),
            )
        claims.append(claim)
    orphan = Orphan(
        "volsync-backup",
        "karakeep/old-data",
        problem(
            Cause.REPOSITORY_ORPHANED,
            "store/rustfs:30292/volsync-backup",
            "aws s3 ls s3://volsync-backup/karakeep/old-data/",
            "The newest snapshot is 40 days old.",
        ),
        "karakeep",
        "old-data",
    )
    return _verdict(at, claims, orphans=(orphan,))


def sound(at: datetime = AT) -> Verdict:
    """Every claim of the reference cluster is protected."""
    return _verdict(at, [protected(namespace, pvc, at) for namespace, pvc in NAMES])


def many(count: int, at: datetime = AT) -> Verdict:
    """*count* claims in twenty namespaces; every tenth is broken by one cause."""
    claims = []
    for number in range(count):
        claim = protected(f"namespace-{number % 20:02}", f"claim-{number:05}", at)
        if number % 10 == 0:
            claim = broken(
                claim,
                ClaimState.AT_RISK,
                problem(Cause.MOVER_STUCK, "node/worker-1", "kubectl delete job x", "The pod does not start."),
            )
        claims.append(claim)
    return _verdict(at, sorted(claims, key=lambda claim: (claim.namespace, claim.pvc)))


def with_claims(verdict: Verdict, *claims: ClaimVerdict) -> Verdict:
    """*verdict* with other claims, and the root causes that follow from them."""
    found = root_causes.find(claims, verdict.orphans)
    return msgspec.structs.replace(verdict, claims=claims, root_causes=found)


def _verdict(at: datetime, claims: list[ClaimVerdict], orphans: tuple[Orphan, ...] = ()) -> Verdict:
    repositories = tuple(
        Repository(
            bucket="volsync-backup",
            prefix=claim.key,
            measured_at=at,
            present=True,
            created=at - timedelta(days=200),
            totals={ObjectType.DATA: Totals(120, 5 << 30), ObjectType.SNAPSHOTS: Totals(24, 9_000)},
            data_measured_at=at,
            snapshots=24,
            newest_snapshot=claim.recovery_point,
            oldest_snapshot=at - timedelta(days=90),
        )
        for claim in claims
    )
    bucket = Bucket("volsync-backup", ENDPOINT, reading=Reading.READ, read_at=at, repositories=repositories)
    return Verdict(
        at,
        tuple(claims),
        orphans,
        (PolicyState("volsync-smart-protection", "ClusterPolicy", ready=True),),
        Facts(buckets=(bucket,)),
        owners={
            (bucket.identity, f"{claim.namespace}/{claim.pvc}"): ((claim.namespace, claim.pvc),) for claim in claims
        },
        root_causes=root_causes.find(claims, orphans),
    )


def telemetry(at: datetime = AT, *, down: Source | None = None) -> Telemetry:
    """What the exporter knows of itself a moment after a poll; *down* is the source that could not be read."""
    reports = tuple(
        SourceReport(source, Reading.UNREADABLE, Reason.FORBIDDEN, f"list {source}: 403 Forbidden", at - 2 * HOUR)
        if source is down
        else SourceReport(source, Reading.READ, None, "", at, timedelta(seconds=0.4))
        for source in Source
    )
    intervals = dict.fromkeys(Source, timedelta(seconds=60))
    return Telemetry("0.1.0", at - timedelta(days=1), reports, {}, intervals, at, timedelta(milliseconds=3), {})
