"""How a mover fails: by the last log once VolSync has taken it over, else by how the Job's pods ended.

VolSync takes a result over only after eight failed pods; exit codes and messages tell from the first.
"""

from datetime import timedelta

from exporter.chain import mover_log
from exporter.chain.backup import Backup
from exporter.chain.causes import Cause
from exporter.chain.mover import memory
from exporter.chain.mover_log import FEW_FAILURES, end_of
from exporter.chain.recovery import ours
from exporter.chain.scope import Scope
from exporter.chain.text import one_line, sign_of
from exporter.chain.verdict import Problem
from exporter.facts.reading import Reading, Reason

STORE_FAULTS = (Cause.REPOSITORY_UNREACHABLE, Cause.REPOSITORY_FULL)
"""What is the store's fault alone, whatever each log says of it."""
_STORE_SIDE = (Cause.REPOSITORY_PASSWORD, Cause.REPOSITORY_LOCKED)
"""The claim's own fault, or that of its store where it hits several."""
_AWAY = (Reason.CONNECTION, Reason.TIMEOUT, Reason.TLS, Reason.SERVER_ERROR)
_RENEWED = timedelta(minutes=6)


def problem_of(backup: Backup) -> Problem | None:
    """Why the movers of the sync that is under way fail; None while too few have, without a telling end."""
    if backup.last_failed:
        return of_log(
            backup, backup.log_cause or _cause_of_pods(backup) or _seen_in_store(backup) or Cause.MOVER_FAILING
        )
    failures = max(backup.job.status.failed if backup.job else 0, len(backup.failed_pods))
    cause = _cause_of_pods(backup) or (_seen_in_store(backup) if failures else None)
    if cause is None and failures < FEW_FAILURES:
        return None
    end = end_of(backup.failed_pods[0]) if backup.failed_pods else None
    told = f", exit code {end.exit_code}" if end else ""
    reason = f"The mover of {backup.source_name} has failed {failures} times since the sync began{told}."
    return _problem(backup, cause or Cause.MOVER_FAILING, reason)


def of_last_run(backup: Backup) -> Problem | None:
    """Why the last run failed, while none is under way."""
    if not backup.last_failed:
        return None
    return of_log(backup, backup.log_cause or Cause.MOVER_FAILING)


def of_log(backup: Backup, cause: Cause) -> Problem:
    """The problem with the words that the log has for it."""
    words = one_line(mover_log.last_words(backup.last_log)) or "it left no log"
    sign = sign_of(words, backup.namespace, backup.pvc_name, backup.source_name)
    return _problem(backup, cause, f"The mover of {backup.source_name} fails: {words}.", sign)


def _cause_of_pods(backup: Backup) -> Cause | None:
    """The cause that the newest failed pod names."""
    end = next((end for pod in backup.failed_pods if (end := end_of(pod))), None)
    return mover_log.cause_of_end(end) if end else None


def _seen_in_store(backup: Backup) -> Cause | None:
    """What the exporter itself sees of the store, long before VolSync tells what the mover said.

    restic renews its lock every five minutes (restic `internal/restic/lock.go`): one that is older has no owner.
    """
    binding = backup.binding
    buckets = [binding.bucket] if binding and binding.bucket else list(backup.inventory.buckets)
    if len(buckets) != 1:
        return None
    bucket = buckets[0]
    if bucket.reading is Reading.UNREADABLE and bucket.reason in _AWAY:
        return Cause.REPOSITORY_UNREACHABLE
    repository = binding.repository if binding and binding.is_believed else None
    lock = ours(bucket, repository.oldest_lock) if repository else None
    return Cause.REPOSITORY_LOCKED if lock is not None and backup.at - lock > _RENEWED else None


def _scopes(backup: Backup, cause: Cause) -> tuple[Scope, ...]:
    if cause in STORE_FAULTS:
        return backup.stores
    if cause in _STORE_SIDE:
        return (backup.scope, *backup.stores)
    return backup.everywhere if cause is Cause.MOVER_FAILING else ()


def _problem(backup: Backup, cause: Cause, reason: str, words: str = "") -> Problem:
    names = {"memory": memory.more(backup)} if cause is Cause.MOVER_OUT_OF_MEMORY else {}
    return backup.problem(
        cause,
        reason,
        scopes=_scopes(backup, cause),
        sign=words if cause is Cause.MOVER_FAILING else "",
        since=backup.status.last_sync_start_time,
        variant=backup.manager if cause is Cause.REPOSITORY_SECRET_MISSING else backup.log_place,
        names=names,
    )
