"""The repositories that were found, by where they stand and by the names in their paths."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

import msgspec

from exporter.caching import are_identical
from exporter.chain.binding.layouts import words_of
from exporter.facts.bucket.model import Bucket, Repository

Place = tuple[tuple[str, str, str], str]
"""A bucket's identity, and a path in it."""


class FoundRepository(msgspec.Struct, frozen=True, eq=False):
    """A repository that was found, in its bucket: there is one for each."""

    bucket: Bucket
    repository: Repository

    @property
    def key(self) -> Place:
        return self.bucket.identity, self.repository.prefix

    @property
    def last_part(self) -> str:
        """The last part of its path; at a bucket's root that is the bucket's name."""
        return self.repository.prefix.rpartition("/")[2] or self.bucket.name


class Places:
    """All repositories of the buckets that are read."""

    def __init__(self, buckets: tuple[Bucket, ...]) -> None:
        self._buckets = buckets

    def is_of(self, buckets: tuple[Bucket, ...]) -> bool:
        """Whether they are those of the very same *buckets*."""
        return are_identical(buckets, self._buckets)

    @cached_property
    def at(self) -> Mapping[Place, FoundRepository]:
        """Repositories by their place."""
        return {
            (bucket.identity, repository.prefix): FoundRepository(bucket, repository)
            for bucket in self._buckets
            for repository in bucket.repositories
        }

    @cached_property
    def by_name(self) -> Mapping[str, tuple[FoundRepository, ...]]:
        """Repositories by the last part of their path."""
        named: dict[str, list[FoundRepository]] = defaultdict(list)
        for found in self.at.values():
            named[found.last_part].append(found)
        return {name: tuple(repositories) for name, repositories in named.items()}

    @cached_property
    def by_word(self) -> Mapping[str, tuple[FoundRepository, ...]]:
        """Repositories by what stands before or behind a hyphen of that last part: `backup-data`, `gitea-backup`."""
        named: dict[str, list[FoundRepository]] = defaultdict(list)
        for name, repositories in self.by_name.items():
            for word in words_of(name):
                named[word].extend(repositories)
        return {word: tuple(repositories) for word, repositories in named.items()}

    def ending_in(self, tail: str) -> tuple[FoundRepository, ...]:
        """Repositories whose path ends in the parts of *tail*."""
        candidates = self.by_name.get(tail.rpartition("/")[2], ())
        return tuple(found for found in candidates if f"/{found.repository.prefix}".endswith(f"/{tail}"))
