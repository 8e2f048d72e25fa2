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
from exporter.publication.document import Judged
from exporter.publication.plain import clean, counted

_MARKS = {True: ("ok", "green"), False: ("no", "bold red"), None: ("-", "dim")}
_MARK_WIDTH = 4
_COMPLETE = "Nothing is missing."


def report(checks: Iterable[Check], bindings: BindingSummary | None = None) -> Text:
    """The checks by source, one line each, with what fixes a failed one under it; then what is known of repositories.

    Under one that does not matter stands what would improve on it. *bindings* are left out where there is no source to
    bind.
    """
    tried = list(checks)
    bound = [*lines_of(bindings), Text()] if bindings and bindings.sources else []
    return Text("\n").join((*_lines(tried), *bound, _sum(tried)))


def origin(judged: Judged) -> Text:
    """Which cluster or dump the checks are of, and by which settings."""
    return Text(clean(f"Checked {judged.cluster}, settings: {judged.settings}."), "dim")


def encode(checks: Iterable[Check], judged: Judged, bindings: BindingSummary | None = None) -> bytes:
    """The checks, and what is known of repositories, as JSON; *judged* says what they are of."""
    content = {"judged": judged, "checks": list(checks), "bindings": bindings}
    return msgspec.json.format(msgspec.json.encode(content), indent=2)


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
        number, one, many = sum(len(bucket.repositories) for bucket in facts.buckets), "repository", "repositories"
    else:
        fields = [kind.field for kind in KINDS if kind.source is source]
        number, one, many = sum(len(facts.cluster.list_of(field).items) for field in fields), "object", "objects"
    return counted(number, one, many) if number else f"the files hold no {many} of it"


def _malformed(source: Source, broken: MalformedObject) -> Check:
    name = "/".join(part for part in (broken.namespace, broken.name) if part)
    what = f"understand {broken.kind} {name}"
    return Check(source, what, ok=False, detail=broken.error, fix="Fix the object, or dump it again.")


def _lines(checks: list[Check]) -> Iterator[Text]:
    for source in dict.fromkeys(check.source for check in checks):
        yield Text(source, "bold")
        for check in checks:
            if check.source is source:
                yield from _check(check)
        yield Text()


def _sum(checks: list[Check]) -> Text:
    failed = sum(check.ok is False for check in checks)
    return Text(f"{failed} of {counted(len(checks), 'check')} failed.", "bold red") if failed else Text(_COMPLETE)


def _check(check: Check) -> Iterator[Text]:
    mark, style = _MARKS[check.ok]
    told = f"{clean(check.what)}: {clean(check.detail)}" if check.detail else clean(check.what)
    yield Text.assemble("  ", (f"{mark:<{_MARK_WIDTH}}", style), told)
    for line in check.fix.splitlines() if not check.ok else ():
        yield Text(f"  {'':<{_MARK_WIDTH}}{clean(line)}", "bold" if check.ok is False else "dim")
