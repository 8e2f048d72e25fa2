"""What buckets are called where they are shown: buckets in several stores may have one name."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from exporter.facts.bucket.model import Bucket

Identity = tuple[str, str, str]
"""Endpoint, name and prefix (`Bucket.identity`)."""


def names_of(buckets: Iterable[Bucket]) -> Mapping[Identity, str]:
    """A bucket's own name; `host/bucket` of several that share one, and `host/bucket/prefix` where that is shared too.

    The prefixes of one bucket are several buckets to the settings.
    """
    by_name: dict[str, list[Bucket]] = defaultdict(list)
    for bucket in buckets:
        by_name[bucket.name].append(bucket)
    return {identity: name for group in by_name.values() for identity, name in _distinguished(group)}


def _distinguished(group: list[Bucket]) -> Iterator[tuple[Identity, str]]:
    names = [bucket.name for bucket in group]
    for name_of in (_store, _place):
        if len(set(names)) < len(group):
            names = [name_of(bucket) for bucket in group]
    return zip((bucket.identity for bucket in group), names, strict=True)


def _store(bucket: Bucket) -> str:
    return bucket.store


def _place(bucket: Bucket) -> str:
    return "/".join(part for part in (bucket.store, bucket.prefix) if part)
