"""Requests to the API server, through the official client's configuration and connections.

The client signs each request (tokens, refreshed in-cluster tokens, exec plug-ins), and its pool of connections knows
TLS, client certificates and proxies. Its own `call_api` is passed by: it decodes an error's body as UTF-8 and fails
itself where there is none, and urllib3's default retries below it would quadruple a time-out and sleep for whatever
`Retry-After` says (kubernetes 36.0.3, `client/api_client.py` and `client/rest.py`). Redirects are not followed, so
that a token goes nowhere but to the server. Nothing that the server does makes a request outlast its time
(`exporter.facts.deadline`) or an answer outgrow its limit (`exporter.facts.body`).
"""

import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from http.client import HTTPException

import msgspec
import urllib3
from urllib3 import exceptions

from exporter import __version__
from exporter.facts.body import Body, BodyError, TooLongError, read_body, read_lines
from exporter.facts.cluster.server.official import ApiClient
from exporter.facts.deadline import Call, Watch, watch_connections
from exporter.facts.decoding import decoder_of
from exporter.facts.reading import Reason
from exporter.masking import masked

JSON = "application/json"
MOST_BYTES = 8 << 20
"""Of an answer's body, unpacked too: five of the largest objects that etcd takes (1.5 MiB, `--max-request-bytes`)."""
LONGEST_EVENT = 2 << 20
"""Of one line of a watch: the largest object that etcd takes, and what surrounds it. Several are read at once."""
MOST_STREAMED = 64 << 20
"""Of all lines of a watch: whoever missed more than this lists again, in pages."""
MOST_CONNECTIONS = 64
"""Kept open for the next request. More than that may be in use at once."""
_BEARER = ["BearerToken"]
_RETRIED = (429, 500, 502, 503, 504)
"""Statuses after which client-go comes again where the answer has a Retry-After (client-go `rest/with_retry.go`)."""
_DEFAULT_WAIT = 1.0
_LONGEST_DETAIL = 300
_MACHINERY = re.compile(
    r"^\w+\(host='[^']*', port=\d+\): |Failed to establish a new connection: |"
    r"\[Errno -?\d+\] |\[(?:SSL|X509): \w+\] | \(_ssl\.c:\d+\)"
)
"""How urllib3, the operating system and OpenSSL point at themselves in their messages."""
_REASONS = {
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    406: Reason.NOT_ACCEPTABLE,
    408: Reason.TIMEOUT,
    410: Reason.EXPIRED,
    429: Reason.THROTTLED,
    504: Reason.TIMEOUT,
}


class ReadError(Exception):
    """A request did not bring what it asked for. Its text is one line for a person."""

    def __init__(self, reason: Reason, detail: str, *, unreachable: bool = False) -> None:
        super().__init__(one_line(masked(detail)))
        self.reason = reason
        self.unreachable = unreachable
        """No connection came about: another request now would fare no better."""


class StoppedError(Exception):
    """The reader was told to stop."""


class _StatusBody(msgspec.Struct):
    """What is used of a `Status`, the body of every refusal."""

    kind: str
    message: str = ""


class _Get(msgspec.Struct, frozen=True):
    """What is asked for, and how its answer is read."""

    url: str
    query: dict[str, str]
    headers: dict[str, str]
    read: Callable[[urllib3.BaseHTTPResponse], Body]


class _Answer(msgspec.Struct):
    status: int
    headers: Mapping[str, str]
    body: Body


class Transport:
    """GET requests to one API server, each within *timeout*."""

    def __init__(self, client: ApiClient, timeout: timedelta) -> None:
        self._client = client
        self._timeout = timeout.total_seconds()
        self.most_bytes = MOST_BYTES
        self._watch = Watch()
        manager = client.rest_client.pool_manager
        watch_connections(manager)
        manager.connection_pool_kw["maxsize"] = MOST_CONNECTIONS

    @property
    def address(self) -> str:
        """The server's URL."""
        return str(self._client.configuration.host)

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        accept: str = JSON,
        stop: threading.Event | None = None,
    ) -> Body:
        """The body that answers a GET of *path*.

        A server that asks to come again later is obeyed as long as the time-out allows.

        Raises:
            ReadError: there is no such answer, it did not come in time, or it is longer than `MOST_BYTES`.
            StoppedError: *stop* was set.
        """
        stop = stop or threading.Event()
        deadline = time.monotonic() + self._timeout
        while True:
            answer = self._send(path, query or {}, accept, deadline, stop)
            if answer.status == 200:
                return answer.body
            wait = _wait(answer)
            if wait is None or time.monotonic() + wait > deadline:
                raise ReadError(_reason(answer.status), f"{answer.status} {_message(answer)}")
            if stop.wait(wait):
                raise StoppedError

    def lines(
        self,
        path: str,
        query: Mapping[str, str],
        accept: str,
        seconds: float,
        take: Callable[[bytes], None] | None,
        stop: threading.Event | None = None,
    ) -> None:
        """Give *take* each line of the answer to a GET of *path* as it comes, until the server ends it.

        Without *take* nothing is read: that there is an answer is all that is asked. Nothing is asked a second time
        where the server wants that.

        Raises:
            ReadError: there is no such answer, or it has not ended within *seconds*, is cut off, or too long.
            StoppedError: *stop* was set.
        """
        read = partial(self._take_lines, take=take)
        answer = self._send(path, query, accept, time.monotonic() + seconds, stop or threading.Event(), read)
        if answer.status != 200:
            raise ReadError(_reason(answer.status), f"{answer.status} {_message(answer)}")

    def _take_lines(self, response: urllib3.BaseHTTPResponse, take: Callable[[bytes], None] | None) -> Body:
        if response.status != 200:
            return self._take_body(response)
        if take is None:
            response.close()
            return b""
        try:
            read_lines(response, LONGEST_EVENT, MOST_STREAMED, take)
        except exceptions.ProtocolError as error:  # no reason to ask for the same lines again
            raise BodyError(f"the answer is cut off: {error}") from None
        return b""

    def _take_body(self, response: urllib3.BaseHTTPResponse) -> Body:
        return read_body(response, self.most_bytes)

    def _send(
        self,
        path: str,
        query: Mapping[str, str],
        accept: str,
        deadline: float,
        stop: threading.Event,
        read: Callable[[urllib3.BaseHTTPResponse], Body] | None = None,
    ) -> _Answer:
        wanted = _Get(self.address + path, dict(query), self._headers(accept), read or self._take_body)
        send = partial(self._send_once, wanted)
        try:
            return send(Call(deadline, stop))
        except exceptions.ProtocolError:
            # A server may close a kept connection at the very moment of its next use: a second one tells.
            pass
        except (exceptions.HTTPError, OSError) as error:
            raise _read_error(error) from None
        try:
            return send(Call(deadline, stop))
        except (exceptions.HTTPError, OSError) as error:
            raise _read_error(error) from None

    def _send_once(self, wanted: _Get, call: Call) -> _Answer:
        try:
            with self._watch.over(call):
                answer = self._exchange(wanted, max(call.deadline - time.monotonic(), 0.001))
        except ReadError:
            if call.was_cut:
                _raise_if_over(call)
            raise
        except (exceptions.HTTPError, HTTPException, OSError, ValueError):
            _raise_if_over(call)
            raise
        _raise_if_over(call)
        return answer

    def _exchange(self, wanted: _Get, seconds: float) -> _Answer:
        response = self._client.rest_client.pool_manager.request(
            "GET",
            wanted.url,
            fields=wanted.query,
            headers=wanted.headers,
            timeout=urllib3.Timeout(total=seconds),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            body = wanted.read(response)
        except TooLongError as error:
            response.close()
            raise ReadError(Reason.TOO_LARGE, str(error)) from None
        except BodyError as error:
            response.close()
            raise ReadError(Reason.MALFORMED_ANSWER, str(error)) from None
        except BaseException:
            response.close()  # a connection with half an answer in it cannot serve again
            raise
        response.release_conn()
        return _Answer(response.status, response.headers, body)

    def _headers(self, accept: str) -> dict[str, str]:
        headers = {**self._client.default_headers, "Accept": accept, "User-Agent": f"volsync-exporter/{__version__}"}
        try:
            self._client.update_params_for_auth(headers, [], _BEARER)
        except Exception as error:  # noqa: BLE001 - whatever a token file or a plug-in raises, there is no token
            raise ReadError(Reason.UNAUTHORIZED, f"no token could be had: {type(error).__name__}") from None
        # A token file may end with a line break. http.client would refuse it, and repeat the token as it does.
        headers = {name: value.strip() for name, value in headers.items() if value is not None}
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise ReadError(Reason.UNAUTHORIZED, "the token has characters that no header can hold")
        return headers


def _raise_if_over(call: Call) -> None:
    if call.stop.is_set():
        raise StoppedError
    if call.was_cut or call.is_over:
        raise ReadError(Reason.TIMEOUT, "the answer was not complete in time")


def _wait(answer: _Answer) -> float | None:
    """How many seconds to wait before asking again; None: it would not help."""
    if answer.status not in _RETRIED:
        return None
    header = answer.headers.get("Retry-After", "")
    if header.isdigit():
        return max(float(header), _DEFAULT_WAIT)
    return _DEFAULT_WAIT if answer.status == 429 else None


def _reason(status: int) -> Reason:
    return _REASONS.get(status, Reason.SERVER_ERROR if status >= 500 else Reason.OTHER)


def _message(answer: _Answer) -> str:
    """The server's own words, where the body is a Status; a body that is none is not repeated."""
    try:
        return decoder_of(_StatusBody).decode(answer.body).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "without a Status" if answer.body else "without a body"


def _read_error(error: Exception) -> ReadError:
    if isinstance(error, exceptions.ProxyError):
        return ReadError(Reason.CONNECTION, f"the proxy: {_words(error.original_error)}", unreachable=True)
    if isinstance(error, exceptions.SSLError):
        return ReadError(Reason.TLS, _words(error), unreachable=True)
    if isinstance(error, exceptions.NewConnectionError):
        return ReadError(Reason.CONNECTION, _words(error), unreachable=True)
    if isinstance(error, exceptions.ConnectTimeoutError):
        return ReadError(Reason.TIMEOUT, "no connection in time", unreachable=True)
    if isinstance(error, exceptions.TimeoutError):
        return ReadError(Reason.TIMEOUT, "no answer in time")
    return ReadError(Reason.CONNECTION, _words(error))


def _words(error: Exception) -> str:
    """What *error* says, without the objects and numbers of the libraries that it went through."""
    if isinstance(error, exceptions.ProtocolError) and len(error.args) == 2 and isinstance(error.args[1], Exception):
        what, why = error.args
        return f"{str(what).rstrip('.')}: {_words(why)}"
    return _MACHINERY.sub("", str(error))


def one_line(text: object) -> str:
    """*text* without line breaks, and not longer than a person reads."""
    line = re.sub(r"\s+", " ", str(text)).strip()
    return line if len(line) <= _LONGEST_DETAIL else f"{line[: _LONGEST_DETAIL - 1]}…"
