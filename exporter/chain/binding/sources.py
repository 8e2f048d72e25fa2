"""What a ReplicationSource tells by itself: its names, how it is made, and when it wrote."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from exporter.chain.binding.layouts import PathNames
from exporter.chain.binding.moments import rhythm, was_written_between
from exporter.chain.binding.places import FoundRepository
from exporter.chain.instants import earlier
from exporter.chain.schedule import interval_of
from exporter.durations import parse_duration
from exporter.facts.cluster.object_list import Key
from exporter.facts.cluster.volsync.objects import ReplicationSource


def names_of_source(source: ReplicationSource) -> PathNames:
    """What a layout can make the path of *source* of."""
    return PathNames(source.namespace, source.spec.source_pvc, source.name)


def pattern_of(source: ReplicationSource) -> str:
    """How the repository Secret is named, without the names of the claim: sources that are made alike share it."""
    secret = source.spec.mover.repository or ""
    for name in sorted((source.spec.source_pvc, source.name, source.namespace), key=len, reverse=True):
        if name:
            secret = secret.replace(name, "*")
    return secret


def wrote(source: ReplicationSource, found: FoundRepository) -> bool:
    """Whether the source's last sync wrote a snapshot there."""
    status = source.status
    if status is None or status.last_sync_time is None:
        return False
    try:
        took = parse_duration(status.last_sync_duration) if status.last_sync_duration else timedelta(0)
    except ValueError:
        took = timedelta(0)
    began = earlier(status.last_sync_time, took)
    return was_written_between(found.bucket, found.repository, began, status.last_sync_time)


def one_for_each_claim(
    rivals: list[tuple[ReplicationSource, FoundRepository]],
) -> Iterator[tuple[ReplicationSource, FoundRepository]]:
    """Of sources of one claim, the one whose schedule comes nearest to the repository's rhythm."""
    by_claim: dict[Key, list[tuple[ReplicationSource, FoundRepository]]] = defaultdict(list)
    for source, found in rivals:
        by_claim[source.namespace, source.spec.source_pvc].append((source, found))
    for own in by_claim.values():
        yield min(own, key=lambda rival: (_off_beat(*rival), rival[0].name))


def _off_beat(source: ReplicationSource, found: FoundRepository) -> timedelta:
    beat = rhythm(found.repository)
    schedule = source.spec.trigger.schedule if source.spec.trigger else None
    try:
        return abs(beat - interval_of(schedule)) if beat is not None and schedule else timedelta.max
    except ValueError:
        return timedelta.max
