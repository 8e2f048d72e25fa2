"""The recovery point of a backup, and the repository in the bucket that proves it."""

from datetime import datetime, timedelta

import msgspec

from exporter.chain.backup import Backup, earlier
from exporter.facts import layout
from exporter.facts.bucket.model import Bucket, Repository
from exporter.facts.layout import Owner, prefix_of
from exporter.facts.reading import Reading, Reason

_LAYOUT = "{namespace}/{pvc}"
RESTIC = ("restic",)
"""The movers whose repositories a listing can be read of."""


_ABOUT_DATA = {Reason.INCOMPLETE}
"""Doubts of the full listing alone: snapshots and locks are seen by another."""


class Located(msgspec.Struct, frozen=True):
    """Where a backup's repository should be, and what is known of it there."""

    bucket: Bucket
    prefix: str
    repository: Repository | None

    @property
    def is_believed(self) -> bool:
        """Whether the listing tells: of a repository that it shows, or of a place where it looked and found none."""
        if self.repository is None:
            return self.bucket.covers(self.prefix)
        doubts = set(self.repository.suspect) - _ABOUT_DATA
        return self.bucket.reading is Reading.READ and self.repository.present is not None and not doubts


def located(backup: Backup) -> Located | None:
    """The backup's repository; None where no bucket is configured, or the mover writes none that can be read.

    Where several buckets are, it is the one whose newest snapshot lies nearest to the source's last sync.
    """
    if backup.source is None or backup.source.spec.method not in RESTIC:
        return None
    places = [place for bucket in backup.inventory.buckets if (place := _in_bucket(backup, bucket))]
    return min(places, key=lambda place: _distance(backup, place), default=None)


def snapshot_point(backup: Backup) -> datetime | None:
    """When the newest snapshot was written, by our clock; None where the bucket does not tell."""
    place = located(backup)
    if place is None or not place.is_believed or place.repository is None:
        return None
    return ours(place.bucket, place.repository.newest_snapshot)


def recovery_point(backup: Backup) -> tuple[datetime | None, str]:
    """The moment that a restore would bring back, and what says so."""
    place = located(backup)
    if place is not None and place.is_believed:
        return snapshot_point(backup), "the newest snapshot in the bucket"
    if place is not None:
        return backup.volsync_point, "VolSync's word: the bucket does not tell"
    return backup.volsync_point, "VolSync's word"


def ours(bucket: Bucket, moment: datetime | None) -> datetime | None:
    """A moment of the store's clock by our clock."""
    return earlier(moment, bucket.clock_skew or timedelta(0)) if moment else None


def owner_of(bucket: Bucket, repository: Repository) -> Owner:
    """Whose *repository* is, as the bucket's layout reads its path."""
    path = repository.prefix.removeprefix(bucket.prefix).strip("/")
    return layout.read(bucket.layout or _LAYOUT, path)


def _in_bucket(backup: Backup, bucket: Bucket) -> Located | None:
    path = prefix_of(bucket.layout or _LAYOUT, backup.namespace, backup.pvc_name, backup.source_name)
    prefix = "/".join(part for part in (bucket.prefix.strip("/"), path.strip("/")) if part)
    repository = backup.inventory.repositories.get((bucket.name, prefix))
    return Located(bucket, prefix, repository)


def _distance(backup: Backup, place: Located) -> tuple[bool, timedelta]:
    newest = place.repository.newest_snapshot if place.repository else None
    synced = backup.status.last_sync_time
    if newest is None or synced is None:
        return newest is None, timedelta(0)
    return False, abs(newest - synced)
