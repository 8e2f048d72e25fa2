"""Restores as evidence: which of them brought a claim's data back, when, and how that is known."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from exporter.chain.backup import Backup, duration_of
from exporter.chain.binding.moments import SLACK
from exporter.chain.instants import earlier
from exporter.chain.mover_log import Restored, restored_in, says_nothing_restored
from exporter.chain.recovery import is_shared, ours
from exporter.chain.restores.readers import Reader
from exporter.chain.verdict import RestoreDoubt, RestoreEvidence, RestoreProof
from exporter.durations import parse_duration
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationDestinationStatus

_AHEAD = timedelta(minutes=5)
"""How far VolSync's clock may be ahead of ours; what lies further in the future did not happen."""
_SHARED = "several claims write to the repository, and it is not known whose data was restored"
_UNTOLD = "VolSync reports Successful and kept no log that shows whether data was restored"
_OVERWRITTEN = "VolSync kept only the log of a later run, which failed"
_OLDER = "its repository has been created again since then"


def evidence_of(backup: Backup) -> RestoreEvidence:
    """What restores prove of the claim's backups, by all of its sources."""
    found = list(_judged(backup))
    proofs = [one for one in found if isinstance(one, RestoreProof)]
    doubts = [one for one in found if isinstance(one, RestoreDoubt)]
    proof = max(proofs, key=lambda one: (one.ended, one.destination), default=None)
    doubt = max(doubts, key=lambda one: (one.ended, one.destination), default=None)
    return RestoreEvidence(
        proof=proof,
        doubt=doubt if doubt and (proof is None or doubt.ended > proof.ended) else None,
        counts_from=max((one.counts_from for one in proofs), default=None),
        wanted=wanted(backup),
    )


def wanted(backup: Backup) -> timedelta | None:
    """How often the claim's owner wants a restore to be proven, else the settings; None: nobody asks."""
    annotations = backup.pvc.metadata.annotations if backup.pvc else None
    own = annotations.restore_proof if annotations else None
    try:
        often = parse_duration(own) if own is not None else backup.settings.grace.restore_proof
    except ValueError:
        often = backup.settings.grace.restore_proof
    return often or None


def _judged(backup: Backup) -> Iterator[RestoreProof | RestoreDoubt]:
    for source in backup.sources:
        if not (readers := backup.inventory.readers.of(source)):
            continue
        one = backup if source is backup.source else Backup(backup.inventory, backup.key, source, backup.at)
        yield from (judged for reader in readers if (judged := _judge(one, reader)))


def _judge(backup: Backup, reader: Reader) -> RestoreProof | RestoreDoubt | None:
    """What one restore proves; None where it has not succeeded, or brought nothing back."""
    destination = reader.destination
    status = destination.status or ReplicationDestinationStatus()
    ended = status.last_sync_time
    if ended is None or backup.at - ended < -_AHEAD:
        return None
    log = status.latest_mover_status.logs if status.latest_mover_status else ""
    is_its_log = status.latest_mover_status is not None and status.latest_mover_status.result == "Successful"
    if is_its_log and says_nothing_restored(log):
        return None
    restored = restored_in(log) if is_its_log else None
    shown = restored is None and _is_shown(backup, destination, status)
    doubt = (
        reader.doubt
        or (_SHARED if _is_anyones(backup, destination) else "")
        or (_OLDER if _is_of_another(backup, ended) else "")
        or ("" if restored or shown else _UNTOLD if is_its_log else _OVERWRITTEN)
    )
    name = "/".join(destination.key)
    if doubt:
        return RestoreDoubt(name, ended, doubt)
    return _proof(backup, name, status, ended, restored)


def _proof(
    backup: Backup, name: str, status: ReplicationDestinationStatus, ended: datetime, restored: Restored | None
) -> RestoreProof:
    point = restored.taken if restored and restored.taken and restored.taken <= ended else None
    worth = earlier(point, -backup.objective) if point and backup.objective is not None else ended
    return RestoreProof(
        destination=name,
        ended=ended,
        took=duration_of(status),
        point=point,
        snapshot=restored.snapshot if restored else "",
        amount=restored.amount if restored else "",
        evidence="its mover's own log" if restored else "it succeeded, and the bucket already contained snapshots",
        counts_from=min(ended, worth),
    )


def _is_shown(backup: Backup, destination: ReplicationDestination, status: ReplicationDestinationStatus) -> bool:
    """Whether the bucket shows that there were snapshots to restore when it began.

    A restore takes the newest; one that is told to take an older one may find none that is old enough.
    """
    mover = destination.spec.mover
    binding = backup.binding
    if mover.previous or mover.restore_as_of or status.last_sync_time is None:
        return False
    if binding is None or not binding.is_believed or binding.bucket is None or binding.repository is None:
        return False
    oldest = ours(binding.bucket, binding.repository.oldest_snapshot)
    began = earlier(status.last_sync_time, duration_of(status) or timedelta(0))
    return oldest is not None and oldest < began


def _is_anyones(backup: Backup, destination: ReplicationDestination) -> bool:
    """Whether other claims' snapshots lie in the same repository, and nothing says whose it takes."""
    if destination.spec.mover.source_identity and destination.spec.mover.source_identity.source_name:
        return False
    secret = (backup.namespace, backup.repository_secret or "")
    if len(backup.cluster.volsync.sharers_of(secret, backup.method)) > 1:
        return True
    return backup.binding is not None and is_shared(backup, backup.binding)


def _is_of_another(backup: Backup, ended: datetime) -> bool:
    """Whether the repository that is there now was made only after it."""
    binding = backup.binding
    if binding is None or not binding.is_believed or binding.bucket is None or binding.repository is None:
        return False
    made = ours(binding.bucket, binding.repository.created)
    return made is not None and made > earlier(ended, -SLACK)
