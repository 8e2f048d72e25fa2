"""What a listing tells of a bucket and of the repositories in it."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from exporter.facts.reading import Reading, Reason


class ObjectType(StrEnum):
    """The folders of a restic repository (restic `doc/design.rst`)."""

    DATA = "data"
    INDEX = "index"
    KEYS = "keys"
    LOCKS = "locks"
    SNAPSHOTS = "snapshots"


class Totals(msgspec.Struct, frozen=True):
    objects: int
    bytes: int


class Repository(msgspec.Struct, frozen=True):
    """What a listing without a password tells of one restic repository. Times are the store's."""

    bucket: str
    prefix: str
    """Its path in the bucket, without a slash at either end."""
    measured_at: datetime
    present: bool | None
    """Whether there is a repository; None when the listing cannot be believed either way."""
    namespace: str | None = None
    pvc: str | None = None
    source: str | None = None
    """Namespace, PVC and ReplicationSource as the bucket's layout reads the prefix."""
    created: datetime | None = None
    totals: dict[ObjectType, Totals] = {}
    """Objects and bytes by type; a type that was not measured yet is left out."""
    data_measured_at: datetime | None = None
    snapshots: int = 0
    newest_snapshot: datetime | None = None
    oldest_snapshot: datetime | None = None
    oldest_lock: datetime | None = None
    stale_locks: int = 0
    index_generation: str = ""
    """A digest of the index's names: it changes when a backup adds packs or a prune removes them."""
    suspect: tuple[Reason, ...] = ()
    """Why the listing is not believed; empty when it is."""


class Bucket(msgspec.Struct, frozen=True):
    """One bucket (or one prefix of it) and the repositories found under it."""

    name: str
    endpoint: str = ""
    prefix: str = ""
    layout: str = "{namespace}/{pvc}"
    reading: Reading = Reading.PENDING
    reason: Reason | None = None
    detail: str = ""
    read_at: datetime | None = None
    """When it was last read in full, by the exporter's clock."""
    clock_skew: timedelta | None = None
    """How far the store's clock is ahead of ours."""
    capacity_bytes: int = 0
    repositories: tuple[Repository, ...] = ()
    listed: tuple[str, ...] = ("",)
    """The prefixes under which all repositories were looked for; the empty one stands for the whole bucket."""
    unlisted: tuple[str, ...] = ()
    """Prefixes under these whose listing failed, or is not believed."""

    def covers(self, prefix: str) -> bool:
        """Whether a repository at *prefix* that is not among the repositories is not there."""
        return (
            self.reading is Reading.READ
            and any(_is_under(prefix, listed) for listed in self.listed)
            and not any(_is_under(prefix, unlisted) for unlisted in self.unlisted)
        )


def _is_under(prefix: str, parent: str) -> bool:
    return not parent or prefix == parent or prefix.startswith(f"{parent}/")
