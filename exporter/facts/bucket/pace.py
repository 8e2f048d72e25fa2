"""A ceiling of requests per second, over all threads that share it, that follows what the store can take."""

import threading
import time
from http import HTTPStatus

FIRST = 20.0
"""Requests per second until the store has shown what it bears, where no ceiling is set."""
_CEILING = 200.0
_LEAST = 1.0
_PROMPT, _SLOW = 0.25, 1.0
"""Seconds for one answer: faster than the first, and more is asked; slower than the second, and less."""
_MORE, _LESS, _MUCH_LESS, _BACK = 1.02, 0.9, 0.5, 1.25
_REFUSALS = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""What stores answer who are asked too much: S3's `SlowDown` comes with 503."""


class Pace:
    """Lets requests go one by one, never more than *ceiling* of them in a second; 0 sets none.

    A store that answers promptly is asked a little faster after each answer, one that grows slow a little slower, and
    one that refuses or does not answer half as fast. Once that is over, the pace is soon what the store bore before:
    an outage of many requests says no more of it than one of them. Nor is a store that never answers promptly held
    for ever to what was left by the outage: it comes back to the pace that it began with.
    """

    def __init__(self, ceiling: float) -> None:
        self._ceiling = ceiling or _CEILING
        self._rate = ceiling or FIRST
        self._borne = 0.0
        """Half of the rate at which the last trouble began."""
        self._is_refused = False
        """Whether the last request had no answer, or a refusal for one."""
        self._lock = threading.Lock()
        self._next = 0.0

    @property
    def rate(self) -> float:
        """Requests per second at present."""
        return self._rate

    def limit(self, ceiling: float) -> None:
        """Never let more than *ceiling* requests go in a second, if it is not 0 and less was not allowed before."""
        if not ceiling:
            return
        with self._lock:
            self._ceiling = min(self._ceiling, ceiling)
            self._rate = min(self._rate, self._ceiling)

    def wait(self, stop: threading.Event) -> None:
        """Return when the caller's turn has come, or *stop* is set."""
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + 1.0 / self._rate
        if turn > now:
            stop.wait(turn - now)

    def answered(self, status: int, seconds: float | None) -> None:
        """Take in that the store answered with *status* after *seconds*; None where they are not the store's doing."""
        if status in _REFUSALS:
            self.unanswered()
            return
        with self._lock:
            self._is_refused = False
            if seconds is not None:
                self._set(self._rate * self._factor(seconds))

    def unanswered(self) -> None:
        """Take in that a request had no answer."""
        with self._lock:
            if not self._is_refused:
                self._borne, self._is_refused = self._rate * _MUCH_LESS, True
            self._set(self._rate * _MUCH_LESS)

    def _factor(self, seconds: float) -> float:
        if seconds > _SLOW:
            return _LESS
        if self._rate < self._borne:
            return min(_BACK, self._borne / self._rate)
        return _MORE if seconds < _PROMPT or self._rate < FIRST else 1.0

    def _set(self, rate: float) -> None:
        self._rate = min(max(rate, min(_LEAST, self._ceiling)), self._ceiling)
