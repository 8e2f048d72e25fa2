"""Loopback S3 stores of generated keys.

One answers listings from the list of keys, fast enough to show its clients; the other is a real one, SeaweedFS.
"""

import hashlib
import random
import signal
import sys
import time
from bisect import bisect_left, bisect_right
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from email.utils import formatdate
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

from bench import responder

PAGE = 1000
BUCKET = "volsync-backup"
REQUESTS = "/-/requests"
"""Answers with the number of listings so far, and counts again."""
_FILLERS = 8
_FILL_SECONDS = 600.0
"""As long as SeaweedFS may take to be filled; 100,000 objects take some 30 s."""

_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Name>volsync-backup</Name><MaxKeys>1000</MaxKeys>"
)


class Served(NamedTuple):
    """A store that stands, and how its clients reach it."""

    endpoint: str
    keys: tuple[str, str]
    counts: bool
    """Whether it answers `REQUESTS`."""


def repositories(count: int, objects: int, per_namespace: int) -> list[tuple[str, int]]:
    """Keys and sizes of *count* repositories of *objects* objects each, in the order of a listing."""
    entries: list[tuple[str, int]] = []
    rng = random.Random(1)
    for number in range(count):
        base = f"team{number // per_namespace:04}/volume{number % per_namespace:04}"
        packs = [rng.randbytes(32).hex() for _ in range(objects - 6)]
        entries.append((f"{base}/config", 155))
        entries += [(f"{base}/data/{pack[:2]}/{pack}", 16 * 2**20 + rng.randrange(4096)) for pack in packs]
        for folder, files in (("index", 2), ("keys", 1), ("snapshots", 2)):
            entries += [(f"{base}/{folder}/{_name(base, folder, n)}", 400) for n in range(files)]
    return sorted(entries)


def _name(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class Store:
    """The sorted keys, and each one's entry as it stands in an answer."""

    def __init__(self, entries: list[tuple[str, int]]) -> None:
        self.keys = [key for key, _ in entries]
        self.entries = [_entry(key, size) for key, size in entries]
        self.requests = 0

    def answer(self, target: str) -> bytes:
        """The body for one request."""
        url = urlsplit(target)
        if url.path == REQUESTS:
            counted, self.requests = self.requests, 0
            return str(counted).encode()
        self.requests += 1
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        prefix = asked.get("prefix", "")
        after = max(asked.get("continuation-token", ""), asked.get("start-after", ""))
        start = max(bisect_left(self.keys, prefix), bisect_right(self.keys, after) if after else 0)
        end = bisect_left(self.keys, prefix + "\U0010ffff")
        if delimiter := asked.get("delimiter"):
            return self._folders(prefix, start, end, after, delimiter)
        stop = min(start + PAGE, end)
        return _body(self.entries[start:stop], self.keys[stop - 1] if stop < end else "", max(stop - start, 0))

    def _folders(self, prefix: str, start: int, end: int, after: str, delimiter: str) -> bytes:
        """What stands under *prefix*, folded at the first *delimiter*."""
        parts: list[bytes] = []
        last = ""
        while start < end and len(parts) < PAGE:
            key = self.keys[start]
            folder, is_folded, _ = key[len(prefix) :].partition(delimiter)
            last = f"{prefix}{folder}{delimiter}" if is_folded else key
            if not is_folded:
                parts.append(self.entries[start])
            elif last > after:
                parts.append(f"<CommonPrefixes><Prefix>{quote(last)}</Prefix></CommonPrefixes>".encode())
            start = bisect_left(self.keys, last + "\U0010ffff") if is_folded else start + 1
        return _body(parts, last + "\U0010ffff" if start < end else "", len(parts))


def _entry(key: str, size: int) -> bytes:
    return (
        f"<Contents><Key>{quote(key)}</Key><LastModified>2026-01-18T14:00:05.000Z</LastModified>"
        f"<ETag>&quot;{key[-32:]}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    ).encode()


def _body(parts: list[bytes], token: str, count: int) -> bytes:
    more = f"<NextContinuationToken>{token}</NextContinuationToken><IsTruncated>true</IsTruncated>"
    state = more if token else "<IsTruncated>false</IsTruncated>"
    return b"".join(
        (_HEAD, f"<KeyCount>{count}</KeyCount><EncodingType>url</EncodingType>{state}".encode(), *parts,
         b"</ListBucketResult>")
    )  # fmt: skip


def serve(shape: tuple[int, int, int], ready: Connection) -> None:
    """Serve `repositories(*shape)` until the process is ended; say so through *ready*."""
    store = Store(repositories(*shape))

    def answer(target: str) -> bytes:
        body = store.answer(target)
        return b"HTTP/1.1 200 OK\r\nDate: %b\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%b" % (
            formatdate(usegmt=True).encode(),
            len(body),
            body,
        )

    responder.serve(answer, lambda address: ready.send(Served(address, ("key", "secret"), counts=True)))


def serve_seaweed(shape: tuple[int, int, int], ready: Connection) -> None:
    """As `serve`, from a real store, whose clients may only list; the objects are of one byte."""
    from tests.bucket.weed import LIST_ONLY, running_weed  # noqa: PLC0415  # brings boto3, which only this store needs

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that SeaweedFS is killed and its folder removed
    keys = [key for key, _ in repositories(*shape)]
    with running_weed(inline=2) as weed:
        _fill(weed.filer, keys)
        assert weed.keys("") == keys  # and the first client finds the store as warm as the others
        ready.send(Served(weed.endpoint, LIST_ONLY, counts=False))
        with suppress(EOFError):
            ready.recv()  # nothing comes: it ends with the other process, however that ends


def _fill(filer: str, keys: list[str]) -> None:
    """Put an object at each of *keys* by the filer's own HTTP: some 4,000 a second, where signed S3 takes 670."""
    deadline = time.monotonic() + _FILL_SECONDS

    def put(keys: list[str]) -> None:
        with closing(HTTPConnection(filer, timeout=30)) as connection:
            for key in keys:
                connection.request("PUT", f"/buckets/{BUCKET}/{key}", b"1")
                answer = connection.getresponse()
                answer.read()
                if answer.status >= 300 or time.monotonic() > deadline:
                    raise RuntimeError(f"SeaweedFS could not be filled: status {answer.status} for {key}")

    with ThreadPoolExecutor(_FILLERS) as pool:
        list(pool.map(put, [keys[n::_FILLERS] for n in range(_FILLERS)]))
