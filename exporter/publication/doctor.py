"""`doctor`: what the exporter may read and reach, what to do where it may not, and whose repositories it knows."""

from collections.abc import Iterable, Iterator

import msgspec
from rich.text import Text

from exporter.chain.binding import BindingSummary
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import MalformedObject
from exporter.facts.model import Check, Facts
from exporter.facts.reading import Reading, Source
from exporter.publication.binding_report import lines_of
from exporter.publication.plain import clean

_MARKS = {True: ("ok", "green"), False: ("no", "bold red"), None: ("-", "dim")}
_MARK_WIDTH = 4


def report(checks: Iterable[Check], bindings: BindingSummary | None = None) -> Text:
    """The checks by source, one line each, with what fixes a failed one under it; then what is known of repositories.

    Under one that does not matter stands what would improve on it. *bindings* are left out where there is no source to
    bind.
    """
    tried = list(checks)
    bound = [*lines_of(bindings), Text()] if bindings and bindings.sources else []
    return Text("\n").join((*_lines(tried), *bound, _sum(tried)))


def encode(checks: Iterable[Check], bindings: BindingSummary | None = None) -> bytes:
    """The checks, and what is known of repositories, as JSON."""
    return msgspec.json.format(msgspec.json.encode({"checks": list(checks), "bindings": bindings}), indent=2)


def checks_of_files(facts: Facts) -> Iterator[Check]:
    """What can be said of facts that came from files: which sources they hold, and what was not understood."""
    for source in facts.sources:
        ok = source.up if source.reading is not Reading.NOT_SERVED else None
        yield Check(source.source, "read from files", ok, source.detail or _found(facts, source.source))
    for kind in KINDS:
        for broken in facts.cluster.list_of(kind.field).malformed:
            yield _malformed(kind.source, broken)


def _found(facts: Facts, source: Source) -> str:
    if source is Source.S3:
        number, noun = sum(len(bucket.repositories) for bucket in facts.buckets), "repositories"
    else:
        fields = [kind.field for kind in KINDS if kind.source is source]
        number, noun = sum(len(facts.cluster.list_of(field).items) for field in fields), "objects"
    return f"{number} {noun}" if number else f"the files hold no {noun} of it"


def _malformed(source: Source, broken: MalformedObject) -> Check:
    name = "/".join(part for part in (broken.namespace, broken.name) if part)
    what = f"understand {broken.kind} {name}"
    return Check(source, what, ok=False, detail=broken.error, fix="Fix the object, or dump it again.")


def _lines(checks: list[Check]) -> Iterator[Text]:
    width = max((len(check.what) for check in checks), default=0)
    for source in dict.fromkeys(check.source for check in checks):
        yield Text(source, "bold")
        for check in checks:
            if check.source is source:
                yield from _check(check, width)
        yield Text()


def _sum(checks: list[Check]) -> Text:
    failed = sum(check.ok is False for check in checks)
    return Text(f"{failed} of {len(checks)} checks failed.", "bold red") if failed else Text("Nothing is missing.")


def _check(check: Check, width: int) -> Iterator[Text]:
    mark, style = _MARKS[check.ok]
    yield Text.assemble(
        "  ", (f"{mark:<{_MARK_WIDTH}}", style), f"{clean(check.what):<{width}}  {clean(check.detail)}".rstrip()
    )
    for line in check.fix.splitlines() if not check.ok else ():
        yield Text(f"  {'':<{_MARK_WIDTH}}{clean(line)}", "bold" if check.ok is False else "dim")
