"""What listings tell of a bucket and of the repositories in it. No password is needed for any of it."""

from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

from exporter.facts.reading import Reading, Reason

MOST_SNAPSHOT_TIMES = 200
"""So many snapshots' times are kept, the newest: enough to set beside the syncs that VolSync remembers."""
MOST_KEY_TIMES = 50
"""So many keys' times, the oldest: a sound repository has one, and one more for each that a person added."""
MOST_NAMES = 20
"""So many names of truncated objects."""


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


class Proof(StrEnum):
    """By what an object was found to be what its name says."""

    CONTENT = "content"
    """All its bytes were read."""
    CHECKSUM = "checksum"
    """The store was asked for the SHA-256 that it keeps of the whole object, which is of when that was stored."""


class CorruptObject(msgspec.Struct, frozen=True):
    """An object whose bytes are not those of its name, which is their SHA-256 (restic `doc/design.rst`)."""

    name: str
    """Its path in the repository: `data/ab/abcd…`."""
    size: int
    digest: str
    """The SHA-256 of the bytes that the store brings, in hexadecimal."""
    found_at: datetime
    """By the exporter's clock."""


class Scrub(msgspec.Struct, frozen=True):
    """How far a repository's objects were read since the exporter started, and what was found."""

    scrubbed: dict[Proof, int] = {}
    """Bytes of objects that are what their names say, as last found; each object counts once."""
    oldest: datetime | None = None
    """When that part of it was read which was read longest ago; None until every part was."""
    corrupt: tuple[CorruptObject, ...] = ()
    """By name, at most `MOST_NAMES`."""
    corrupt_objects: int | None = None
    """How many there are; None until one was found, or every object was read."""
    unread: int = 0
    """Objects that could not be read, or brought something else at each time: nothing is known of them."""


class Repository(msgspec.Struct, frozen=True):
    """What a listing tells of one restic repository, or of what is left of one. Times are the store's.

    Every time is when the object was written. That is the end of a backup and not its start; and a copy of a bucket
    writes all again (rclone, `mc mirror`): then `config_at`, `key_times` and `snapshot_times` lie close together.
    """

    bucket: str
    prefix: str
    """Its path in the bucket, without a slash at either end; empty at the bucket's root."""
    measured_at: datetime
    present: bool | None
    """Whether there is a repository, whole or not; None when the listing cannot be believed either way."""
    created: datetime | None = None
    """When it was made: when `config` was written, or the oldest key where that is not known."""
    config_present: bool | None = None
    """Whether `config` is there; None where no listing that would have shown it was read yet."""
    config_at: datetime | None = None
    key_times: tuple[datetime, ...] = ()
    """When the keys were written, ascending, at most `MOST_KEY_TIMES`; `totals` has their number."""
    totals: dict[ObjectType, Totals] = {}
    """Objects and bytes by type; a type that was not measured yet is left out."""
    data_measured_at: datetime | None = None
    snapshots: int = 0
    snapshot_times: tuple[datetime, ...] = ()
    """When the snapshots were written, ascending: the newest `MOST_SNAPSHOT_TIMES`."""
    newest_snapshot: datetime | None = None
    oldest_snapshot: datetime | None = None
    oldest_lock: datetime | None = None
    stale_locks: int = 0
    index_generation: str = ""
    """A digest of the index's names: it changes when a backup adds packs or a prune removes them."""
    truncated: int = 0
    """How many objects are too small to be what their names say: empty, or cut off."""
    truncated_names: tuple[str, ...] = ()
    """The first of them, as paths in the repository (`index/…`), at most `MOST_NAMES`."""
    suspect: tuple[Reason, ...] = ()
    """Why the listing is not believed; empty when it is."""
    scrub: Scrub | None = None
    """What reading its objects has shown; None where they are not read."""


class OtherKind(StrEnum):
    """Programs whose repositories are recognised and not read."""

    KOPIA = "kopia"


class OtherRepository(msgspec.Struct, frozen=True):
    """A place that holds another program's repository: neither restic's, nor nobody's."""

    kind: OtherKind
    prefix: str
    """Its path in the bucket, without a slash at either end; empty at the bucket's root."""


class Bucket(msgspec.Struct, frozen=True):
    """One bucket (or one prefix of it) and the repositories found under it.

    It is the same bucket where `identity` is the same: buckets in several stores may have one name.
    """

    name: str
    endpoint: str = ""
    prefix: str = ""
    layout: str = ""
    """The template of its repositories' paths as the settings give it; empty: it is to be inferred."""
    reading: Reading = Reading.PENDING
    reason: Reason | None = None
    """Why it could not be read; of a bucket that was, why some part of it could not, or is not believed."""
    detail: str = ""
    is_named: bool = True
    """False where a dump does not tell its name, and `name` is only what to call it."""
    exists: bool = True
    """False where the store says that there is no such bucket: an answer, and no failure to read."""
    read_at: datetime | None = None
    """When it was last read in full, by the exporter's clock."""
    clock_skew: timedelta | None = None
    """How far the store's clock is ahead of ours."""
    capacity_bytes: int = 0
    repositories: tuple[Repository, ...] = ()
    others: tuple[OtherRepository, ...] = ()
    """Repositories of other programs. restic's are not among them."""
    listed: tuple[str, ...] = ("",)
    """The prefixes under which all repositories were looked for; the empty one stands for the whole bucket."""
    unlisted: tuple[str, ...] = ()
    """Prefixes under these that were not looked into: their listing failed, is not believed, or costs too much."""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells it from every other: endpoint, name and prefix."""
        return self.endpoint, self.name, self.prefix

    @property
    def store(self) -> str:
        """A name for a person and a label: `host:port/bucket`; the bucket alone where its endpoint is not known."""
        return "/".join(part for part in (self.host, self.name) if part)

    @property
    def host(self) -> str:
        """The endpoint's host, and its port where one is written; empty where it is not known."""
        return urlsplit(self.endpoint).netloc.rpartition("@")[2] if self.endpoint else ""

    def covers(self, prefix: str) -> bool:
        """Whether a repository at *prefix* that is not among the repositories is not there."""
        return (
            self.reading is Reading.READ
            and any(is_under(prefix, listed) for listed in self.listed)
            and not any(is_under(prefix, unlisted) for unlisted in self.unlisted)
        )


def is_under(prefix: str, parent: str) -> bool:
    """Whether *prefix* is *parent*, or stands below it."""
    return not parent or prefix == parent or prefix.startswith(f"{parent}/")
