"""What is fed: each takes any bytes and must end, raising nothing but what it says."""

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from exporter.chain.judge import judge
from exporter.facts.cluster.changes import (
    Changes,
    ExpiredError,
    UnusableEventError,
    malformed_with,
    with_changes,
)
from exporter.facts.cluster.decode import MalformedPageError, decode_page
from exporter.facts.cluster.dump.files import read_files
from exporter.facts.cluster.dump.refusal import FileError
from exporter.facts.cluster.kinds import KINDS
from exporter.masking import masked
from exporter.publication.document import encode
from exporter.publication.explain import explain
from exporter.publication.render import render
from exporter.settings import Settings

AT = datetime(2026, 1, 18, 14, 0, tzinfo=UTC)
FINDINGS = Path(__file__).parent / "findings"


def pages(content: bytes) -> None:
    """Every kind's decoder."""
    for kind in KINDS:
        with contextlib.suppress(MalformedPageError):
            decode_page(kind, content)


def events(content: bytes) -> None:
    """A watch of every kind: the event, and the event's object."""
    for kind in KINDS:
        for line in (content, b'{"type":"MODIFIED","object":%b}' % content):
            changes = Changes(kind, "1")
            with contextlib.suppress(ExpiredError, UnusableEventError):
                changes.take(line.replace(b"\n", b" "))
            malformed_with((), changes.objects)
            with_changes((), changes.objects)


def files(content: bytes) -> None:
    """A file, judged and published where it can be read."""
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(content)
        file.flush()
        try:
            facts = read_files([file.name], AT)
        except FileError:
            return
    verdict = judge(facts, Settings(), AT)
    assert verdict.failures == ()
    assert render(verdict).failed == ()
    assert encode(verdict)
    for claim in verdict.claims:
        assert explain(claim, AT)


def texts(content: bytes) -> None:
    """Foreign text that is masked."""
    masked(content.decode(errors="replace"))


TARGETS: Mapping[str, Callable[[bytes], None]] = {"pages": pages, "events": events, "files": files, "texts": texts}
