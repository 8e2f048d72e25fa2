"""Does the bucket hold what VolSync says it saved, and is the repository in order?"""

from datetime import datetime, timedelta

from exporter.chain.case import Case, broken, earlier, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.recovery import Located, located, ours
from exporter.chain.verdict import LinkVerdict, Problem
from exporter.durations import format_duration
from exporter.facts.bucket.model import Repository

DEFAULT_PRUNE_INTERVAL_DAYS = 7
"""volsync `internal/controller/mover/restic/builder.go`."""


def judge(case: Case) -> LinkVerdict | None:
    place = located(case)
    problems = [problem for problem in (_prune_overdue(case), _reinitialised_by_log(case)) if problem]
    if place is None:
        return broken(Link.REPOSITORY, *problems) if problems else None
    if not place.is_believed:
        return unknown(Link.REPOSITORY, _disbelief(place))
    if problem := _missing(case, place):
        return broken(Link.REPOSITORY, problem, *problems)
    if place.repository is not None:
        problems += [
            p for p in (_reinitialised(case, place, place.repository), _lock(case, place, place.repository)) if p
        ]
    if problems:
        return broken(Link.REPOSITORY, *problems)
    if place.repository is None or not place.repository.present:
        return None
    return ok(Link.REPOSITORY, f"{place.repository.snapshots} snapshots are in {place.bucket.name}/{place.prefix}.")


def _disbelief(place: Located) -> str:
    if place.repository is not None and place.repository.suspect:
        reasons = ", ".join(place.repository.suspect)
        return f"The listing of {place.bucket.name}/{place.prefix} is not believed ({reasons})."
    return f"Bucket {place.bucket.name} could not be read: {place.bucket.detail or place.bucket.reason or 'not yet'}."


def _names(place: Located) -> dict[str, str]:
    return {"bucket": place.bucket.name, "prefix": place.prefix}


# --- what VolSync says, and what is there


def _missing(case: Case, place: Located) -> Problem | None:
    """VolSync says that a sync saved something; a listing made well after it shows that it did not."""
    synced = case.status.last_sync_time
    if synced is None or case.saved_nothing or case.last_result not in ("Successful", ""):
        return None
    if not _was_listed_after(case, place, synced):
        return None
    where = f"{place.bucket.name}/{place.prefix}"
    ago = format_duration(case.at - synced)
    if place.repository is None or not place.repository.present:
        return case.problem(
            Cause.REPOSITORY_MISSING,
            f"VolSync reports a success {ago} ago, and there is no repository at {where}.",
            since=synced,
            names=_names(place),
        )
    newest = ours(place.bucket, place.repository.newest_snapshot)
    began = earlier(synced, (case.last_sync_duration or timedelta(0)) + _patience(case))
    if newest is not None and newest >= began:
        return None
    shown = (
        f"the newest snapshot at {where} is {format_duration(case.at - newest)} old"
        if newest
        else f"no snapshot is at {where}"
    )
    return case.problem(
        Cause.SNAPSHOT_MISSING,
        f"VolSync reports a success {ago} ago, and {shown}.",
        since=newest or synced,
        names=_names(place),
    )


def _was_listed_after(case: Case, place: Located, synced: datetime) -> bool:
    measured = place.repository.measured_at if place.repository else None
    listed = ours(place.bucket, measured) or place.bucket.read_at
    return listed is not None and earlier(listed, _patience(case)) >= synced


def _patience(case: Case) -> timedelta:
    """The bucket's grace, or half of a shorter interval: else a frequent schedule would always outrun it."""
    grace = case.settings.grace.bucket
    return min(grace, case.interval / 2) if case.interval else grace


# --- the repository's own order


def _reinitialised(case: Case, place: Located, repository: Repository) -> Problem | None:
    """It is younger than a prune, or than a success, that VolSync remembers."""
    made = ours(place.bucket, repository.created)
    pruned = case.status.restic.last_pruned if case.status.restic else None
    history = [moment for moment in (pruned, case.status.last_sync_time) if moment]
    if made is None or not history or made <= min(history) + case.settings.grace.bucket:
        return None
    reason = f"The repository was made {format_duration(case.at - made)} ago, after backups that VolSync remembers."
    return case.problem(Cause.REPOSITORY_REINITIALISED, reason, since=made, names=_names(place))


def _reinitialised_by_log(case: Case) -> Problem | None:
    """The last backup says that it made the repository, and VolSync remembers a prune of an earlier one."""
    pruned = case.status.restic.last_pruned if case.status.restic else None
    began = case.volsync_point
    if pruned is None or began is None or pruned >= began or "created restic repository" not in case.last_log:
        return None
    reason = "The last backup made the repository anew: its log says so."
    return case.problem(Cause.REPOSITORY_REINITIALISED, reason, since=began)


def _lock(case: Case, place: Located, repository: Repository) -> Problem | None:
    if repository.stale_locks == 0:
        return None
    oldest = ours(place.bucket, repository.oldest_lock)
    age = f", the oldest {format_duration(case.at - oldest)} old" if oldest else ""
    locks = "1 stale lock is" if repository.stale_locks == 1 else f"{repository.stale_locks} stale locks are"
    reason = f"{locks} in {place.bucket.name}/{place.prefix}{age}."
    return case.problem(Cause.LOCK_STALE, reason, since=oldest, names=_names(place))


def _prune_overdue(case: Case) -> Problem | None:
    """A prune is due so many days after the last one, or after the source was made (volsync `restic/mover.go`).

    It runs at the end of a sync: while none succeeds there is an earlier problem, and this is its consequence.
    """
    if case.source is None or case.source.spec.method != "restic" or case.status.last_sync_time is None:
        return None
    interval = timedelta(days=min(case.source.spec.mover.prune_interval_days or DEFAULT_PRUNE_INTERVAL_DAYS, 36500))
    pruned = (case.status.restic.last_pruned if case.status.restic else None) or case.began
    if pruned is None or case.at - pruned <= 2 * interval or case.status.last_sync_time < earlier(case.at, interval):
        return None
    reason = f"The last prune was {format_duration(case.at - pruned)} ago; it is due every {format_duration(interval)}."
    return case.problem(Cause.PRUNE_OVERDUE, reason, since=pruned)
