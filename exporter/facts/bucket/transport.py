"""Sending one signed request within a time, and taking no more of its answer than fits."""

import os
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import where
from urllib3 import exceptions
from urllib3.util.ssl_ import create_urllib3_context

from exporter.facts.body import Body, BodyError, is_plain, read_body
from exporter.facts.bucket.failure import BucketError, Stopped
from exporter.facts.bucket.faults import one_line
from exporter.facts.deadline import Call, Watch, watch_connections
from exporter.facts.reading import Reason

MOST_BYTES = 8 << 20
"""Of an answer's body, unpacked too: a page of 1,000 keys, each as long as S3 allows, is half as long."""
_CONNECT_SECONDS = 10.0
_CHUNK = 1 << 19
"""Bytes that a stream holds at a time."""

Sink = Callable[[bytes], object]
"""Takes a body, chunk by chunk."""


class BucketTransport:
    """The connections to one store."""

    def __init__(self, ca_file: str, concurrency: int, idle: float = 30.0) -> None:
        """Trust the authorities of *ca_file*, or of `AWS_CA_BUNDLE`, and else the system's and the SDK's.

        A peer that sends nothing for *idle* seconds is given up, however much time its answer has.
        """
        self._ca_file = ca_file or os.environ.get("AWS_CA_BUNDLE", "")
        self._concurrency = concurrency
        self._idle = idle
        self._managers: dict[str, tuple[urllib3.PoolManager, str]] = {}
        self._watch = Watch()

    def send(
        self, request: AWSPreparedRequest, deadline: float, stop: threading.Event, sink: Sink | None = None
    ) -> AWSResponse:
        """The answer to *request*, if it is all there before *deadline* (of `time.monotonic`).

        An object's bytes go to *sink*, where one is given, and none of them is kept: the answer's body is then empty.

        Raises:
            BucketError: there is none, or it is too long; or the file of authorities holds none.
            Stopped: *stop* was set.
        """
        call = Call(deadline, stop)
        try:
            with self._watch.over(call):
                answer = self._send(request, max(deadline - time.monotonic(), 0.001), sink)
        except (exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
            _raise_if_over(call)
            raise _failure(error) from error
        _raise_if_over(call)
        return answer

    def close(self) -> None:
        """Close the connections."""
        for manager, _ in self._managers.values():
            manager.clear()

    def _send(self, request: AWSPreparedRequest, seconds: float, sink: Sink | None) -> AWSResponse:
        manager, proxy = self._manager(request.url)
        parts = urlsplit(request.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        response = manager.connection_from_url(request.url).urlopen(
            request.method,
            request.url if proxy and parts.scheme == "http" else path,
            body=request.body,
            headers=request.headers,
            timeout=urllib3.Timeout(connect=min(seconds, _CONNECT_SECONDS), read=min(seconds, self._idle)),
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            body = _stream(response, sink) if sink and response.status == 200 else _read(response, request.method)
        except BaseException:
            response.close()  # a connection with half an answer in it cannot serve again
            raise
        response.release_conn()
        _refuse_redirect(response)
        return AWSResponse(request.url, response.status, response.headers, _Body(body))

    def _manager(self, url: str) -> tuple[urllib3.PoolManager, str]:
        """The connections that lead to *url*, and the proxy that they go by; settled at the first request to a host."""
        parts = urlsplit(url)
        if parts.netloc not in self._managers:
            bypass = bool(urllib.request.proxy_bypass(parts.hostname or ""))
            proxy = "" if bypass else urllib.request.getproxies().get(parts.scheme, "")
            context = _context(self._ca_file) if "https" in (parts.scheme, urlsplit(proxy).scheme) else None
            options: dict[str, Any] = {"maxsize": self._concurrency, "ssl_context": context, "num_pools": 8}
            manager = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
            watch_connections(manager)
            self._managers[parts.netloc] = manager, proxy
        return self._managers[parts.netloc]


class _Body(BytesIO):
    """A body that is here, as botocore reads one."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


def _context(ca_file: str) -> ssl.SSLContext:
    context: ssl.SSLContext = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    try:
        if ca_file:
            context.load_verify_locations(ca_file)
        else:
            context.load_default_certs()
            context.load_verify_locations(where())
    except (OSError, ssl.SSLError) as error:
        detail = f"{ca_file or where()} cannot be read as authorities: {one_line(str(error))}"
        raise BucketError(Reason.TLS, detail) from None
    return context


def _read(response: urllib3.BaseHTTPResponse, method: str) -> Body:
    """The body of *response*, unpacked.

    Raises:
        BucketError: it is longer than `MOST_BYTES`, or packed in a way that is not known.
    """
    if method == "HEAD":
        return b""
    try:
        return read_body(response, MOST_BYTES)
    except BodyError as error:
        raise BucketError(Reason.MALFORMED_ANSWER, str(error)) from None


def _stream(response: urllib3.BaseHTTPResponse, sink: Sink) -> bytes:
    """Hand the body of *response* to *sink*.

    Raises:
        BucketError: it is packed, so that its bytes are not the object's.
    """
    if not is_plain(response):
        raise BucketError(Reason.MALFORMED_ANSWER, "the object is packed on the way, and nobody asked for that")
    for chunk in response.stream(_CHUNK, decode_content=False):
        sink(chunk)
    return b""


def _refuse_redirect(response: urllib3.BaseHTTPResponse) -> None:
    """A store that sends to another address, and to no other region, is an ingress (http to https, for example).

    The signature holds for one host alone, so it could not be followed; botocore looks for the region by more
    requests, which meet the same redirect (`S3RegionRedirectorv2`).

    Raises:
        BucketError: *response* is such a redirect.
    """
    if 300 <= response.status < 400 and "x-amz-bucket-region" not in response.headers:
        to = urlsplit(response.headers.get("Location", ""))
        where_to = f" to {one_line(f'{to.scheme}://{to.hostname}')[:100]}" if to.scheme and to.hostname else ""
        raise BucketError(Reason.CONNECTION, f"the endpoint redirects{where_to} (status {response.status})")


def _raise_if_over(call: Call) -> None:
    if call.stop.is_set():
        raise Stopped
    if call.was_cut or call.is_over:
        raise BucketError(Reason.TIMEOUT, "the answer was not complete in time")


_REASONS: tuple[tuple[type[Exception], Reason], ...] = (
    (exceptions.ConnectTimeoutError, Reason.TIMEOUT),
    (exceptions.TimeoutError, Reason.TIMEOUT),
    (TimeoutError, Reason.TIMEOUT),
    (exceptions.SSLError, Reason.TLS),
    (ssl.SSLError, Reason.TLS),
    (exceptions.InvalidHeader, Reason.MALFORMED_ANSWER),
    (exceptions.DecodeError, Reason.MALFORMED_ANSWER),
)


def _failure(error: Exception) -> BucketError:
    """Why there was no answer. A name that is not resolved is no time-out, though urllib3 derives it from one."""
    if isinstance(error, exceptions.NewConnectionError):
        return BucketError(Reason.CONNECTION, one_line(str(error)))
    reason = next((reason for kind, reason in _REASONS if isinstance(error, kind)), Reason.CONNECTION)
    return BucketError(reason, one_line(str(error)) or type(error).__name__)
