"""What is known about where a source writes."""

from enum import StrEnum

import msgspec

from exporter.chain import scope
from exporter.chain.scope import Scope
from exporter.facts.bucket.model import Bucket, Repository
from exporter.facts.reading import Reading, Reason

_ABOUT_DATA = frozenset((Reason.INCOMPLETE,))
"""Doubts of the full listing alone: snapshots and locks are seen by another."""


UNLISTED = "unlisted"
"""What a bucket was listed too early for is noted by: it is another thing once one was listed again."""


class BindingState(StrEnum):
    """How far it is known which repository is a source's."""

    PROVEN = "proven"
    """Its place in a bucket that is read is set, said by an object, or shown by what was found there."""
    ELSEWHERE = "elsewhere"
    """It writes to a store that is not read, or with a mover whose repositories are not."""
    UNKNOWN = "unknown"


class Binding(msgspec.Struct, frozen=True, gc=False):
    """Where one source writes. Without a place, what VolSync reports stands."""

    state: BindingState
    evidence: str
    """How that is known, for a person."""
    store: Scope | None = None
    """The store, as far as it is known."""
    bucket: Bucket | None = None
    """PROVEN: the bucket, and the repository's path in it."""
    prefix: str = ""
    repository: Repository | None = None
    is_set: bool = False
    """Whether the place is known for itself, not by what was found in it: only then can it prove an absence."""

    @property
    def is_believed(self) -> bool:
        """Whether the listing tells: of a repository that it shows, or of a place where it looked and found none."""
        if self.bucket is None:
            return False
        if self.repository is None:
            return self.is_set and (not self.bucket.exists or self.bucket.covers(self.prefix))
        is_doubted = not _ABOUT_DATA.issuperset(self.repository.suspect)
        return self.bucket.reading is Reading.READ and self.repository.present is not None and not is_doubted

    def writes_to(self, bucket: Bucket) -> bool:
        """Whether its place is in *bucket*."""
        return self.bucket is bucket or (self.bucket is not None and self.bucket.identity == bucket.identity)

    def may_lie_in(self, bucket: Bucket) -> bool:
        """Whether nothing known of its store speaks against *bucket*."""
        return self.store is None or self.store == store_of(bucket)

    @property
    def at(self) -> tuple[tuple[str, str, str], str] | None:
        """The bucket's identity and the path in it, where its place is proven."""
        return (self.bucket.identity, self.prefix) if self.bucket and self.state is BindingState.PROVEN else None

    @property
    def place(self) -> str:
        """The bucket and the path in it, for a person; empty without a place."""
        if self.bucket is None:
            return ""
        return "/".join(part for part in (self.bucket.name, self.prefix) if part)


def is_same(one: Binding, other: Binding) -> bool:
    """Whether the chain takes *other* for what *one* was before; that their bucket was read again makes none another.

    What is said of the bucket itself is not compared here, nor that a repository was looked at later.
    """
    if (one.state, one.evidence, one.store, one.prefix, one.is_set) != (
        other.state,
        other.evidence,
        other.store,
        other.prefix,
        other.is_set,
    ):
        return False
    if one.bucket is None or other.bucket is None:
        return one.bucket is other.bucket
    if one.bucket.identity != other.bucket.identity:
        return False
    before, after = one.repository, other.repository
    if before is None or after is None:
        return before is after and one.bucket.read_at == other.bucket.read_at
    if before is after:
        return True
    is_later = before.measured_at <= after.measured_at
    return is_later and msgspec.structs.replace(before, measured_at=after.measured_at) == after


def store_of(bucket: Bucket) -> Scope:
    """The scope that a bucket is."""
    return scope.store(bucket.host, bucket.name)
