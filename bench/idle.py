"""A poll of a cluster in which nothing changed, beside one that lists everything: requests, bytes and CPU.

Both are the exporter's own reads, over HTTP, of a server that only sends what was made beforehand: a list in pages, or
a watch with nothing in it but its bookmark. Bytes are those of whole answers, headers included.

    python -m bench.idle 1000
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from bench.poll import PAGE, PER_CLAIM, Row, pages
from bench.responder import serve
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.cluster.server.official import ApiClient, Configuration
from exporter.facts.reading import Reading, Source
from exporter.settings import Settings

_COUNTS = "/-/counts"
"""Answers with the requests and bytes so far, and counts again."""
_LISTS, _POLLS = 3, 10
"""How often each is measured: other programs on the machine make CPU seconds longer."""
_SOURCES = [source for source in Source if source.is_of_cluster and source is not Source.SECRETS]


class Work(NamedTuple):
    """What one poll took."""

    requests: int
    bytes: int
    cpu: float
    """Of the exporter, in seconds."""


def run(claims: int) -> list[Row]:
    """Measure polls of *claims* claims and some five objects of each."""
    full, idle = measured(claims)
    return [
        Row(f"an idle poll, {claims} claims: CPU", idle.cpu * 1000, full.cpu * 1000, full.cpu / idle.cpu, "ms"),
        Row(
            f"an idle poll, {claims} claims: bytes",
            idle.bytes / 1000,
            full.bytes / 1000,
            full.bytes / idle.bytes,
            "kB",
        ),
        Row(
            f"an idle poll, {claims} claims: requests",
            idle.requests,
            full.requests,
            full.requests / idle.requests,
            "",
        ),
    ]


def measured(claims: int) -> tuple[Work, Work]:
    """A full list of everything, and a poll after it in which nothing changed; of several, the one of least CPU."""
    with served(claims) as client:
        counts(client)
        readers = [ClusterReader(Settings(), client) for _ in range(_LISTS)]
        full = min((_work(reader, client) for reader in readers), key=lambda work: work.cpu)
        reader = readers[-1]
        _work(reader, client)  # the connections that polls keep open
        return full, min((_work(reader, client) for _ in range(_POLLS)), key=lambda work: work.cpu)


def _work(reader: ClusterReader, client: ApiClient) -> Work:
    at = datetime.now(UTC)
    began = time.process_time()
    with ThreadPoolExecutor(len(_SOURCES)) as pool:
        reads = list(pool.map(lambda source: reader.read(source, at), _SOURCES))
    cpu = time.process_time() - began
    if not all(read.report.reading is Reading.READ for read in reads):
        raise AssertionError([read.report.detail for read in reads])
    return Work(*counts(client), cpu)


def counts(client: ApiClient) -> tuple[int, int]:
    """The requests and bytes since the last time."""
    answer = client.rest_client.pool_manager.request("GET", client.configuration.host + _COUNTS)
    requests, sent = json.loads(answer.data)
    return requests, sent


@contextmanager
def served(claims: int, answers: "type[Answers] | None" = None) -> Iterator[ApiClient]:
    """A client of a server of *claims* claims, which lives in a process of its own and gives *answers*."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(claims, answers or Answers, theirs), daemon=True
    )
    server.start()
    theirs.close()
    configuration = Configuration(host=ours.recv())
    configuration.proxy = None
    try:
        yield ApiClient(configuration)
    finally:
        server.terminate()
        server.join()


# --- the server -------------------------------------------------------------------------------------------------


class Answers:
    """Every answer, made beforehand."""

    def __init__(self, claims: int) -> None:
        self.requests = self.bytes = 0
        self._pages: dict[str, list[bytes]] = {}
        for kind in KINDS:
            count = round(PER_CLAIM.get(kind.field, 0) * claims)
            if kind.label_selector or not any(kind.field_selectors):
                self._pages[path_of(kind)] = list(pages(kind, count, PAGE)) if count else [_empty(kind)]

    def to(self, target: str) -> bytes:
        url = urlsplit(target)
        if url.path == _COUNTS:
            counted, self.requests, self.bytes = (self.requests, self.bytes), 0, 0
            return whole(counted)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        answer = self._watch(url.path, query) if "watch" in query else self._list(url.path, query)
        self.requests += 1
        self.bytes += len(answer)
        return answer

    def _list(self, path: str, query: dict[str, str]) -> bytes:
        if path == "/apis":
            return _sent(_discovery())
        found = self._pages.get(path)
        kind = next(kind for kind in KINDS if path_of(kind) == path)
        if found is None or "reason" in query.get("fieldSelector", ""):
            return _sent(_empty(kind))
        number = int(query.get("continue", "0"))
        return _sent(found[number].replace(b"eyJ2IjoibWV0YSJ9", str(number + 1).encode(), 1))

    def _watch(self, path: str, query: dict[str, str]) -> bytes:
        """A bookmark: elsewhere something happened."""
        kind = next(kind for kind in KINDS if path_of(kind) == path)
        version = str(int(query["resourceVersion"]) + 1)
        metadata = {"resourceVersion": version, "creationTimestamp": None}
        event = {"type": "BOOKMARK", "object": {"kind": kind.kind, "apiVersion": "v1", "metadata": metadata}}
        line = json.dumps(event).encode() + b"\n"
        return _HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(line), line)


_HEAD = (
    b"HTTP/1.1 200 OK\r\nAudit-Id: 0d5e7f7e-3f54-4a4c-9d52-5a7c2b000000\r\nCache-Control: no-cache, private\r\n"
    b"Content-Type: application/json\r\nX-Kubernetes-Pf-Flowschema-Uid: 7d9f7d7e-3f54-4a4c-9d52-5a7c2b000000\r\n"
    b"X-Kubernetes-Pf-Prioritylevel-Uid: 9d9f7d7e-3f54-4a4c-9d52-5a7c2b000000\r\n"
    b"Date: Sun, 01 Feb 2026 10:00:00 GMT\r\n"
)
"""As the API server has them."""


def whole(body: object) -> bytes:
    """An answer of *body* as JSON."""
    return _sent(json.dumps(body).encode())


def _sent(body: bytes) -> bytes:
    return _HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def path_of(kind: Kind) -> str:
    """Where the exporter lists *kind*."""
    root = f"/apis/{kind.group}/{kind.versions[0]}" if kind.group else f"/api/{kind.versions[0]}"
    namespace = kind.namespace(Settings()) if kind.namespace else ""
    return f"{root}/namespaces/{namespace}/{kind.plural}" if namespace else f"{root}/{kind.plural}"


def _empty(kind: Kind) -> bytes:
    return json.dumps({"kind": f"{kind.kind}List", "metadata": {"resourceVersion": "123456789"}, "items": []}).encode()


def _discovery() -> bytes:
    items = [
        {
            "metadata": {"name": group},
            "versions": [
                {
                    "version": version,
                    "resources": [
                        {"resource": kind.plural}
                        for kind in KINDS
                        if kind.group == group and kind.versions[0] == version
                    ],
                }
                for version in {kind.versions[0] for kind in KINDS if kind.group == group}
            ],
        }
        for group in sorted({kind.group for kind in KINDS if kind.group})
    ]
    return json.dumps({"kind": "APIGroupDiscoveryList", "items": items}).encode()


def _serve(claims: int, answers: type[Answers], ready: Connection) -> None:
    serve(answers(claims).to, ready.send)


def main() -> None:
    """Print the table for the number of claims that is given."""
    for row in run(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        print(f"{row.what:45} {row.ours:9.3f} {row.naive:12.3f} {row.unit:6} {row.ratio:7.1f} x")


if __name__ == "__main__":
    main()
