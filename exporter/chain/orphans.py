"""Repositories that no claim writes to any more."""

from collections.abc import Iterator
from datetime import datetime

from exporter.chain.case import fill
from exporter.chain.causes import Cause
from exporter.chain.recovery import ours, owner_of
from exporter.chain.verdict import Orphan, Problem
from exporter.chain.world import World
from exporter.facts.bucket.model import Bucket, Repository
from exporter.facts.model import Reading


def find(world: World, at: datetime) -> tuple[Orphan, ...]:
    """Those in buckets that were read, for whom it is known that no PVC asks for them; sorted."""
    cluster = world.cluster
    if not cluster.claims.known or (cluster.replication_sources.applies and not cluster.replication_sources.known):
        return ()
    claims = set(world.claims)
    found = [
        _orphan(world, bucket, repository, at)
        for bucket in world.buckets
        if bucket.reading is Reading.READ
        for repository in _unclaimed(world, bucket, claims)
    ]
    return tuple(sorted(found, key=lambda orphan: (orphan.bucket, orphan.prefix)))


def _unclaimed(world: World, bucket: Bucket, claims: set[tuple[str, str]]) -> Iterator[Repository]:
    """A prefix that the layout cannot read as a claim may be anybody's: it is left alone."""
    for repository in bucket.repositories:
        owner = owner_of(bucket, repository)
        if (
            repository.present
            and not repository.suspect
            and owner.namespace
            and owner.pvc
            and (owner.namespace, owner.pvc) not in claims
            and world.is_looked_at(owner.namespace)
        ):
            yield repository


def _orphan(world: World, bucket: Bucket, repository: Repository, at: datetime) -> Orphan:
    owner = owner_of(bucket, repository)
    namespace, pvc = owner.namespace or "", owner.pvc or ""
    newest = ours(bucket, repository.newest_snapshot)
    is_recent = newest is not None and at - newest <= world.settings.grace.withdrawn
    has_opted_out = (namespace, pvc) in world.pvcs and world.settings.claims.label in (
        world.pvcs[namespace, pvc].metadata.labels or {}
    )
    is_withdrawn = is_recent and not has_opted_out
    cause = Cause.BACKUP_WITHDRAWN if is_withdrawn else Cause.REPOSITORY_ORPHANED
    what = "asks for its backup no more" if (namespace, pvc) in world.pvcs else "is gone"
    names = {"namespace": namespace, "pvc": pvc, "bucket": repository.bucket, "prefix": repository.prefix}
    problem = Problem(
        cause=cause,
        scope=f"namespace/{namespace}" if is_withdrawn else f"bucket/{repository.bucket}",
        impact=cause.entry.impact,
        severity=cause.entry.severity,
        reason=f"PVC {namespace}/{pvc} {what}; its repository is at {repository.bucket}/{repository.prefix}.",
        command=fill(cause.entry.command, names),
        since=newest,
    )
    return Orphan(bucket=repository.bucket, prefix=repository.prefix, problem=problem, namespace=namespace, pvc=pvc)
