"""What `doctor` says of bindings: which sources are bound to which bucket, by what, and what would bind the others."""

from collections.abc import Iterator, Mapping

from rich.text import Text

from exporter.chain.backup import fill
from exporter.chain.binding import BindingSummary, BucketSummary
from exporter.chain.causes import Cause
from exporter.chain.recovery import REPORTED
from exporter.publication.plain import clean

_NAMED = 5
"""So many sources and repositories are named."""
_INDENT = "  "


def lines_of(summary: BindingSummary) -> Iterator[Text]:
    """The buckets one by one, then the sources that write to none of them."""
    yield Text("repositories", "bold")
    for bucket in summary.buckets:
        yield from _bucket(bucket)
    if summary.elsewhere:
        number = sum(summary.elsewhere.values())
        yield Text(
            f"{_INDENT}{_counted(number, 'source')} bound to stores that are not read: {_evidence(summary.elsewhere)}"
        )
    if not summary.buckets and summary.unknown:
        yield Text(f"{_INDENT}no bucket is read: recovery points are {REPORTED}")


def _bucket(bucket: BucketSummary) -> Iterator[Text]:
    yield Text(_INDENT + clean("/".join(part for part in (bucket.host, bucket.name, bucket.prefix) if part)))
    for line in _findings(bucket):
        yield Text(f"{2 * _INDENT}{clean(line)}")
    for line in _fix(bucket):
        yield Text(f"{2 * _INDENT}{clean(line)}", "bold")


def _findings(bucket: BucketSummary) -> Iterator[str]:
    number = sum(bucket.bound.values())
    yield f"{_counted(number, 'source')} bound" + (f": {_evidence(bucket.bound)}" if number else "")
    if bucket.layout:
        by = "of the settings" if bucket.is_set else "inferred" if bucket.layout.is_proven else "not proven"
        yield f"layout {bucket.layout.layout} ({by}) fits {bucket.layout.fits} of {bucket.layout.of}"
    if bucket.left_over:
        paths = tuple(path or "its root" for path in bucket.left_over)
        yield f"{_counted(len(paths), 'repository', 'repositories')} without a source: {_some(paths)}"
    if bucket.unknown:
        yield f"{_counted(len(bucket.unknown), 'source')} without a known repository: {_some(bucket.unknown)}"


def _fix(bucket: BucketSummary) -> Iterator[str]:
    """What binds the sources that may write here to the repositories that are left over."""
    if not bucket.unknown or not bucket.left_over:
        return
    if bucket.suggestion and not bucket.is_set:
        score = bucket.suggestion
        yield f"A layout fits the names of {score.fits} of these {score.of}. If it is right, set it for this bucket:"
        yield f'layout: "{score.layout}"'
        return
    namespace, _, source = bucket.unknown[0].partition("/")
    names = {"namespace": namespace, "source": source, "endpoint": bucket.host, "bucket": bucket.name}
    yield 'Set the bucket\'s layout (layout: "{namespace}/{pvc}", for example), or annotate each source:'
    yield f"$ {fill(Cause.REPOSITORY_UNBOUND.entry.command, names)}"


def _evidence(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} by {evidence}" for evidence, number in counts.items())


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
