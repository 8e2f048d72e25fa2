"""Objects of repositories that a real restic wrote to a real S3 server, read with the right to read and list."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from exporter.facts.bucket.model import Proof, Scrub
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.bucket.scrub import turn
from exporter.facts.bucket.scrub.reader import Scrubber
from exporter.facts.bucket.scrub.rotation import SHARDS
from exporter.facts.reading import Reading
from exporter.settings import BucketSettings, ScrubSettings, Settings
from tests.bucket.mover import Mover
from tests.bucket.weed import BUCKET, READER, Weed

MakeMover = Callable[[str], Mover]
PERIOD = timedelta(hours=1)
SLOT = PERIOD / SHARDS


class Bench:
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
        read = self.scrubber.read(self.at, stop(), timedelta(minutes=1))
        self.report = read.report
        return {prefix.rpartition("/")[2]: scrub for (_, prefix), scrub in read.scrubs.items()}

    def lap(self) -> dict[str, Scrub]:
        """Half a period, in which all is read once after a start."""
        for _ in range(4):
            self.turn()
            self.at += SHARDS / 8 * SLOT
        return self.turn()


def stop() -> "turn.threading.Event":
    return turn.threading.Event()


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

    bench = Bench(weed, "scrub")
    found = bench.lap()
    assert bench.report.reading is Reading.READ
    assert {name: [one.name for one in scrub.corrupt] for name, scrub in found.items()} == {
        name: [key.removeprefix(f"scrub/{name}/")] if key else [] for name, key in expected.items()
    }
    assert {scrub.corrupt_objects for name, scrub in found.items() if name != "sound"} == {1}
    assert found["sound"].corrupt_objects == 0
    assert found["sound"].scrubbed == {Proof.CONTENT: size_of(weed, "scrub/sound")}
    assert all(scrub.unread == 0 and scrub.oldest is not None for scrub in found.values())
