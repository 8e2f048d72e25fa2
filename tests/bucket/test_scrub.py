"""What reading a repository's objects shows, in a store that behaves and in one that does not."""

import hashlib
import threading
import tracemalloc
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from exporter.facts.bucket import client
from exporter.facts.bucket.model import Proof, Scrub
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.bucket.scrub.reader import Scrubber
from exporter.facts.bucket.scrub.turn import BucketScrub
from exporter.facts.model import SourceRead
from exporter.facts.reading import Reading, Reason, Source
from exporter.settings import BucketSettings, PollSettings, ScrubSettings, Settings
from tests.bucket.standin import BUCKET, Listed, Standin, running_standin

CART, SHELF = "shop/cart", "shop/shelf"
FOLDERS = ("keys", "index", "snapshots", "data")
PERIOD, DAILY = timedelta(days=10), timedelta(days=100)
"""So long that the time which a test takes does not count, …"""
AT = datetime(2026, 1, 18, 14, tzinfo=UTC)
"""… and far from where small files are due again."""


def content(*parts: object, size: int = 500) -> bytes:
    return repr(parts).encode().ljust(size, b".")


def put(store: Standin, prefix: str, folder: str, body: bytes, age: timedelta = timedelta(hours=1)) -> str:
    """An object that has the name of its bytes; its key."""
    name = hashlib.sha256(body).hexdigest()
    key = f"{prefix}/{folder}/{name[:2]}/{name}" if folder == "data" else f"{prefix}/{folder}/{name}"
    store.put_object(key, body, age)
    return key


def put_repository(store: Standin, prefix: str, packs: int = 3) -> dict[str, list[str]]:
    store.put(f"{prefix}/config", 155)
    return {
        folder: [
            put(store, prefix, folder, content(prefix, folder, n)) for n in range(packs if folder == "data" else 1)
        ]
        for folder in FOLDERS
    }


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(client, "_ATTEMPTS", 1)
    monkeypatch.setattr(BucketScrub, "_offset", lambda *_: 0.0)
    with running_standin() as standin:
        yield standin


class Turns:
    """A scrubber, and the clock that it is told."""

    def __init__(self, store: Standin, **settings: object) -> None:
        bucket = BucketSettings(endpoint=store.endpoint, bucket=BUCKET, requests_per_second=10_000)
        settings = {"bytes_per_second": "1Gi", "period": PERIOD, "small_files": DAILY} | settings
        scrub = ScrubSettings(enabled=True, **settings)
        self.settings = Settings(buckets=(bucket,), scrub=scrub, poll=PollSettings(timeout=timedelta(seconds=10)))
        self.at = AT
        self.buckets = BucketReader(self.settings)
        self.scrubber = Scrubber(self.settings, self.buckets)
        self.look()

    def look(self) -> None:
        assert self.buckets.read(self.at).buckets[0].repositories

    def turn(self, later: timedelta = timedelta(0)) -> dict[str, Scrub]:
        self.at += later
        self.read: SourceRead = self.scrubber.read(self.at, threading.Event(), timedelta(seconds=30))
        assert self.read.report.source is Source.SCRUB
        return {prefix: scrub for (_, prefix), scrub in self.read.scrubs.items()}

    def whole(self) -> dict[str, Scrub]:
        """Everything is read once: half a period from the start."""
        self.turn()
        return self.turn(PERIOD / 2)


def corrupt(scrub: Scrub) -> list[str]:
    return [one.name for one in scrub.corrupt]


def other_bytes(key: str) -> Callable[[str, Listed], None]:
    """A store that has other bytes at *key*."""

    def twist(read: str, answer: Listed) -> None:
        if read == key:
            answer.body = answer.body[:-1] + b"?"

    return twist


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_object_that_twice_brings_the_same_other_bytes_is_corrupt(store: Standin, folder: str) -> None:
    keys = put_repository(store, CART)
    (bad, *_) = keys[folder]
    store.twist_read = other_bytes(bad)
    scrub = Turns(store).whole()[CART]
    assert corrupt(scrub) == [bad.removeprefix(f"{CART}/")]
    assert (scrub.corrupt_objects, scrub.unread) == (1, 0)
    assert scrub.scrubbed == {Proof.CONTENT: 5 * 500}
    ports = [port for key, port in store.reads if key == bad]
    assert len(ports) == len(set(ports)) == 2
    assert len([key for key, _ in store.reads]) == 7


def test_a_sound_repository_is_read_once_in_half_a_period_then_once_in_a_period_and_never_accused(
    store: Standin,
) -> None:
    keys = {key for found in put_repository(store, CART, packs=48).values() for key in found}
    turns = Turns(store)
    scrub = turns.whole()[CART]
    assert sorted(key for key, _ in store.reads) == sorted(keys)
    assert scrub.scrubbed == {Proof.CONTENT: 500 * len(keys)}
    assert (scrub.corrupt_objects, scrub.unread) == (0, 0)
    assert abs(scrub.oldest - turns.at) <= PERIOD
    store.reads.clear()
    for _ in range(16):
        turns.turn(PERIOD / 16)
    assert turns.turn()[CART].corrupt_objects == 0
    packs = [key for key, _ in store.reads if "/data/" in key]
    assert len(packs) == len(set(packs)) == 48


def test_a_single_bad_read_is_read_again_and_forgotten(store: Standin) -> None:
    (bad,) = put_repository(store, CART)["index"]
    twist = other_bytes(bad)

    def once(key: str, answer: Listed) -> None:
        twist(key, answer)
        if key == bad:
            store.twist_read = None

    store.twist_read = once
    scrub = Turns(store).whole()[CART]
    assert (scrub.corrupt_objects, scrub.unread) == (0, 0)


def test_what_comes_otherwise_each_time_is_unknown_until_it_is_read_well(store: Standin) -> None:
    (bad,) = put_repository(store, CART)["index"]

    def twist(key: str, answer: Listed) -> None:
        if key == bad:
            answer.body = answer.body[:-4] + f"{len(store.reads):4}".encode()

    store.twist_read = twist
    turns = Turns(store)
    scrub = turns.turn()[CART]
    assert (corrupt(scrub), scrub.unread) == ([], 1)
    assert turns.read.report.errors == {Reason.CONTRADICTED: 1}
    assert turns.read.report.reading is Reading.READ
    store.twist_read = None
    assert turns.turn()[CART].unread == 0


def packed(answer: Listed) -> None:
    answer.headers["Content-Encoding"] = "gzip"


def cut_off(answer: Listed) -> None:
    answer.body, answer.promised = answer.body[:100], 400


def shorter(answer: Listed) -> None:
    answer.body = b"<html>Please log in.</html>"


def refused(answer: Listed) -> None:
    answer.status, answer.code, answer.body = 403, "InvalidObjectState", None


@pytest.mark.parametrize("spoil", [packed, cut_off, shorter, refused])
def test_what_cannot_be_read_is_unknown_and_costs_itself_alone(store: Standin, spoil: Callable[[Listed], None]) -> None:
    bad = put_repository(store, CART)["data"][0]
    store.twist_read = lambda key, answer: spoil(answer) if key == bad else None
    turns = Turns(store)
    scrub = turns.whole()[CART]
    assert (corrupt(scrub), scrub.unread) == ([], 1)
    assert scrub.scrubbed == {Proof.CONTENT: 5 * 500}
    assert turns.read.report.reading is Reading.READ
    for _ in range(5):
        turns.turn()
    assert 3 <= len([key for key, _ in store.reads if key == bad]) <= 5


def test_what_a_prune_removes_meanwhile_is_no_finding(store: Standin) -> None:
    gone, going = put_repository(store, CART)["data"][:2]

    def twist(key: str, answer: Listed) -> None:
        if key == going:
            other_bytes(going)(key, answer)
            if len([read for read, _ in store.reads if read == going]) == 2:
                store.remove(going)

    store.twist_read = twist
    turns = Turns(store)
    del store.bodies[gone]
    scrub = turns.whole()[CART]
    assert (scrub.corrupt_objects, scrub.unread) == (0, 0)


def test_a_corrupt_object_stays_one_until_it_is_gone_or_replaced_or_healed(store: Standin) -> None:
    keys = put_repository(store, CART)
    bad = [keys["index"][0], keys["snapshots"][0], keys["data"][0]]
    bodies = dict(store.bodies)
    for key in bad:
        store.bodies[key] = b"?" * 500
    turns = Turns(store)
    assert turns.whole()[CART].corrupt_objects == 3
    assert turns.turn()[CART].corrupt_objects == 3
    store.remove(bad[0])
    store.put_object(bad[1], bodies[bad[1]], timedelta(hours=0.5))
    store.bodies[bad[2]] = bodies[bad[2]]
    assert corrupt(turns.turn()[CART]) == [bad[2].removeprefix(f"{CART}/")]
    assert turns.turn(DAILY)[CART].corrupt_objects == 0


def test_a_finding_stays_while_the_store_does_not_answer(store: Standin) -> None:
    store.twist_read = other_bytes(put_repository(store, CART)["data"][0])
    turns = Turns(store)
    turns.whole()

    def broken(_query: object, listed: Listed) -> None:
        listed.status, listed.code = 500, "InternalError"

    store.twist = broken
    assert turns.turn()[CART].corrupt_objects == 1
    assert turns.turn(PERIOD)[CART].corrupt_objects == 1
    assert turns.read.report.reading is Reading.UNREADABLE


def test_a_repository_of_which_nothing_is_what_its_name_says_is_doubted_and_not_accused(store: Standin) -> None:
    """A gateway between restic and the store may encrypt: then the names are those of other bytes."""
    put_repository(store, CART)
    put_repository(store, SHELF)
    store.twist_read = lambda key, answer: other_bytes(key)(key, answer) if key.startswith(CART) else None
    found = Turns(store).whole()
    assert (corrupt(found[CART]), found[CART].unread) == ([], 6)
    assert (found[SHELF].corrupt_objects, found[SHELF].unread) == (0, 0)


def test_a_key_that_may_only_list_is_told_and_asks_once_in_a_turn(store: Standin) -> None:
    put_repository(store, CART)

    def forbidden(_key: str, answer: Listed) -> None:
        answer.status, answer.code, answer.body = 403, "AccessDenied", None

    store.twist_read = forbidden
    turns = Turns(store)
    scrub = turns.turn()[CART]
    assert (turns.read.report.reading, turns.read.report.reason) == (Reading.UNREADABLE, Reason.FORBIDDEN)
    assert "s3:GetObject" in turns.read.report.detail
    assert len(store.reads) == 1
    assert (scrub.corrupt_objects, scrub.scrubbed, scrub.oldest) == (None, {}, None)


def test_a_store_that_hangs_ends_the_turn_and_the_next_goes_on_where_it_was(store: Standin) -> None:
    keys = put_repository(store, CART)
    turns = Turns(store)

    def failing(_key: str, answer: Listed) -> None:
        answer.status, answer.code, answer.body = 503, "SlowDown", None

    store.twist_read = failing
    turns.turn()
    turns.turn()
    turns.turn(PERIOD / 2)
    assert turns.read.report.reason is Reason.THROTTLED
    assert len(store.reads) <= 12
    store.twist_read = None
    assert turns.turn()[CART].scrubbed[Proof.CONTENT] > 0
    assert {key for key, _ in store.reads} == {key for found in keys.values() for key in found}


def test_a_repository_whose_objects_do_not_come_holds_no_other_up(store: Standin) -> None:
    put_repository(store, CART, packs=20)
    put_repository(store, SHELF)

    def failing(key: str, answer: Listed) -> None:
        if key.startswith(CART):
            answer.status, answer.code, answer.body = 500, "InternalError", None

    store.twist_read = failing
    turns = Turns(store)
    found = turns.whole()
    assert found[SHELF].scrubbed == {Proof.CONTENT: 6 * 500}
    assert (sum(found[CART].scrubbed.values()), found[CART].corrupt_objects) == (0, None)
    assert len([key for key, _ in store.reads if key.startswith(CART)]) <= 8
    assert turns.read.report.reading is Reading.READ
    assert turns.read.report.errors[Reason.SERVER_ERROR] == 4


def test_a_repository_that_cannot_be_listed_costs_no_other(store: Standin) -> None:
    put_repository(store, CART)
    put_repository(store, SHELF)
    turns = Turns(store)

    def twist(query: object, listed: Listed) -> None:
        if query.prefix.startswith(f"{CART}/"):
            listed.key_count = 99

    store.twist = twist
    found = turns.whole()
    assert found[SHELF].scrubbed == {Proof.CONTENT: 6 * 500}
    assert found[CART].scrubbed == {}


def stored(body: bytes, kind: str = "FULL_OBJECT") -> dict[str, str]:
    digest = b64encode(hashlib.sha256(body).digest()).decode()
    return {"x-amz-checksum-sha256": digest, "x-amz-checksum-type": kind}


def test_where_the_store_keeps_the_digests_they_are_asked_for(store: Standin) -> None:
    put_repository(store, CART, packs=10)
    store.checksums = {key: stored(body) for key, body in store.bodies.items()}
    scrub = Turns(store).whole()[CART]
    assert len(store.reads) == 1
    assert scrub.scrubbed == {Proof.CONTENT: 500, Proof.CHECKSUM: 12 * 500}
    store.reads.clear()
    assert Turns(store, stored_checksums=False).whole()[CART].scrubbed == {Proof.CONTENT: 13 * 500}


def test_a_digest_of_other_bytes_or_of_parts_has_the_bytes_read(store: Standin) -> None:
    keys = put_repository(store, CART, packs=10)
    store.checksums = {key: stored(body) for key, body in store.bodies.items()}
    bad, parts = keys["data"][:2]
    store.bodies[bad] = b"?" * 500
    store.checksums[bad] = stored(store.bodies[bad])
    store.checksums[parts] = stored(store.bodies[parts], "COMPOSITE")
    scrub = Turns(store).whole()[CART]
    assert corrupt(scrub) == [bad.removeprefix(f"{CART}/")]
    assert {bad, parts} < {key for key, _ in store.reads}
    assert sum(scrub.scrubbed.values()) == 12 * 500


def test_what_was_stored_just_now_has_its_turn_later(store: Standin) -> None:
    put_repository(store, CART)
    young = put(store, CART, "snapshots", content("young"), timedelta(minutes=1))
    Turns(store).whole()
    assert young not in {key for key, _ in store.reads}


def test_other_things_in_a_repositorys_folders_are_not_read(store: Standin) -> None:
    put_repository(store, CART)
    for name in ("index/README", f"locks/{'a' * 64}", f"data/ab/{'c' * 64}", f"snapshots/{'A' * 64}"):
        store.put_object(f"{CART}/{name}", b"x" * 500)
    scrub = Turns(store).whole()[CART]
    assert (scrub.corrupt_objects, scrub.unread) == (0, 0)
    assert len(store.reads) == 6


def test_after_a_start_the_first_listing_is_awaited(store: Standin) -> None:
    put_repository(store, CART)
    turns = Turns(store)
    turns.buckets = BucketReader(turns.settings)
    turns.scrubber = Scrubber(turns.settings, turns.buckets)
    listing = threading.Timer(0.2, turns.look)
    listing.start()
    assert turns.turn()[CART].scrubbed[Proof.CONTENT] >= 3 * 500
    listing.join()


def test_the_ceiling_of_bytes_is_kept(store: Standin) -> None:
    put_repository(store, CART)
    for n in range(4):
        put(store, CART, "index", content("big", n, size=100_000))
    turns = Turns(store, bytes_per_second="1M")
    turns.turn()
    assert timedelta(seconds=0.3) < turns.read.report.duration < timedelta(seconds=3)


def test_an_object_of_any_size_passes_through(store: Standin) -> None:
    put_repository(store, CART)
    turns = Turns(store)
    turns.turn()
    put(store, CART, "index", bytes(32 << 20))
    tracemalloc.start()
    try:
        scrub = turns.turn(DAILY)[CART]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert scrub.scrubbed[Proof.CONTENT] > 32 << 20
    assert peak < 4 << 20
