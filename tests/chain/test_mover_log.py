"""What the real programs print names the cause, the line and the store, and what only looks like it does not."""

from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.chain.causes import Cause
from exporter.chain.mover_log import (
    RepositoryAddress,
    StoreName,
    cause_of_end,
    cause_of_log,
    initialised,
    last_words,
    repository_in,
    store_in,
    store_of,
)
from exporter.chain.mover_log.text import is_cut
from exporter.facts.cluster.core.objects import Terminated

LOGS = Path(__file__).parent / "mover_logs"


class Recorded(msgspec.Struct, frozen=True):
    """What a program printed, and what is to be made of it."""

    program: str
    situation: str
    exit_code: int
    cause: Cause | None
    line: str
    store: str | None
    prefix: str | None
    text: str


class Line(msgspec.Struct, frozen=True):
    """A quoted text, or one that comes near to one."""

    text: str
    cause: Cause | None
    source: str = msgspec.field(name="from", default="")
    why: str = ""


def _recorded(path: Path) -> Recorded:
    head, _, text = path.read_text().partition("---\n")
    return msgspec.convert({**yaml.safe_load(head), "text": text}, Recorded)


RECORDED = {path.stem: _recorded(path) for path in sorted(LOGS.glob("*.txt"))}
QUOTED = msgspec.convert(yaml.safe_load((LOGS / "quoted.yaml").read_text()), list[Line])
NEAR_MISSES = msgspec.convert(yaml.safe_load((LOGS / "near_misses.yaml").read_text()), list[Line])
SAID = [recorded.text for recorded in RECORDED.values()] + [line.text for line in (*QUOTED, *NEAR_MISSES)]


@pytest.mark.parametrize("recorded", RECORDED.values(), ids=RECORDED)
def test_what_a_program_printed_names_its_cause_line_and_store(recorded: Recorded) -> None:
    address = repository_in(recorded.text)
    assert cause_of_log(recorded.text) is recorded.cause
    assert last_words(recorded.text) == recorded.line
    assert store_in(recorded.text) == recorded.store
    assert (address.prefix if address else None) == recorded.prefix


@pytest.mark.parametrize("line", QUOTED, ids=lambda line: line.source)
def test_what_was_reported_names_its_cause(line: Line) -> None:
    assert cause_of_log(line.text) is line.cause


@pytest.mark.parametrize("line", NEAR_MISSES, ids=lambda line: line.why)
def test_what_only_looks_like_a_reason_is_not_taken_for_it(line: Line) -> None:
    assert cause_of_log(line.text) is line.cause


@pytest.mark.parametrize("name", [name for name, said in RECORDED.items() if said.cause and not is_cut(said.text)])
def test_a_first_line_that_is_cut_counts_less_than_all_others(name: str) -> None:
    cut = "ab/cdef-tmp-1: no space left on device"
    assert cause_of_log(f"{cut.rjust(1024, '0')}\n{RECORDED[name].text}") is RECORDED[name].cause


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        (Terminated(11), Cause.REPOSITORY_LOCKED),
        (Terminated(12), Cause.REPOSITORY_PASSWORD),
        (Terminated(137, reason="OOMKilled"), Cause.MOVER_OUT_OF_MEMORY),
        (Terminated(1), None),
        (Terminated(3), None),
        (Terminated(137, reason="Error"), None),
        (Terminated(1, message="ERROR: RESTIC_PASSWORD must be defined"), Cause.REPOSITORY_SECRET_MISSING),
    ],
)
def test_an_exit_code_names_a_cause_only_where_it_stands_for_one_thing(end: Terminated, cause: Cause | None) -> None:
    assert cause is cause_of_end(end)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            "Fatal: wrong password or no key found\nERROR: failure connecting to repository, incorrect password",
            "Fatal: wrong password or no key found",
        ),
        ("Fatal: never seen\nERROR: failure checking existence of repository", "Fatal: never seen"),
        ("processed 25 files, 1 errors\nwarning: odd\nprocessed 26 files, 0 errors", "warning: odd"),
        ("\x1b[2Ksignal terminated received, cleaning up", "signal terminated received, cleaning up"),
        ("one\nall is well\n\n", "all is well"),
        ("", ""),
    ],
)
def test_the_last_words_are_those_at_first_hand(log: str, words: str) -> None:
    assert last_words(log) == words


@pytest.mark.parametrize(
    ("address", "store", "prefix"),
    [
        ("s3:https://s3.example/bucket/ns/pvc", StoreName("s3", "s3.example", "bucket"), "ns/pvc"),
        ("s3:minio.example:9000/bucket", StoreName("s3", "minio.example:9000", "bucket"), ""),
        ("s3://minio.example/bucket/plex/", StoreName("s3", "minio.example", "bucket"), "plex"),
        ("s3:http://[fd00::1]:9000/bucket/plex", StoreName("s3", "[fd00::1]:9000", "bucket"), "plex"),
        ("rest:https://user:***@nas.example:8000/plex/", StoreName("rest", "nas.example:8000"), "plex"),
        ("sftp:u@nas.example:/backup/plex", StoreName("sftp", "nas.example"), "backup/plex"),
        ("sftp://u@nas.example:2222//backup/plex", StoreName("sftp", "nas.example:2222"), "backup/plex"),
        ("b2:bucket:plex", StoreName("b2", bucket="bucket"), "plex"),
        ("b2:bucket", StoreName("b2", bucket="bucket"), ""),
        ("azure:container:/plex", StoreName("azure", bucket="container"), "plex"),
        ("gs:bucket:/plex", StoreName("gs", bucket="bucket"), "plex"),
        ("swift:container:/plex", StoreName("swift", bucket="container"), "plex"),
        ("rclone:remote:restic/plex", StoreName("rclone", "remote"), "restic/plex"),
        ("/repository/plex", StoreName("path", bucket="/repository"), "plex"),
        ("/mnt/nas/restic/plex", StoreName("path", bucket="/mnt/nas"), "restic/plex"),
    ],
)
def test_a_repository_is_known_by_every_form_of_address(address: str, store: StoreName, prefix: str) -> None:
    for log in (
        f"created restic repository 6a1b2c3d4e at {address}\n",
        f"Fatal: unable to open repository at {address}: client.BucketExists: Access Denied.",
        f"Fatal: create repository at {address} failed: refused",
        f"Fatal: unable to open config file: gone\nIs there a repository at the following location?\n{address}\n",
    ):
        assert repository_in(log) == RepositoryAddress(store, prefix)


@pytest.mark.parametrize(
    ("log", "store"),
    [
        (
            'Get "https://minio.example:9000/bucket/?location=": dial tcp 10.0.0.1:9000: connect: connection refused',
            StoreName("s3", "minio.example:9000", "bucket"),
        ),
        (
            'Get "https://bucket.s3.eu-central-1.amazonaws.com/?location=": net/http: TLS handshake timeout',
            StoreName("s3", "s3.eu-central-1.amazonaws.com", "bucket"),
        ),
        (
            'Get "https://account.blob.core.windows.net/container/plex/config": dial tcp 1.2.3.4:443: i/o timeout',
            StoreName("azure", "account.blob.core.windows.net", "container"),
        ),
        ('Post "https://oauth2.googleapis.com/token": EOF', StoreName("", "oauth2.googleapis.com")),
        ("dial tcp: lookup minio.example on 10.96.0.10:53: no such host", StoreName("", "minio.example")),
        (
            "dial tcp: lookup minio.example on 10.96.0.10:53: read udp 10.1.1.1:5->10.96.0.10:53: i/o timeout",
            StoreName("", "minio.example"),
        ),
        ("read tcp 10.1.2.3:41234->10.0.0.1:9000: read: connection reset by peer", StoreName("", "10.0.0.1:9000")),
        ("dial tcp 10.0.0.1:9000: connect: connection refused", StoreName("", "10.0.0.1:9000")),
        ("subprocess ssh: ssh: connect to host nas.example port 22: Connection refused", StoreName("", "nas.example")),
        ("dial tcp: connect: connection refused", None),
        ("dial tcp: i/o timeout", None),
        ("see https://restic.readthedocs.io/en/stable/077_troubleshooting.html", None),
        ("Fatal: wrong password or no key found", None),
    ],
)
def test_the_store_is_what_the_log_says_and_nothing_else(log: str, store: StoreName | None) -> None:
    assert store_of(log) == store


@pytest.mark.parametrize(
    ("log", "prefix"),
    [
        ('Put "http://minio:9000/restic/plex/locks/89": dial tcp 10.0.0.5:9000: i/o timeout', "plex"),
        ('Get "http://minio:9000/restic/?list-type=2&prefix=media%2Fplex%2Flocks%2F": EOF', "media/plex"),
        ('Head "http://minio:9000/restic/config": EOF', ""),
        ("open /repository/data/plex/locks/7a1-tmp-1: read-only file system", "data/plex"),
    ],
)
def test_a_file_of_a_repository_tells_where_the_repository_is(log: str, prefix: str) -> None:
    address = repository_in(log)
    assert address is not None
    assert address.prefix == prefix


@pytest.mark.parametrize(
    "log",
    [
        'Get "http://minio:9000/restic/?location=": dial tcp 10.0.0.5:9000: i/o timeout',
        "dial tcp 10.0.0.5:9000: i/o timeout",
        "open /data/locks/a: permission denied",
    ],
)
def test_what_names_no_repository_gives_none(log: str) -> None:
    assert repository_in(log) is None


def test_a_repository_that_was_made_is_told_by_its_id() -> None:
    assert initialised(RECORDED["success-first"].text) == "8591e5cfec"
    assert initialised("repository 8591e5cfec opened (version 2)") is None


@given(st.text(max_size=400), st.sampled_from(SAID), st.text(max_size=400))
def test_no_text_is_too_much(before: str, said: str, after: str) -> None:
    log = f"{before}{said}{after}"
    assert cause_of_log(log) in {None, *Cause}
    assert "\n" not in last_words(log)
    store, address = store_of(log), repository_in(log)
    assert store is None or store.scope.partition("/")[2]
    assert address is None or address.store == store


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "/",
        " ",
        ".",
        ": ",
        "quota",
        "region",
        "bucket",
        "/repository/",
        'Get "http://a/',
        "[2K",
        "error: ",
        "\n",
        "(",
    ],
)
def test_a_log_of_any_size_costs_no_more_than_its_end(piece: str) -> None:
    """Only the last 16 KiB are read: a hundred MiB would take minutes otherwise, and a bad pattern for ever."""
    long = piece * (8 * 1024 * 1024 // len(piece))
    for log in (long, f"{long}\nFatal: wrong password or no key found\n"):
        store_in(log), initialised(log)
        assert cause_of_log(log) in {None, Cause.REPOSITORY_PASSWORD}
