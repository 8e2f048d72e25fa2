"""What clients do to a listener, by malice or by accident, and that others are served meanwhile."""

import contextlib
import errno
import itertools
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bcrypt
import pytest

from exporter.publication import page
from exporter.publication import server as serving
from exporter.publication.current import Published
from exporter.publication.http import Request, Response, Stream
from exporter.publication.logins import BURST
from exporter.publication.render import render
from exporter.publication.server import Server
from exporter.publication.site import Site
from tests.publication.conftest import Now, Serve, ask
from tests.publication.test_server import raw, read_all
from tests.publication.test_web_config import basic, hashed, written
from tests.publication.verdicts import every_family

PROBE = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
WAIT = 60
"""Seconds that a loaded machine may take for what takes milliseconds."""

Connect = Callable[..., socket.socket]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Opens connections and leaves them open until the test has ended."""
    with contextlib.ExitStack() as open_ones:

        def connecting(server: Server, sent: bytes = b"", source: str = "127.0.0.1") -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", server.port), WAIT, source_address=(source, 0))
            open_ones.enter_context(connection)
            connection.sendall(sent)
            return connection

        yield connecting


@pytest.fixture
def stuck_pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Pages are not finished before the test is; the event tells that one was begun."""
    begun, may_end = threading.Event(), threading.Event()
    respond = page.respond

    def stuck(*args: object, **named: object) -> object:
        begun.set()
        may_end.wait(WAIT)
        return respond(*args, **named)

    monkeypatch.setattr(page, "respond", stuck)
    yield begun
    may_end.set()


# --- places


@pytest.mark.parametrize("sent", [b"", b"GET / HT", PROBE[:-2]])
def test_probes_are_answered_however_many_connections_say_nothing_or_half_a_request(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS", 20)
    server = serve(every_family())
    for _ in range(60):
        connect(server, sent)
    for path in ("/healthz", "/readyz", "/metrics", "/"):
        assert ask(server, path).status == 200


def test_the_address_with_the_most_connections_gives_way(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS", 10)
    server = serve(every_family())
    patient = connect(server, PROBE[:-2])
    for _ in range(50):
        connect(server, source="127.0.0.2")
    patient.sendall(PROBE[-2:])
    assert read_all(patient).endswith(b"ok\n")


def test_a_process_that_may_open_few_files_takes_fewer_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving.resource, "getrlimit", lambda _: (100, 1000))
    assert serving._places() == 75
    monkeypatch.setattr(serving.resource, "getrlimit", lambda _: (serving.resource.RLIM_INFINITY,) * 2)
    assert serving._places() == serving.CONNECTIONS


def test_a_process_without_a_file_left_serves_again_once_it_has_one(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([OSError(errno.EMFILE, "Too many open files")] * 2)

    class Listener(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            if failure := next(failures, None):
                raise failure
            return super().accept()

    def opened(_: str) -> socket.socket:
        listener = Listener()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        return listener

    monkeypatch.setattr("tests.publication.conftest.open_socket", opened)
    assert ask(serve(every_family()), "/healthz").status == 200


# --- rooms


def test_pages_that_are_not_finished_hold_up_neither_scrapes_nor_probes(
    serve: Serve, connect: Connect, stuck_pages: threading.Event
) -> None:
    server = serve(every_family())
    for _ in range(40):
        connect(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert stuck_pages.wait(WAIT)
    for _ in range(3):
        assert ask(server, "/metrics").status == 200
        assert ask(server, "/healthz").status == 200


def test_more_pages_than_can_wait_are_refused(
    serve: Serve, connect: Connect, stuck_pages: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_WAITING", 3)
    server = serve(every_family())
    waiting = [connect(server, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(4)]
    (refused,), _, _ = select.select(waiting, [], [], WAIT)
    assert refused.recv(12) == b"HTTP/1.1 503"
    assert ask(server, "/metrics").status == 200


def test_a_page_is_made_once_for_a_verdict(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    respond = page.respond
    monkeypatch.setattr(
        page, "respond", lambda path, *args, **named: made.append(path) or respond(path, *args, **named)
    )
    current = Now(every_family())
    server = serve(current=current)
    paths = ["/", "/?nonsense=1", "/?page=1"] * 10
    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(lambda path: ask(server, path, headers={"Accept-Encoding": "gzip"}), paths))
    assert {answer.headers["Content-Encoding"] for answer in answers} == {"gzip"}
    assert len({answer.text for answer in answers}) == 1
    assert ask(server, "/").text == answers[0].text  # unpacked
    assert made == ["/"]
    ask(server, "/?state=unknown")
    assert made == ["/", "/"]
    current.published = Published(every_family(), render(every_family()))
    ask(server, "/")
    assert made == ["/", "/", "/"]


def test_the_pages_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(Now(every_family()), "")
    monkeypatch.setattr("exporter.publication.cache._ROOM", 20_000)
    for number in range(100):
        assert site.answer(Request(f"/?namespace=n{number}", accept_encoding="gzip")).status == 200
    assert 0 < site._pages._size <= 20_000
    assert site.kept(Request("/?namespace=n99"))
    assert site.kept(Request("/?namespace=n0")) is None


def test_scrapes_that_come_together_share_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(Now(every_family()), "")
    scrape = Request("/metrics", accept_encoding="gzip")
    assert site.answer(scrape).body is site.answer(scrape).body
    assert site.answer(Request("/metrics")).body is not site.answer(scrape).body
    first = site.answer(scrape).body
    monkeypatch.setattr("exporter.publication.site.SHARED_SECONDS", -1.0)
    assert site.answer(scrape).body is not first


# --- clients that take or send for ever


def test_slow_readers_hold_up_nobody(serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = b"x" * (8 << 20)  # more than the kernel's buffers take
    monkeypatch.setattr(Site, "answer", lambda *_: Response(200, "text/plain", Stream((whole,), len(whole))))
    server = serve(every_family())
    for _ in range(30):
        connect(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").recv(1)
    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(lambda _: raw(server, PROBE.replace(b"healthz", b"metrics")), range(10)))
    assert {len(answer.partition(b"\r\n\r\n")[2]) for answer in answers} == {len(whole)}


def discard_all(connection: socket.socket) -> None:
    with contextlib.suppress(ConnectionError):
        while connection.recv(1 << 20):
            pass


def test_a_client_that_takes_all_at_once_does_not_have_the_listener_to_itself(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Site.answer

    def endless(site: Site, request: Request) -> Response:
        if request.path == "/metrics":
            return Response(200, "text/plain", Stream(itertools.repeat(b"x" * 65536), 1 << 50))
        return answer(site, request)

    monkeypatch.setattr(Site, "answer", endless)
    server = serve(every_family())
    takes = connect(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    reading = threading.Thread(target=discard_all, args=(takes,), daemon=True)
    reading.start()
    for _ in range(5):
        assert ask(server, "/healthz").status == 200
    assert reading.is_alive()
    server.stop(0)
    reading.join(WAIT)


def test_a_body_without_end_is_answered_and_cut(serve: Serve, connect: Connect) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection = connect(serve(every_family()), head)
    answers: list[bytes] = []
    reading = threading.Thread(target=lambda: answers.append(read_all(connection)))
    reading.start()
    with pytest.raises(OSError, match=r"reset|pipe"):  # it is cut, not read for ever
        send_for_ever(connection)
    reading.join(WAIT)
    assert answers[0].startswith(b"HTTP/1.1 405")


def send_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def test_a_client_that_has_said_all_it_has_to_say_is_answered(serve: Serve, connect: Connect) -> None:
    connection = connect(serve(every_family()), b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    assert read_all(connection).endswith(b"ok\n")


def test_requests_that_come_at_once_are_answered_one_after_the_other(serve: Serve) -> None:
    many = b"".join(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" for _ in range(50))
    answer = raw(serve(every_family()), many + PROBE)
    assert answer.count(b"HTTP/1.1 200") == 51


def test_a_client_that_goes_away_is_forgotten(serve: Serve, connect: Connect) -> None:
    server = serve(every_family())
    for _ in range(20):
        connect(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").close()
    deadline = time.monotonic() + WAIT
    while server._clients:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_stopping_does_not_wait_for_clients_that_take_nothing(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = b"x" * (8 << 20)
    monkeypatch.setattr(Site, "answer", lambda *_: Response(200, "text/plain", whole))
    server = serve(every_family())
    for _ in range(10):
        connect(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").recv(1)
    server.stop(0.1)
    assert not server._thread.is_alive()


# --- passwords


@pytest.fixture
def guarded(serve: Serve, tmp_path: Path) -> Server:
    return serve(every_family(), web_config=written(tmp_path, basic_auth_users={"prometheus": hashed("right")}))


def test_a_password_that_is_known_does_not_wait_for_those_that_are_not(
    guarded: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(guarded, "/metrics", headers=basic("prometheus", "right")).status == 200
    trying, may_end = threading.Event(), threading.Event()

    def slow(*_: bytes) -> bool:
        trying.set()
        return not may_end.wait(WAIT)

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    for number in range(BURST):
        header = basic("prometheus", f"guess {number}")["Authorization"]
        connect(guarded, f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: {header}\r\n\r\n".encode())
    assert trying.wait(WAIT)
    assert ask(guarded, "/metrics", headers=basic("prometheus", "right")).status == 200
    assert ask(guarded, "/healthz").status == 200
    may_end.set()


def test_an_address_may_guess_so_often_and_others_are_not_charged(
    guarded: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.publication.logins.SECONDS_EACH", 1e9)
    tried: list[bytes] = []
    check = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda word, expected: tried.append(word) or check(word, expected))
    answers = [ask(guarded, "/", headers=basic("prometheus", f"guess {n}")).status for n in range(BURST + 5)]
    assert answers == [401] * BURST + [429] * 5
    assert len(tried) == BURST
    header = basic("prometheus", "right")["Authorization"]
    request = f"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {header}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", guarded.port), WAIT, source_address=("127.0.0.2", 0)) as other:
        other.sendall(request)
        assert read_all(other).startswith(b"HTTP/1.1 200")
    assert ask(guarded, "/metrics", headers=basic("prometheus", "right")).status == 200  # it is known now


def test_guesses_do_not_drive_out_what_is_known(guarded: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.publication.web_config._REMEMBERED", 3)
    assert ask(guarded, "/", headers=basic("prometheus", "right")).status == 200
    for number in range(BURST):
        ask(guarded, "/", headers=basic("prometheus", f"guess {number}"))
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: pytest.fail("it is known"))
    assert ask(guarded, "/", headers=basic("prometheus", "right")).status == 200
    assert len(guarded._authenticator._wrong._keys) == 3
