"""A verdict that follows what has changed is the one that is reached from nothing, whatever the history."""

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.worlds import AT, world
from exporter.chain.incremental import Judge
from exporter.chain.judge import judge
from exporter.chain.verdict import Verdict
from exporter.chain.writing import written_out
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import Facts
from exporter.facts.reading import Reading
from exporter.publication.render import Ages, Rendered, Renderer, render
from exporter.settings import Settings
from tests import corpus
from tests.properties.strategies import FACTS, NOON, SEEDS, RandomFacts
from tests.properties.test_disturbed import scratched

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEPS = 6
FIELDS = [kind.field for kind in KINDS]
STRUCTS = {kind.field: kind.struct for kind in KINDS}


class History:
    """Facts and a clock that change at random; an object that does not change stays the same one."""

    def __init__(self, facts: Facts, at: datetime, seed: int) -> None:
        self.facts = facts
        self.at = at
        self.made = RandomFacts(seed)
        self.random = self.made.random
        self._first = facts

    def step(self, judging: Judge) -> None:
        """Change some of it, or nothing but the clock."""
        self.at = self._moment(judging)
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 4))):
            self.random.choice(
                (
                    *[self._change] * 6,
                    *[self._sync] * 3,
                    self._date,
                    self._date,
                    self._store,
                    self._store,
                    self._believe,
                )
            )()

    def _moment(self, judging: Judge) -> datetime:
        """Any moment, by preference one at which a verdict turns, or the last one before it."""
        ends = [one.span.end for one in judging._kept.values()] + [judging._span.end]
        firsts = [one.span.first for one in judging._kept.values()]
        turns = [turn for turn in (*ends, *firsts) if turn is not None]
        kind = self.random.choice("nsttba" if turns else "nsba")
        if kind == "t":
            turn = self.random.choice(turns) - self.random.choice((timedelta(0), timedelta.resolution))
            return max(EPOCH, EPOCH + turn) if timedelta(0) < turn < timedelta(days=2_900_000) else self.at
        steps = {
            "n": timedelta(0),
            "s": timedelta(seconds=15),
            "b": -timedelta(minutes=self.random.randint(0, 3000)),
            "a": timedelta(minutes=self.random.randint(0, 3000)),
        }
        return _later(self.at, steps[kind])

    def _list(self) -> tuple[str, ObjectList[Any]]:
        filled = [field for field in FIELDS if self._first.cluster.list_of(field).items] or FIELDS
        field = self.random.choice(filled if self.random.random() < 0.8 else FIELDS)
        return field, self.facts.cluster.list_of(field)

    def _put(self, field: str, listing: ObjectList[Any]) -> None:
        cluster = self.facts.cluster.with_lists({field: listing})
        self.facts = msgspec.structs.replace(self.facts, cluster=cluster)

    def _change(self) -> None:
        """One object is changed, goes, comes, or is again as it was first."""
        field, listing = self._list()
        items = {item.key: item for item in listing.items}
        first = {item.key: item for item in self._first.cluster.list_of(field).items}
        keys = list({**first, **items})
        if not keys or self.random.random() < 0.1:
            made = self.made.struct(STRUCTS[field])
            items[made.key] = made
        else:
            key = self.random.choice(keys)
            how = self.random.random()
            if how < 0.2:
                items.pop(key, None)
            elif how < 0.4 and key in first:
                items[key] = first[key]
            else:
                changed = scratched(items.get(key, first.get(key)), self.made)
                items[changed.key] = changed
        self._put(field, msgspec.structs.replace(listing, items=tuple(items.values())))

    def _sync(self) -> None:
        """A source or a destination syncs: nothing but its status is changed."""
        field = self.random.choice(("volsync.sources", "volsync.sources", "volsync.destinations"))
        listing = self.facts.cluster.list_of(field)
        items = list(listing.items)
        if not items:
            return
        place = self.random.randrange(len(items))
        status = items[place].status
        synced = scratched(status, self.made) if status else self.made.struct(STRUCTS[field]).status
        items[place] = msgspec.structs.replace(items[place], status=synced)
        self._put(field, msgspec.structs.replace(listing, items=tuple(items)))

    def _date(self) -> None:
        """Lists are read again, or were read at another time; nothing else of them is changed."""
        for field in FIELDS:
            listing = self.facts.cluster.list_of(field)
            if listing.read_at is not None and self.random.random() < 0.5:
                moved = _later(listing.read_at, timedelta(seconds=self.random.choice((15, 45, 60, 3600, -90))))
                msgspec.structs.force_setattr(listing, "read_at", moved)

    def _believe(self) -> None:
        field, listing = self._list()
        reading = self.random.choice((Reading.READ, Reading.READ, Reading.UNREADABLE, Reading.NOT_SERVED))
        self._put(field, msgspec.structs.replace(listing, reading=reading))

    def _store(self) -> None:
        """A bucket is listed again: later, with a repository that is changed or gone, or without success."""
        if not self.facts.buckets:
            return
        buckets = list(self.facts.buckets)
        place = self.random.randrange(len(buckets))
        bucket = buckets[place]
        repositories = [
            msgspec.structs.replace(
                one, measured_at=_later(one.measured_at, timedelta(minutes=self.random.choice((5, 60, -9))))
            )
            if self.random.random() < 0.5
            else one
            for one in bucket.repositories
        ]
        if repositories and self.random.random() < 0.6:
            one = self.random.randrange(len(repositories))
            if self.random.random() < 0.3:
                repositories.pop(one)
            else:
                repositories[one] = scratched(repositories[one], self.made)
        later = _later(bucket.read_at, timedelta(minutes=self.random.choice((5, 60, -5)))) if bucket.read_at else None
        reading = self.random.choice((bucket.reading, Reading.READ, Reading.UNREADABLE))
        buckets[place] = msgspec.structs.replace(
            bucket, repositories=tuple(repositories), read_at=later, reading=reading
        )
        self.facts = msgspec.structs.replace(self.facts, buckets=tuple(buckets))


def _later(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


def whole(verdict: Verdict) -> dict[str, Any]:
    """All that is published of a verdict."""
    return {
        **{field: getattr(verdict, field) for field in verdict.__struct_fields__ if field not in ("facts", "owners")},
        "owners": dict(verdict.owners),
    }


def exposed(rendered: Rendered) -> tuple[str, tuple[Ages, ...]]:
    """What a scrape gets of a verdict."""
    return gzip.decompress(rendered.packed).decode(), rendered.ages


def assert_follows(history: History, chosen: Settings) -> None:
    judging, renderer = Judge(chosen), Renderer()
    for _ in range(STEPS):
        found = judging.verdict(history.facts, history.at)
        expected = judge(history.facts, chosen, history.at)
        assert whole(written_out(found)) == whole(expected)
        assert exposed(renderer.render(found)) == exposed(render(expected))
        history.step(judging)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(corpus.NAMES), seed=SEEDS)
def test_a_scenario_that_changes_is_judged_as_from_nothing(name: str, seed: int) -> None:
    assert_follows(History(corpus.facts(name), corpus.scenario(name).at, seed), corpus.settings(name))


@settings(max_examples=40, deadline=None)
@given(facts=FACTS, seed=SEEDS)
def test_any_facts_that_change_are_judged_as_from_nothing(facts: Facts, seed: int) -> None:
    assert_follows(History(facts, NOON, seed), Settings())


CLAIMS = 300


@pytest.mark.parametrize("namespaces", [1, CLAIMS])
def test_only_what_has_changed_is_judged_and_rendered_again(namespaces: int) -> None:
    """The guard of the budgets: it counts work, and so holds on any machine."""
    facts, judging, renderer = world(CLAIMS, namespaces), Judge(Settings()), Renderer()
    first = judging.verdict(facts, AT)
    rendered = renderer.render(first)
    assert judging.judged == len(first.claims) == CLAIMS
    everything = renderer.made

    again = judging.verdict(msgspec.structs.replace(facts), AT + timedelta(seconds=1))
    assert judging.judged == 0
    assert again.claims is first.claims
    assert renderer.render(again) is rendered

    for _, listing in facts.cluster.lists():
        listing.confirm(AT + timedelta(minutes=1))
    again = judging.verdict(facts, AT + timedelta(seconds=1))
    assert judging.judged == 0
    assert again.claims is first.claims
    assert again.root_causes is first.root_causes

    after = judging.verdict(_with_a_sync(facts), AT + timedelta(seconds=2))
    assert judging.judged == 1
    assert sum(one is not other for one, other in zip(first.claims, after.claims, strict=True)) == 1
    renderer.render(after)
    assert 0 < renderer.made < everything / 5


def test_what_claims_share_is_taken_over_when_a_source_has_synced_to_where_it_had() -> None:
    facts, judging = world(CLAIMS, CLAIMS), Judge(Settings())
    first, before = judging.verdict(facts, AT), judging._inventory
    source = facts.cluster.volsync.sources.items[0]
    assert before is not None
    assert source.status is not None
    assert source.status.last_sync_time is not None
    selection, readers, unclaimed = before.selection, before.readers, first.orphans

    synced = _with_a_sync(facts, source.status.last_sync_time + timedelta(seconds=1))
    after = judging.verdict(synced, AT + timedelta(seconds=1))
    assert judging.judged == 1
    assert after.owners is first.owners
    assert after.orphans is unclaimed
    now = judging._inventory
    assert now is not None
    assert now is not before
    assert now.selection is selection
    assert now.readers is readers
    assert whole(written_out(after)) == whole(judge(synced, Settings(), AT + timedelta(seconds=1)))


def _with_a_sync(facts: Facts, at: datetime = AT) -> Facts:
    """*facts* in which the first source has synced once more."""
    listing = facts.cluster.volsync.sources
    first, *others = listing.items
    assert first.status is not None
    status = msgspec.structs.replace(first.status, last_sync_time=at)
    items = (msgspec.structs.replace(first, status=status), *others)
    changed = {"volsync.sources": msgspec.structs.replace(listing, items=items)}
    return msgspec.structs.replace(facts, cluster=facts.cluster.with_lists(changed))
