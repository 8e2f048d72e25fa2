"""A scrape beside `prometheus_client.generate_latest` over the same families, and what the whole process keeps.

The verdict is a real one: the poll's own bytes, decoded and judged. The naive side gets its families ready made, so
that only its rendering is timed; ours is the packed body that Prometheus asks for.

    python -m bench.scrape 1000
"""

import gc
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from bench.poll import BY_FIELD, PAGE, PER_CLAIM, Row, pages
from exporter import logs
from exporter.chain.judge import judge
from exporter.chain.verdict import Verdict
from exporter.facts.bucket.model import Bucket, ObjectType, Repository, Totals
from exporter.facts.cluster.decode import decode_page
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import Facts, SourceRead, SourceReport
from exporter.facts.reading import Reading, Source
from exporter.polling.clock import Clock
from exporter.polling.merge import FIELDS
from exporter.polling.poller import Poller, Read
from exporter.publication.current import Published
from exporter.publication.families import TELEMETRY_FAMILIES, VERDICT_FAMILIES, MetricType, Telemetry
from exporter.publication.render import Exposition, Format, Rendered, render
from exporter.publication.server import Server, open_socket
from exporter.publication.site import SHARED_SECONDS, Site
from exporter.publication.web_config import Authenticator
from exporter.settings import ChainSettings, Settings

AT = datetime(2026, 2, 1, 10, 5, tzinfo=UTC)
SETTINGS = Settings(chain=ChainSettings(policy="", base_secret="", namespace_label=""))
READERS = (Source.KUBERNETES, Source.VOLSYNC, Source.LONGHORN, Source.S3)
_TIMES = 7
"""The best of so many counts: what disturbs a measurement only ever adds to it."""


def run(claims: int) -> list[Row]:
    """Measure a scrape of *claims* claims, and the memory of a process that serves them."""
    verdict = judge(_facts(claims), SETTINGS, AT)
    telemetry, exposition = _telemetry(verdict), Exposition()
    began = time.perf_counter()
    rendered = render(verdict)
    rendering = time.perf_counter() - began
    registry = _naive(verdict, telemetry)
    naive = _seconds(lambda: generate_latest(registry), times=1 if claims > 1000 else 3)
    packed, plain = (_seconds(_scrape(form, rendered, telemetry)) for form in (exposition.packed, exposition.plain))
    series = sum(1 for family in VERDICT_FAMILIES for _ in family.samples(verdict))
    what = f"{claims} claims, {series} series"
    megabytes = (len(rendered.packed) + _length(rendered)) / 2**20
    return [
        Row(f"scrape, gzip: {what}", packed * 1000, naive * 1000, naive / packed, "ms"),
        Row(f"scrape, plain: {what}", plain * 1000, naive * 1000, naive / plain, "ms"),
        _over_http(verdict, rendered, telemetry, registry),
        Row(f"render a verdict: {what}", rendering * 1000, naive * 1000, naive / rendering, "ms"),
        Row(
            f"exposition kept: {what}",
            len(rendered.packed) / 2**20,
            megabytes,
            megabytes * 2**20 / len(rendered.packed),
            "MiB",
        ),
        _memory(claims),
    ]


def _length(rendered: Rendered) -> int:
    return rendered.length


def _scrape(make: Callable[..., object], rendered: Rendered, telemetry: Telemetry) -> Callable[[], object]:
    def scrape() -> int:
        stream = make(rendered, telemetry, AT, Format.TEXT)
        return sum(len(chunk) for chunk in stream.chunks)

    return scrape


def _seconds(work: Callable[[], object], times: int = _TIMES) -> float:
    best = float("inf")
    for _ in range(times):
        gc.collect()
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


# --- the naive way


class _Ready(Collector):
    """Families that are there already."""

    def __init__(self, families: list[Metric]) -> None:
        self.families = families

    def collect(self) -> Iterable[Metric]:
        return self.families

    def describe(self) -> Iterable[Metric]:
        return []


def _naive(verdict: Verdict, telemetry: Telemetry) -> CollectorRegistry:
    families: list[Metric] = []
    for catalogue, subject in ((VERDICT_FAMILIES, verdict), (TELEMETRY_FAMILIES, telemetry)):
        for family in catalogue:
            kind = GaugeMetricFamily if family.kind is MetricType.GAUGE else CounterMetricFamily
            metric = kind(family.name, family.help, labels=family.labels)
            for labels, value in family.samples(subject):
                metric.add_metric([str(label) for label in labels], AT.timestamp() - value if family.age else value)
            families.append(metric)
    registry = CollectorRegistry()
    registry.register(_Ready(families))
    return registry


# --- over HTTP


class _Still:
    """A verdict that is published and does not change."""

    ready = alive = True

    def __init__(self, verdict: Verdict, rendered: Rendered, telemetry: Telemetry) -> None:
        self.published = Published(verdict, rendered)
        self.own = telemetry

    def telemetry(self) -> Telemetry:
        return self.own

    def now(self) -> datetime:
        return AT


def _over_http(verdict: Verdict, rendered: Rendered, telemetry: Telemetry, registry: CollectorRegistry) -> Row:
    """A scrape as a client sees it, beside `prometheus_client`'s own server."""
    server = Server(open_socket("127.0.0.1:0"), Site(_Still(verdict, rendered, telemetry), ""), Authenticator(None))
    server.start()
    naive, thread = start_http_server(0, "127.0.0.1", registry)
    times = 1 if len(verdict.claims) > 1000 else 3
    try:
        seconds = _seconds(lambda: _get(server.port)) - SHARED_SECONDS
        usual = _seconds(lambda: _get(naive.server_port), times) - SHARED_SECONDS
    finally:
        server.stop(0)
        naive.shutdown()
        naive.server_close()
        thread.join()
    return Row(
        f"scrape over HTTP, gzip: {len(verdict.claims)} claims", seconds * 1000, usual * 1000, usual / seconds, "ms"
    )


def _get(port: int) -> bytes:
    time.sleep(SHARED_SECONDS)  # else the scrape before this one would be served again
    request = Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept-Encoding": "gzip"})
    with urlopen(request, timeout=600) as answer:
        return bytes(answer.read())


# --- the facts


def _facts(claims: int) -> Facts:
    poller = _poller(claims)
    for source in READERS:
        poller.poll(source)
    return poller.facts


def _poller(claims: int) -> Poller:
    """The exporter's own loop, on readers that decode the bytes of the poll's measurement."""
    logs.configure(level="error")
    return Poller({source: _reader(source, claims) for source in READERS}, SETTINGS, Clock(AT))


def _reader(source: Source, claims: int) -> Read:
    def read(at: datetime, _stop: threading.Event) -> SourceRead:
        report = SourceReport(source, Reading.READ, last_success=at)
        if source is Source.S3:
            return SourceRead(report, {}, (_bucket(claims, at),))
        lists = {field: ObjectList((), Reading.READ, read_at=at) for field in FIELDS[source]}
        for field in lists.keys() & PER_CLAIM.keys():
            count = claims if field == "core.claims" else max(1, round(PER_CLAIM[field] * claims))
            items = (
                item
                for body in pages(BY_FIELD[field], count, PAGE)
                for item in decode_page(BY_FIELD[field], body).items
            )
            lists[field] = ObjectList(tuple(items), Reading.READ, read_at=at)
        return SourceRead(report, lists)

    return read


def _bucket(claims: int, at: datetime) -> Bucket:
    keys = [
        pvc.key
        for body in pages(BY_FIELD["core.claims"], claims, PAGE)
        for pvc in decode_page(BY_FIELD["core.claims"], body).items
    ]
    return Bucket(
        "volsync-backup", reading=Reading.READ, read_at=at, repositories=tuple(_repository(*key) for key in keys)
    )


def _repository(namespace: str, pvc: str) -> Repository:
    return Repository(
        "volsync-backup",
        f"{namespace}/{pvc}",
        AT,
        present=True,
        created=AT - timedelta(days=90),
        totals={kind: Totals(37, 123_456_789) for kind in ObjectType},
        data_measured_at=AT,
        snapshots=35,
        newest_snapshot=AT - timedelta(minutes=4),
        oldest_snapshot=AT - timedelta(days=30),
    )


def _telemetry(verdict: Verdict) -> Telemetry:
    intervals = dict.fromkeys(Source, timedelta(minutes=1))
    return Telemetry("0.1.0", AT, verdict.facts.sources, {}, intervals, AT, timedelta(seconds=1), {})


# --- memory


def _memory(claims: int) -> Row:
    """The peak of a process that polled and judged twice, beside what the program takes before its first poll."""
    command = [sys.executable, "-m", "bench.scrape", "--memory", str(claims)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return Row(
        f"peak memory: {claims} claims (at the start)",
        found["peak"],
        found["start"],
        found["start"] / found["peak"],
        "MiB",
    )


def _serve_twice(claims: int) -> dict[str, float]:
    import exporter.cli.readers  # noqa: F401, PLC0415 - the clients' own weight counts

    start = _peak()
    poller = _poller(claims)
    for _ in range(2):  # while the second poll is decoded and judged, the first one's verdict still serves
        for source in READERS:
            poller.poll(source)
        poller.judge()
    return {"start": start, "peak": _peak()}


def _peak() -> float:
    """The most MiB that this process has held; `ru_maxrss` would begin with what the parent held."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def main() -> None:
    if sys.argv[1:2] == ["--memory"]:
        print(json.dumps(_serve_twice(int(sys.argv[2]))))
        return
    for row in run(int(sys.argv[1]) if sys.argv[1:] else 1000):
        print(f"{row.what:<60} {row.ours:>10.2f} {row.naive:>10.2f} {row.unit:<8} {row.ratio:>6.1f} x")


if __name__ == "__main__":
    main()
