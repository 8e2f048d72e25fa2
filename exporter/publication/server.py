"""The listener: HTTP/1.1 on the standard library's server, with TLS and basic auth where they are asked for.

A connection has a thread of its own, of which there are few, and a deadline for each step, so that a slow client
costs one thread for a few seconds.
"""

import base64
import binascii
import contextlib
import gzip
import socket
import ssl
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from socketserver import BaseRequestHandler, BaseServer, TCPServer, ThreadingMixIn
from time import monotonic
from typing import Any, Final

import structlog

from exporter.publication.http import Response, Stream
from exporter.publication.negotiation import takes_gzip
from exporter.publication.site import OPEN_PATHS, Site, plain
from exporter.publication.web_config import Doorkeeper, Guard, certificate_names

_log = structlog.get_logger()

THREADS: Final = 64
"""Connections at once; one more is closed."""
REQUEST_SECONDS: Final = 10.0
"""For a client to say what it wants, from the handshake on; also how long an idle connection is kept."""
ANSWER_SECONDS: Final = 60.0
"""For a client to take the answer."""
_TURN = 0.2
"""How often the accepting loop looks at the deadlines, and whether it should end."""
_WORTH_PACKING = 1024

_SECURITY: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def parse_listen(text: str) -> tuple[str, int]:
    """Host (empty: every address) and port of `HOST:PORT`, `:PORT` or `[::1]:PORT`.

    Raises:
        ValueError: *text* is none of these.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535 or (":" in host and not bracketed):
        raise ValueError(f"{text!r} is no address to listen on: write it like :9978, 127.0.0.1:9978 or [::1]:9978")
    return host[1:-1] if bracketed else host, int(port)


def open_socket(listen: str) -> socket.socket:
    """A listening socket; without a host it takes IPv4 and IPv6, where the machine has both.

    Raises:
        ValueError: *listen* is no address.
        OSError: it cannot be listened on.
    """
    host, port = parse_listen(listen)
    if not host:
        try:
            return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=THREADS)
        except (OSError, ValueError):  # no IPv6 here; a port that is taken fails again below
            return socket.create_server(("0.0.0.0", port), backlog=THREADS)  # noqa: S104 - every address was asked for
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=THREADS)


class Server(ThreadingMixIn, TCPServer):
    """Serves *site* on *listener* to whom *doorkeeper* admits."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, site: Site, doorkeeper: Doorkeeper) -> None:
        BaseServer.__init__(self, listener.getsockname(), BaseRequestHandler)  # TCPServer's own makes another socket
        self.socket = listener
        self.site = site
        self.doorkeeper = doorkeeper
        self._slots = threading.BoundedSemaphore(THREADS)
        self._deadlines: dict[socket.socket, float] = {}
        self._busy = 0
        self._idle = threading.Condition()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self.serve_forever, args=(_TURN,), name="listener", daemon=True).start()

    def stop(self, patience: float) -> None:
        """Accept no more, and give the answers that are under way *patience* seconds to end."""
        self.shutdown()
        self.server_close()
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0, patience)

    def deadline(self, connection: socket.socket, seconds: float) -> None:
        """Let *connection* be cut unless it gets another deadline within *seconds*."""
        self._deadlines[connection] = monotonic() + seconds

    def answering(self, number: int) -> None:
        """Count *number* more (or fewer) answers as under way."""
        with self._idle:
            self._busy += number
            self._idle.notify_all()

    def service_actions(self) -> None:
        """Cut the connections whose time is over; their threads see the end of the stream."""
        now = monotonic()
        for connection, deadline in list(self._deadlines.items()):
            if deadline < now:
                _cut(connection)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's types
        """Give the connection a thread, if there is one left."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            request.close()

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Serve the connection until it ends, and free its place."""
        connection: socket.socket = request
        try:
            guard = self.doorkeeper.guard()
            self.deadline(connection, REQUEST_SECONDS)
            if guard.tls is not None:
                secured = guard.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                del self._deadlines[connection]
                connection = secured
                self.deadline(connection, REQUEST_SECONDS)
                secured.do_handshake()
                _check_names(secured, guard)
            _Handler(connection, client_address, self, guard)
        except OSError as error:  # also TLS errors and a client that went away
            _log.debug("connection ended", client=client_address[0], reason=str(error))
        except Exception:  # noqa: BLE001 - one connection's fault is its own
            _log.exception("request failed")
        finally:
            self._deadlines.pop(connection, None)
            _cut(connection)
            connection.close()
            self._slots.release()


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is closed already
        # An SSLSocket's own shutdown drops its TLS state, which its thread may be using.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _check_names(connection: ssl.SSLSocket, guard: Guard) -> None:
    if guard.allowed_sans and not guard.allowed_sans & certificate_names(connection.getpeercert()):
        raise ssl.SSLError("the client's certificate bears none of client_allowed_sans")


class _Handler(BaseHTTPRequestHandler):
    """One connection: its requests, one after the other."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "volsync-exporter"
    sys_version = ""
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def __init__(self, connection: socket.socket, client_address: object, server: Server, guard: Guard) -> None:
        self._guard = guard
        super().__init__(connection, client_address, server)

    def handle_one_request(self) -> None:
        self.server.deadline(self.connection, REQUEST_SECONDS)
        super().handle_one_request()

    def do_GET(self) -> None:
        """Answer."""
        self.server.deadline(self.connection, ANSWER_SECONDS)
        self.server.answering(1)
        try:
            if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
                self.close_connection = True  # a body that is not read would be taken for the next request
            self._send(self._get())
        finally:
            self.server.answering(-1)

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self.do_GET()

    def do_POST(self) -> None:
        """Refuse: nothing here can be changed."""
        self.close_connection = True  # the body is not read
        self._send(plain(405, "There is only GET and HEAD.", ("Allow", "GET, HEAD")))

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST  # noqa: N815 - the standard library's names

    def _get(self) -> Response:
        path = self.path.partition("?")[0]
        if path not in OPEN_PATHS and not self._admitted():
            return plain(401, "Unauthorized", ("WWW-Authenticate", 'Basic realm="volsync-exporter", charset="UTF-8"'))
        try:
            return self.server.site.answer(
                self.path, _all(self.headers.get_all("Accept")), _all(self.headers.get_all("Accept-Encoding"))
            )
        except Exception:  # noqa: BLE001 - whoever asked is told
            _log.exception("no answer", path=path)
            return plain(500, "Something went wrong; the log says what.")

    def _admitted(self) -> bool:
        if not self._guard.users:
            return True
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            decoded = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        user, colon, password = decoded.partition(":")
        return scheme.lower() == "basic" and bool(colon) and self.server.doorkeeper.admits(self._guard, user, password)

    def _send(self, response: Response) -> None:
        body, headers = response.body, dict(response.headers)
        if (
            isinstance(body, bytes)
            and len(body) >= _WORTH_PACKING
            and "Content-Encoding" not in headers
            and takes_gzip(_all(self.headers.get_all("Accept-Encoding")))
        ):
            body = gzip.compress(body, compresslevel=6)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        length = body.length if isinstance(body, Stream) else len(body)
        self.send_response(response.status)
        content = {"Content-Type": response.content_type, "Content-Length": str(length)}
        for name, value in {**_SECURITY, **headers, **content, **self._guard.headers}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            for chunk in body.chunks if isinstance(body, Stream) else (body,):
                self.wfile.write(chunk)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - the base class's
        """Answer a request that cannot be understood, as plain text."""
        self.close_connection = True
        self.request_version = self.protocol_version  # what could not be read counts as 0.9, which has no headers
        if not hasattr(self, "headers"):
            self.headers = self.MessageClass()
        if not hasattr(self, "command") or self.command is None:
            self.command = ""
        self._send(plain(code, message or self.responses.get(code, ("Error",))[0]))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Requests are not logged: Prometheus knows of its scrapes."""


def _all(values: Iterable[str] | None) -> str:
    """A header that may stand several times, as one."""
    return ",".join(values or ())
