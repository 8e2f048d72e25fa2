"""What proves that a repository is damaged: its listing, or an object whose bytes are not those of its name."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from exporter.facts.bucket.model import Bucket, CorruptObject, ObjectType, Repository

FIRST_MINUTE = timedelta(minutes=1)
"""Keys of so short a time after `config` were made by `restic init`, which makes one. VolSync adds none."""
_NEW = timedelta(hours=1)
"""A policy makes source and destination together, and their first movers run at once."""
_SEVERAL = 3
_WORST = (ObjectType.KEYS, ObjectType.INDEX, ObjectType.SNAPSHOTS, ObjectType.DATA, ObjectType.LOCKS)
_VITAL = ("config", "index/", "data/")
"""Objects that restic cannot do without; a snapshot that is cut off costs itself alone."""


def is_damaged(repository: Repository, begun: datetime | None = None, interval: timedelta | None = None) -> bool:
    """Whether it is proven that not everything can be restored from *repository*; for the rest see `loss_of`."""
    return bool(corrupt_object(repository) or loss_of(repository, begun, interval))


def corrupt_object(repository: Repository) -> CorruptObject | None:
    """The object whose loss is the worst among those that are not what their names say; None where there is none.

    A key, an index or a snapshot that is corrupt stops restic wherever it reads it, and packs hold the data.
    """
    if not repository.present or repository.scrub is None:
        return None
    return min(repository.scrub.corrupt, key=lambda one: (_WORST.index(_kind(one)), one.name), default=None)


def copies_of(repository: Repository, buckets: Iterable[Bucket]) -> tuple[str, ...]:
    """Where the same repository lies in another bucket, as a mirror of it: `bucket/prefix`.

    The names of an index are those of its bytes: two repositories that have the same ones are one and its copy.
    """
    return tuple(
        "/".join(part for part in (bucket.store, other.prefix) if part)
        for bucket in buckets
        for other in bucket.repositories
        if other is not repository
        and repository.index_generation
        and other.index_generation == repository.index_generation
        and corrupt_object(other) is None
    )


def _kind(corrupt: CorruptObject) -> ObjectType:
    return ObjectType(corrupt.name.partition("/")[0])


def loss_of(repository: Repository, begun: datetime | None = None, interval: timedelta | None = None) -> str:
    """What the listing shows to be broken in *repository*, for a person; empty where it shows nothing.

    *begun* is when its source was made, and *interval* the time between two backups: two movers meet in a repository
    that is new, and a copy of one that a person gave a second key looks much like theirs.
    """
    if not repository.present:
        return ""
    if repository.config_present is False:
        return "its config is gone"
    if (keys := repository.totals.get(ObjectType.KEYS)) is not None and keys.objects == 0:
        return "its keys are gone"
    if _has_lost_packs(repository):
        return "its packs are gone: it has indexes and no data"
    if cut := next((name for name in repository.truncated_names if name.startswith(_VITAL)), ""):
        return f"{cut} is cut off"
    if _was_made_twice(repository, begun) and not was_copied(repository, interval):
        return "two movers made it at the same moment: one's key opens nothing that the other wrote"
    return ""


def was_copied(repository: Repository, interval: timedelta | None) -> bool:
    """Whether the times are those of a copy: snapshots of several backups, written along with `config`."""
    made = repository.config_at
    if made is None or interval is None:
        return False
    along = sum(1 for written in repository.snapshot_times if abs(written - made) < interval / 2)
    return along >= _SEVERAL


def _has_lost_packs(repository: Repository) -> bool:
    data, index = repository.totals.get(ObjectType.DATA), repository.totals.get(ObjectType.INDEX)
    if data is None or index is None or data.objects or not index.objects or repository.data_measured_at is None:
        return False
    return repository.newest_snapshot is None or repository.data_measured_at >= repository.newest_snapshot


def _was_made_twice(repository: Repository, begun: datetime | None) -> bool:
    """Whether two initialisations met: the second `config` takes the place of the first, and both keys stay."""
    made = repository.config_at
    if made is None or begun is None or abs(made - begun) > _NEW:
        return False
    return sum(1 for written in repository.key_times if abs(written - made) <= FIRST_MINUTE) > 1
