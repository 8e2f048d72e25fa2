"""The listener: HTTP/1.1 for many clients on one event loop, with TLS and basic auth where they are asked for.

h11 reads and writes the protocol. The servers that stand on it or beside it (uvicorn, hypercorn, waitress, cheroot)
have no deadline for an answer as a whole, no limit for each client address and no room that probes have for
themselves, so that what follows would have to be put around them all the same.

- A connection has a deadline for each step, and no thread: a slow client costs its socket.
- When there is no place left, a new connection takes that of the client address which has the most.
- Probes are answered on the loop, at once; scrapes and pages are each made on a thread of their own, one at a time.
- A password that is known is admitted at once; one that is not waits for bcrypt on a thread of its own.
"""

import asyncio
import contextlib
import resource
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any, Final, TypeVar

import h11
import structlog

from exporter.publication.connection import Connection
from exporter.publication.http import Request, Response, Stream
from exporter.publication.logins import Attempts, Credentials, credentials
from exporter.publication.site import Room, Site, plain
from exporter.publication.web_config import Authenticator, Guard, certificate_names

_log = structlog.get_logger()

CONNECTIONS: Final = 768
"""At once; fewer where the process may not open so many files."""
_SHARE_OF_FILES = 0.75
REQUEST_SECONDS: Final = 10.0
"""For a client to say what it wants, from the handshake on; also how long an idle connection is kept."""
ANSWER_SECONDS: Final = 60.0
"""For an answer to be made and taken."""
LINGER_SECONDS: Final = 1.0
"""For a client to stop sending what is not wanted: one that is cut while it sends does not read its answer."""
_LINGER_BYTES = 1 << 20
_HEAD_BYTES = 1 << 14
"""The most that a request's line and headers may take."""
_JOINED = 1 << 14
"""Pieces that are shorter together are sent at once."""
_WAITING: Final = 128
"""Pages, or passwords, that may wait for their thread."""
_BACKLOG = 1024

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
            return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
        except (OSError, ValueError):  # no IPv6 here; a port that is taken fails again below
            return socket.create_server(("0.0.0.0", port), backlog=_BACKLOG)  # noqa: S104 - every address was asked for
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=_BACKLOG)


class _Client:
    """A connection as the listener counts it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.since = monotonic()
        self.answering = False
        self.task: asyncio.Task[None] | None = None

    def cut(self) -> None:
        if self.task is not None:
            self.task.cancel()


class Server:
    """Serves *site* on *listener* to whom *authenticator* admits."""

    def __init__(self, listener: socket.socket, site: Site, authenticator: Authenticator) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._site = site
        self._authenticator = authenticator
        self._attempts = Attempts()
        self._clients: set[_Client] = set()
        self._workers = {
            name: _Worker(name) for name in (*(room.value for room in Room if room is not Room.PROBE), _LOGIN)
        }
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="listener", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._ending = asyncio.Event()
        self._patience = 0.0

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()
        self._started.wait()

    def stop(self, patience: float) -> None:
        """Accept no more, and give the answers that are under way *patience* seconds to end."""
        self._patience = patience
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(patience + 1)

    # --- the listener's thread

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener.settimeout(0)  # non-blocking
        self._listen()
        self._started.set()
        await self._ending.wait()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for client in self._clients:
            if not client.answering:
                client.cut()
        await self._ended(self._patience)
        for client in self._clients:
            client.cut()
        await self._ended(1.0)
        for worker in self._workers.values():
            worker.end()

    async def _ended(self, seconds: float) -> None:
        """Wait until every connection has ended, or *seconds* have passed."""
        if tasks := [client.task for client in self._clients if client.task]:
            await asyncio.wait(tasks, timeout=seconds)

    def _listen(self) -> None:
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Begin to serve one connection that has come."""
        try:
            accepted, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):  # the client has gone already
            return
        except OSError as error:  # no file is left
            _log.warning("connection not accepted", reason=str(error))
            self._make_room()
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._listener)
            loop.call_later(0.1, lambda: None if self._ending.is_set() else self._listen())
            return
        if len(self._clients) >= _places():
            self._make_room()
        accepted.settimeout(0)
        client = _Client(address[0])
        self._clients.add(client)
        client.task = asyncio.create_task(self._serve_client(client, accepted))
        client.task.add_done_callback(partial(self._forget, client, accepted))

    def _make_room(self) -> None:
        """Cut a connection of the address that has the most: the oldest one, if it can be, that has no answer yet."""
        if self._clients:
            counts = Counter(client.address for client in self._clients)
            client = min(self._clients, key=lambda c: (-counts[c.address], c.answering, c.since))
            self._clients.discard(client)
            client.cut()

    async def _serve_client(self, client: _Client, accepted: socket.socket) -> None:
        """Serve a connection until it ends; its faults are its own."""
        connection = Connection(accepted)
        try:
            await self._answer_requests(client, connection)
        except OSError as error:  # also TLS errors, deadlines and a client that went away
            _log.debug("connection ended", client=client.address, reason=str(error) or type(error).__name__)
        except Exception:  # noqa: BLE001 - see above
            _log.exception("connection failed")
        finally:
            connection.close()

    def _forget(self, client: _Client, accepted: socket.socket, _task: asyncio.Task[None]) -> None:
        """A connection has ended; one that was cut before its first step has an open socket still."""
        accepted.close()
        self._clients.discard(client)

    async def _answer_requests(self, client: _Client, connection: Connection) -> None:
        guard = self._authenticator.guard()
        requests = _Requests(connection, guard)
        async with asyncio.timeout(REQUEST_SECONDS):
            if guard.tls is not None:
                _check_names(await connection.secure(guard.tls), guard)
            request = await requests.next()
        while request is not None:
            client.answering = True
            async with asyncio.timeout(ANSWER_SECONDS):
                response = await self._response(client, guard, request)
                await requests.respond(response, last=self._ending.is_set())
            client.answering = False
            client.since = monotonic()
            if not requests.keeps_alive:
                await requests.end()
                return
            async with asyncio.timeout(REQUEST_SECONDS):
                request = await requests.next()

    # --- one answer

    async def _response(self, client: _Client, guard: Guard, asked: h11.Request | Response) -> Response:
        if isinstance(asked, Response):
            return asked  # it could not be understood
        if asked.method not in (b"GET", b"HEAD"):
            return plain(405, "There is only GET and HEAD.", ("Allow", "GET, HEAD"))
        headers = _headers(asked)
        request = Request(asked.target.decode("latin-1"), headers["accept"], headers["accept-encoding"])
        try:
            room = self._site.room(request.path)
            if room is Room.PROBE:
                return self._site.answer(request)
            refusal = await self._refusal(client, guard, headers["authorization"])
            return refusal or self._site.kept(request) or await self._made(room, request)
        except Exception:  # noqa: BLE001 - whoever asked is told
            _log.exception("no answer", path=request.path)
            return plain(500, "Something went wrong; the log says what.")

    async def _made(self, room: Room, request: Request) -> Response:
        worker = self._workers[room.value]
        if room is Room.PAGE and worker.full:  # scrapes that wait get the same bytes
            return _BUSY
        return await worker.run(lambda: self._site.answer(request))

    async def _refusal(self, client: _Client, guard: Guard, authorization: str) -> Response | None:
        """What a client gets that is not admitted; None for one that is."""
        if not guard.users:
            return None
        login = credentials(authorization)
        admitted = login is not None and self._authenticator.remembers(guard, login)
        if login is None or admitted is False:
            return _UNAUTHORIZED
        return None if admitted else await self._checked(client, guard, login)

    async def _checked(self, client: _Client, guard: Guard, login: Credentials) -> Response | None:
        worker = self._workers[_LOGIN]
        if worker.full or not self._attempts.take(client.address, monotonic()):
            return _TOO_MANY
        if await worker.run(lambda: self._authenticator.admits(guard, login)):
            self._attempts.give_back(client.address, monotonic())
            return None
        return _UNAUTHORIZED


_LOGIN = "login"
_UNAUTHORIZED = plain(401, "Unauthorized", ("WWW-Authenticate", 'Basic realm="volsync-exporter", charset="UTF-8"'))
_TOO_MANY = plain(429, "Too many wrong passwords came from your address.", ("Retry-After", "5"))
_BUSY = plain(503, "Too many pages are being made.", ("Retry-After", "1"))


_Result = TypeVar("_Result")


class _Worker:
    """A thread that does one thing after another for the loop."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting = 0

    @property
    def full(self) -> bool:
        return self._waiting >= _WAITING

    async def run(self, work: Callable[[], _Result]) -> _Result:
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    def end(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Requests:
    """The requests and answers of one connection, one after the other."""

    def __init__(self, connection: Connection, guard: Guard) -> None:
        self._connection = connection
        self._guard = guard
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        self._head_only = False
        self._understood = True

    async def next(self) -> h11.Request | Response | None:
        """The next request; where it makes no sense, the answer that says so; None at the end."""
        try:
            event = await self._event()
            if not isinstance(event, h11.Request):
                return None
            self._head_only = event.method == b"HEAD"
            # A body is not read: the connection ends instead.
            self._understood = isinstance(self._protocol.next_event(), h11.EndOfMessage)
        except h11.RemoteProtocolError as error:
            self._understood = False
            return plain(error.error_status_hint, HTTPStatus(error.error_status_hint).phrase)
        if not event.http_version.startswith(b"1."):
            self._understood = False
            return plain(505, "There is only HTTP/1.")
        return event

    async def _event(self) -> object:
        if self._protocol.our_state is h11.DONE:
            self._protocol.start_next_cycle()
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            self._protocol.receive_data(await self._connection.receive())
        return event

    async def respond(self, response: Response, *, last: bool) -> None:
        """Send *response*; the *last* one ends the connection."""
        body = response.body
        length = body.length if isinstance(body, Stream) else len(body)
        headers = {
            "Date": formatdate(usegmt=True),
            "Server": "volsync-exporter",
            **_SECURITY,
            **dict(response.headers),
            **self._guard.headers,
            "Content-Type": response.content_type,
            "Content-Length": str(length),
        }
        if last or not self._understood:
            headers["Connection"] = "close"
        phrase = HTTPStatus(response.status).phrase
        head = h11.Response(status_code=response.status, reason=phrase, headers=list(headers.items()))
        unsent = self._protocol.send(head) or b""
        for chunk in () if self._head_only else body.chunks if isinstance(body, Stream) else (body,):
            self._protocol.send_with_data_passthrough(
                h11.Data(data=chunk)
            )  # it counts; what it gives back is the chunk
            if len(unsent) + len(chunk) > _JOINED:
                await self._connection.send(unsent)
                unsent = chunk
            else:
                unsent += chunk
        self._protocol.send(h11.EndOfMessage())
        await self._connection.send(unsent)

    @property
    def keeps_alive(self) -> bool:
        """Whether another request may follow."""
        return self._protocol.our_state is h11.DONE and self._protocol.their_state is h11.DONE

    async def end(self) -> None:
        """End the connection so that the client gets the last answer even if it is still sending."""
        if self._protocol.their_state is not h11.DONE or self._protocol.trailing_data[0]:
            async with asyncio.timeout(LINGER_SECONDS):
                await self._connection.discard(_LINGER_BYTES)


def _check_names(certificate: Mapping[str, Any], guard: Guard) -> None:
    if guard.allowed_sans and not guard.allowed_sans & certificate_names(certificate):
        raise ssl.SSLError("the client's certificate has none of client_allowed_sans")


def _headers(request: h11.Request) -> dict[str, str]:
    """The headers that an answer depends on; one that stands several times is one list."""
    found: dict[str, list[str]] = {"accept": [], "accept-encoding": [], "authorization": []}
    for name, value in request.headers:
        if (key := name.decode("ascii")) in found:
            found[key].append(value.decode("latin-1"))
    return {name: ",".join(values) for name, values in found.items()}


def _places() -> int:
    """How many connections there may be: most of the files that the process may open, but not all."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if files == resource.RLIM_INFINITY else min(CONNECTIONS, int(files * _SHARE_OF_FILES))
