"""Does the mover run, and if not, why?

While a mover hangs or fails, the source's status keeps the result of the last run that ended: the Job and its pods
tell. VolSync takes the result over only after eight failed pods, and then deletes the Job and makes a new one
(volsync `internal/controller/mover/restic/mover.go`).
"""

from exporter.chain.backup import Backup, broken, ok, unknown
from exporter.chain.causes import Cause, Link
from exporter.chain.mover import copies, failing, refused, starting
from exporter.chain.verdict import LinkVerdict, Problem
from exporter.durations import format_duration
from exporter.facts.cluster.object_list import MalformedObject, ObjectList, first_unread
from exporter.facts.cluster.wire import Object


def judge(backup: Backup) -> LinkVerdict | None:
    if backup.source is None or backup.method == "syncthing":
        return None
    if not backup.is_syncing:
        failed = failing.of_last_run(backup)
        return broken(Link.MOVER, failed) if failed else ok(Link.MOVER, "No sync is under way.")
    if backup.source.spec.paused:
        return None
    if problem := _obstacle(backup):
        return broken(Link.MOVER, problem)
    if unread := first_unread(*_needed(backup)):
        return unknown(Link.MOVER, f"The mover's state could not be read: {unread.unread}.")
    if malformed := _malformed(backup):
        return unknown(Link.MOVER, f"{malformed.kind} {malformed.name} could not be understood.")
    if refused.is_open(backup):
        return unknown(Link.MOVER, "The Job has no pod, and the events that would show why could not be read.")
    if copies.is_open(backup):
        return unknown(Link.MOVER, "Whether the mover's copy is still being created could not be read.")
    if problem := _slow(backup):
        return broken(Link.MOVER, problem)
    without = "" if backup.job else ", and has no Job yet"
    return ok(Link.MOVER, f"A sync has been under way for {format_duration(backup.sync_age)}{without}.")


def _obstacle(backup: Backup) -> Problem | None:
    """What keeps the mover from its work, in the order in which it gets there."""
    return (
        copies.problem_of(backup)
        or refused.problem_of(backup)
        or failing.problem_of(backup)
        or starting.problem_of(backup)
    )


def _needed(backup: Backup) -> tuple[ObjectList[Object], ...]:
    """The lists that tell what the mover waits for."""
    return (backup.cluster.core.jobs, backup.cluster.core.pods, *(_copies(backup) if backup.job is None else ()))


def _copies(backup: Backup) -> tuple[ObjectList[Object], ...]:
    cluster = backup.cluster
    lists: dict[str | None, ObjectList[Object]] = {
        "Snapshot": cluster.snapshots.snapshots,
        "Clone": cluster.core.claims,
    }
    method = backup.source.spec.mover.copy_method if backup.source else None
    return (lists[method],) if method in lists else ()


def _malformed(backup: Backup) -> MalformedObject | None:
    """An object of the namespace that may be the one that is missing here: the Job, its pod, or the copy."""
    cluster = backup.cluster
    missing: list[ObjectList[Object]] = [cluster.core.pods] if backup.job and not backup.pods else []
    if backup.job is None:
        missing = [cluster.core.jobs, *_copies(backup)]
    return next((bad for listing in missing if (bad := listing.malformed_in(backup.namespace))), None)


def _slow(backup: Backup) -> Problem | None:
    """Measured from the pod's start: the sync may have waited for long."""
    since = backup.running_since
    if since is None or backup.at - since <= backup.usual_run:
        return None
    reason = f"The mover of {backup.source_name} has been running for {format_duration(backup.at - since)}."
    return backup.problem(Cause.MOVER_SLOW, reason, scopes=(backup.scope, *backup.stores), since=since)
