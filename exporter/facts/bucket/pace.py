"""A ceiling of requests, or of bytes, per second, over all threads that share it."""

import threading
import time


class Pace:
    """Lets requests go one by one, no more than *per_second* of them; or bytes, a chunk of them at a time."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, stop: threading.Event, count: int = 1) -> None:
        """Return when the caller's turn has come, or *stop* is set; the next one has to wait for *count* of them."""
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + count / self.per_second
        if turn > now:
            stop.wait(turn - now)
