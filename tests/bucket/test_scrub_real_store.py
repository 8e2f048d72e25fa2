"""Objects of repositories that a real restic wrote to a real S3 server, read with the right to read and list."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from exporter.facts.bucket.access import check_access
from exporter.facts.bucket.model import Proof, Scrub
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.bucket.scrub import turn
from exporter.facts.bucket.scrub.reader import Scrubber
from exporter.facts.bucket.scrub.rotation import SHARDS
from exporter.facts.reading import Reading, Reason
from exporter.settings import BucketSettings, ScrubSettings, Settings
from tests.bucket.mover import Mover
from tests.bucket.weed import BUCKET, LIST_ONLY, READER, Weed

MakeMover = Callable[[str], Mover]
PERIOD = timedelta(hours=1)
SLOT = PERIOD / SHARDS


class Turns:
    """A scrubber of one folder of the bucket, and a clock that it is told."""

    def __init__(self, weed: Weed, prefix: str, **settings: object) -> None:
        bucket = BucketSettings(repository_base=f"s3:{weed.endpoint}/{BUCKET}/{prefix}", requests_per_second=2000)
        scrub = ScrubSettings(enabled=True, period=PERIOD, **{"bytes_per_second": "1Gi"} | settings)
        self.settings = Settings(buckets=(bucket,), scrub=scrub)
        self.at = datetime.now(UTC)
        self.restart()

    def restart(self) -> None:
        self.buckets = BucketReader(self.settings)
        self.scrubber = Scrubber(self.settings, self.buckets)
        self.look()

    def look(self) -> None:
        (bucket,) = self.buckets.read(self.at).buckets
        assert bucket.reading is Reading.READ, bucket.detail

    def turn(self) -> dict[str, Scrub]:
        read = self.scrubber.read(self.at, threading.Event(), timedelta(minutes=1))
        self.report = read.report
        return {prefix.rpartition("/")[2]: scrub for (_, prefix), scrub in read.scrubs.items()}

    def lap(self) -> dict[str, Scrub]:
        """Half a period, in which all is read once after a start."""
        for _ in range(4):
            self.turn()
            self.at += SHARDS / 8 * SLOT
        return self.turn()


@pytest.fixture(autouse=True)
def _reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """The identity that may read, and objects that are judged however young they are."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", READER[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", READER[1])
    monkeypatch.setattr(turn, "SETTLED", timedelta(0))


@pytest.fixture(scope="module")
def cart(mover: MakeMover) -> Mover:
    cart = mover("scrub-cart/shop/cart")
    cart.init()
    for _ in range(3):
        cart.backup(fill=200_000)
    return cart


def flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 4]) + body[middle + 1 :]


def size_of(weed: Weed, prefix: str) -> int:
    pages = weed.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
    return sum(entry["Size"] for page in pages for entry in page["Contents"] if not entry["Key"].endswith("/config"))


def test_every_kind_of_corruption_is_found_and_named_and_nothing_else_is(cart: Mover, weed: Weed) -> None:
    def objects(name: str, folder: str) -> list[str]:
        weed.copy(cart.path, f"scrub/{name}")
        return weed.keys(f"scrub/{name}/{folder}/")

    expected = {"sound": None}
    for kind in ("keys", "index", "snapshots", "data"):
        expected[kind] = objects(kind, kind)[0]
        weed.put(expected[kind], flipped(weed.get(expected[kind])))
    expected["truncated"] = objects("truncated", "data")[0]
    weed.put(expected["truncated"], weed.get(expected["truncated"])[:-1])
    expected["emptied"] = objects("emptied", "data")[0]
    weed.put(expected["emptied"])
    expected["replaced"], other = objects("replaced", "data")[:2]
    weed.put(expected["replaced"], weed.get(other))
    weed.copy(cart.path, "scrub/sound")

    turns = Turns(weed, "scrub")
    found = turns.lap()
    assert turns.report.reading is Reading.READ
    assert {name: [one.name for one in scrub.corrupt] for name, scrub in found.items()} == {
        name: [key.removeprefix(f"scrub/{name}/")] if key else [] for name, key in expected.items()
    }
    assert {scrub.corrupt_objects for name, scrub in found.items() if name != "sound"} == {1}
    assert found["sound"].corrupt_objects == 0
    assert found["sound"].scrubbed == {Proof.CONTENT: size_of(weed, "scrub/sound")}
    assert all(scrub.unread == 0 and scrub.oldest is not None for scrub in found.values())


def test_backups_and_prunes_meanwhile_bring_no_finding(mover: MakeMover, weed: Weed) -> None:
    busy = mover("busy/shop/busy")
    busy.init()
    busy.backup(fill=300_000)
    turns = Turns(weed, "busy", small_files=timedelta(minutes=30))
    failures: list[RuntimeError] = []

    def work() -> None:
        try:
            for _ in range(3):
                busy.backup(fill=300_000)
                busy.restic("forget", "--keep-last", "1", "--prune", "--max-unused", "0")
                next(busy.volume.iterdir()).unlink()
        except RuntimeError as error:
            failures.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    laps = 0
    while worker.is_alive() or laps < 2:
        turns.look()
        scrub = turns.lap()["busy"]
        assert (scrub.corrupt_objects or 0, scrub.unread) == (0, 0)
        laps += 1
    worker.join()
    assert failures == []
    busy.restic("check", "--read-data")


def test_the_store_says_what_was_stored_where_it_keeps_digests(cart: Mover, weed: Weed) -> None:
    """What SeaweedFS keeps of an object that was stored with its checksum."""
    for key in cart.listed():
        target = key.replace(cart.path, "kept/cart")
        weed.s3.put_object(Bucket=BUCKET, Key=target, Body=weed.get(key), ChecksumAlgorithm="SHA256")
    scrub = Turns(weed, "kept").lap()["cart"]
    assert (scrub.corrupt_objects, scrub.unread) == (0, 0)
    assert sum(scrub.scrubbed.values()) == size_of(weed, "kept/cart")
    assert scrub.scrubbed[Proof.CHECKSUM] > 0


def test_a_key_that_may_only_list_is_told_by_the_scrub_and_by_doctor(
    cart: Mover, weed: Weed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", LIST_ONLY[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", LIST_ONLY[1])
    turns = Turns(weed, "scrub-cart")
    assert turns.turn()["cart"].corrupt_objects is None
    assert (turns.report.reading, turns.report.reason) == (Reading.UNREADABLE, Reason.FORBIDDEN)
    checks = {check.what.partition(" ")[0]: check for check in check_access(turns.buckets)}
    assert (checks["get"].ok, checks["scrub"].ok) == (False, True)
    assert "s3:GetObject" in checks["get"].fix
