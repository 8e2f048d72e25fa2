"""What is known after a read: new facts in place of old ones, and old ones for a bounded time where a read failed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from exporter.facts.bucket.model import Bucket, Scrub
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import Facts, RepositoryPlace, SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source

FIELDS: Mapping[Source, tuple[str, ...]] = {
    source: tuple(kind.field for kind in KINDS if kind.source is source) for source in Source
}
"""The lists in `ClusterFacts` that each source fills."""


def pending(sources: Mapping[Source, object]) -> Facts:
    """What is known before the first read: *sources* are pending, the others are not there to be read."""
    facts = Facts()
    absent: dict[str, ObjectList[Any]] = {
        field: ObjectList(reading=Reading.NOT_SERVED) for s in Source if s not in sources for field in FIELDS[s]
    }
    return msgspec.structs.replace(
        facts,
        cluster=facts.cluster.with_lists(absent),
        sources=tuple(
            SourceReport(source, Reading.PENDING if source in sources else Reading.NOT_SERVED) for source in Source
        ),
    )


def merge(facts: Facts, read: SourceRead, at: datetime, keep: timedelta) -> Facts:
    """*facts* with what *read* brought.

    A list that was read takes the place of the old one. One that could not be read, or that is no longer served,
    leaves the old one in force while that is no older than *keep* at the moment *at*: an API that is away for a moment
    was not uninstalled. After that the list is what the read says; where that is unreadable, its last items stay on it
    with their date.
    """
    failure = _failure(read.report)
    cluster = facts.cluster
    changes: dict[str, ObjectList[Any]] = {}
    for field in FIELDS[read.report.source]:
        new = read.lists.get(field, failure)
        if new is not None:
            changes[field] = _listing(cluster.list_of(field), new, at, keep)
    buckets, scrubs = facts.buckets, read.scrubs or facts.scrubs
    if read.report.source is Source.S3:
        buckets = _buckets(facts.buckets, read, at, keep)
    if not read.report.source.is_of_cluster:
        buckets = tuple(_with_scrubs(bucket, scrubs) for bucket in buckets)
    return msgspec.structs.replace(
        facts,
        cluster=cluster.with_lists(changes),
        buckets=buckets,
        scrubs=scrubs,
        sources=_reports(facts.sources, _missed(read, changes)),
    )


def expire(facts: Facts, at: datetime, keep: Mapping[Source, timedelta]) -> Facts:
    """*facts* without belief in what was read longer ago than its source's *keep*.

    This is for the source whose read neither succeeds nor fails, because it never ends. What is dated later than *at*
    was read before the clock was set back: it is dated *at*, or it would serve for as long again as the clock was set.
    """
    changes: dict[str, ObjectList[Any]] = {}
    for source, allowed in keep.items():
        for field in FIELDS[source]:
            listing: ObjectList[Any] = facts.cluster.list_of(field)
            if listing.read_at is not None and listing.read_at > at:
                changes[field] = msgspec.structs.replace(listing, read_at=at)
            elif listing.reading is Reading.READ and not _serves(listing.read_at, at, allowed):
                changes[field] = msgspec.structs.replace(
                    listing, reading=Reading.UNREADABLE, reason=Reason.STALE, detail=_stale(listing.read_at)
                )
    buckets = facts.buckets
    if Source.S3 in keep:
        buckets = tuple(_expired(bucket, at, keep[Source.S3]) for bucket in buckets)
    if not changes and all(new is old for new, old in zip(buckets, facts.buckets, strict=True)):
        return facts
    return msgspec.structs.replace(facts, cluster=facts.cluster.with_lists(changes), buckets=buckets)


def _failure(report: SourceReport) -> ObjectList[Any] | None:
    """What a list of the source is when the read says nothing about it."""
    if report.up:
        return ObjectList(reading=Reading.NOT_SERVED) if report.reading is Reading.NOT_SERVED else None
    return ObjectList(reading=Reading.UNREADABLE, reason=report.reason or Reason.OTHER, detail=report.detail)


def _listing(old: ObjectList[Any], new: ObjectList[Any], at: datetime, keep: timedelta) -> ObjectList[Any]:
    if new.reading is Reading.PENDING:
        return old
    if new.reading is Reading.READ:
        return new
    if old.reading is Reading.READ and _serves(old.read_at, at, keep):
        return old
    if new.reading is Reading.NOT_SERVED or old.read_at is None:
        return new
    return msgspec.structs.replace(new, items=old.items, read_at=old.read_at, malformed=old.malformed)


def _missed(read: SourceRead, lists: Mapping[str, ObjectList[Any]]) -> SourceReport:
    """The report of *read*: a source of which *lists* are still in force is not one that was never there."""
    report = read.report
    kept = [field for field, new in lists.items() if new.reading is Reading.READ]
    if report.reading is not Reading.NOT_SERVED or not kept:
        return report
    detail = f"{kept[0]} was served until a moment ago, and is not"
    return msgspec.structs.replace(
        report, reading=Reading.UNREADABLE, reason=Reason.NOT_FOUND, detail=detail, last_success=None
    )


def _buckets(olds: tuple[Bucket, ...], read: SourceRead, at: datetime, keep: timedelta) -> tuple[Bucket, ...]:
    if not read.buckets and not read.report.up:
        reason = read.report.reason or Reason.OTHER
        return tuple(_bucket(old, _unreadable(old, reason, read.report.detail), at, keep) for old in olds)
    known = {old.identity: old for old in olds}
    return tuple(_bucket(known.get(new.identity), new, at, keep) for new in read.buckets)


def _bucket(old: Bucket | None, new: Bucket, at: datetime, keep: timedelta) -> Bucket:
    if old is None or new.reading is not Reading.UNREADABLE:
        return new
    if old.reading is Reading.READ and _serves(old.read_at, at, keep):
        return old
    if old.read_at is None:
        return new
    return msgspec.structs.replace(new, repositories=old.repositories, read_at=old.read_at, clock_skew=old.clock_skew)


def _with_scrubs(bucket: Bucket, scrubs: Mapping[RepositoryPlace, Scrub]) -> Bucket:
    """*bucket* with what reading its objects has shown: that stays, however long ago it was, until it is read again."""
    if not scrubs:
        return bucket
    repositories = tuple(
        msgspec.structs.replace(repository, scrub=scrubs.get((bucket.identity, repository.prefix)))
        for repository in bucket.repositories
    )
    return msgspec.structs.replace(bucket, repositories=repositories)


def _expired(bucket: Bucket, at: datetime, keep: timedelta) -> Bucket:
    if bucket.read_at is not None and bucket.read_at > at:
        return msgspec.structs.replace(bucket, read_at=at)
    if bucket.reading is not Reading.READ or _serves(bucket.read_at, at, keep):
        return bucket
    return _unreadable(bucket, Reason.STALE, _stale(bucket.read_at))


def _unreadable(bucket: Bucket, reason: Reason, detail: str) -> Bucket:
    return msgspec.structs.replace(bucket, reading=Reading.UNREADABLE, reason=reason, detail=detail)


def _serves(read_at: datetime | None, at: datetime, keep: timedelta) -> bool:
    return read_at is not None and at - read_at <= keep


def _stale(read_at: datetime | None) -> str:
    return f"last read at {read_at:%Y-%m-%dT%H:%M:%SZ}" if read_at else "never read"


def _reports(olds: tuple[SourceReport, ...], new: SourceReport) -> tuple[SourceReport, ...]:
    """The reports in the order of the sources; the last success outlives a failure."""
    known = {old.source: old for old in olds}
    old = known.get(new.source)
    if new.last_success is None and old is not None:
        new = msgspec.structs.replace(new, last_success=old.last_success)
    known[new.source] = new
    return tuple(known[source] for source in Source if source in known)
