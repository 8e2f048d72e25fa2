"""The listener over real connections."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import structlog.testing

from exporter.publication import server as serving
from exporter.publication.http import Response, Stream
from exporter.publication.negotiation import exposition_format, takes_gzip
from exporter.publication.render import Format
from exporter.publication.server import Server, open_socket, parse_listen
from exporter.publication.site import Site
from exporter.publication.web_config import Authenticator
from tests.publication.conftest import Now, Serve, ask
from tests.publication.verdicts import every_family

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
"""What Prometheus 2.42 sends."""


def raw(server: Server, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    ("path", "content_type", "holds"),
    [
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8", "volsync_backup_state{"),
        ("/api/v1/status", "application/json", '"cause":"volume_faulted"'),
        ("/", "text/html; charset=utf-8", "volume_faulted"),
        ("/claims/paperless-ngx/media", "text/html; charset=utf-8", "paperless-ngx"),
        ("/healthz", "text/plain; charset=utf-8", "ok"),
        ("/readyz", "text/plain; charset=utf-8", "ok"),
    ],
)
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_each_path_answers_its_own_packed_or_not(
    server: Server, path: str, content_type: str, holds: str, encoding: str
) -> None:
    answer = ask(server, path, headers={"Accept-Encoding": encoding})
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert holds in answer.text
    assert int(answer.headers["Content-Length"]) == len(answer.raw)


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/status", "/", "/healthz", "/nothing"])
def test_head_says_what_get_would_without_the_body(server: Server, path: str) -> None:
    get, head = ask(server, path), ask(server, path, "HEAD")
    assert head.raw == b""
    assert head.status == get.status
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert abs(int(head.headers["Content-Length"]) - len(get.raw)) < 200  # the process's own figures change


def test_prometheus_gets_openmetrics(server: Server) -> None:
    answer = ask(server, "/metrics", headers={"Accept": PROMETHEUS, "Accept-Encoding": "gzip"})
    assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/html", Format.TEXT),
        (PROMETHEUS, Format.OPENMETRICS),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", Format.TEXT),
        ("application/openmetrics-text;q=0", Format.TEXT),
        ("application/openmetrics-text;q=0.4, text/plain;q=0.9", Format.TEXT),
        ("application/openmetrics-text;q=high", Format.TEXT),
        (";;;,,q=", Format.TEXT),
    ],
)
def test_the_format_follows_the_weights(accept: str, form: Format) -> None:
    assert exposition_format(accept) is form


@pytest.mark.parametrize(
    ("header", "welcome"),
    [("", False), ("gzip", True), ("deflate, GZIP;q=0.5", True), ("gzip;q=0", False), ("*", True), ("br", False)],
)
def test_gzip_is_sent_to_whom_it_is_welcome(header: str, welcome: bool) -> None:
    assert takes_gzip(header) is welcome


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(server: Server, method: str) -> None:
    answer = ask(server, "/metrics", method, body="x")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_the_front_page_is_json_to_whom_that_is_dearer(server: Server) -> None:
    status = ask(server, "/api/v1/status")
    answer = ask(server, "/", headers={"Accept": "application/json"})
    assert (answer.headers["Content-Type"], answer.text) == ("application/json", status.text)
    assert "Accept" in answer.headers["Vary"]
    for accept in (
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "*/*",
        "text/html, application/json",
    ):
        assert ask(server, "/", headers={"Accept": accept}).headers["Content-Type"] == "text/html; charset=utf-8"


def test_unknown_pages_are_not_found(server: Server) -> None:
    assert ask(server, "/metrics/").status == 404
    assert ask(server, "/../etc/passwd").status == 404
    assert ask(server, "/claims/no/such").status == 404


@pytest.mark.parametrize("path", ["/", "/metrics", "/nothing"])
def test_answers_carry_security_headers_once(server: Server, path: str) -> None:
    headers = ask(server, path).headers
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"):
        assert len(headers.get_all(name)) == 1
    assert "'unsafe" not in headers["Content-Security-Policy"]
    assert "Python" not in headers["Server"]


def test_before_the_first_verdict_metrics_speak_of_the_exporter_and_the_rest_waits(serve: Serve) -> None:
    server = serve(None)
    metrics = ask(server, "/metrics", headers={"Accept-Encoding": "gzip"})
    assert metrics.status == 200
    assert "volsync_exporter_source_up" in metrics.text
    assert ask(server, "/readyz").status == 503
    assert ask(server, "/healthz").status == 200
    waiting = ask(server, "/api/v1/status")
    assert (waiting.status, json.loads(waiting.text)) == (503, {"error": "no verdict yet"})
    assert ask(server, "/").status == 503


def test_a_stuck_loop_fails_liveness(serve: Serve) -> None:
    current = Now(every_family())
    current.alive = False
    assert ask(serve(current=current), "/healthz").status == 503


def test_a_fault_in_a_page_is_an_answer_not_a_broken_connection(serve: Serve) -> None:
    current = Now(every_family())
    current.telemetry = lambda: 1 / 0
    server = serve(current=current)
    with structlog.testing.capture_logs() as logged:  # whoever writes a trace as text takes seconds on a busy machine
        assert ask(server, "/metrics").status == 500
        assert ask(server, "/healthz").status == 200
    assert [(entry["event"], entry["path"]) for entry in logged] == [("no answer", "/metrics")]


def test_a_connection_serves_several_requests(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"405"),
        (b"GET / HTTP/9.1\r\nHost: x\r\n\r\n", b"505"),
    ],
)
def test_requests_that_make_no_sense_are_refused_in_plain_text(
    server: Server, request_bytes: bytes, status: bytes
) -> None:
    answer = raw(server, request_bytes)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"text/plain" in answer


def test_a_body_that_nobody_reads_is_not_taken_for_a_request(server: Server) -> None:
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"GET /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: {len(smuggled)}\r\n\r\n".encode()
    assert raw(server, head + smuggled).count(b"HTTP/1.1 ") == 1


def test_a_client_that_says_nothing_is_cut(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 0.3)
    server = serve(every_family())
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        assert read_all(connection) == b""


def test_a_client_that_drips_its_request_is_cut(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 0.5)
    server = serve(every_family())
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.settimeout(0.1)
        while not dripped(connection):
            assert time.monotonic() - began < 5


def dripped(connection: socket.socket) -> bool:
    """Send one more byte; whether the other side has ended the connection."""
    try:
        connection.sendall(b"G")
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_client_that_does_not_read_is_cut(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "ANSWER_SECONDS", 0.5)
    ended = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            ended.set()

    monkeypatch.setattr(Site, "answer", lambda *_: Response(200, "text/plain", Stream(endless(), 1 << 40)))
    server = serve(every_family())
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ended.wait(10)


@pytest.mark.parametrize("ends", [True, False])
def test_stopping_gives_an_open_answer_its_time_and_no_more(monkeypatch: pytest.MonkeyPatch, *, ends: bool) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow(*_: object) -> Response:
        begun.set()
        may_end.wait(60)
        return Response(200, "text/plain", b"late\n")

    monkeypatch.setattr(Site, "answer", slow)
    server = Server(open_socket("127.0.0.1:0"), Site(Now(None), ""), Authenticator(None))
    server.start()
    answers: list[bytes] = []
    client = threading.Thread(target=lambda: answers.append(raw(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")))
    client.start()
    assert begun.wait(60)
    if ends:
        threading.Timer(0.2, may_end.set).start()
    server.stop(patience=60 if ends else 0.2)
    client.join(60)
    may_end.set()
    assert answers[0].endswith(b"late\n") is ends


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        (":9978", ("", 9978)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:80", ("::1", 80)),
        ("[::]:80", ("::", 80)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_addresses_to_listen_on(listen: str, address: tuple[str, int]) -> None:
    assert parse_listen(listen) == address


@pytest.mark.parametrize("listen", ["9978", "", ":", "::1:80", "localhost", ":http", "host:70000", ":-1", ":²"])
def test_what_is_no_address_is_refused_with_an_example(listen: str) -> None:
    with pytest.raises(ValueError, match="write it like :9978"):
        parse_listen(listen)


def test_without_a_host_both_families_are_served(serve: Serve) -> None:
    server = serve(every_family(), listen=":0")
    for host in ("127.0.0.1", "::1"):
        with socket.create_connection((host, server.port), timeout=10) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert read_all(connection).endswith(b"ok\n")
