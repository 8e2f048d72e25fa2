"""The recovery point of a backup: what a restore would bring back, and what says so."""

from datetime import datetime, timedelta

from exporter.chain.backup import Backup, created
from exporter.chain.binding import Binding, BindingState
from exporter.chain.damage import corrupt_object, loss_of
from exporter.chain.instants import earlier
from exporter.facts.bucket.model import Bucket

IN_BUCKET = "the newest snapshot in the bucket"
REPORTED = "as reported by VolSync, not verified in a bucket"


def snapshot_point(backup: Backup) -> datetime | None:
    """When the newest snapshot that can be restored was written, by our clock; None where the bucket does not tell."""
    return backup.once(_snapshot_point)


def _snapshot_point(backup: Backup) -> datetime | None:
    binding = backup.binding
    if binding is None or not binding.is_believed or binding.bucket is None or binding.repository is None:
        return None
    if corrupt_object(binding.repository) or backup.once(loss):
        return None
    return ours(binding.bucket, binding.repository.newest_snapshot)


def loss(backup: Backup) -> str:
    """What the listing shows to be broken in its repository, for a person; empty where it shows nothing."""
    repository = backup.binding.repository if backup.binding else None
    return loss_of(repository, created(backup.source), backup.interval) if repository else ""


def recovery_point(backup: Backup) -> tuple[datetime | None, str]:
    """The moment that a restore would bring back, and what says so."""
    return backup.once(_recovery_point)


def _recovery_point(backup: Backup) -> tuple[datetime | None, str]:
    binding = backup.binding
    if binding is None:
        return None, REPORTED
    if backup.says_nothing_is_left:
        return None, "its mover's own log"
    if binding.is_believed and not is_shared(backup, binding):
        return snapshot_point(backup), IN_BUCKET
    if binding.is_believed and snapshot_point(backup) is None:
        return None, IN_BUCKET
    return backup.volsync_point, REPORTED


def is_shared(backup: Backup, binding: Binding) -> bool:
    """Whether other claims write to the same repository: then its newest snapshot may be theirs."""
    if binding.state is not BindingState.PROVEN or binding.bucket is None:
        return False
    return len(backup.inventory.bindings.claims_at.get((binding.bucket.identity, binding.prefix), ())) > 1


def ours(bucket: Bucket, moment: datetime | None) -> datetime | None:
    """A moment of the store's clock by our clock."""
    return earlier(moment, bucket.clock_skew or timedelta(0)) if moment else None
