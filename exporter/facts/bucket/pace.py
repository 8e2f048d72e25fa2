"""A ceiling of requests per second, over all threads that share it."""

import threading
import time


class Pace:
    """Lets requests go one by one, no more than *per_second* of them."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, stop: threading.Event) -> None:
        """Return when the caller's turn has come, or *stop* is set."""
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + 1.0 / self.per_second
        if turn > now:
            stop.wait(turn - now)
