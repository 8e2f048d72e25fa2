"""Reading all buckets, each by itself."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from exporter.facts.bucket.address import BucketAddress, addresses
from exporter.facts.bucket.model import Bucket
from exporter.facts.bucket.pace import FIRST, Pace
from exporter.facts.bucket.run import Run
from exporter.facts.bucket.sweep import Sweep
from exporter.facts.layout import Owner
from exporter.facts.model import SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.settings import Settings

_FIRST_MEASURING = timedelta(seconds=5)
"""How long the first read lists data in full. A restart is to show snapshots and locks at once, and sizes soon."""


class BucketReader:
    """Reads the buckets and keeps what it must remember from one read to the next."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        """Read the buckets that *settings*, or else *environment* (the process' own), name.

        Raises:
            ValueError: a bucket's settings do not say which bucket; the setting is named.
        """
        self.settings = settings
        found = addresses(settings, os.environ if environment is None else environment)
        paces = _paces(found)
        self.sweeps = tuple(Sweep(address, settings, paces[address.endpoint]) for address in found)
        self._last_success: datetime | None = None
        self._has_read = False
        self._runs: dict[int, Run] = {}

    def expect(self, writers: Iterable[Owner]) -> None:
        """Say whose repositories should be in the buckets, so that none is called missing for a listing's sake."""
        found = tuple(writers)
        for sweep in self.sweeps:
            sweep.expect(found)

    def read(self, at: datetime, stop: threading.Event | None = None, patience: timedelta | None = None) -> SourceRead:
        """Read every bucket once, *at* being the exporter's clock. Failures are facts: they are not raised.

        Data is listed for as long as *patience*, which is short for the first read and else half of `poll.bucket`;
        sizes that were not measured by then come with a later read. *stop* ends it early.
        """
        if not self.sweeps:
            return SourceRead(SourceReport(Source.S3, Reading.NOT_SERVED, detail="no bucket is configured"))
        started = time.monotonic()
        stop = stop or threading.Event()
        if patience is None:
            patience = self.settings.poll.bucket / 2 if self._has_read else _FIRST_MEASURING
        over = started + patience.total_seconds()

        def is_over() -> bool:
            return stop.is_set() or time.monotonic() > over

        runs = [self._run(sweep, at, is_over, stop) for sweep in self.sweeps]
        read = [run.result(stop, started + self._longest(run.sweep)) for run in runs]
        self._has_read = True
        buckets = tuple(bucket for bucket, _ in read)
        errors = sum((counted for _, counted in read), Counter[Reason]())
        return SourceRead(self._report(buckets, errors, at, timedelta(seconds=time.monotonic() - started)), {}, buckets)

    def _run(self, sweep: Sweep, at: datetime, is_over: Callable[[], bool], stop: threading.Event) -> Run:
        """Begin to read one bucket; where the last read of it does not end even now, that one goes on."""
        run = self._runs.get(id(sweep))
        if run is None or run.has_ended:
            run = self._runs[id(sweep)] = Run(sweep, at, is_over, stop)
        return run

    def _longest(self, sweep: Sweep) -> float:
        """Seconds after which a read is overdue: what its requests may take, and two polls or four late requests."""
        pace, poll = min(FIRST, sweep.address.settings.requests_per_second or FIRST), self.settings.poll
        return max(2 * poll.bucket, 4 * poll.timeout).total_seconds() + 4 * len(sweep.states) / pace

    def _report(
        self, buckets: tuple[Bucket, ...], errors: Mapping[Reason, int], at: datetime, duration: timedelta
    ) -> SourceReport:
        failed = next((bucket for bucket in buckets if bucket.reading is not Reading.READ), None)
        if failed is None:
            self._last_success = at
        return SourceReport(
            Source.S3,
            reading=failed.reading if failed else Reading.READ,
            reason=failed.reason if failed else next((bucket.reason for bucket in buckets if bucket.reason), None),
            detail=f"{failed.name}: {failed.detail}" if failed else "; ".join(b.detail for b in buckets if b.detail),
            last_success=self._last_success,
            duration=duration,
            errors=dict(errors),
        )


def _paces(found: tuple[BucketAddress, ...]) -> dict[str, Pace]:
    """One ceiling for each endpoint: the lowest that its buckets ask for."""
    paces: dict[str, Pace] = {}
    for address in found:
        ceiling = address.settings.requests_per_second
        paces.setdefault(address.endpoint, Pace(ceiling)).limit(ceiling)
    return paces
