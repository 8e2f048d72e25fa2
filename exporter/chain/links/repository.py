"""Does the bucket hold what VolSync says it saved, can it be restored, and is the repository in order?"""

from datetime import datetime, timedelta

from exporter.chain.backup import Backup, broken, ok, unknown
from exporter.chain.binding import UNLISTED, Binding, BindingState
from exporter.chain.causes import CORRUPT, Cause, Link
from exporter.chain.damage import copies_of, corrupt_object, was_copied
from exporter.chain.instants import earlier
from exporter.chain.recovery import loss, ours
from exporter.chain.verdict import LinkVerdict, Problem
from exporter.durations import format_duration
from exporter.facts.bucket.model import Bucket, Repository
from exporter.facts.dependencies import note
from exporter.facts.reading import Reading

DEFAULT_PRUNE_INTERVAL_DAYS = 7
"""volsync `internal/controller/mover/restic/builder.go`."""
_MOST_DAYS = 36500


def judge(backup: Backup) -> LinkVerdict | None:
    binding = backup.binding
    if binding is None:
        return None
    problems = [p for p in (_shared(backup, binding), _unbound(backup, binding), _prune_overdue(backup)) if p]
    if binding.bucket is None:
        problems += [p for p in (_made_anew_by_log(backup),) if p]
        return broken(Link.REPOSITORY, *problems) if problems else None
    if not binding.is_believed:
        return broken(Link.REPOSITORY, *problems) if problems else unknown(Link.REPOSITORY, _doubt(binding))
    problems += _of_what_is_there(backup, binding, binding.bucket)
    if problems:
        return broken(Link.REPOSITORY, *problems)
    if binding.repository is None or not binding.repository.present:
        return None
    number = binding.repository.snapshots
    found = "1 snapshot is" if number == 1 else f"{number} snapshots are"
    return ok(Link.REPOSITORY, f"{found} in {binding.place} (bound by {binding.evidence}).")


def _doubt(binding: Binding) -> str:
    if binding.repository is not None and binding.repository.suspect:
        reasons = ", ".join(binding.repository.suspect)
        return f"The listing of {binding.place} is not plausible ({reasons})."
    bucket = binding.bucket
    if bucket is None or bucket.reading is Reading.READ:
        return f"There is no repository at {binding.place}, but that location is only a guess ({binding.evidence})."
    return f"Bucket {bucket.name} could not be read: {bucket.detail or bucket.reason or 'not yet'}."


def _of_what_is_there(backup: Backup, binding: Binding, bucket: Bucket) -> list[Problem]:
    if problem := _damaged(backup, binding) or _missing(backup, binding, bucket):
        return [problem]
    if binding.repository is None:
        return []
    own = (_made_anew(backup, binding, binding.repository), _lock(backup, binding, binding.repository))
    return [problem for problem in own if problem]


def _names(binding: Binding) -> dict[str, str]:
    bucket = binding.bucket
    return {
        "bucket": bucket.name if bucket else "",
        "prefix": binding.prefix,
        "endpoint": bucket.endpoint if bucket else "",
    }


# --- what VolSync says, and what is there


def _damaged(backup: Backup, binding: Binding) -> Problem | None:
    repository = binding.repository
    if repository is None:
        return None
    if shown := backup.once(loss):
        since = ours(binding.bucket, repository.config_at) if binding.bucket else None
        reason = f"Nothing can be restored from {binding.place}: {shown}."
        return backup.problem(Cause.REPOSITORY_DAMAGED, reason, since=since, names=_names(binding))
    return _corrupt(backup, binding, repository)


def _corrupt(backup: Backup, binding: Binding, repository: Repository) -> Problem | None:
    """The store brings other bytes than restic stored, at each of two reads."""
    if repository.scrub is None or (worst := corrupt_object(repository)) is None:
        return None
    more = (repository.scrub.corrupt_objects or 1) - 1
    others = f"; {more} more objects are corrupt" if more > 1 else "; 1 more object is corrupt" if more else ""
    note(UNLISTED)  # every bucket is looked through
    copies = copies_of(repository, backup.inventory.buckets)
    from_copy = f" The same repository is at {copies[0]}: copy it from there." if copies else ""
    reason = (
        f"Not everything can be restored from {binding.place}: {worst.name} is corrupt: the SHA-256 of its bytes "
        f"does not match its name{others}.{from_copy}"
    )
    names = _names(binding) | {"object": "/".join(part for part in (binding.prefix, worst.name) if part)}
    return backup.problem(Cause.REPOSITORY_DAMAGED, reason, variant=CORRUPT, names=names)


def _missing(backup: Backup, binding: Binding, bucket: Bucket) -> Problem | None:
    """VolSync says that a sync saved something; a listing made well after it shows that it did not."""
    synced = backup.status.last_sync_time
    if not bucket.exists:
        reason = f"The store reports that bucket {bucket.name} does not exist."
        return backup.problem(
            Cause.REPOSITORY_MISSING, reason, scopes=backup.stores, since=synced, names=_names(binding)
        )
    if synced is None or backup.saved_nothing or backup.last_result not in ("Successful", ""):
        return None
    if not binding.is_set or not _was_listed_after(backup, binding, bucket, synced):
        return None
    ago = format_duration(backup.at - synced)
    scopes = (backup.scope, *backup.stores)
    if binding.repository is None or not binding.repository.present:
        reason = f"VolSync reports a successful sync {ago} ago, but there is no repository at {binding.place}."
        return backup.problem(Cause.REPOSITORY_MISSING, reason, scopes=scopes, since=synced, names=_names(binding))
    newest = ours(bucket, binding.repository.newest_snapshot)
    began = earlier(synced, (backup.last_sync_duration or timedelta(0)) + _patience(backup))
    if newest is not None and newest >= began:
        return None
    shown = (
        f"the newest snapshot in {binding.place} is {format_duration(backup.at - newest)} old"
        if newest
        else f"there is no snapshot in {binding.place}"
    )
    reason = f"VolSync reports a successful sync {ago} ago, but {shown}."
    return backup.problem(Cause.SNAPSHOT_MISSING, reason, scopes=scopes, since=newest or synced, names=_names(binding))


def _was_listed_after(backup: Backup, binding: Binding, bucket: Bucket, synced: datetime) -> bool:
    measured = binding.repository.measured_at if binding.repository else None
    listed = ours(bucket, measured) or bucket.read_at
    if listed is not None and earlier(listed, _patience(backup)) >= synced:
        return True
    note(UNLISTED)
    return False


def _patience(backup: Backup) -> timedelta:
    """The bucket's grace, or half of a shorter interval: else a frequent schedule would always outrun it."""
    grace = backup.settings.grace.bucket
    return min(grace, backup.interval / 2) if backup.interval else grace


# --- whose it is


def _shared(backup: Backup, binding: Binding) -> Problem | None:
    """VolSync's restic mover calls every volume `/data` of host `volsync`: `forget` takes one's for another's."""
    others = [key for key in _sharing(backup, binding) if key != backup.key]
    if not others:
        return None
    named = ", ".join("/".join(key) for key in others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    where = binding.place or f"Secret {backup.repository_secret}"
    reason = f"Its repository ({where}) is also used by {named}: retention for one claim removes snapshots of another."
    return backup.problem(Cause.REPOSITORY_SHARED, reason, scopes=(backup.scope, *backup.stores), sign=where)


def _sharing(backup: Backup, binding: Binding) -> tuple[tuple[str, str], ...]:
    """The claims that write where this one does: by their place, or by the Secret that they take it from."""
    if backup.method != "restic":
        return ()
    if binding.state is BindingState.PROVEN and binding.bucket is not None:
        at = backup.inventory.bindings.claims_at.get((binding.bucket.identity, binding.prefix), ())
        if len(at) > 1:
            return at
    return backup.cluster.volsync.sharers_of((backup.namespace, backup.repository_secret or ""))


def _unbound(backup: Backup, binding: Binding) -> Problem | None:
    """A doubt that a person can end, once for each store."""
    buckets = [bucket for bucket in backup.inventory.buckets if bucket.reading is Reading.READ and bucket.exists]
    if binding.state is not BindingState.UNKNOWN or not buckets or backup.volsync_point is None:
        return None
    layouts = {layout for bucket in buckets if (layout := backup.inventory.bindings.layout_of(bucket))}
    fits = f" Other repositories there follow the layout {min(layouts)}." if layouts else ""
    reason = f"It is not known which repository {backup.source_name} writes to: {binding.evidence}.{fits}"
    scopes = (binding.store or backup.inventory.bindings.store_of_all(buckets),)
    return backup.problem(Cause.REPOSITORY_UNBOUND, reason, scopes=scopes)


# --- the repository's own order


def _made_anew(backup: Backup, binding: Binding, repository: Repository) -> Problem | None:
    """It is younger than a prune, or than a backup, that VolSync remembers; a copy is not.

    The first backup that saves something makes it: what came before saved nothing.
    """
    made = ours(binding.bucket, repository.created) if binding.bucket else None
    if made is None:
        return None
    pruned = backup.status.restic.last_pruned if backup.status.restic else None
    history = [moment for moment in (pruned, backup.volsync_point) if moment]
    grace = backup.settings.grace.bucket
    if not history or made <= min(history) + grace or was_copied(repository, backup.interval):
        return None
    age = format_duration(backup.at - made)
    reason = f"The repository was created {age} ago, after backups that VolSync has recorded."
    scopes = (backup.scope, *backup.stores)
    return backup.problem(Cause.REPOSITORY_REINITIALISED, reason, scopes=scopes, since=made, names=_names(binding))


def _made_anew_by_log(backup: Backup) -> Problem | None:
    """The last backup says that it made the repository, and VolSync remembers a prune of an earlier one."""
    pruned = backup.status.restic.last_pruned if backup.status.restic else None
    began = backup.volsync_point
    if pruned is None or began is None or pruned >= began or "created restic repository" not in backup.last_log:
        return None
    reason = "The last backup created the repository again, according to its log."
    return backup.problem(Cause.REPOSITORY_REINITIALISED, reason, scopes=(backup.scope, *backup.stores), since=began)


def _lock(backup: Backup, binding: Binding, repository: Repository) -> Problem | None:
    if repository.stale_locks == 0:
        return None
    oldest = ours(binding.bucket, repository.oldest_lock) if binding.bucket else None
    age = f", the oldest {format_duration(backup.at - oldest)} old" if oldest else ""
    locks = "1 stale lock is" if repository.stale_locks == 1 else f"{repository.stale_locks} stale locks are"
    reason = f"{locks} in {binding.place}{age}."
    scopes = (backup.scope, *backup.stores)
    return backup.problem(Cause.LOCK_STALE, reason, scopes=scopes, since=oldest, names=_names(binding))


def _prune_overdue(backup: Backup) -> Problem | None:
    """A prune is due so many days after the last one, or after the source was made (volsync `restic/mover.go`).

    It runs at the end of a sync: while none succeeds there is an earlier problem, and this is its consequence.
    """
    if backup.source is None or backup.method != "restic" or backup.status.last_sync_time is None:
        return None
    days = backup.source.spec.mover.prune_interval_days or DEFAULT_PRUNE_INTERVAL_DAYS
    if not 0 < days <= _MOST_DAYS:
        return None
    interval = timedelta(days=days)
    pruned = (backup.status.restic.last_pruned if backup.status.restic else None) or backup.began
    if pruned is None or backup.at - pruned <= 2 * interval or backup.at - backup.status.last_sync_time > interval:
        return None
    reason = (
        f"The last prune was {format_duration(backup.at - pruned)} ago; it is due every {format_duration(interval)}."
    )
    return backup.problem(Cause.PRUNE_OVERDUE, reason, scopes=backup.everywhere, since=pruned)
