"""Repositories are found wherever they stand, by the live reader and the offline one alike."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exporter.facts.bucket import discovery
from exporter.facts.bucket.model import Bucket, ObjectType, OtherKind, OtherRepository, Repository
from exporter.facts.bucket.offline import read_listing
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.model import Reading
from exporter.settings import BucketSettings, Settings
from tests.bucket.standin import BUCKET, Standin, name, running_standin

FOLDERS = tuple(kind.value for kind in ObjectType)
NAMES = ("shop", "cart", "backup-cart", "data", "a", "data0", "z", "media.eu", "snapshot", "Reports", "conf", "log")
FILES = ("notes.txt", "config.yaml", "a/b/c/d", "index/table_19000/chunk", "data/raw", "keys", "locks/", "x/config")
Things = list[tuple[str, str]]


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture(scope="module")
def shared() -> Iterator[Standin]:
    with running_standin() as standin:
        yield standin


@pytest.fixture
def store(shared: Standin) -> Standin:
    shared.objects.clear()
    shared.page_size = 1000
    return shared


def put(store: Standin, prefix: str, what: str) -> None:
    """One thing at *prefix*: a repository without one of its folders, another program's, or a file of anyone's."""
    base = f"{prefix}/" if prefix else ""
    if what in ("whole", *FOLDERS, "config"):
        whole = Standin()
        whole.put_repository("r", packs=3)
        for key in whole.objects:
            if not key.removeprefix("r/").startswith(what):
                store.put(base + key.removeprefix("r/"), 500)
    elif what == "made":
        store.put(f"{base}config", 155)
        store.put(f"{base}keys/{name('key')}", 439)
    elif what == "kopia":
        for blob in ("_log_2026", "kopia.blobcfg", "kopia.repository", *(f"p{number}" for number in range(9)), "q1"):
            store.put(base + blob)
    else:
        store.put(base + what)


def live(store: Standin, **bucket: Any) -> Bucket:
    configured = BucketSettings(endpoint=store.endpoint, bucket=BUCKET, requests_per_second=10_000, **bucket)
    (read,) = BucketReader(Settings(buckets=(configured,))).read(datetime.now(UTC)).buckets
    assert read.reading is Reading.READ, read.detail
    return read


def offline(store: Standin, **bucket: Any) -> Bucket:
    contents = [
        {"Key": key, "Size": size, "LastModified": at.isoformat()} for key, (size, at) in sorted(store.objects.items())
    ]
    configured = BucketSettings(endpoint=store.endpoint, bucket=BUCKET, **bucket)
    listing = {"Contents": contents, "RequestCharged": None, "Prefix": ""}
    (read,) = read_listing([("bucket.json", listing)], Settings(buckets=(configured,)), datetime.now(UTC))
    return read


def timeless(bucket: Bucket) -> tuple[list[Repository], tuple[OtherRepository, ...]]:
    """What two readers of one bucket must agree on: all but the moments of their reading."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return [
        msgspec.structs.replace(repository, measured_at=epoch, data_measured_at=epoch)
        for repository in bucket.repositories
    ], bucket.others


places = st.lists(st.sampled_from(NAMES), max_size=3).map("/".join)
whats = st.sampled_from(("whole", "whole", "whole", "made", "kopia", "config", *FOLDERS, *FILES))
arrangements = st.lists(st.tuples(places, whats), max_size=8)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrangements, st.sampled_from([1000, 3]))
@example([("", "whole"), ("shop/cart", "whole"), ("a", "whole"), ("z/z", "kopia")], 1000)
@example([("cart", "whole"), ("cart/cart", "whole"), ("a", "keys")], 3)
@example([("data", "whole"), ("data0", "whole")], 1000)
@example([("shop", "data"), ("shop/data", "whole")], 1000)
@example([("", "kopia"), ("shop/cart", "whole")], 1000)
@example([("", "kopia"), ("shop/cart", "whole")], 3)
def test_both_readers_see_the_same(store: Standin, things: Things, page_size: int) -> None:
    store.objects.clear()
    store.page_size = page_size
    for prefix, what in things:
        put(store, prefix, what)
    seen, told = live(store), offline(store)
    if not seen.unlisted:
        assert timeless(seen) == timeless(told)
        return
    found = {repository.prefix for repository in seen.repositories}
    everywhere = {repository.prefix for repository in told.repositories}
    assert found <= everywhere
    assert not [prefix for prefix in everywhere - found if seen.covers(prefix)]


@pytest.mark.parametrize("prefix", ["", "cart", "backup-cart", "shop/cart", "a/b/c/d/e/cart", "data", "keys/snapshots"])
def test_a_repository_is_found_wherever_it_stands(store: Standin, prefix: str) -> None:
    put(store, prefix, "whole")
    bucket = live(store)
    assert [repository.prefix for repository in bucket.repositories] == [prefix]
    assert bucket.repositories[0].present is True


def test_a_repository_at_the_root_does_not_hide_those_below_it(store: Standin) -> None:
    for prefix in ("", "a/b", "shop/cart", "shop/cart/deeper"):
        put(store, prefix, "whole")
    bucket = live(store)
    assert [repository.prefix for repository in bucket.repositories] == ["", "a/b", "shop/cart", "shop/cart/deeper"]
    assert all(repository.snapshots == 3 for repository in bucket.repositories)
    assert all(repository.totals[ObjectType.DATA].objects == 3 for repository in bucket.repositories)


def test_only_what_stands_under_the_prefix_is_found(store: Standin) -> None:
    for prefix in ("mine/cart", "yours/cart"):
        put(store, prefix, "whole")
    bucket = live(store, prefix="mine")
    assert [repository.prefix for repository in bucket.repositories] == ["mine/cart"]
    assert not bucket.covers("yours/cart")


@pytest.mark.parametrize("lost", ["config", *FOLDERS])
def test_what_is_left_of_a_repository_is_a_damaged_one(store: Standin, lost: str) -> None:
    put(store, "shop/cart", lost)
    (repository,) = live(store).repositories
    assert repository.present is True
    assert repository.suspect == ()
    assert repository.config_present is (lost != "config")
    assert {kind.value for kind, total in repository.totals.items() if not total.objects} == {lost, "locks"} - {
        "config"
    }


def test_a_config_alone_is_no_repository(store: Standin) -> None:
    put(store, "shop/cart", "config.yaml")
    store.put("shop/cart/config", 155)
    bucket = live(store)
    assert bucket.repositories == ()
    assert bucket.covers("shop/cart")


def test_a_kopia_repository_is_kopias_and_nothing_else(store: Standin) -> None:
    put(store, "kopia/all", "kopia")
    put(store, "shop/cart", "whole")
    bucket = live(store)
    assert [repository.prefix for repository in bucket.repositories] == ["shop/cart"]
    assert bucket.others == (OtherRepository(OtherKind.KOPIA, "kopia/all"),)


def test_a_kopia_repository_of_many_blobs_costs_one_request(store: Standin) -> None:
    put(store, "kopia", "kopia")
    for number in range(5000):
        store.put(f"kopia/p{number:032x}")
    put(store, "shop/cart", "whole")
    store.queries.clear()
    live(store)
    assert len([query for query in store.queries if query.prefix == "kopia/"]) == 1


def test_a_search_of_the_usual_layout_costs_one_request_more_than_to_know_it(store: Standin) -> None:
    for number in range(12):
        store.put_repository(f"team{number % 3}/claim{number}", packs=3)
    store.queries.clear()
    live(store)
    searched = [query for query in store.queries if query.delimiter]
    assert len(searched) == 1 + 3 + 1  # the bucket, its namespaces, and the first claim
    assert len([query for query in store.queries if query.start_after]) == 12


def test_a_folder_that_holds_too_much_else_is_given_up_and_said_so(
    store: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "MOST_BARREN_OF_BRANCH", 20)
    for number in range(200):
        store.put(f"chunks/{number:03}/chunk")
    put(store, "shop/cart", "whole")
    configured = BucketSettings(endpoint=store.endpoint, bucket=BUCKET, requests_per_second=10_000)
    reader = BucketReader(Settings(buckets=(configured,)))
    at = datetime.now(UTC)
    store.queries.clear()
    (bucket,) = reader.read(at).buckets
    assert len(store.queries) < 40
    assert [repository.prefix for repository in bucket.repositories] == ["shop/cart"]
    assert not bucket.covers("chunks/150")
    assert bucket.covers("shop/other")
    assert "folders were not looked into" in bucket.detail
    (later,) = reader.read(at + timedelta(minutes=10)).buckets
    assert not later.covers("chunks/150")


def test_what_stands_too_deep_is_not_looked_for_and_said_so(store: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "MOST_DEPTH", 3)
    put(store, "a/b/c/d/e", "whole")
    put(store, "a/x", "whole")
    bucket = live(store)
    assert [repository.prefix for repository in bucket.repositories] == ["a/x"]
    assert bucket.unlisted == ("a/b/c/d",)
    assert not bucket.covers("a/b/c/d/e")


def test_a_listing_tells_what_damage_there_is(store: Standin) -> None:
    now = store.now()
    store.put_repository("shop/cart", packs=30)
    store.put(f"shop/cart/keys/{name('second key')}", 439, timedelta(days=9) - timedelta(seconds=40))
    store.put(f"shop/cart/index/{'0' * 64}", 0)
    store.put(f"shop/cart/snapshots/{'0' * 64}", 7)
    store.put(f"shop/cart/data/00/{'0' * 64}", 0)
    store.put("shop/cart/config", 0, timedelta(days=9))
    store.put("shop/cart/locks/", 0)
    (repository,) = live(store).repositories
    made = repository.config_at
    assert repository.config_present is True
    assert abs(made - (now - timedelta(days=9))) < timedelta(seconds=60)
    assert [key - made for key in repository.key_times] == [timedelta(0), timedelta(seconds=40)]
    assert repository.snapshot_times == tuple(sorted(repository.snapshot_times))
    assert (len(repository.snapshot_times), repository.snapshot_times[-1]) == (4, repository.newest_snapshot)
    assert repository.truncated == 4
    zeros = "0" * 64
    assert set(repository.truncated_names) == {
        "config",
        f"data/00/{zeros}",
        f"index/{zeros}",
        f"snapshots/{zeros}",
    }
    assert repository.oldest_lock is None


def test_only_the_newest_snapshots_are_told_by_their_times(store: Standin) -> None:
    store.put_repository("shop/cart", packs=3, snapshots=900)
    (repository,) = live(store).repositories
    assert repository.snapshots == 900
    assert len(repository.snapshot_times) == 200
    assert repository.snapshot_times[-1] == repository.newest_snapshot
    assert repository.snapshot_times[-1] - repository.snapshot_times[0] == timedelta(hours=199)
    assert repository.newest_snapshot - repository.oldest_snapshot == timedelta(hours=899)


def test_buckets_of_one_name_are_told_apart_by_their_store() -> None:
    buckets = [
        Bucket("backups", "http://one:9000"),
        Bucket("backups", "https://user:secret@two", "all"),
        Bucket("backups"),
    ]
    assert len({bucket.identity for bucket in buckets}) == 3
    assert [bucket.store for bucket in buckets] == ["one:9000/backups", "two/backups", "backups"]
