"""One read of one bucket, which may hang, fail or outlast its time without costing another."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from exporter.facts.bucket.failure import BucketError
from exporter.facts.bucket.faults import one_line
from exporter.facts.bucket.model import Bucket
from exporter.facts.bucket.sweep import Sweep
from exporter.facts.reading import Reason

_TICK = 0.1
_GRACE = 2.0
"""Seconds in which requests that were cut off come back."""

Read = tuple[Bucket, Counter[Reason]]


class Run:
    """Reads *sweep* in a thread of its own, which does not keep the process from ending."""

    def __init__(self, sweep: Sweep, at: datetime, is_over: Callable[[], bool], stop: threading.Event) -> None:
        self.sweep = sweep
        self._at = at
        self._is_over = is_over
        self._halt = threading.Event()
        self._ended = threading.Event()
        self._read: Read | None = None
        if stop.is_set():
            self._ended.set()
            return
        threading.Thread(target=self._run, name="bucket-read", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    def result(self, stop: threading.Event, deadline: float) -> Read:
        """What was read; where that is not over by *deadline* (of `time.monotonic`), that it is not.

        Once *stop* is set, what was last read.
        """
        while not self._ended.wait(_TICK):
            if stop.is_set() or time.monotonic() > deadline:
                self._halt.set()
                self._ended.wait(_GRACE)
                if stop.is_set():
                    break
                return self.sweep.failed(BucketError(Reason.TIMEOUT, "the bucket could not be read in time"))
        return self._read or (self.sweep.bucket, Counter())

    def _run(self) -> None:
        try:
            self._read = self.sweep.read(self._at, self._is_over, self._halt)
        except Exception as error:  # noqa: BLE001  # one bucket costs one bucket
            detail = one_line(f"{type(error).__name__}: {error}")
            self._read = self.sweep.failed(BucketError(Reason.OTHER, f"the bucket cannot be read: {detail}"))
        finally:
            self._ended.set()
