"""The HTTP side of the stand-in: sending answers, and breaking them off where a fault says so."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from tests.apiserver.exchange import BrokenAnswerError, Json, NoSuchPathError, RefusedError, Request
from tests.apiserver.faults import Fault, How

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_WITHOUT_END = {
    How.CONTINUE: (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    How.TRICKLE_HEADERS: (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
    How.CHUNK_EXTENSION: (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
}
"""What is sent first, and then for ever."""


class Api(Protocol):
    """What the listener needs of `ApiServer`."""

    requests: list[Request]
    closing: threading.Event

    def answer(self, request: Request) -> tuple[Json | Iterator[Json], str]: ...
    def apply(self, request: Request, wanted: Json) -> Json: ...


def _line(event: Json) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


class Listener(ThreadingHTTPServer):
    """A server on an ephemeral port of the loopback."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, api: Api) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.api = api

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or refuses the certificate, is part of the tests: nothing to print."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Listener

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _request(self) -> Request:
        split = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(split.query, keep_blank_values=True).items()}
        return Request("", split.path, query, {key.lower(): value for key, value in self.headers.items()})

    def do_PATCH(self) -> None:
        if self.headers.get("Content-Type") != _APPLY:
            return self._refuse_method()
        request = self._request()
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            body = self.server.api.apply(request, wanted)
            self._send(request, 200, json.dumps(body).encode(), _JSON)
        except RefusedError as refusal:
            self._send(request, refusal.code, json.dumps(refusal.status).encode(), _JSON, refusal.headers)

    def do_GET(self) -> None:
        request = self._request()
        try:
            body, content_type = self.server.api.answer(request)
            if isinstance(body, dict):
                self._send(request, 200, json.dumps(body).encode(), content_type)
            else:
                self._stream(request, body)
        except RefusedError as refusal:
            self._send(request, refusal.code, json.dumps(refusal.status).encode(), _JSON, refusal.headers)
        except NoSuchPathError:
            self._send(request, 404, b"404 page not found\n", "text/plain; charset=utf-8")
        except BrokenAnswerError as broken:
            self.server.api.requests.append(request)
            if isinstance(broken.whole, dict):
                self._break(broken.fault, json.dumps(broken.whole).encode())
            else:
                self._break_watch(request, broken.fault, broken.whole)

    def _refuse_method(self) -> None:
        message = "the server does not allow this method on the requested resource"
        body = json.dumps(RefusedError(405, message).status).encode()
        self._send(Request(self.command.lower(), self.path, {}, {}), 405, body, _JSON)

    do_POST = do_PUT = do_DELETE = _refuse_method  # noqa: N815 - http.server's names

    def _send(
        self, request: Request, code: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        request.status = code
        self.server.api.requests.append(request)
        with contextlib.suppress(OSError):
            self._head(code, len(body), content_type, headers)
            self.wfile.write(body)

    def _stream(self, request: Request, events: Iterator[Json]) -> None:
        """Send each event as it comes."""
        request.status = 200
        self.server.api.requests.append(request)
        with contextlib.suppress(OSError):
            self._chunked_head()
            for event in events:
                self._chunk(_line(event))
            self._chunk(b"")

    def _chunked_head(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", _JSON)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))

    def _break_watch(self, request: Request, fault: Fault, events: list[Json]) -> None:
        """Answer a watch as *fault* says, where *events* would have been told."""
        whole = b"".join(map(_line, events))
        request.status = 200
        if fault.how is How.BUFFERED:
            self._head(200, len(whole), _JSON)
            self.wfile.write(whole)
        elif fault.how is How.SHORT:
            self._stream(request, iter(events[: len(events) // 2]))
            self.server.api.requests.pop()
        elif fault.how is How.CUT:
            self.close_connection = True
            self._chunked_head()
            self._chunk(whole[: len(whole) * 2 // 3])
        else:
            self._break(fault, whole)

    def _head(self, code: int, length: int, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()

    def _break(self, fault: Fault, whole: bytes) -> None:  # noqa: C901 - one branch for each way
        """Answer as *fault* says, where *whole* would have been the answer."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            if fault.how is How.STALL:
                self.server.api.closing.wait()
            elif fault.how is How.BODY:
                self._head(200, len(fault.body), fault.content_type, fault.headers)
                self.wfile.write(fault.body)
            elif fault.how is How.ENDLESS:
                self.close_connection = False
                page = {"kind": fault.body.decode(), "metadata": {"continue": str(fault.struck)}, "items": []}
                self._head(200, len(json.dumps(page)), _JSON)
                self.wfile.write(json.dumps(page).encode())
            elif fault.how in _WITHOUT_END:
                self._repeat(*_WITHOUT_END[fault.how])
            elif fault.how is How.TRUNCATE:
                self._head(200, len(whole) // 2, _JSON)
                self.wfile.write(whole[: len(whole) // 2])
            elif fault.how in (How.CUT, How.STALL_IN_BODY):
                self._head(200, len(whole), _JSON)
                self.wfile.write(whole[: len(whole) // 2])
                if fault.how is How.STALL_IN_BODY:
                    self.server.api.closing.wait()
            elif fault.how is How.TRICKLE:
                self._head(200, len(whole), _JSON)
                for byte in whole:
                    self.wfile.write(bytes([byte]))
                    if self.server.api.closing.wait(0.05):
                        break

    def _repeat(self, first: bytes, piece: bytes) -> None:
        """Send *first*, then *piece* again and again, each sooner than any time-out of a socket."""
        self.wfile.write(first)
        while not self.server.api.closing.wait(0.05):
            self.wfile.write(piece)

    def log_message(self, *_args: object) -> None:
        """The requests are kept in `ApiServer.requests` instead."""
