"""A mover's last words and its exit code name the cause."""

import pytest

from exporter.chain.causes import Cause
from exporter.chain.mover_log import cause_of_end, cause_of_log, last_words, store_in
from exporter.facts.cluster.core.objects import Terminated

LOCKED = """snapshot 6b128c1e saved
=== Starting forget ===
repo already locked, waiting up to 0s for the lock
unable to create lock in backend: repository is already locked by PID 33 on volsync-src-data-jnd8g by root
lock was created at 2026-01-17 09:02:00 (25h0m0s ago)
the `unlock` command can be used to remove stale locks"""
PASSWORD = "Fatal: wrong password or no key found\nERROR: failure connecting to repository, incorrect password"
REFUSED = (
    'Fatal: unable to open config file: Stat: Get "http://10.0.0.9:9000/b/": dial tcp 10.0.0.9:9000: connection refused'
)
DENIED = (
    "Fatal: unable to open repository at s3:http://store:9000/volsync-backup/a/b: client.ListBuckets: Access Denied."
)
UNREADABLE = "error: lstat /data/private: permission denied\nWarning: at least one source file could not be read"
FULL = "Save(<data/4f2a>) returned error: client.PutObject: XMinioStorageFull: Storage backend has reached its limit"


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (LOCKED, Cause.REPOSITORY_LOCKED),
        (PASSWORD, Cause.REPOSITORY_PASSWORD),
        (REFUSED, Cause.REPOSITORY_UNREACHABLE),
        (DENIED, Cause.REPOSITORY_UNREACHABLE),
        (UNREADABLE, Cause.SOURCE_UNREADABLE),
        (FULL, Cause.REPOSITORY_FULL),
        ("fatal error: runtime: out of memory", Cause.MOVER_OUT_OF_MEMORY),
        ("Fatal: something that nobody has seen before", None),
        ("", None),
    ],
)
def test_a_log_names_its_cause(log: str, cause: Cause | None) -> None:
    assert cause is cause_of_log(log)


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        (Terminated(11), Cause.REPOSITORY_LOCKED),
        (Terminated(12), Cause.REPOSITORY_PASSWORD),
        (Terminated(137, reason="OOMKilled"), Cause.MOVER_OUT_OF_MEMORY),
        (Terminated(1), None),
        (Terminated(3), None),
        (Terminated(137, reason="Error"), None),
    ],
)
def test_an_exit_code_names_a_cause_only_where_it_stands_for_one_thing(end: Terminated, cause: Cause | None) -> None:
    assert cause is cause_of_end(end)


def test_the_last_words_are_the_ones_that_speak_of_an_error() -> None:
    assert last_words(PASSWORD) == "ERROR: failure connecting to repository, incorrect password"
    assert last_words("one\nall is well\n\n") == "all is well"
    assert last_words("") == ""


@pytest.mark.parametrize(
    ("log", "store"),
    [(DENIED, "bucket/volsync-backup"), (REFUSED, "endpoint/10.0.0.9:9000"), (PASSWORD, None)],
)
def test_the_store_is_named_by_its_bucket_or_else_by_its_host(log: str, store: str | None) -> None:
    assert store == store_in(log)
