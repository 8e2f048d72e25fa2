"""A store that answers ListObjectsV2 as S3 does, until a test makes it misbehave."""

import hashlib
import ssl
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "backups"


@dataclass(frozen=True)
class Query:
    """What a listing was asked for."""

    prefix: str
    start_after: str
    token: str
    delimiter: str


@dataclass
class Listed:
    """What it is answered with; a test may twist every part of it."""

    keys: list[str]
    folders: list[str]
    token: str = ""
    truncated: bool = False
    key_count: int | None = None
    status: int = 200
    code: str = ""
    body: bytes | None = None
    """Sent as it is, where it is set."""
    promised: int = 0
    """Bytes that Content-Length promises beyond the body; they never come."""
    stalls: bool = False
    """Whether the connection is kept open for them."""
    headers: dict[str, str] = field(default_factory=dict)
    """Sent beside, or in place of, those that a store sends."""
    raw: "Callable[[Write, threading.Event], None] | None" = None
    """Sends the whole answer itself, until the event is set or the connection ends."""


Write = Callable[[bytes], object]
Twist = Callable[[Query, Listed], None]


@dataclass
class Standin:
    """Its objects, its clock, and what is wrong with it."""

    objects: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    page_size: int = 1000
    skew: timedelta = timedelta(0)
    twist: Twist | None = None
    endpoint: str = ""
    queries: list[Query] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    checksums: dict[str, dict[str, str]] = field(default_factory=dict)
    """The headers in which it tells an object's checksum."""
    reads: list[tuple[str, int]] = field(default_factory=list)
    """The objects that were read, and the port that the reader came from."""
    twist_read: "Callable[[str, Listed], None] | None" = None
    """What is wrong with its objects."""
    released: threading.Event = field(default_factory=threading.Event)
    """Lets go of the connections that stall."""

    def now(self) -> datetime:
        return (datetime.now(UTC) + self.skew).replace(microsecond=0)

    def put(self, key: str, size: int = 1, age: timedelta = timedelta(hours=1)) -> None:
        self.objects[key] = (size, self.now() - age)

    def put_object(self, key: str, body: bytes, age: timedelta = timedelta(hours=1)) -> None:
        """An object that can be read."""
        self.put(key, len(body), age)
        self.bodies[key] = body

    def remove(self, key: str) -> None:
        self.objects.pop(key, None)
        self.bodies.pop(key, None)

    def read(self, key: str) -> Listed:
        """The answer to who reads an object: a correct one, before it is twisted."""
        body = self.bodies.get(key)
        answer = Listed([], [], body=body) if body is not None else Listed([], [], status=404, code="NoSuchKey")
        if body is not None:
            answer.headers = {"ETag": f'"{hashlib.md5(body).hexdigest()}"'} | self.checksums.get(key, {})
        if self.twist_read:
            self.twist_read(key, answer)
        return answer

    def put_repository(self, prefix: str, *, packs: int = 300, snapshots: int = 3) -> None:
        """What restic writes, with names as even as its own."""
        self.put(f"{prefix}/config", 155, timedelta(days=9))
        self.put(f"{prefix}/keys/{name('key', prefix)}", 439, timedelta(days=9))
        self.put(f"{prefix}/index/{name('index', prefix)}", 1000)
        for number in range(packs):
            pack = name("pack", prefix, number)
            self.put(f"{prefix}/data/{pack[:2]}/{pack}", 16_000_000)
        for number in range(snapshots):
            self.put(f"{prefix}/snapshots/{name('snapshot', prefix, number)}", 200, timedelta(hours=1 + number))

    def answer(self, query: Query) -> Listed:
        """The answer to a listing, twisted."""
        self.queries.append(query)
        listed = self.list(query)
        if self.twist:
            self.twist(query, listed)
        return listed

    def list(self, query: Query) -> Listed:
        """A correct answer."""
        after = max(query.start_after, query.token.removeprefix("after:"))
        ordered = sorted(key for key in self.objects if key.startswith(query.prefix))
        entries: dict[str, bool] = {}  # whether it is a folder
        for key in ordered[bisect_right(ordered, after) :]:
            rest = key[len(query.prefix) :]
            is_folder = bool(query.delimiter) and query.delimiter in rest
            entry = query.prefix + rest.partition(query.delimiter)[0] + query.delimiter if is_folder else key
            if entry > after:
                entries[entry] = is_folder
        page = list(entries)[: self.page_size]
        truncated = len(entries) > len(page)
        return Listed(
            keys=[entry for entry in page if not entries[entry]],
            folders=[entry for entry in page if entries[entry]],
            token=f"after:{page[-1]}" if truncated else "",
            truncated=truncated,
        )

    def body(self, listed: Listed) -> bytes:
        if listed.status != 200 and listed.body is None:
            return f"<Error><Code>{listed.code}</Code><Message>no</Message></Error>".encode()
        return self.xml(listed) if listed.body is None else listed.body

    def xml(self, listed: Listed) -> bytes:
        contents = "".join(
            f"<Contents><Key>{quote(key)}</Key><LastModified>{self.objects[key][1]:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
            f"<ETag>&#34;e&#34;</ETag><Size>{self.objects[key][0]}</Size></Contents>"
            for key in listed.keys
        )
        folders = "".join(f"<CommonPrefixes><Prefix>{quote(f)}</Prefix></CommonPrefixes>" for f in listed.folders)
        token = f"<NextContinuationToken>{escape(listed.token)}</NextContinuationToken>" if listed.token else ""
        count = len(listed.keys) + len(listed.folders) if listed.key_count is None else listed.key_count
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult '
            'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>'
            f"<IsTruncated>{str(listed.truncated).lower()}</IsTruncated>{token}<KeyCount>{count}</KeyCount>"
            f"{contents}{folders}</ListBucketResult>"
        ).encode()


def name(*parts: object) -> str:
    """A name like those of restic's files."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle of an answer is part of the tests: nothing to print."""


@contextmanager
def running_standin(certificate: Path | None = None) -> Iterator[Standin]:
    """Serve a stand-in on loopback, over TLS where a *certificate* (with its key) is given."""
    standin = Standin()
    with _Server(("127.0.0.1", 0), _handler(standin)) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        standin.endpoint = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield standin
        finally:
            standin.released.set()
            server.shutdown()
            thread.join()


def _handler(standin: Standin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:  # http.server's name
            key = urlsplit(self.path).path.removeprefix(f"/{BUCKET}/")
            standin.heads.append(key)
            self.send_response(200 if key in standin.objects else 404)
            for name, value in ({"Content-Length": "0"} | standin.checksums.get(key, {})).items():
                self.send_header(name, value)
            self.end_headers()

        def do_GET(self) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            if "list-type" not in asked:
                self._read(urlsplit(self.path).path.removeprefix(f"/{BUCKET}/"))
                return
            query = Query(*(asked.get(n, "") for n in ("prefix", "start-after", "continuation-token", "delimiter")))
            _send(self, standin, standin.answer(query))

        def _read(self, key: str) -> None:
            standin.reads.append((key, self.client_address[1]))
            _send(self, standin, standin.read(key))

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Tests read what was asked from `queries`."""

    return Handler


def _send(handler: BaseHTTPRequestHandler, standin: Standin, listed: Listed) -> None:
    if listed.raw:
        handler.close_connection = True
        with suppress(OSError):
            listed.raw(handler.wfile.write, standin.released)
        return
    body = standin.body(listed)
    handler.send_response_only(listed.status)
    headers = {
        "Date": f"{standin.now():%a, %d %b %Y %H:%M:%S GMT}",
        "Content-Type": "application/xml",
        "Content-Length": str(len(body) + listed.promised),
    }
    for name, value in (headers | listed.headers).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
    if listed.stalls:
        standin.released.wait(30)
    if listed.promised:
        handler.close_connection = True
