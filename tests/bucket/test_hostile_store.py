"""Whatever a store or what stands before it sends, and however slowly: it costs that bucket, says why, and ends."""

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from exporter.facts.bucket import client, paging, transport
from exporter.facts.bucket.access import check_access
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.model import Reading, Reason
from exporter.settings import BucketSettings, PollSettings, Settings
from tests.bucket.standin import BUCKET, Listed, Query, Standin, Twist, Write, running_standin

CART = "shop/cart"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"
EMPTY = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
FOLDER = b"<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(f'<!ENTITY {b} "{f"&{a};" * 10}">'.encode() for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    + b"]><ListBucketResult><Name>&j;</Name></ListBucketResult>"
)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(client, "_ATTEMPTS", 1)


@pytest.fixture
def store() -> Iterator[Standin]:
    with running_standin() as standin:
        standin.put_repository(CART, packs=3)
        yield standin


@pytest.fixture
def sound() -> Iterator[Standin]:
    """Another store, whose facts nothing may cost."""
    with running_standin() as standin:
        standin.put_repository(CART, packs=3)
        yield standin


def bucket_of(store: Standin) -> BucketSettings:
    return BucketSettings(endpoint=store.endpoint, bucket=BUCKET, requests_per_second=10_000)


def reader_of(*stores: Standin, timeout: float = 1.0) -> BucketReader:
    poll = PollSettings(timeout=timedelta(seconds=timeout))
    return BucketReader(Settings(buckets=tuple(bucket_of(store) for store in stores), poll=poll))


def sends(**parts: object) -> Twist:
    """The store answers every listing with these parts."""

    def twist(query: Query, listed: Listed) -> None:
        for name, value in parts.items():
            setattr(listed, name, value)

    return twist


def repeats(start: bytes, drop: bytes, pause: float = 0.05) -> Twist:
    """The store begins an answer, and goes on with a drop at a time."""

    def raw(write: Write, released: threading.Event) -> None:
        write(start)
        while not released.wait(pause):
            write(drop)

    return sends(raw=raw)


TRICKLES = {
    "header names": repeats(b"HTTP/1.1 200 OK\r\nX-", b"a"),
    "the status line": repeats(b"HTTP/1.1 200 ", b"O"),
    "a body": repeats(HEAD + b"Content-Length: 1000000\r\n\r\n<ListBucketResult>", b" "),
    "a body without a length": repeats(HEAD + b"Connection: close\r\n\r\n<ListBucketResult>", b" "),
    "interim answers": repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a chunk's extension": repeats(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"e"),
    "chunks": repeats(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "trailers": repeats(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"t"),
}


@pytest.mark.parametrize("twist", TRICKLES.values(), ids=TRICKLES.keys())
def test_an_answer_that_trickles_is_overdue_and_costs_its_bucket_only(
    store: Standin, sound: Standin, twist: Twist
) -> None:
    store.twist = twist
    read = reader_of(store, sound).read(datetime.now(UTC))
    slow, other = read.buckets
    assert (slow.reading, slow.reason) == (Reading.UNREADABLE, Reason.TIMEOUT)
    assert (other.reading, len(other.repositories)) == (Reading.READ, 1)
    assert read.report.errors == {Reason.TIMEOUT: 1}


def entry(size: str = "1", modified: str = "2026-01-18T14:00:00Z") -> bytes:
    return (
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>shop/cart/config</Key>"
        f"<LastModified>{modified}</LastModified><Size>{size}</Size></Contents></ListBucketResult>"
    ).encode()


def gzipped(body: bytes) -> Twist:
    return sends(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})


ANSWERS = {
    "http to https": (sends(status=301, headers={"Location": "https://store/"}), Reason.CONNECTION),
    "a passing redirect": (sends(status=307, headers={"Location": "/login"}), Reason.CONNECTION),
    "a redirect to nowhere": (sends(status=302), Reason.CONNECTION),
    "a huge size": (sends(body=entry("9" * 30)), Reason.MALFORMED_ANSWER),
    "a size of 5000 digits": (sends(body=entry("9" * 5000)), Reason.MALFORMED_ANSWER),
    "a negative size": (sends(body=entry("-1")), Reason.MALFORMED_ANSWER),
    "a size that is not a number": (sends(body=entry("much")), Reason.MALFORMED_ANSWER),
    "an unknown encoding": (sends(body=b'<?xml version="1.0" encoding="x-none"?><A/>'), Reason.MALFORMED_ANSWER),
    "bytes that are not text": (sends(body=b"\xff\xfe<\x00"), Reason.MALFORMED_ANSWER),
    "an entity bomb": (sends(body=BOMB), Reason.MALFORMED_ANSWER),
    "a gzip bomb": (gzipped(EMPTY + b" " * (transport.MOST_BYTES + 1)), Reason.MALFORMED_ANSWER),
    "an unknown Content-Encoding": (sends(headers={"Content-Encoding": "br"}), Reason.MALFORMED_ANSWER),
    "a Content-Encoding that is not true": (sends(headers={"Content-Encoding": "gzip"}), Reason.MALFORMED_ANSWER),
    "a body without end": (
        repeats(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + b" " * 0x100000 + b"\r\n", 0.0),
        Reason.MALFORMED_ANSWER,
    ),
    "more keys than asked for": (
        sends(body=b"<ListBucketResult>" + 20_000 * FOLDER + b"</ListBucketResult>"),
        Reason.MALFORMED_ANSWER,
    ),
    "an endless token": (
        sends(
            body=b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>"
            + b"t" * 100_000
            + b"</NextContinuationToken></ListBucketResult>"
        ),
        Reason.MALFORMED_ANSWER,
    ),
    "not HTTP": (repeats(b"SSH-2.0-OpenSSH_9.2\r\n", b"\r\n"), Reason.CONNECTION),
    "an error in an unknown encoding": (
        sends(status=403, body=b'<?xml version="1.0" encoding="x-none"?><Error><Code>AccessDenied</Code></Error>'),
        None,
    ),
}


@pytest.mark.parametrize(("twist", "reason"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_that_no_store_should_send_costs_its_bucket_only(
    store: Standin, sound: Standin, twist: Twist, reason: Reason | None
) -> None:
    store.twist = twist
    buckets = reader_of(store, sound, timeout=20)
    read = buckets.read(datetime.now(UTC))
    bad, other = read.buckets
    assert not bad.covers("shop/other")
    assert bad.reason is not None
    assert bad.detail
    assert reason in (None, bad.reason)
    assert read.report.errors[bad.reason] == 1
    assert (other.reading, len(other.repositories)) == (Reading.READ, 1)

    checks = check_access(buckets)
    assert [check.ok for check in checks if check.what.startswith("list ")] == [False, True]

    store.twist = None
    again = buckets.read(datetime.now(UTC) + timedelta(minutes=10))
    assert [len(bucket.repositories) for bucket in again.buckets] == [1, 1]


def test_the_redirect_of_an_ingress_is_told_with_its_address(store: Standin) -> None:
    store.twist = sends(status=308, headers={"Location": "https://store.example/backups?token=hunter2"})
    (bucket,) = reader_of(store).read(datetime.now(UTC)).buckets
    assert "https://store.example" in bucket.detail
    assert "hunter2" not in bucket.detail


def test_an_answer_that_a_proxy_packed_is_unpacked(store: Standin) -> None:
    def packed(query: Query, listed: Listed) -> None:
        listed.body = gzip.compress(store.xml(listed))
        listed.headers["Content-Encoding"] = "gzip"

    store.twist = packed
    (bucket,) = reader_of(store).read(datetime.now(UTC)).buckets
    assert [repository.prefix for repository in bucket.repositories] == [CART]


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 18 Jan 2026 14:00:00",
        "Sun, 18 Jan 2026 14:00:00 -0000",
        "yesterday",
        "",
        "Fri, 31 Dec 9999 23:59:59 -2359",
    ],
)
def test_a_date_that_says_little_costs_nothing(store: Standin, date: str) -> None:
    store.twist = sends(headers={"Date": date})
    (bucket,) = reader_of(store).read(datetime.now(UTC)).buckets
    assert (bucket.reading, len(bucket.repositories)) == (Reading.READ, 1)


@pytest.mark.parametrize("modified", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "now", ""])
def test_a_time_that_cannot_be_one_costs_its_repository(store: Standin, modified: str) -> None:
    store.put_repository("shop/shelf", packs=3)

    def twist(query: Query, listed: Listed) -> None:
        if query.prefix == f"{CART}/" and listed.keys:
            body = store.xml(listed).decode()
            start, end = body.index("<LastModified>") + 14, body.index("</LastModified>")
            listed.body = f"{body[:start]}{modified}{body[end:]}".encode()

    store.twist = twist
    (bucket,) = reader_of(store).read(datetime.now(UTC)).buckets
    assert [repository.prefix for repository in bucket.repositories] == ["shop/shelf"]
    assert not bucket.covers(CART)
    assert bucket.reason is Reason.MALFORMED_ANSWER


@pytest.mark.parametrize("of", ["keys", "folders"])
def test_pages_without_progress_end(store: Standin, monkeypatch: pytest.MonkeyPatch, of: str) -> None:
    monkeypatch.setattr(paging, "MOST_EMPTY_PAGES", 3)
    tokens = iter(range(1_000_000))

    def twist(query: Query, listed: Listed) -> None:
        listed.keys = [f"{CART}/config"] if of == "keys" else []
        listed.folders = ["a/", "b/"] if of == "folders" else []
        listed.truncated, listed.token = True, f"t{next(tokens)}"

    store.twist = twist
    (bucket,) = reader_of(store, timeout=20).read(datetime.now(UTC)).buckets
    assert bucket.reason is Reason.ENDLESS_LISTING
    assert not bucket.covers(CART)


def test_whatever_is_raised_costs_its_bucket_only(
    store: Standin, sound: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    buckets = reader_of(store, sound)

    def fail(*_: object) -> None:
        raise RecursionError("no end")

    monkeypatch.setattr(buckets.sweeps[0], "_look_at_all", fail)
    monkeypatch.setattr(buckets.sweeps[0], "client", fail)
    read = buckets.read(datetime.now(UTC))
    assert [(bucket.reading, bucket.reason) for bucket in read.buckets] == [
        (Reading.UNREADABLE, Reason.OTHER),
        (Reading.READ, None),
    ]
    assert "RecursionError" in read.report.detail
    assert any("RecursionError" in check.detail for check in check_access(buckets))


def test_a_read_that_hangs_where_nothing_can_end_it_is_overdue(
    store: Standin, sound: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = threading.Event()
    buckets = reader_of(store, sound)
    monkeypatch.setattr(buckets, "_longest", lambda sweep: 1.0 if sweep is buckets.sweeps[0] else 60.0)
    monkeypatch.setattr("exporter.facts.bucket.run._GRACE", 0.1)
    honest = buckets.sweeps[0].client
    monkeypatch.setattr(buckets.sweeps[0], "client", lambda: hung.wait(60) and honest())  # a name server, for example
    for _ in range(2):
        read = buckets.read(datetime.now(UTC))
        assert [bucket.reason for bucket in read.buckets] == [Reason.TIMEOUT, None]
    hung.set()
    buckets._runs[id(buckets.sweeps[0])]._ended.wait(60)
    monkeypatch.setattr(buckets, "_longest", lambda sweep: 60.0)
    assert [bucket.reading for bucket in buckets.read(datetime.now(UTC)).buckets] == [Reading.READ, Reading.READ]


def test_a_read_that_is_told_to_stop_ends_while_the_store_hangs(store: Standin) -> None:
    stop = threading.Event()

    def hang(write: Write, released: threading.Event) -> None:
        stop.set()
        released.wait(60)

    store.twist = sends(raw=hang)
    began = time.monotonic()
    (bucket,) = reader_of(store, timeout=3000).read(datetime.now(UTC), stop).buckets
    assert bucket.reading is Reading.PENDING
    assert time.monotonic() - began < 60


def test_the_process_ends_while_a_store_hangs(store: Standin) -> None:
    asked = threading.Event()

    def hang(write: Write, released: threading.Event) -> None:
        asked.set()
        released.wait(60)

    store.twist = sends(raw=hang)
    program = (
        "import threading, sys\n"
        "from datetime import UTC, datetime\n"
        "from exporter.facts.bucket.reader import BucketReader\n"
        "from exporter.settings import BucketSettings, PollSettings, Settings\n"
        "bucket = BucketSettings(endpoint=sys.argv[1], bucket='backups')\n"
        "reader = BucketReader(Settings(buckets=(bucket,), poll=PollSettings(timeout='3000s')))\n"
        "threading.Thread(target=reader.read, args=(datetime.now(UTC),), daemon=True).start()\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, store.endpoint], stdin=subprocess.PIPE) as process:
        try:
            assert asked.wait(60)
            process.stdin.close()
            assert process.wait(60) == 0
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)


def test_a_proxy_is_used_where_the_environment_names_one(store: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", store.endpoint)
    monkeypatch.setenv("no_proxy", "")
    settings = BucketSettings(endpoint="http://store.example", bucket=BUCKET, requests_per_second=10_000)
    (bucket,) = BucketReader(Settings(buckets=(settings,))).read(datetime.now(UTC)).buckets
    assert [repository.prefix for repository in bucket.repositories] == [CART]
