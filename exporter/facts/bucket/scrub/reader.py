"""Scrubbing all buckets, each by itself, as one source."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from exporter.facts.bucket.failure import BucketError, Stopped
from exporter.facts.bucket.faults import one_line
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.bucket.scrub.turn import BucketScrub
from exporter.facts.bucket.throughput import Throughput
from exporter.facts.bucket.workers import spread
from exporter.facts.model import SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.settings import Settings

_SHARE = 0.8
"""The share of the time between two turns that one may take: the next is not to be late."""


class Scrubber:
    """Reads the objects of the repositories that *buckets* finds, beside its looks and never in their way."""

    def __init__(self, settings: Settings, buckets: BucketReader) -> None:
        content = Throughput(settings.scrub.rate)
        self.buckets = tuple(BucketScrub(sweep, settings, sweep.pace, content) for sweep in buckets.sweeps)
        self._patience = settings.poll.bucket * _SHARE
        self._last_success: datetime | None = None

    def read(self, at: datetime, stop: threading.Event, patience: timedelta | None = None) -> SourceRead:
        """Take a turn, *at* being the exporter's clock: what is due is read, for as long as *patience*."""
        started = time.monotonic()
        over = started + (self._patience if patience is None else patience).total_seconds()

        def is_over() -> bool:
            return stop.is_set() or time.monotonic() > over

        def turn(bucket: BucketScrub) -> None:
            try:
                with suppress(Stopped):
                    bucket.turn(at, is_over, stop)
            except Exception as error:  # noqa: BLE001  # one bucket costs one bucket
                detail = one_line(f"{type(error).__name__}: {error}")
                bucket.failure = BucketError(Reason.OTHER, f"the bucket cannot be scrubbed: {detail}")

        spread(turn, self.buckets, max(1, len(self.buckets)))
        report = self._report(at, timedelta(seconds=time.monotonic() - started))
        scrubs = {place: scrub for bucket in self.buckets for place, scrub in bucket.scrubs().items()}
        return SourceRead(report, scrubs=scrubs)

    def _report(self, at: datetime, duration: timedelta) -> SourceReport:
        failed = _failures(self.buckets)
        if not failed:
            self._last_success = at
        return SourceReport(
            Source.SCRUB,
            reading=Reading.UNREADABLE if failed else Reading.READ,
            reason=failed[0][1].reason if failed else None,
            detail="; ".join(f"{name}: {failure}" for name, failure in failed[:3]),
            last_success=self._last_success,
            duration=duration,
            errors=dict(sum((bucket.errors for bucket in self.buckets), Counter[Reason]())),
        )


def _failures(buckets: Sequence[BucketScrub]) -> list[tuple[str, BucketError]]:
    return [(bucket.sweep.address.bucket, bucket.failure) for bucket in buckets if bucket.failure]
