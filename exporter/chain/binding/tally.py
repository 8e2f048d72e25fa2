"""What the sources of a cluster show together, kept as counts: a source that changes is taken out and put in again."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from exporter.chain.binding.layouts import LayoutScore, best_layout
from exporter.chain.binding.model import Binding, BindingState

BucketIdentity = tuple[str, str, str]


class Standing(NamedTuple):
    """A repository below a folder of a bucket, at the end of an address that begins with a base."""

    base: str
    bucket: BucketIdentity
    folder: str


class Bases:
    """What stands before the tails of addresses of one base, as the repositories of their sources show it."""

    def __init__(self) -> None:
        self._users: Counter[str] = Counter()
        """How many sources' addresses begin with one base."""
        self._folders: dict[tuple[str, BucketIdentity], Counter[str]] = defaultdict(Counter)

    def copy(self) -> "Bases":
        copied = Bases()
        copied._users = self._users.copy()
        copied._folders.update({place: folders.copy() for place, folders in self._folders.items()})
        return copied

    def count(self, bases: Iterable[str], standing: Iterable[Standing], by: int) -> None:
        """Put in (*by* 1) or take out (-1) one source: the *bases* of its addresses, and what is found of them."""
        for base in bases:
            self._users[base] += by
        for one in standing:
            self._folders[one.base, one.bucket][one.folder] += by

    def folder(self, base: str, bucket: BucketIdentity, *, is_one: bool) -> str | None:
        """The folder of *bucket* below which the base stands: for most of its sources, or (*is_one*) for any."""
        folders: Mapping[str, int] = self._folders.get((base, bucket), {})
        most = max(folders.values(), default=0)
        if not most or not (is_one or 2 * most > self._users[base]):
            return None
        return min(folder for folder, times in folders.items() if times == most)

    @property
    def places(self) -> Iterable[tuple[str, BucketIdentity]]:
        """The bases, each with a bucket in which something of it was found."""
        return self._folders

    def tells_the_same(self, other: "Bases", bases: Iterable[str]) -> bool:
        """Whether *other* has the same folders for *bases*."""
        wanted = set(bases)
        places = {place for place in (*self.places, *other.places) if place[0] in wanted}
        return all(
            self.folder(*place, is_one=one) == other.folder(*place, is_one=one)
            for place in places
            for one in (False, True)
        )


class Shown(NamedTuple):
    """What the binding of one source shows of its bucket's layout."""

    pattern: str
    """How the source is made."""
    binding: Binding
    templates: tuple[str, ...] | None
    """Those that give its repository's path; None where there is no repository."""


class Tally:
    """How many bindings lie in each bucket, for each pattern of sources, and which templates give their paths.

    What an object says of a place is no coincidence of names: it counts for two.
    """

    def __init__(self) -> None:
        self._placed: Counter[str] = Counter()
        """How many sources of a pattern write to a place that is known, be it elsewhere."""
        self._here: dict[BucketIdentity, Counter[str]] = defaultdict(Counter)
        self._weight_here: dict[BucketIdentity, Counter[str]] = defaultdict(Counter)
        self._templates: dict[BucketIdentity, Counter[str]] = defaultdict(Counter)
        self._paths: Counter[BucketIdentity] = Counter()

    def copy(self) -> "Tally":
        copied = Tally()
        copied._placed, copied._paths = self._placed.copy(), self._paths.copy()
        for name in ("_here", "_weight_here", "_templates"):
            getattr(copied, name).update({bucket: counts.copy() for bucket, counts in getattr(self, name).items()})
        return copied

    def count(self, shown: Shown, by: int) -> None:
        """Put in (*by* 1) or take out (-1) what one source shows."""
        pattern, binding, templates = shown
        if binding.state is not BindingState.UNKNOWN:
            self._placed[pattern] += by
        if binding.bucket is None:
            return
        bucket, weight = binding.bucket.identity, by * (2 if binding.is_set else 1)
        self._here[bucket][pattern] += by
        self._weight_here[bucket][pattern] += weight
        if templates is not None:
            self._paths[bucket] += weight
            scores = self._templates[bucket]
            for template in templates:
                scores[template] += weight
                if not scores[template]:
                    del scores[template]

    def alike(self, bucket: BucketIdentity) -> Mapping[str, int]:
        """The weight of the sources of each pattern that write to *bucket*."""
        return self._weight_here.get(bucket, Counter())

    def unlike(self, bucket: BucketIdentity, pattern: str) -> int:
        """How many sources of *pattern* write elsewhere than to *bucket*."""
        return self._placed[pattern] - self._here[bucket][pattern]

    @property
    def layouts(self) -> Iterator[tuple[BucketIdentity, LayoutScore]]:
        """The layout that gives most paths of each bucket, as far as there is one."""
        for bucket, scores in self._templates.items():
            if score := best_layout(scores, self._paths[bucket]):
                yield bucket, score
