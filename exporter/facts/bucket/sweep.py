"""One bucket, read again and again: two rhythms, bounded in time and requests, and each failure kept where it is."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from exporter.facts.bucket.address import Address
from exporter.facts.bucket.client import Client
from exporter.facts.bucket.discovery import Discovery, Found
from exporter.facts.bucket.failure import Failure, Stopped
from exporter.facts.bucket.faults import OF_THE_BUCKET
from exporter.facts.bucket.look import Look, folder_of, look_at
from exporter.facts.bucket.measure import measure
from exporter.facts.bucket.model import Bucket
from exporter.facts.bucket.pace import Pace
from exporter.facts.bucket.state import State
from exporter.facts.layout import Owner, prefix_of
from exporter.facts.reading import Reading, Reason
from exporter.settings import Settings

_FAILURES_IN_A_ROW = 8
"""So many of those below, and it is the bucket that fails, not a repository."""

_SLOW_FAILURES = frozenset({Reason.TIMEOUT, Reason.CONNECTION, Reason.THROTTLED, Reason.SERVER_ERROR})

_DISBELIEF = frozenset(
    {
        Reason.NO_TOKEN,
        Reason.REPEATED_TOKEN,
        Reason.ENDLESS_LISTING,
        Reason.KEY_COUNT,
        Reason.CONTRADICTED,
        Reason.INCOMPLETE,
    }
)
"""The store answers, only not credibly: that says nothing of the rest of the bucket."""

_DETAILS = 3
"""So many repositories' troubles are told in the bucket's one line."""

_STALE_CREDENTIALS = frozenset({Reason.NO_CREDENTIALS, Reason.WRONG_KEY, Reason.EXPIRED_KEY, Reason.UNAUTHORIZED})
"""After these the next read connects anew, so that credentials are read again from where they stand."""

_LAYOUT = "{namespace}/{pvc}"

A = TypeVar("A")
B = TypeVar("B")


class Health:
    """How the requests of one read fare. It tells when to give up on the bucket."""

    def __init__(self) -> None:
        self.errors: Counter[Reason] = Counter()
        self.failure: Failure | None = None
        """Why the bucket is given up."""
        self.details: list[str] = []
        """A line for each failure."""
        self._lock = threading.Lock()
        self._succeeded = 0
        self._in_a_row = 0
        self._last: Failure | None = None

    def succeeded(self, errors: Counter[Reason]) -> None:
        """A repository was read; *errors* are answers that were put right on the way."""
        with self._lock:
            self.errors += errors
            self._succeeded += 1
            self._in_a_row = 0

    def failed(self, failure: Failure, prefix: str) -> None:
        """What stands at *prefix* could not be read."""
        with self._lock:
            self.errors[failure.reason] += 1
            self.details.append(f"{prefix or 'the bucket'}: {failure}")
            self._in_a_row = self._in_a_row + 1 if failure.reason in _SLOW_FAILURES else 0
            if failure.reason not in _DISBELIEF:
                self._last = failure
            if failure.reason in OF_THE_BUCKET or self._in_a_row >= _FAILURES_IN_A_ROW:
                self.failure = self.failure or failure

    def conclude(self) -> None:
        """Give the bucket up when nothing of it could be read."""
        if self._last and not self._succeeded:
            self.failure = self.failure or self._last


class Sweep:
    """Reads one bucket, and keeps what it must remember for the next time."""

    def __init__(self, address: Address, settings: Settings, pace: Pace) -> None:
        self.address = address
        self.states: dict[str, State] = {}
        self.expected: frozenset[str] = frozenset()
        """The prefixes at which repositories should be; see `expect`."""
        self.requests = 0
        """Requests of the last read."""
        self._settings = settings
        self._pace = pace
        self._client: Client | None = None
        self._unlisted: frozenset[str] = frozenset()
        self._discovered_at: datetime | None = None
        self._bucket = Bucket(
            name=address.bucket,
            endpoint=address.endpoint,
            prefix=address.prefix,
            layout=address.settings.layout,
            capacity_bytes=address.settings.capacity_bytes,
            listed=(address.prefix,),
        )

    def client(self) -> Client:
        """The bucket's client, connected on first use.

        Raises:
            Failure: the settings or the credentials do not let one be made.
        """
        if self._client is None:
            self._client = Client(self.address, self._settings.poll, self._pace)
        return self._client

    def expect(self, writers: Iterable[Owner]) -> None:
        """Look, from the next read on, for the repositories of *writers*, wherever else repositories are found."""
        layout, base = self.address.settings.layout or _LAYOUT, folder_of(self.address.prefix)
        self.expected = frozenset(
            base + prefix_of(layout, owner.namespace or "", owner.pvc or "", owner.source or "") for owner in writers
        )

    def read(
        self, clock: datetime, is_over: Callable[[], bool], stop: threading.Event
    ) -> tuple[Bucket, Counter[Reason]]:
        """Look at every repository, then measure those that are due until *is_over*.

        Returns:
            The bucket, *clock* being the exporter's, and the failures and disbelieved answers of this read.
        """
        health, measuring = Health(), Health()
        try:
            client = self.client()
        except Failure as failure:
            return self._failed(failure), Counter([failure.reason])
        client.stop, before = stop, client.requests
        with ThreadPoolExecutor(self.address.settings.concurrency, thread_name_prefix="bucket") as pool:
            try:
                self._look_at_all(client, clock, health, pool)
                health.conclude()
                if not health.failure:
                    self._measure_due(client, measuring, is_over, pool)
            except Stopped:
                return self._bucket, health.errors
        self.requests = client.requests - before
        errors = health.errors + measuring.errors
        if health.failure:
            return self._failed(health.failure), errors
        return self._published(clock, health.details + measuring.details), errors

    def _look_at_all(self, client: Client, clock: datetime, health: Health, pool: ThreadPoolExecutor) -> None:
        """Look at the known repositories, where others should be, and at a slower rhythm for new ones.

        A listing with a delimiter may leave a folder out and say nothing of it: that a repository which should be
        there is not is believed of a look at its own place only.
        """
        prefixes = set(self.states) | self.expected
        discovery: Discovery | None = None
        if self._is_discovery_due(clock):
            discovery = Discovery(client, self.address.prefix, self.address.settings.layout or _LAYOUT, pool.map)
            prefixes |= self._discover(discovery, clock, health)
        looks = self._spread(pool, lambda prefix: self._look_at(client, prefix, clock, health), sorted(prefixes))
        if discovery is None or health.failure:
            return
        deeper = [
            found for prefix, look in looks if look and look.keys for found in [discovery.below(prefix, look.keys)]
        ]
        self._take_over(deeper, health)
        new = set().union(*(found.candidates for found in deeper)) - prefixes
        self._spread(pool, lambda prefix: self._look_at(client, prefix, clock, health), sorted(new))

    def _is_discovery_due(self, clock: datetime) -> bool:
        """New repositories are looked for twice within the grace that they have to show.

        That takes a request for each namespace, which a bucket with nothing new is not to cost at each read.
        """
        due = self._settings.grace.bucket / 2
        return self._discovered_at is None or clock - self._discovered_at >= due

    def _discover(self, discovery: Discovery, clock: datetime, health: Health) -> set[str]:
        """The prefixes at which repositories may stand."""
        try:
            found = discovery.all()
        except Failure as failure:
            health.failed(failure, self.address.prefix)
            self._unlisted = frozenset({self.address.prefix})
            self._discovered_at = None
            return set()
        self._unlisted = frozenset()
        self._discovered_at = clock
        self._take_over([found], health)
        return found.candidates

    def _take_over(self, all_found: Iterable[Found], health: Health) -> None:
        for found in all_found:
            health.errors += found.errors
            self._unlisted |= found.failures.keys()
            for prefix, failure in found.failures.items():
                health.failed(failure, prefix)

    def _look_at(self, client: Client, prefix: str, clock: datetime, health: Health) -> tuple[str, Look | None]:
        """Look at one repository, or at a candidate, and remember what it is."""
        if health.failure:
            return prefix, None
        state, errors = self.states.get(prefix), Counter[Reason]()
        try:
            look = look_at(client, prefix, state.look if state else None, errors)
        except Failure as failure:
            health.failed(failure, prefix)
            self.states.setdefault(prefix, State(prefix)).doubt = failure.reason
            return prefix, None
        health.succeeded(errors)
        if look.contents.is_empty:
            self.states.pop(prefix, None)
        else:
            state = self.states.setdefault(prefix, State(prefix))
            state.believe(look.contents, look.at, clock, self._settings.grace.stale_lock)
        return prefix, look

    def _measure_due(
        self, client: Client, health: Health, is_over: Callable[[], bool], pool: ThreadPoolExecutor
    ) -> None:
        """List the data of those repositories that are due: those never listed first, then the oldest listings."""
        never = datetime.min.replace(tzinfo=UTC)
        due = [state for state in self.states.values() if state.is_due(self._settings)]
        due.sort(key=lambda state: (state.data.started_at if state.data else never, state.prefix))
        self._spread(pool, lambda state: self._measure(client, state, health, is_over), due)

    def _measure(self, client: Client, state: State, health: Health, is_over: Callable[[], bool]) -> None:
        if health.failure or is_over():
            return
        errors = Counter[Reason]()
        try:
            measure(client, state, self._settings, errors, is_over)
        except Failure as failure:
            state.data_doubt = failure.reason
            health.failed(failure, state.prefix)
        else:
            health.succeeded(errors)

    @staticmethod
    def _spread(pool: ThreadPoolExecutor, function: Callable[[A], B], items: Iterable[A]) -> list[B]:
        return list(pool.map(function, items))

    def _failed(self, failure: Failure) -> Bucket:
        """The bucket could not be read: what was last read of it stays, dated."""
        if failure.reason in _STALE_CREDENTIALS and self._client:
            self._client.close()
            self._client = None
        self._bucket = msgspec.structs.replace(
            self._bucket, reading=Reading.UNREADABLE, reason=failure.reason, detail=str(failure)
        )
        return self._bucket

    def _published(self, clock: datetime, details: list[str]) -> Bucket:
        address = self.address
        states = [state for _, state in sorted(self.states.items())]
        details += [f"{state.prefix}: {state.foreign} objects are not restic's" for state in states if state.foreign]
        self._bucket = msgspec.structs.replace(
            self._bucket,
            reading=Reading.READ,
            reason=None,
            detail=_one_line(details),
            read_at=clock,
            clock_skew=self._client.skew if self._client else None,
            unlisted=tuple(sorted(self._unlisted)),
            repositories=tuple(state.repository(address.bucket, clock, self._settings) for state in states),
        )
        return self._bucket


def _one_line(details: list[str]) -> str:
    more = len(details) - _DETAILS
    return "; ".join(details[:_DETAILS]) + (f"; and {more} more" if more > 0 else "")
