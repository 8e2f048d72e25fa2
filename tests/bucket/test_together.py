"""Many repositories are looked at in one listing where the store can fold packs away, and that changes no figure."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.facts.bucket import together
from exporter.facts.bucket.listing import ListingPage
from exporter.facts.bucket.model import ObjectType, Repository
from exporter.facts.bucket.pace import Pace
from exporter.facts.bucket.paging import DatedPage
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.bucket.repository import ContentsBuilder
from exporter.facts.bucket.together import look_at_many
from exporter.settings import BucketSettings, Settings
from tests.bucket.standin import BUCKET, Listed, Query, Standin, name, running_standin
from tests.bucket.weed import Weed

START = datetime(2026, 1, 18, 14, tzinfo=UTC)
MINUTES = timedelta(minutes=1)
COUNT = 6


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(together, "_FEWEST", COUNT)
    with running_standin() as standin:
        for number in range(COUNT):
            standin.put_repository(f"team{number % 3}/claim{number}", packs=2)
        yield standin


class Reads:
    """Reads of one store, five minutes apart."""

    def __init__(self, store: Standin) -> None:
        settings = BucketSettings(endpoint=store.endpoint, bucket=BUCKET, requests_per_second=10_000)
        self.reader, self.store, self.at = BucketReader(Settings(buckets=(settings,))), store, START

    def next(self) -> dict[str, Repository]:
        self.store.queries.clear()
        (bucket,) = self.reader.read(self.at, patience=timedelta(minutes=10)).buckets
        self.at += 5 * MINUTES
        return {repository.prefix: repository for repository in bucket.repositories}

    def looks(self) -> list[str]:
        """The repositories that the last read looked at one by one."""
        return [query.prefix.rstrip("/") for query in self.store.queries if query.start_after.endswith("/data0")]


def figures(found: dict[str, Repository]) -> list[tuple[object, ...]]:
    return [(r.prefix, r.present, r.snapshots, r.newest_snapshot, r.totals, r.index_generation) for r in found.values()]


def test_nothing_new_in_many_repositories_is_one_request_for_each_thousand_objects(store: Standin) -> None:
    reads = Reads(store)
    first = reads.next()
    assert figures(reads.next()) == figures(first)
    assert [query.delimiter for query in store.queries] == ["/data/"]


def test_a_new_snapshot_is_seen_in_it(store: Standin) -> None:
    reads = Reads(store)
    before = reads.next()["team0/claim0"]
    store.put(f"team0/claim0/snapshots/{name('new')}", 200, timedelta(minutes=1))
    after = reads.next()["team0/claim0"]
    assert (before.snapshots, after.snapshots) == (3, 4)
    assert after.newest_snapshot
    assert before.newest_snapshot
    assert after.newest_snapshot > before.newest_snapshot


def test_what_it_does_not_show_is_looked_at_in_its_own_place(store: Standin) -> None:
    """A store may lose a folder in a listing of the whole: a repository is not gone for that."""
    reads = Reads(store)
    reads.next()

    def lose(query: Query, listed: Listed) -> None:
        if query.delimiter == "/data/":
            listed.keys = [key for key in listed.keys if not key.startswith("team0/claim0/")]

    store.twist = lose
    assert reads.next()["team0/claim0"].present
    assert reads.looks() == ["team0/claim0"]


def test_a_repository_that_is_gone_is_gone(store: Standin) -> None:
    reads = Reads(store)
    reads.next()
    for key in [key for key in store.objects if key.startswith("team0/claim0/")]:
        del store.objects[key]
    assert "team0/claim0" not in reads.next()


def test_a_snapshot_that_it_lost_is_asked_for_again(store: Standin) -> None:
    reads = Reads(store)
    first = reads.next()
    newest = f"team1/claim1/snapshots/{name('snapshot', 'team1/claim1', 0)}"

    def lose(query: Query, listed: Listed) -> None:
        if query.delimiter == "/data/":
            listed.keys.remove(newest)

    store.twist = lose
    assert figures(reads.next()) == figures(first)
    assert reads.looks() == ["team1/claim1"]


def test_a_repository_with_another_below_it_is_looked_at_by_itself(store: Standin) -> None:
    store.put_repository("team0/claim0/old", packs=1)
    reads = Reads(store)
    reads.next()
    assert "team0/claim0/old" in reads.next()
    assert reads.looks() == ["team0/claim0"]


def test_a_namespace_called_data_is_looked_at_one_by_one(store: Standin) -> None:
    """Its repositories stand behind what the store folds away."""
    for key in list(store.objects):
        store.objects[f"cluster/{key}"] = store.objects.pop(key)
    store.put_repository("cluster/data/claim", packs=1)
    reads = Reads(store)
    reads.next()
    assert "cluster/data/claim" in reads.next()
    assert reads.looks() == ["cluster/data/claim"]


@pytest.mark.parametrize("fault", ["refuses", "does not know it", "folds after it cuts"])
def test_a_store_for_which_it_saves_nothing_is_asked_once_a_day(store: Standin, fault: str) -> None:
    reads = Reads(store)
    first = reads.next()

    def twist(query: Query, listed: Listed) -> None:
        if query.delimiter != "/data/":
            return
        if fault == "refuses":
            listed.status, listed.code = 501, "NotImplemented"
        elif fault == "does not know it":
            listed.keys, listed.folders = sorted(store.objects)[:900], ["team0/"]
        else:
            token = int(query.token or 0) + 1
            listed.keys, listed.folders = listed.keys[token - 1 : token], []
            listed.token, listed.truncated = str(token), True

    store.twist = twist
    assert figures(reads.next()) == figures(first)
    assert len(reads.looks()) >= COUNT - 1
    reads.next()
    assert not [query for query in store.queries if query.delimiter == "/data/"]
    reads.at += timedelta(days=1)
    reads.next()
    assert [query for query in store.queries if query.delimiter == "/data/"]


def test_few_repositories_are_looked_at_one_by_one(store: Standin) -> None:
    for key in [key for key in store.objects if key.startswith("team0/")]:
        del store.objects[key]
    reads = Reads(store)
    reads.next()
    reads.next()
    assert len(reads.looks()) == COUNT * 2 // 3


def test_a_real_store_folds_packs_away(
    weed: Weed, reader_of: Callable[..., BucketReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "_FEWEST", COUNT)
    packs = [name("pack", number) for number in range(3)]
    for number in range(COUNT):
        base = f"folded/claim{number}"
        for key in ("config", f"keys/{name('key')}", f"index/{name('i')}", f"snapshots/{name('s', number)}"):
            weed.put(f"{base}/{key}", b"x" * 200)
        for pack in packs:
            weed.put(f"{base}/data/{pack[:2]}/{pack}", b"x" * 200)
    reader = reader_of("folded")
    first = reader.read(datetime.now(UTC), patience=timedelta(minutes=10))
    again = reader.read(datetime.now(UTC), patience=timedelta(minutes=10))
    assert [r.prefix for r in again.buckets[0].repositories] == [r.prefix for r in first.buckets[0].repositories]
    assert len(again.buckets[0].repositories) == COUNT
    assert reader.sweeps[0].requests == 1


class Listing:
    """The client of a bucket that holds *keys*."""

    def __init__(self, keys: list[str], page_size: int) -> None:
        self.keys, self.page_size = sorted(keys), page_size

    def list(self, prefix: str, *, token: str | None = None, delimiter: str = "") -> DatedPage:
        entries = dict.fromkeys(
            key.partition(delimiter)[0] + delimiter if delimiter in key.removeprefix(prefix) else key
            for key in self.keys
            if key.startswith(prefix)
        )
        left = [entry for entry in entries if entry > (token or "")]
        page = left[: self.page_size]
        keys = [entry for entry in page if not entry.endswith(delimiter)]
        more = len(left) > len(page)
        return DatedPage(
            ListingPage(
                keys=keys,
                sizes=[200] * len(keys),
                modified=["2026-01-18T14:00:00Z"] * len(keys),
                folders=[entry for entry in page if entry.endswith(delimiter)],
                truncated=more,
                token=page[-1] if more else None,
            ),
            START,
        )


_NAMES = st.sampled_from(["a", "b", "c", "data", "index"])
_PLACES = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_FILES = st.sampled_from(
    ["config", "note.txt", f"key/{name(1)}"]
    + [f"{kind}/{name(kind, n)}" for kind in ("index", "keys", "locks", "snapshots") for n in range(3)]
    + [f"data/{name(n)[:2]}/{name(n)}" for n in range(3)]
)


@given(st.dictionaries(_PLACES, st.sets(_FILES, max_size=9), max_size=6), st.integers(1, 9), st.integers(1, 12))
def test_what_it_shows_is_what_a_look_at_each_place_shows(
    world: dict[str, set[str]], page_size: int, most_pages: int
) -> None:
    keys = {f"{place}/{file}" for place, files in world.items() for file in files}
    alone = {}
    for place in world:
        builder = ContentsBuilder(place)
        own = sorted(key for key in keys if key.startswith(f"{place}/") and not key.startswith(f"{place}/data/"))
        builder.add(ListingPage(own, [200] * len(own), ["2026-01-18T14:00:00Z"] * len(own)))
        alone[place] = builder.contents()
    known = {place: seen for place, seen in alone.items() if not seen.is_empty}
    looks = look_at_many(Listing(list(keys), page_size), "", known, Counter(), most_pages=most_pages)  # type: ignore[arg-type]
    for place, look in looks.items():
        assert [look.contents[kind] for kind in ObjectType] == [alone[place][kind] for kind in ObjectType]
        assert look.contents.config_at == alone[place].config_at
        assert not alone[place].foreign


def test_the_pace_follows_what_the_store_bears() -> None:
    pace = Pace(0)
    first = pace.rate
    for _ in range(200):
        pace.answered(200, 0.02)
    quick = pace.rate
    pace.answered(200, 2.0)
    slow = pace.rate
    pace.answered(503, 0.02)
    refused = pace.rate
    for _ in range(50):
        pace.unanswered()
    assert first == 20
    assert quick == 200
    assert refused < slow < quick
    assert pace.rate == 1


def test_the_pace_is_soon_what_the_store_bore_before_an_outage() -> None:
    pace = Pace(0)
    for _ in range(200):
        pace.answered(200, 0.02)
    for _ in range(500):
        pace.unanswered()
    during = pace.rate
    for _ in range(25):
        pace.answered(200, 0.02)
    assert during == 1
    assert 100 <= pace.rate < 120  # half of what it was, and from there with care


def test_a_store_that_answers_at_leisure_is_not_held_to_the_pace_of_an_outage() -> None:
    pace = Pace(0)
    for _ in range(100):  # failing every other time, it bears less and less
        pace.unanswered()
        pace.answered(200, 0.5)
    during, seconds = pace.rate, 0.0
    for _ in range(160):
        seconds += 1 / pace.rate
        pace.answered(200, 0.5)
    assert during < 2
    assert seconds < 60
    assert 20 <= pace.rate < 21  # it has not shown that it bears more


def test_a_store_that_refuses_what_is_beyond_a_limit_is_seldom_asked_for_more() -> None:
    pace, refused = Pace(0), 0
    for _ in range(2000):
        is_too_much = pace.rate > 10
        refused += is_too_much
        pace.answered(503 if is_too_much else 200, 0.02)
    assert refused < 2000 / 20
    assert 5 <= pace.rate <= 10.2


def test_a_ceiling_that_is_set_holds_however_prompt_the_store_is() -> None:
    pace = Pace(5.0)
    for _ in range(100):
        pace.answered(200, 0.001)
    assert pace.rate == 5.0
    pace.wait(threading.Event())
