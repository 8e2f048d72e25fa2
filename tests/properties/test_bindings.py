"""Where sources write, followed as they sync, is what is decided of all of them from nothing."""

import random
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.worlds import AT, world
from exporter.chain.binding.bindings import Bindings
from exporter.chain.incremental import Judge
from exporter.chain.judge import judge
from exporter.chain.writing import written_out
from exporter.facts.cluster.volsync.objects import MoverStatus, ReplicationSource, ReplicationSourceStatus
from exporter.facts.model import Facts
from exporter.settings import Settings
from tests.properties.test_incremental import whole
from tests.properties.test_layouts import Cluster

STEPS = 8
CLAIMS = 60


def with_sources(facts: Facts, changed: dict[int, ReplicationSource]) -> Facts:
    """*facts* with other sources in some of their places."""
    listing = facts.cluster.volsync.sources
    items = tuple(changed.get(place, source) for place, source in enumerate(listing.items))
    lists = {"volsync.sources": msgspec.structs.replace(listing, items=items)}
    return msgspec.structs.replace(facts, cluster=facts.cluster.with_lists(lists))


def synced(source: ReplicationSource, later: timedelta, log: str | None = None) -> ReplicationSource:
    """*source* whose last sync ended so much later, and left that log."""
    status = source.status
    assert status is not None
    assert status.last_sync_time is not None
    told = status.latest_mover_status if log is None else MoverStatus("Successful", log)
    status = msgspec.structs.replace(status, last_sync_time=status.last_sync_time + later, latest_mover_status=told)
    return msgspec.structs.replace(source, status=status)


def steps(facts: Facts, chance: random.Random) -> Iterator[Facts]:
    """Syncs of some sources each: to where they wrote, to where nothing is seen yet, or to what their log names."""
    first = facts.cluster.volsync.sources.items
    addresses = [f"s3:{one.endpoint}/{one.name}/{there.prefix}" for one in facts.buckets for there in one.repositories]
    for _ in range(STEPS):
        changed = {}
        for place in chance.sample(range(len(first)), chance.randint(1, min(3, len(first)))):
            source = first[place]
            kind = chance.choice("sleenu")
            log = f"created restic repository 5839abcd at {chance.choice(addresses or ['/mnt/backup'])}"
            changed[place] = (
                synced(source, timedelta(hours=chance.choice((3, 9))))
                if kind == "e"
                else synced(source, timedelta(0), log)
                if kind == "l"
                else msgspec.structs.replace(source, status=chance.choice((None, ReplicationSourceStatus())))
                if kind == "n"
                else synced(source, timedelta(seconds=chance.choice((0, 1))))
            )
        facts = with_sources(facts, changed)
        yield facts


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_bindings_that_are_followed_are_those_from_nothing(seed: int) -> None:
    chance = random.Random(seed)
    facts, judging = Cluster(chance).facts(), Judge(Settings())
    if chance.random() < 0.2:
        bucket = msgspec.structs.replace(facts.buckets[0], layout="{namespace}/{pvc}") if facts.buckets else None
        facts = msgspec.structs.replace(facts, buckets=(bucket, *facts.buckets[1:]) if bucket else ())
    judging.verdict(facts, AT)
    for now in steps(facts, chance):
        assert whole(written_out(judging.verdict(now, AT))) == whole(judge(now, Settings(), AT))
        inventory = judging._inventory
        assert inventory is not None
        assert dict(inventory.bindings.layouts) == dict(Bindings(now.cluster, now.buckets).layouts)


@pytest.mark.parametrize(
    ("later", "log"),
    [
        (timedelta(hours=2), None),
        (timedelta(0), "created restic repository 5839abcd at s3:http://rustfs.example:9000/volsync-backup/else/where"),
    ],
    ids=["not seen yet", "named by its log"],
)
def test_only_the_source_whose_binding_may_be_another_is_bound_again(
    later: timedelta, log: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard of the budget: it counts work, and so holds on any machine."""
    facts, judging = world(CLAIMS, CLAIMS), Judge(Settings())
    judging.verdict(facts, AT)
    bound: list[str] = []
    for name in ("_told", "_by_name", "_hinted"):
        work = getattr(Bindings, name)

        def counting(bindings: Bindings, source: ReplicationSource, work: object = work) -> object:
            bound.append(source.name)
            return work(bindings, source)  # type: ignore[operator]

        monkeypatch.setattr(Bindings, name, counting)

    source = facts.cluster.volsync.sources.items[5]
    now = with_sources(facts, {5: synced(source, later, log)})
    verdict = judging.verdict(now, AT)
    assert set(bound) == {source.name}
    assert judging.judged == 1
    monkeypatch.undo()
    assert whole(written_out(verdict)) == whole(judge(now, Settings(), AT))
