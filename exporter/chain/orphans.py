"""Repositories that no claim writes to any more, under any layout."""

from datetime import timedelta
from functools import partial

from exporter.chain import scope
from exporter.chain.backup import fill
from exporter.chain.binding.model import store_of
from exporter.chain.binding.moments import rhythm
from exporter.chain.causes import Cause
from exporter.chain.inventory import Inventory
from exporter.chain.now import Now
from exporter.chain.recovery import ours
from exporter.chain.verdict import Orphan, Problem
from exporter.facts import layout
from exporter.facts.bucket.model import Bucket, Repository
from exporter.facts.layout import Owner
from exporter.facts.reading import Reading

_ONE_DAY = timedelta(days=1)
_LONGEST_PAUSE = timedelta(days=3)


def rests_on(inventory: Inventory) -> tuple[object, ...]:
    """All that `find` looks at, apart from the clock."""
    core, volsync = inventory.cluster.core, inventory.cluster.volsync
    bindings = inventory.bindings
    decided = (bindings.claims_at, bindings.unplaced, inventory.selection, volsync.sources.written)
    return (*decided, inventory.settings, core.claims, *inventory.buckets)


def find(inventory: Inventory, at: Now) -> tuple[Orphan, ...]:
    """Those in buckets that were read, for whom it is known that no PVC asks for them; sorted."""
    core, volsync = inventory.cluster.core, inventory.cluster.volsync
    if not core.claims.known or (volsync.sources.applies and not volsync.sources.known):
        return ()
    found = [
        inventory.isolation.attempt(
            f"{bucket.name}/{repository.prefix}",
            partial(_orphan, inventory, template, bucket, repository, names, at),
            lambda _failure: None,
        )
        for bucket in inventory.buckets
        if bucket.reading is Reading.READ and (template := inventory.bindings.layout_of(bucket))
        for names in (_names_in_use(inventory, template),)
        for repository in bucket.repositories
    ]
    return tuple(sorted((orphan for orphan in found if orphan), key=lambda orphan: (orphan.bucket, orphan.prefix)))


def _orphan(
    inventory: Inventory,
    template: str,
    bucket: Bucket,
    repository: Repository,
    names: set[tuple[str | None, str]],
    at: Now,
) -> Orphan | None:
    """*repository* as an orphan; None where it is none.

    A prefix that the layout cannot read as a claim may be anybody's: it is left alone. So is one whose last part is
    one of the *names* of a source that may write anywhere.
    """
    if not repository.present or repository.suspect:
        return None
    if inventory.bindings.claims_at.get((bucket.identity, repository.prefix)) or _is_alive(bucket, repository, at):
        return None
    owner = layout.read(template, repository.prefix.removeprefix(bucket.prefix).strip("/"))
    named = owner.pvc or owner.source
    if not named or (owner.namespace, named) in names:
        return None
    if owner.namespace is not None and not inventory.selection.is_looked_at(owner.namespace):
        return None
    return _orphan_of(inventory, bucket, repository, owner, at)


def _is_alive(bucket: Bucket, repository: Repository, at: Now) -> bool:
    """Whether somebody still writes to it, in its own rhythm: another cluster, for example."""
    newest = ours(bucket, repository.newest_snapshot)
    beat = rhythm(repository) or _ONE_DAY
    return newest is not None and at - newest <= min(3 * beat, _LONGEST_PAUSE)


def _names_in_use(inventory: Inventory, template: str) -> set[tuple[str | None, str]]:
    """The names that claims, and sources whose repository is not known, may have under *template*."""
    has_namespace = "{namespace}" in template
    sources = inventory.cluster.volsync.sources.items
    unplaced = inventory.bindings.unplaced
    unbound = [source for source in sources if not source.spec.source_pvc or source.key in unplaced]
    names = {(namespace, pvc) for namespace, pvc in inventory.claims}
    names |= {(source.namespace, name) for source in unbound for name in (source.name, source.spec.source_pvc)}
    return {(namespace if has_namespace else None, name) for namespace, name in names}


def _orphan_of(inventory: Inventory, bucket: Bucket, repository: Repository, owner: Owner, at: Now) -> Orphan:
    namespace, pvc = owner.namespace or "", owner.pvc or owner.source or ""
    newest = ours(bucket, repository.newest_snapshot)
    is_recent = newest is not None and at - newest <= inventory.settings.grace.withdrawn
    known = inventory.cluster.core.pvcs.get((namespace, pvc))
    has_opted_out = known is not None and inventory.selection.opts_out(known)
    is_withdrawn = is_recent and not has_opted_out
    cause = Cause.BACKUP_WITHDRAWN if is_withdrawn else Cause.REPOSITORY_ORPHANED
    what = "no longer asks for a backup" if known else "is gone"
    name = "/".join(part for part in (namespace, pvc) if part)
    names = {"namespace": namespace, "pvc": pvc, "bucket": repository.bucket, "prefix": repository.prefix}
    in_namespace = is_withdrawn and bool(namespace)
    problem = Problem(
        cause=cause,
        scopes=(scope.namespace(namespace) if in_namespace else store_of(bucket),),
        impact=cause.entry.impact,
        severity=cause.entry.severity,
        reason=f"PVC {name} {what}; its repository is at {repository.bucket}/{repository.prefix}.",
        command=fill(cause.entry.command, {**names, "endpoint": bucket.endpoint}),
        since=newest,
    )
    return Orphan(
        bucket=bucket.name,
        prefix=repository.prefix,
        problem=problem,
        namespace=namespace,
        pvc=pvc,
        endpoint=bucket.endpoint,
        bucket_prefix=bucket.prefix,
    )
