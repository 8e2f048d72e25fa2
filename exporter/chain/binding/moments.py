"""A repository's snapshots, set beside a source's syncs: a snapshot that a sync made was written while it ran."""

from bisect import bisect_left
from datetime import datetime, timedelta

from exporter.chain.instants import earlier
from exporter.facts.bucket.model import Bucket, Repository

SLACK = timedelta(seconds=45)
"""How far clocks may lie apart that nobody has compared: VolSync's and the store's."""


def was_written_between(bucket: Bucket, repository: Repository, start: datetime, end: datetime) -> bool:
    """Whether any snapshot was written from *start* to *end*, give or take the clocks."""
    skew = bucket.clock_skew or timedelta(0)
    times = repository.snapshot_times
    place = bisect_left(times, earlier(start, SLACK - skew))
    return place < len(times) and times[place] <= earlier(end, -SLACK - skew)


def rhythm(repository: Repository) -> timedelta | None:
    """The time between the newest two snapshots; None where there are fewer."""
    times = repository.snapshot_times
    return times[-1] - times[-2] if len(times) > 1 else None
