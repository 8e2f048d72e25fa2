"""The exposition: verdict families rendered once per verdict, ages and the exporter's own families at each scrape.

What follows from the verdict is kept as gzip members and nothing else: at 10,000 claims the text is about 100 MB
and the members a thirtieth of it. A scrape that takes gzip gets them as they are and, appended, another one
with the rest (RFC 1952, 2.2: a file is a series of members; Go's and Python's readers go on to the next). A scrape
that does not gets them unpacked while they are sent.

The text of the verdict families is the same in both formats, since they are gauges and their help needs no escape.
"""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from enum import Enum
from itertools import chain, islice
from typing import Any

import msgspec
import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.utils import floatToGoString

from exporter.caching import are_identical
from exporter.chain.verdict import Verdict
from exporter.facts.bucket.model import Bucket
from exporter.garbage_collection import collection_paused
from exporter.publication.blocks import Block, Blocks
from exporter.publication.families import (
    TELEMETRY_FAMILIES,
    VERDICT_FAMILIES,
    Each,
    Family,
    MetricType,
    OfBuckets,
    Sample,
    Telemetry,
)
from exporter.publication.http import Stream
from exporter.visible import visible

_log = structlog.get_logger()

_LEVEL = 1
"""Level 1 packs the repetitive text 30-fold in half of the time of level 6, which gains little (`make bench`)."""
_BLOCK = 2048
"""Lines that are joined and packed at once."""
_GZIP = 31
"""zlib's window bits for a gzip member."""
_PACKED, _UNPACKED = 1 << 14, 1 << 16
"""Bytes that are unpacked at once, and the most that comes of it: what a slow client of the plain text keeps."""


class Format(Enum):
    """The text formats of an exposition; the value is the content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Ages(msgspec.Struct, frozen=True):
    """An age family, all but the ages."""

    header: str
    series: tuple[str, ...]
    since: tuple[float, ...]

    def text(self, now: float) -> str:
        lines = [f"{series} {now - since:.3f}\n" for series, since in zip(self.series, self.since, strict=True)]
        return self.header + "".join(lines)


class Rendered(msgspec.Struct, frozen=True):
    """A verdict, ready to be scraped."""

    packed: bytes
    """The families that only change with the verdict, as gzip members."""
    length: int
    """How long they are unpacked."""
    ages: tuple[Ages, ...]
    duplicates: int
    """Samples that were left out because an earlier one has the same labels."""
    failed: tuple[str, ...]
    """Families that were left out because their samples could not be had."""


NOTHING = Rendered(packed=b"", length=0, ages=(), duplicates=0, failed=())
"""What is served before the first verdict."""


def render(verdict: Verdict) -> Rendered:
    """Render all that does not change until the next verdict."""
    return Renderer().render(verdict)


class Renderer:
    """Renders one verdict after the other: what would read the same is not packed again."""

    def __init__(self) -> None:
        self._blocks = Blocks(_block)
        self._buckets: tuple[Bucket, ...] = ()
        self._of_buckets: dict[str, Block] = {}
        self._rests_on: tuple[object, ...] = ()
        self._rendered = NOTHING

    @property
    def made(self) -> int:
        """How many blocks had to be made for the last verdict."""
        return self._blocks.made

    @collection_paused()
    def render(self, verdict: Verdict) -> Rendered:
        """Render all that does not change until the next verdict; where nothing did, that is the same one again."""
        rests_on = (*_rests_on(verdict), *verdict.facts.buckets)
        if not are_identical(rests_on, self._rests_on):
            self._rendered, self._rests_on = self._render(verdict), rests_on
        return self._rendered

    def _render(self, verdict: Verdict) -> Rendered:
        self._blocks.take(verdict)
        if not are_identical(self._buckets, verdict.facts.buckets):
            self._buckets, self._of_buckets = verdict.facts.buckets, {}
        packed, ages, failed = list[bytes](), list[Ages](), list[str]()
        length = duplicates = 0
        for family in VERDICT_FAMILIES:
            try:
                blocks = list(self._of(family, verdict))
            except Exception:  # noqa: BLE001 - one family's fault must not cost the others
                _log.exception("family left out", family=family.name)
                failed.append(family.name)
                continue
            duplicates += sum(block.duplicates for block in blocks)
            if family.age:
                ages.append(_ages(family, blocks))
            else:
                head = _header(family, Format.TEXT).encode()
                packed += (_packed(head), *(block.packed for block in blocks))
                length += len(head) + sum(block.length for block in blocks)
        self._blocks.settle()
        return Rendered(b"".join(packed), length, tuple(ages), duplicates, tuple(failed))

    def _of(self, family: Family[Verdict], verdict: Verdict) -> Iterable[Block]:
        if isinstance(family.samples, Each):
            return self._blocks.of(family, family.samples)
        if isinstance(family.samples, OfBuckets) and family.name in self._of_buckets:
            return (self._of_buckets[family.name],)
        block = _block(family, family.samples(verdict))
        if isinstance(family.samples, OfBuckets):
            self._of_buckets[family.name] = block
        return (block,)


def _rests_on(verdict: Verdict) -> tuple[object, ...]:
    """All that is rendered of a verdict, apart from its buckets."""
    return (
        verdict.claims,
        verdict.orphans,
        verdict.policies,
        verdict.root_causes,
        verdict.owners,
        verdict.facts.cluster.longhorn.settings,
    )


def _block(family: Family[Verdict], samples: Iterable[Sample]) -> Block:
    distinct = _Distinct(family, samples)
    if family.age:
        pairs = list(distinct)
        series, since = tuple(name for name, _ in pairs), tuple(since for _, since in pairs)
        return Block(b"", 0, distinct.duplicates, series, since)
    text = b"".join(_lines(distinct))
    return Block(_packed(text), len(text), distinct.duplicates)


def _packed(text: bytes) -> bytes:
    """A gzip member; none for nothing."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    return packer.compress(text) + packer.flush() if text else b""


class Exposition:
    """What a scrape gets: a rendered verdict, its ages, and what the exporter knows of itself."""

    def __init__(self) -> None:
        self._process = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._process)

    def packed(self, rendered: Rendered, telemetry: Telemetry, now: datetime, form: Format) -> Stream:
        """The exposition as gzip: the verdict's members as they are, and one with the rest."""
        rest = gzip.compress(self._rest(rendered, telemetry, now, form), compresslevel=_LEVEL)
        return Stream((rendered.packed, rest), len(rendered.packed) + len(rest))

    def plain(self, rendered: Rendered, telemetry: Telemetry, now: datetime, form: Format) -> Stream:
        """The exposition as it reads."""
        rest = self._rest(rendered, telemetry, now, form)
        return Stream(_Unpacked(rendered.packed, rest), rendered.length + len(rest))

    def _rest(self, rendered: Rendered, telemetry: Telemetry, now: datetime, form: Format) -> bytes:
        moment = now.timestamp()
        parts = [ages.text(moment).encode(errors="replace") for ages in rendered.ages]
        for family in TELEMETRY_FAMILIES:
            try:
                lines = list(_lines(_Distinct(family, family.samples(telemetry))))
                parts += [_header(family, form).encode(), *lines]
            except Exception:  # noqa: BLE001 - nor fail the scrape
                _log.exception("family left out", family=family.name)
        parts.append(self._own(form))
        return b"".join(parts)

    def _own(self, form: Format) -> bytes:
        """The process's and Python's metrics; a collector that fails costs these alone."""
        openmetrics = form is Format.OPENMETRICS
        generate: Callable[[CollectorRegistry], bytes] = generate_openmetrics if openmetrics else generate_latest
        try:
            return generate(self._process)
        except Exception:  # noqa: BLE001 - nor may a collector
            _log.exception("process metrics left out")
            return b"# EOF\n" if openmetrics else b""


class _Distinct:
    """The series of a family with their values, each once: the first sample with its labels counts."""

    def __init__(self, family: Family[Any], samples: Iterable[Sample]) -> None:
        self.family = family
        self.duplicates = 0
        self._samples = samples

    def __iter__(self) -> Iterator[tuple[str, float]]:
        series = _Series(self.family)
        seen: set[str] = set()  # of texts, since the garbage collector would walk as many tuples again and again
        for labels, value in self._samples:
            name = series(labels)
            if name in seen:
                self.duplicates += 1
            else:
                seen.add(name)
                yield name, value


def _lines(distinct: _Distinct) -> Iterator[bytes]:
    """The lines as text, some thousand at a time."""
    lines = (f"{series} {number(value)}\n" for series, value in distinct)
    while block := "".join(islice(lines, _BLOCK)):
        yield block.encode(errors="replace")


def _ages(family: Family[Verdict], blocks: list[Block]) -> Ages:
    return Ages(
        _header(family, Format.TEXT),
        tuple(chain.from_iterable(block.series for block in blocks)),
        tuple(chain.from_iterable(block.since for block in blocks)),
    )


class _Series:
    """Writes label values into a family's name and labels."""

    def __init__(self, family: Family[Any]) -> None:
        pairs = ",".join(f'{label}="%s"' for label in family.labels)
        self._template = f"{family.name}{{{pairs}}}" if pairs else family.name
        self._quotes = 2 * len(family.labels)

    def __call__(self, values: tuple[str, ...]) -> str:
        # Escaping every value by itself takes half of the rendering; what needs it is seen in the whole line as well.
        text = self._template % values
        if "\\" in text or not text.isprintable() or text.count('"') != self._quotes:
            return self._template % tuple(_escape(_shown(value)) for value in values)
        return text


def _shown(value: str) -> str:
    """A label's value: alerts and dashboards print it, and a line break has its own escape in the exposition."""
    return value if value.isprintable() else "\n".join(map(visible, value.split("\n")))


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _header(family: Family[Any], form: Format) -> str:
    """HELP and TYPE; OpenMetrics names a counter's family without the `_total` of its samples."""
    name, text = family.name, family.help.replace("\\", r"\\").replace("\n", r"\n")
    if form is Format.OPENMETRICS:
        text = text.replace('"', r"\"")
        if family.kind is MetricType.COUNTER:
            name = name.removesuffix("_total")
    return f"# HELP {name} {text}\n# TYPE {name} {family.kind}\n"


def number(value: float) -> str:
    """*value* as Go's `strconv.FormatFloat(value, 'g', -1, 64)` writes it, and so Prometheus.

    prometheus_client has that for the bounds of histograms: of positive numbers, and with a `.0` that Go leaves out.
    """
    if value == 1.0:
        return "1"
    if value == 0.0:
        return "0"
    if value < 0:
        return f"-{number(-value).removeprefix('+')}"
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text.removesuffix(".0")


class _Unpacked(msgspec.Struct, frozen=True):
    """What gzip members hold, unpacked again for whoever goes through it, and *rest*."""

    packed: bytes
    rest: bytes

    def __iter__(self) -> Iterator[bytes]:
        unpacker, source = zlib.decompressobj(_GZIP), memoryview(self.packed)
        for start in range(0, len(source), _PACKED):
            block: bytes | memoryview = source[start : start + _PACKED]
            while block:
                yield unpacker.decompress(block, _UNPACKED)
                block = unpacker.unconsumed_tail
                if unpacker.eof:
                    block, unpacker = unpacker.unused_data, zlib.decompressobj(_GZIP)
        yield self.rest
