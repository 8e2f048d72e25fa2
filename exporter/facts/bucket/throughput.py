"""A ceiling of bytes per second, over all threads that share it."""

import threading
import time


class Throughput:
    """Lets bytes pass, a chunk at a time, no more than *per_second* of them."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def passed(self, count: int, stop: threading.Event) -> None:
        """Return when *count* bytes that came are within the ceiling, or *stop* is set."""
        with self._lock:
            turn = max(self._next, time.monotonic()) + count / self.per_second
            self._next = turn
        stop.wait(max(turn - time.monotonic(), 0.0))
