"""What is remembered of one repository between two reads, and what follows from it: the skip rule."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from exporter.facts.bucket.model import MOST_NAMES, ObjectType, Repository, Totals
from exporter.facts.bucket.paging import DatedPage
from exporter.facts.bucket.repository import Contents, ContentsBuilder
from exporter.facts.reading import Reason
from exporter.settings import Settings

_JITTER = 0.25
"""The share of a listing's lifetime by which those of different repositories differ."""

_LOOKED_AT = (ObjectType.INDEX, ObjectType.KEYS, ObjectType.SNAPSHOTS)


class DataListing(msgspec.Struct, frozen=True):
    """What the last full listing found in `data/`, and in which state of the repository."""

    totals: Totals
    started_at: datetime
    """By the store's clock."""
    index: str
    """The digest of the index's names."""
    settled: bool
    """Whether nothing changed in the repository while it was listed."""
    truncated: int = 0
    """Packs too small to be one."""
    truncated_names: tuple[str, ...] = ()


@dataclass(slots=True)
class ListingUnderWay:
    """A full listing under way; it may be left and taken up again."""

    pages: Iterator[DatedPage]
    builder: ContentsBuilder
    before: Contents
    """What the look before it saw."""
    started_at: datetime


@dataclass(slots=True)
class RepositoryState:
    """One repository, as far as it is known. Times are the store's where nothing else is said."""

    prefix: str
    look: Contents | None = None
    """The last cheap look that was believed."""
    looked_at: datetime | None = None
    believed_at: datetime | None = None
    """When that was by the exporter's clock."""
    config_at: datetime | None = None
    config_known: bool = False
    """Whether a listing that would have shown the config was read since the keys last changed."""
    data: DataListing | None = None
    config_is_truncated: bool = False
    foreign: int = 0
    """Objects among the repository's that are not its own, when it was last listed in full."""
    is_shared: bool = False
    """Whether so much else stands under the prefix that the repository's folders are listed one by one."""
    homes: frozenset[str] = frozenset()
    """Where other repositories were seen below this one."""
    is_gone: bool = False
    """Whether the last full listing shows too little for a repository."""
    touched: bool = False
    """Whether a client may have written since the data was listed: a lock was seen that was not dead by then."""
    listing: ListingUnderWay | None = None
    tried_at: datetime | None = None
    """When a full listing was last begun."""
    doubt: Reason | None = None
    """Why the last look was not believed."""
    data_doubt: Reason | None = None
    """Why the last full listing was not."""

    def believe(self, look: Contents, at: datetime, clock: datetime, stale: timedelta) -> None:
        """Take over what a look saw at the store's time *at*, the exporter's being *clock*."""
        if self.look and self.look[ObjectType.KEYS].digest != look[ObjectType.KEYS].digest:
            self.config_known = False  # made again, or given another key
        if look.config_at or look.covers_config:
            self._believe_config(look)
        self.look, self.looked_at, self.believed_at = look, at, clock
        self.doubt = Reason.LEGACY_LAYOUT if look.legacy else None
        self.homes |= look.homes
        self.touched = self.touched or self._was_locked(look, stale)

    def believe_data(self, full: Contents, listing: ListingUnderWay, *, settled: bool, stale: timedelta) -> None:
        """Take over what a full listing found."""
        self.data = DataListing(
            totals=full[ObjectType.DATA].totals,
            started_at=listing.started_at,
            index=full[ObjectType.INDEX].digest,
            settled=settled,
            truncated=full[ObjectType.DATA].truncated,
            truncated_names=tuple(full[ObjectType.DATA].truncated_names),
        )
        self._believe_config(full)
        self.homes = full.homes
        self.is_gone = not full.is_repository
        self.data_doubt = None
        self.foreign = full.foreign
        self.touched = self._was_locked(full, stale) or (self.look is not None and self._was_locked(self.look, stale))

    def _believe_config(self, contents: Contents) -> None:
        self.config_at, self.config_known = contents.config_at, True
        self.config_is_truncated = contents.config_is_truncated

    @property
    def holds_more(self) -> bool:
        """Whether other things were seen under its prefix, among which repositories may be."""
        return self.is_shared or self.foreign > 0 or (self.look is not None and self.look.foreign > 0)

    def _was_locked(self, contents: Contents, stale: timedelta) -> bool:
        """Whether one of the locks was alive when the data was last listed, or is younger."""
        return self.data is not None and any(lock >= self.data.started_at - stale for lock in contents.locks)

    def is_due(self, settings: Settings) -> bool:
        """Whether `data/` can have changed since it was listed in full, and is worth listing now.

        The totals of the last listing serve while the index has the names that it had before and after that listing,
        no client can have written since, and the listing is not too old: a client can come and go between two looks
        and leave the index as it was (a killed backup adds packs, and a prune of unreferenced packs removes some).

        While a client is at work, and after a listing that was not believed, the next one waits for as long as a lock
        may stay without being refreshed.
        """
        if self.listing:
            return True
        if self.look is None or self.looked_at is None or self.doubt:
            return False
        stale = settings.grace.stale_lock
        rested = self.tried_at is None or self.looked_at - self.tried_at >= stale
        if self.data is None or self.data_doubt:
            return rested
        if not self.config_known or self.looked_at - self.data.started_at >= self._lifetime(settings.poll.full_listing):
            return True
        changed = self.touched or not self.data.settled or self.data.index != self.look[ObjectType.INDEX].digest
        at_work = self.look.stale_locks(self.looked_at, stale) < len(self.look.locks)
        return changed and (rested or not at_work)

    def _lifetime(self, full: timedelta) -> timedelta:
        """How long this repository's totals serve: not the same for all, so that they do not all age at once."""
        return full * (1.0 - _JITTER * (zlib.crc32(self.prefix.encode()) % 1024) / 1024)

    def repository(self, bucket: str, clock: datetime, settings: Settings) -> Repository:
        """The figures, as far as they are believed."""
        repository = Repository(
            bucket=bucket,
            prefix=self.prefix,
            measured_at=self.looked_at or clock,
            present=self._present(clock, settings.poll.keep_facts),
            suspect=tuple(dict.fromkeys(reason for reason in (self.doubt, self.data_doubt) if reason)),
        )
        if self.look is None or self.looked_at is None:
            return repository
        look, snapshots = self.look, self.look[ObjectType.SNAPSHOTS]
        truncated = self._truncated(look)
        totals = {kind: folder.totals for kind, folder in look.folders.items()}
        del totals[ObjectType.DATA]
        if self.data:
            totals[ObjectType.DATA] = self.data.totals
        return msgspec.structs.replace(
            repository,
            created=(self.config_at if self.config_known else None) or look[ObjectType.KEYS].oldest,
            config_present=self.config_at is not None if self.config_known else None,
            config_at=self.config_at if self.config_known else None,
            key_times=look[ObjectType.KEYS].times,
            totals=totals,
            data_measured_at=self.data.started_at if self.data else None,
            snapshots=snapshots.objects,
            snapshot_times=snapshots.times,
            newest_snapshot=snapshots.newest,
            oldest_snapshot=snapshots.oldest,
            oldest_lock=look[ObjectType.LOCKS].oldest,
            stale_locks=look.stale_locks(self.looked_at, settings.grace.stale_lock),
            index_generation=look[ObjectType.INDEX].digest,
            truncated=self._truncated_count(look),
            truncated_names=tuple(truncated[:MOST_NAMES]),
        )

    def _truncated(self, look: Contents) -> list[str]:
        """The names that are known of objects too small to be what they are called."""
        names = ["config"] if self.config_known and self.config_is_truncated else []
        names += self.data.truncated_names if self.data else ()
        return names + [name for kind in _LOOKED_AT for name in look[kind].truncated_names]

    def _truncated_count(self, look: Contents) -> int:
        config = self.config_known and self.config_is_truncated
        return config + (self.data.truncated if self.data else 0) + sum(look[kind].truncated for kind in _LOOKED_AT)

    def _present(self, clock: datetime, keep: timedelta) -> bool | None:
        """Whether there is a repository, whole or not; None where that is not known, or known too long ago."""
        if self.look is None or self.believed_at is None or self.look.legacy:
            return None
        if self.doubt and clock - self.believed_at > keep:
            return None
        return True
