"""What the bindings come to, bucket by bucket: who is bound and by what, what is left over, and what would help."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from exporter.chain.binding.bindings import Bindings
from exporter.chain.binding.layouts import LayoutScore, templates_of, words_of
from exporter.chain.binding.model import BindingState
from exporter.chain.binding.sources import names_of_source
from exporter.facts.bucket.model import Bucket
from exporter.facts.cluster.volsync.objects import ReplicationSource

_MANY = 5_000
"""So many sources and repositories without each other are compared by name; more would take long, and tell no more."""


class BucketSummary(msgspec.Struct, frozen=True):
    """One bucket: the sources that write to it, and what could not be brought together."""

    name: str
    host: str
    """The endpoint's host; empty where it is not known."""
    prefix: str
    """The part of the bucket that is read."""
    bound: Mapping[str, int]
    """How many sources are bound to it by which evidence, the most frequent first."""
    layout: LayoutScore | None
    """The layout that the settings give, else the one that fits best, and how many of the repositories that are bound
    follow it; None where there is none."""
    is_set: bool
    """Whether the settings give the layout."""
    left_over: tuple[str, ...]
    """The paths of the repositories that no source is bound to, sorted."""
    unknown: tuple[str, ...]
    """`namespace/name` of the sources that may write here: nothing tells; sorted."""
    suggestion: LayoutScore | None
    """The layout by which most of them would find one of the repositories left over, by its name alone."""


class BindingSummary(msgspec.Struct, frozen=True):
    """All buckets, and the sources that write to none of them."""

    buckets: tuple[BucketSummary, ...]
    sources: int
    elsewhere: Mapping[str, int]
    """How many sources write to what is not read, by evidence."""
    unknown: tuple[str, ...]
    """`namespace/name` of the sources of which nothing is known; sorted."""


def summarise(bindings: Bindings) -> BindingSummary:
    """What *bindings* come to."""
    unknown = [source for source in bindings.sources if bindings.of(source).state is BindingState.UNKNOWN]
    elsewhere = (bindings.of(source) for source in bindings.sources)
    return BindingSummary(
        buckets=tuple(_bucket(bindings, bucket, unknown) for bucket in bindings.buckets),
        sources=len(bindings.sources),
        elsewhere=_counted(binding.evidence for binding in elsewhere if binding.state is BindingState.ELSEWHERE),
        unknown=_named(unknown),
    )


def _bucket(bindings: Bindings, bucket: Bucket, unknown: Iterable[ReplicationSource]) -> BucketSummary:
    bound = [binding for source in bindings.sources if (binding := bindings.of(source)).writes_to(bucket)]
    taken = {binding.prefix for binding in bound}
    left_over = sorted(repository.prefix for repository in bucket.repositories if repository.prefix not in taken)
    here = [source for source in unknown if bindings.of(source).may_lie_in(bucket)]
    return BucketSummary(
        name=bucket.name,
        host=bucket.host,
        prefix=bucket.prefix,
        bound=_counted(binding.evidence for binding in bound),
        layout=_layout(bindings, bucket),
        is_set=bool(bucket.layout),
        left_over=tuple(left_over),
        unknown=_named(here),
        suggestion=_suggestion(here[:_MANY], [_below(path, bucket) for path in left_over[:_MANY]]),
    )


def _layout(bindings: Bindings, bucket: Bucket) -> LayoutScore | None:
    score = bindings.layouts.get(bucket.identity)
    layout = bucket.layout or (score.layout if score else "")
    if not layout:
        return None
    places = [
        (names_of_source(source).path_by(layout), _below(binding.prefix, bucket))
        for source in bindings.sources
        if (binding := bindings.of(source)).writes_to(bucket) and binding.repository is not None
    ]
    return LayoutScore(layout, sum(path == place for path, place in places), len(places))


def _suggestion(sources: list[ReplicationSource], paths: Iterable[str]) -> LayoutScore | None:
    """One path that looks like one name may be chance: where there are several sources, several must fit."""
    by_word: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        last = path.rpartition("/")[2]
        for word in {last, *words_of(last)}:
            by_word[word].append(path)
    scores: Counter[str] = Counter()
    for source in sources:
        names = names_of_source(source)
        found = {path for name in (names.pvc, names.source) for path in by_word.get(name, ())}
        scores.update({template for path in found for template in templates_of(names, path)})
    if not scores:
        return None
    layout, fits = min(scores.items(), key=lambda item: (-item[1], len(item[0]), item[0]))
    return LayoutScore(layout, fits, len(sources)) if fits >= min(2, len(sources)) else None


def _below(path: str, bucket: Bucket) -> str:
    return path.removeprefix(bucket.prefix).strip("/")


def _counted(evidence: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(evidence).items(), key=lambda item: (-item[1], item[0])))


def _named(sources: Iterable[ReplicationSource]) -> tuple[str, ...]:
    return tuple(sorted("/".join(source.key) for source in sources))
