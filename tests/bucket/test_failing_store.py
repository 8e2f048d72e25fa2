"""Each way in which a store fails: a named reason, its last figures kept, and back to normal without a restart."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.facts.bucket import client
from exporter.facts.bucket.pace import Pace
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.model import SourceRead
from exporter.facts.reading import Reading, Reason
from exporter.settings import BucketSettings, PollSettings, Settings
from tests.bucket.standin import BUCKET, Listed, Query, Standin, Twist, running_standin
from tests.certificates import self_signed

CART = "shop/cart"
SHELF = "shop/shelf"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(client, "_ATTEMPTS", 1)


@pytest.fixture
def store() -> Iterator[Standin]:
    with running_standin() as standin:
        standin.put_repository(CART, packs=3)
        standin.put_repository(SHELF, packs=3)
        yield standin


class Reads:
    """Reads a store every five minutes, or so it is told."""

    def __init__(self, endpoint: str, **bucket: object) -> None:
        settings = BucketSettings(endpoint=endpoint, bucket=BUCKET, requests_per_second=10_000, **bucket)
        poll = PollSettings(timeout=timedelta(seconds=0.5))
        self.reader = BucketReader(Settings(buckets=(settings,), poll=poll))
        self.at = datetime.now(UTC)

    def __call__(self) -> SourceRead:
        self.at += timedelta(minutes=5)
        return self.reader.read(self.at)


def answers(status: int, code: str) -> Twist:
    def twist(query: Query, listed: Listed) -> None:
        listed.status, listed.code = status, code

    return twist


def error_in_success(query: Query, listed: Listed) -> None:
    listed.body = b'<?xml version="1.0"?><Error><Code>InternalError</Code><Message>no</Message></Error>'


def stalls(query: Query, listed: Listed) -> None:
    listed.promised, listed.stalls = 1000, True


def is_cut(query: Query, listed: Listed) -> None:
    listed.promised = 1000


@pytest.mark.parametrize(
    ("twist", "reason"),
    [
        (answers(403, "InvalidAccessKeyId"), Reason.WRONG_KEY),
        (answers(403, "SignatureDoesNotMatch"), Reason.WRONG_KEY),
        (answers(400, "ExpiredToken"), Reason.EXPIRED_KEY),
        (answers(403, "RequestTimeTooSkewed"), Reason.CLOCK_SKEW),
        (answers(403, "AccessDenied"), Reason.FORBIDDEN),
        (answers(503, "SlowDown"), Reason.THROTTLED),
        (answers(500, "InternalError"), Reason.SERVER_ERROR),
        (error_in_success, Reason.SERVER_ERROR),
        (stalls, Reason.TIMEOUT),
        (is_cut, Reason.CONNECTION),
    ],
    ids=lambda value: str(value) if isinstance(value, Reason) else "",
)
def test_a_bucket_that_fails_keeps_its_figures_and_says_why(store: Standin, twist: Twist, reason: Reason) -> None:
    read = Reads(store.endpoint)
    good = read()
    assert good.report.reading is Reading.READ

    store.twist = twist
    failed = read()
    (bucket,) = failed.buckets
    assert (bucket.reading, bucket.reason) == (Reading.UNREADABLE, reason)
    assert (failed.report.reading, failed.report.reason) == (Reading.UNREADABLE, reason)
    assert failed.report.errors[reason] > 0
    assert failed.report.last_success == good.report.last_success
    assert bucket.repositories == good.buckets[0].repositories
    assert bucket.read_at == good.buckets[0].read_at
    assert not bucket.covers("shop/other")

    store.twist = None
    again = read()
    assert again.report.reading is Reading.READ
    assert again.report.errors == {}
    assert [repository.suspect for repository in again.buckets[0].repositories] == [(), ()]


def test_a_prefix_that_is_forbidden_costs_only_its_repository(store: Standin) -> None:
    def forbidden(query: Query, listed: Listed) -> None:
        if query.prefix.startswith(f"{CART}/"):
            listed.status, listed.code = 403, "AccessDenied"

    store.twist = forbidden
    read = Reads(store.endpoint)
    first = read()
    (bucket,) = first.buckets
    figures = {repository.prefix: repository for repository in bucket.repositories}
    assert bucket.reading is Reading.READ
    assert CART in bucket.detail
    assert first.report.errors == {Reason.FORBIDDEN: 1}
    assert (bucket.reason, first.report.reason) == (Reason.FORBIDDEN, Reason.FORBIDDEN)
    assert CART not in figures
    assert bucket.unlisted == (CART,)
    assert not bucket.covers(CART)
    assert (figures[SHELF].present, figures[SHELF].suspect) == (True, ())
    store.twist = None
    assert all(repository.present for repository in read().buckets[0].repositories)


def test_a_bucket_that_does_not_exist_is_an_answer(store: Standin) -> None:
    read = Reads(store.endpoint)
    assert read().buckets[0].exists
    store.twist = answers(404, "NoSuchBucket")
    gone = read()
    (bucket,) = gone.buckets
    assert (bucket.reading, bucket.exists, bucket.repositories) == (Reading.READ, False, ())
    assert bucket.covers(CART), "nothing can be restored from it"
    assert (gone.report.reading, gone.report.reason) == (Reading.READ, Reason.NO_SUCH_BUCKET)
    assert "NoSuchBucket" in gone.report.detail
    store.twist = None
    (bucket,) = read().buckets
    assert bucket.exists
    assert len(bucket.repositories) == 2


def test_a_namespace_that_is_forbidden_is_unknown_and_not_missing(store: Standin) -> None:
    store.put_repository("media/library", packs=3)

    def forbidden(query: Query, listed: Listed) -> None:
        if query.prefix.startswith("media"):
            listed.status, listed.code = 403, "AccessDenied"

    store.twist = forbidden
    (bucket,) = Reads(store.endpoint)().buckets
    assert [repository.prefix for repository in bucket.repositories] == [CART, SHELF]
    assert not bucket.covers("media/library")
    assert bucket.covers("shop/other")


def test_an_endpoint_that_is_gone_and_comes_back(store: Standin) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        read = Reads(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        gone = read()
    assert gone.buckets[0].reason is Reason.CONNECTION
    assert gone.buckets[0].read_at is None
    assert gone.report.last_success is None


def test_many_failures_in_a_row_end_the_read_early(store: Standin) -> None:
    for number in range(20):
        store.put_repository(f"shop/other{number}", packs=3)
    read = Reads(store.endpoint, concurrency=1)
    read()
    store.queries.clear()
    store.twist = answers(503, "SlowDown")
    assert read().buckets[0].reason is Reason.THROTTLED
    assert len(store.queries) < 12


def test_a_key_that_was_replaced_is_read_anew(store: Standin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    read = Reads(store.endpoint)
    assert read().report.reason is Reason.NO_CREDENTIALS
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = key\naws_secret_access_key = secret\n")
    assert read().report.reading is Reading.READ


def test_a_profile_that_does_not_exist_is_a_lack_of_credentials(store: Standin) -> None:
    assert Reads(store.endpoint, profile="nobody")().report.reason is Reason.NO_CREDENTIALS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path)


def test_a_certificate_of_an_unknown_authority_is_refused_until_it_is_trusted(certificate: Path) -> None:
    with running_standin(certificate) as store:
        store.put_repository(CART, packs=3)
        assert Reads(store.endpoint)().buckets[0].reason is Reason.TLS
        assert Reads(store.endpoint, ca_file="/nowhere.pem")().buckets[0].reason is Reason.TLS
        assert Reads(store.endpoint, ca_file=str(certificate))().buckets[0].reading is Reading.READ


def test_one_bucket_that_fails_does_not_cost_the_other(store: Standin) -> None:
    with running_standin() as other:
        other.put_repository(CART, packs=3)
        other.twist = answers(403, "AccessDenied")
        buckets = tuple(
            BucketSettings(endpoint=each.endpoint, bucket=BUCKET, requests_per_second=10_000) for each in (store, other)
        )
        read = BucketReader(Settings(buckets=buckets)).read(datetime.now(UTC))
    assert [bucket.reading for bucket in read.buckets] == [Reading.READ, Reading.UNREADABLE]
    assert read.report.reading is Reading.UNREADABLE


def test_no_bucket_is_no_failure() -> None:
    read = BucketReader(Settings(), environment={}).read(datetime.now(UTC))
    assert (read.report.reading, read.buckets) == (Reading.NOT_SERVED, ())


def test_a_read_that_is_to_stop_makes_no_request(store: Standin) -> None:
    stop = threading.Event()
    stop.set()
    read = Reads(store.endpoint)
    assert read.reader.read(datetime.now(UTC), stop).buckets[0].reading is Reading.PENDING
    assert store.queries == []


def test_requests_keep_below_the_ceiling(store: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("threading.Event.wait", lambda self, timeout=None: waits.append(timeout or 0.0))
    pace = Pace(10.0)
    for _ in range(4):
        pace.wait(threading.Event())
    assert [round(wait, 2) for wait in waits] == pytest.approx([0.1, 0.2, 0.3], abs=0.02)
