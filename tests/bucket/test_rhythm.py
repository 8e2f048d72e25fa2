"""What each read asks for, and what it leaves to the next."""

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from exporter.facts.bucket.look import AFTER_DATA
from exporter.facts.bucket.model import ObjectType, Repository
from exporter.facts.bucket.reader import BucketReader
from exporter.settings import BucketSettings, Settings
from tests.bucket.standin import BUCKET, Standin, name, running_standin

CART = "shop/cart"
START = datetime(2026, 1, 18, 14, tzinfo=UTC)
MINUTES = timedelta(minutes=1)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with running_standin() as standin:
        for number in range(12):
            standin.put_repository(f"team{number % 3}/claim{number}", packs=5)
        yield standin


def reader_of(store: Standin) -> BucketReader:
    bucket = BucketSettings(endpoint=store.endpoint, bucket=BUCKET, requests_per_second=10_000)
    return BucketReader(Settings(buckets=(bucket,)))


def prefixes(repositories: tuple[Repository, ...]) -> set[str]:
    return {repository.prefix for repository in repositories}


def test_nothing_new_is_one_request_for_each_repository(store: Standin) -> None:
    reader = reader_of(store)
    reader.read(START)
    store.queries.clear()
    reader.read(START + 5 * MINUTES)
    assert len(store.queries) == 12
    assert all(query.start_after == f"{query.prefix}{AFTER_DATA}" for query in store.queries)


def test_a_new_repository_shows_within_its_grace(store: Standin) -> None:
    reader = reader_of(store)
    reader.read(START)
    store.put_repository(CART)
    seen = [CART in prefixes(reader.read(START + m * MINUTES).buckets[0].repositories) for m in (5, 10)]
    assert seen == [False, True]
    assert reader.sweeps[0].requests <= 13 + 1 + 4 + 1  # looks, the bucket, its namespaces, the new one's data


def test_sizes_come_with_a_later_read_where_the_first_has_no_time(store: Standin) -> None:
    reader = reader_of(store)
    first = reader.read(START, patience=timedelta(0)).buckets[0].repositories
    assert all(ObjectType.DATA not in repository.totals and repository.present for repository in first)
    assert all(repository.snapshots == 3 for repository in first)
    later = reader.read(START + 5 * MINUTES).buckets[0].repositories
    assert all(repository.totals[ObjectType.DATA].objects == 5 for repository in later)


def test_a_listing_that_takes_longer_than_a_read_goes_on_in_the_next(store: Standin) -> None:
    store.objects.clear()
    store.put_repository(CART, packs=300)
    store.page_size = 100
    (sweep,) = reader_of(store).sweeps
    pages = 0
    for number in itertools.count():
        turns = iter([False, False])
        store.queries.clear()
        bucket, _ = sweep.read(START + number * MINUTES, lambda turns=turns: next(turns, True), threading.Event())
        pages += sum(not query.start_after and not query.delimiter for query in store.queries)
        if ObjectType.DATA in bucket.repositories[0].totals:
            break
    assert number == 1
    assert pages == 4, "no page is asked for twice"
    assert bucket.repositories[0].totals[ObjectType.DATA].objects == 300


def test_a_restart_reads_the_same(store: Standin) -> None:
    first, second = reader_of(store), reader_of(store)
    enough = 5 * MINUTES  # for all the data, however busy the machine is
    first.read(START, patience=enough)
    before, after = (one.read(START + 5 * MINUTES, patience=enough) for one in (first, second))
    strip = [
        [(r.prefix, r.present, r.created, r.totals, r.snapshots, r.newest_snapshot, r.index_generation) for r in read]
        for read in (before.buckets[0].repositories, after.buckets[0].repositories)
    ]
    assert strip[0] == strip[1]


def test_buckets_of_one_endpoint_share_its_ceiling(store: Standin) -> None:
    buckets = [
        BucketSettings(endpoint=store.endpoint, bucket=BUCKET, requests_per_second=rate) for rate in (50.0, 20.0)
    ]
    elsewhere = BucketSettings(endpoint="http://127.0.0.1:1", bucket=BUCKET)
    one, other, alone = (s.pace for s in BucketReader(Settings(buckets=(*buckets, elsewhere))).sweeps)
    assert one is other is not alone
    assert one.rate == 20.0


def test_an_index_that_changed_lists_only_its_repository(store: Standin) -> None:
    reader = reader_of(store)
    reader.read(START, patience=timedelta(minutes=10))
    store.put(f"team0/claim0/index/{name('new')}")
    store.queries.clear()
    reader.read(START + 5 * MINUTES)
    assert [query.prefix for query in store.queries if not query.start_after] == ["team0/claim0/"]
