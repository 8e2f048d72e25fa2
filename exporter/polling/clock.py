"""The moment that verdicts are reached at: the present one, or one that was given and runs on from there."""

from datetime import UTC, datetime, timedelta
from time import monotonic


class Clock:
    """Tells the time: the machine's, or *at* and what has passed since the clock was made."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at
        self._made = monotonic()

    def now(self) -> datetime:
        if self._at is None:
            return datetime.now(UTC)
        return self._at + timedelta(seconds=monotonic() - self._made)
