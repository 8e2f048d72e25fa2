"""One verdict after the other: only what may have become another one is judged again.

A claim's verdict stands while all that was looked up for it would be found again, and while every comparison with the
clock that it rests on would turn out the same (`exporter.facts.dependencies`, `exporter.chain.now`). So it is what
`exporter.chain.judge` reaches from nothing, and costs next to nothing where nothing has changed.
"""

from array import array
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from exporter.caching import are_identical
from exporter.chain import orphans, root_causes
from exporter.chain.binding import UNLISTED
from exporter.chain.inventory import Inventory
from exporter.chain.isolation import Isolation, JudgingFailure
from exporter.chain.judge import judge_alone, judge_policies
from exporter.chain.now import Now, Span, common
from exporter.chain.verdict import ClaimVerdict, Orphan, PolicyState, RootCause, Verdict
from exporter.facts.bucket.model import Bucket
from exporter.facts.cluster.object_list import ANY, UNSETTLED, Key, ObjectList
from exporter.facts.dependencies import changed, note_of, noting
from exporter.facts.model import Facts
from exporter.garbage_collection import collection_paused
from exporter.settings import Settings

_NO_CHANGE: frozenset[int] = frozenset()
_ONLY_DATED = frozenset((note_of(UNSETTLED),))


class _Kept(msgspec.Struct, frozen=True, gc=False):
    """A claim's verdict, and for how long it stands."""

    verdict: ClaimVerdict
    span: Span
    notes: "array[int]"
    """What it rests on."""
    failures: tuple[JudgingFailure, ...]


class _Whole(msgspec.Struct, frozen=True):
    """What was judged of all claims together, and for how long it stands."""

    claims: tuple[ClaimVerdict, ...]
    root_causes: tuple[RootCause, ...]
    orphans: tuple[Orphan, ...]
    policies: tuple[PolicyState, ...]
    failures: tuple[JudgingFailure, ...]
    span: Span


class _Unclaimed(msgspec.Struct, frozen=True):
    """The orphans, of what they were found, and for how long they stand."""

    of: tuple[object, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    span: Span = Span()


class _Seen(msgspec.Struct, frozen=True):
    """The facts as they were taken in: a list is the same one when it is only dated again."""

    lists: tuple[ObjectList[Any], ...]
    read_at: tuple[datetime | None, ...]
    buckets: tuple[Bucket, ...]
    heads: tuple[object, ...]
    """How far each list and bucket is believed."""


class Judge:
    """Reaches verdicts under the same *settings*, each from facts and a moment.

    The ages in their texts stay open: `exporter.chain.writing` writes them out for whoever reads them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._inventory: Inventory | None = None
        self._seen: _Seen | None = None
        self._kept: dict[Key, _Kept] = {}
        self._span = Span()
        self._whole: _Whole | None = None
        self._unclaimed = _Unclaimed()
        self._settling = root_causes.Settling()
        self.judged = 0
        """How many claims were judged for the last verdict; the others stand."""

    @collection_paused()
    def verdict(self, facts: Facts, at: datetime) -> Verdict:
        """The verdict on *facts* at the moment *at* (timezone-aware)."""
        seen, before = _see(facts), self._seen
        self._seen = None  # a fault on the way leaves nothing that could be taken to stand
        inventory, changes = self._take_in(facts, seen, before)
        claims = self._claims(inventory, changes, at)
        is_same = inventory is self._inventory and self._whole is not None and self._whole.claims is claims
        if self._whole is None or not is_same or not self._whole.span.holds(at):
            self._whole = self._judge_whole(inventory, claims, at)
        inventory.forget()
        self._inventory, self._seen = inventory, seen
        whole = self._whole
        return Verdict(
            at=at,
            claims=self._settling.settled,
            orphans=whole.orphans,
            policies=whole.policies,
            facts=facts,
            owners=inventory.bindings.claims_at,
            root_causes=whole.root_causes,
            failures=whole.failures,
            uncovered=inventory.selection.uncovered,
        )

    # --- what has changed

    def _take_in(self, facts: Facts, seen: _Seen, before: _Seen | None) -> tuple[Inventory, frozenset[int] | None]:
        """The facts as the settings look at them, and the notes of what has changed in them; None: anything may."""
        known = self._inventory if before is not None else None
        if before is None or known is None:
            return Inventory(facts, self._settings), None
        if are_identical(before.lists, seen.lists) and are_identical(before.buckets, seen.buckets):
            if before.read_at == seen.read_at:
                return known, _NO_CHANGE
            if not any(map(_went_back, before.read_at, seen.read_at)):
                return known, _ONLY_DATED
        inventory = Inventory(facts, self._settings, known)
        try:
            for one, other in zip(before.lists, seen.lists, strict=True):
                if one is not other:
                    other.follow(one)
            return inventory, _changes(before, seen, known, inventory)
        except Exception:  # noqa: BLE001 - what comes from outside can break any line: then everything is made again
            return Inventory(facts, self._settings), None

    # --- claims

    def _claims(self, inventory: Inventory, changes: frozenset[int] | None, at: datetime) -> tuple[ClaimVerdict, ...]:
        self.judged = 0
        keys = inventory.claims
        if self._whole and changes is not None and not changes and self._span.holds(at):
            return self._whole.claims
        kept: dict[Key, _Kept] = {}
        is_timely = self._span.holds(at)
        for key in keys:
            before = self._kept.get(key)
            stands = before is not None and changes is not None and changes.isdisjoint(before.notes)
            if before is not None and stands and (is_timely or before.span.holds(at)):
                kept[key] = before
            else:
                kept[key] = self._judge(inventory, key, at, before)
        self._kept = kept
        self._span = common(one.span for one in kept.values())
        claims = tuple(one.verdict for one in kept.values())
        return self._whole.claims if self._whole and are_identical(claims, self._whole.claims) else claims

    def _judge(self, inventory: Inventory, key: Key, at: datetime, before: _Kept | None) -> _Kept:
        self.judged += 1
        now, isolation = Now(at), Isolation()
        verdict, notes = noting(lambda: judge_alone(inventory, isolation, key, now))
        if before is not None and verdict == before.verdict:
            verdict = before.verdict  # whoever made something of it need not make it again
        return _Kept(verdict, now.span, array("q", set(notes)), tuple(isolation.failures))

    # --- all of them together

    def _judge_whole(self, inventory: Inventory, claims: tuple[ClaimVerdict, ...], at: datetime) -> _Whole:
        now, before = Now(at), self._whole
        self._settling.settle(claims)
        self._unclaimed, policies = self._find_unclaimed(inventory, at), judge_policies(inventory, now)
        unclaimed = self._unclaimed.orphans
        failures = {*inventory.failures, *(failure for one in self._kept.values() for failure in one.failures)}
        return _Whole(
            claims,
            root_causes.find(self._settling.settled, unclaimed),
            unclaimed,
            before.policies if before and policies == before.policies else policies,
            tuple(sorted(failures)),
            common((now.span, self._unclaimed.span)),
        )

    def _find_unclaimed(self, inventory: Inventory, at: datetime) -> "_Unclaimed":
        now, before, of = Now(at), self._unclaimed, orphans.rests_on(inventory)
        if are_identical(of, before.of) and before.span.holds(at):
            return before
        failures = len(inventory.isolation.failures)
        found = orphans.find(inventory, now)
        if len(inventory.isolation.failures) > failures:
            of = ()  # and it fails again, to be told again
        return _Unclaimed(of, before.orphans if found == before.orphans else found, now.span)


def _see(facts: Facts) -> _Seen:
    lists = tuple(listing for _, listing in facts.cluster.lists())
    return _Seen(
        lists,
        tuple(listing.read_at for listing in lists),
        facts.buckets,
        (
            *((listing.reading, listing.reason, listing.detail, listing.malformed) for listing in lists),
            *map(_head, facts.buckets),
        ),
    )


def _head(bucket: Bucket) -> Bucket:
    """What is said of the bucket as a whole, apart from when."""
    return msgspec.structs.replace(bucket, repositories=(), others=(), read_at=None, capacity_bytes=0)


def _changes(before: _Seen, seen: _Seen, old: Inventory, new: Inventory) -> frozenset[int] | None:
    if before.heads != seen.heads or any(map(_went_back, before.read_at, seen.read_at)):
        return None
    notes = set(_notes(before, seen, old, new))
    if before.read_at != seen.read_at:
        notes.add(note_of(UNSETTLED))
    if not are_identical(before.buckets, seen.buckets):
        notes.add(note_of(UNLISTED))
    if not are_identical(before.lists, seen.lists):
        notes.add(note_of(ANY))
    return frozenset(notes)


def _went_back(before: datetime | None, now: datetime | None) -> bool:
    return before is not None and (now is None or now < before)


def _notes(before: _Seen, seen: _Seen, old: Inventory, new: Inventory) -> Iterator[int]:
    for one, other in zip(before.lists, seen.lists, strict=True):
        yield from changed(one, other)
    for api in old.cluster.__struct_fields__:
        yield from changed(getattr(old.cluster, api), getattr(new.cluster, api))
    yield from changed(old, new)
    yield from changed(old.selection, new.selection)
    yield from changed(old.bindings, new.bindings)
    yield from changed(old.readers, new.readers)
