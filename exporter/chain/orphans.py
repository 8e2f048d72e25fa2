"""Repositories that no claim writes to any more."""

from collections.abc import Iterator
from datetime import datetime

from exporter.chain import scope
from exporter.chain.backup import fill
from exporter.chain.causes import Cause
from exporter.chain.inventory import Inventory
from exporter.chain.recovery import ours, owner_of
from exporter.chain.verdict import Orphan, Problem
from exporter.facts.bucket.model import Bucket, Repository
from exporter.facts.reading import Reading


def find(inventory: Inventory, at: datetime) -> tuple[Orphan, ...]:
    """Those in buckets that were read, for whom it is known that no PVC asks for them; sorted."""
    cluster = inventory.cluster
    if not cluster.core.claims.known or (cluster.volsync.sources.applies and not cluster.volsync.sources.known):
        return ()
    claims = set(inventory.claims)
    found = [
        _orphan(inventory, bucket, repository, at)
        for bucket in inventory.buckets
        if bucket.reading is Reading.READ
        for repository in _unclaimed(inventory, bucket, claims)
    ]
    return tuple(sorted(found, key=lambda orphan: (orphan.bucket, orphan.prefix)))


def _unclaimed(inventory: Inventory, bucket: Bucket, claims: set[tuple[str, str]]) -> Iterator[Repository]:
    """A prefix that the layout cannot read as a claim may be anybody's: it is left alone."""
    for repository in bucket.repositories:
        owner = owner_of(bucket, repository)
        if (
            repository.present
            and not repository.suspect
            and owner.namespace
            and owner.pvc
            and (owner.namespace, owner.pvc) not in claims
            and inventory.is_looked_at(owner.namespace)
        ):
            yield repository


def _orphan(inventory: Inventory, bucket: Bucket, repository: Repository, at: datetime) -> Orphan:
    owner = owner_of(bucket, repository)
    namespace, pvc = owner.namespace or "", owner.pvc or ""
    newest = ours(bucket, repository.newest_snapshot)
    is_recent = newest is not None and at - newest <= inventory.settings.grace.withdrawn
    has_opted_out = (namespace, pvc) in inventory.cluster.core.pvcs and inventory.settings.claims.label in (
        inventory.cluster.core.pvcs[namespace, pvc].metadata.labels or {}
    )
    is_withdrawn = is_recent and not has_opted_out
    cause = Cause.BACKUP_WITHDRAWN if is_withdrawn else Cause.REPOSITORY_ORPHANED
    what = "asks for its backup no more" if (namespace, pvc) in inventory.cluster.core.pvcs else "is gone"
    names = {"namespace": namespace, "pvc": pvc, "bucket": repository.bucket, "prefix": repository.prefix}
    problem = Problem(
        cause=cause,
        scopes=(scope.namespace(namespace) if is_withdrawn else scope.store(bucket.endpoint, bucket.name),),
        impact=cause.entry.impact,
        severity=cause.entry.severity,
        reason=f"PVC {namespace}/{pvc} {what}; its repository is at {repository.bucket}/{repository.prefix}.",
        command=fill(cause.entry.command, names),
        since=newest,
    )
    return Orphan(bucket=repository.bucket, prefix=repository.prefix, problem=problem, namespace=namespace, pvc=pvc)
