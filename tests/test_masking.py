"""Whatever looks like a credential is masked wherever it stands in foreign text; what a person needs is not."""

import io
import json

import pytest
import structlog

from exporter import logs
from exporter.chain.text import one_line
from exporter.facts.bucket.failure import BucketError
from exporter.facts.cluster.server.transport import ReadError
from exporter.facts.reading import Reason
from exporter.masking import masked
from exporter.visible import visible

SECRET = "hunter2"
LEAKS = (
    "Get http://user:hunter2@host:9000/b: refused",
    "s3:http://key:hunter2@host/bucket: no",
    "http://user:p@hunter2/w@host:9000/b",
    "http://user:a hunter2@host: no",
    "https://hunter2@github.com/x",
    "Authorization: Bearer hunter2.abc",
    "authorization=Basic hunter2",
    '{"Authorization":["Bearer hunter2"]}',
    "Authorization: AWS4-HMAC-SHA256 Credential=hunter2/2026/s3, SignedHeaders=host, Signature=hunter2",
    "sent Bearer hunter2-hunter2-hunter2",
    'spec.foo: Invalid value: "hunter2": must be short',
    "password: hunter2",
    "password=hunter2",
    '{"password":"a hunter2"}',
    '{\\"token\\":\\"hunter2\\"}',
    "AWS_SECRET_ACCESS_KEY=hunter2",
    "secret_key: 'hunter2'",
    "https://h/b?X-Amz-Credential=hunter2&X-Amz-Signature=hunter2",
    "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
    "ghp_hunter2hunter2hunter2",
)
KEPT = (
    "token: expired",
    "wrong password or no key found",
    "secret is missing field: RESTIC_PASSWORD",
    'Secret "data-volsync-secret" not found',
    "could not get the token: Post https://vault:8200/v1/login: connection refused",
    'User "system:serviceaccount:monitoring:e" cannot list resource "secrets" in API group "" at the cluster scope',
    'failed to pull "ghcr.io/backube/volsync@sha256:0123"',
    "Basic authentication failed",
)


@pytest.mark.parametrize("text", LEAKS)
def test_a_credential_is_masked(text: str) -> None:
    assert SECRET not in masked(text)
    assert "***" in masked(text)


@pytest.mark.parametrize("text", KEPT)
def test_what_is_none_is_kept(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("text", LEAKS)
def test_nothing_that_is_shown_of_foreign_text_leaks(text: str) -> None:
    assert SECRET not in one_line(text)
    assert SECRET not in str(ReadError(Reason.OTHER, text))
    assert SECRET not in str(BucketError(Reason.OTHER, text))


@pytest.mark.parametrize("form", ["json", "text"])
def test_logs_leak_nothing_and_obey_nothing(form: str) -> None:
    stream = io.StringIO()
    logs.configure(form, stream=stream)  # type: ignore[arg-type]
    try:
        for text in LEAKS:
            structlog.get_logger().warning("poll", detail=text, seen=[text], odd="a\x1b[2J\u202e")
            try:
                int(text)
            except ValueError:
                structlog.get_logger().exception("no verdict")
    finally:
        structlog.reset_defaults()
    assert SECRET not in stream.getvalue()
    assert not {"\x1b", "\u202e"} & set(stream.getvalue())


def test_a_long_text_is_cut_before_a_credential_that_would_lose_its_end() -> None:
    assert SECRET not in masked(f"{'x ' * 32_760}http://user:hunter2@host")


def test_what_a_terminal_would_obey_is_shown() -> None:
    assert visible("a\x1b[2J\u202eb\u200bc\nd\ud800") == r"a\x1b[2J\u202eb\u200bc d\ud800"
    assert json.loads(json.dumps(visible("plain ✓"))) == "plain ✓"
