"""One bucket, read again and again: two rhythms, bounded in time and requests, and each failure kept where it is."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from exporter.facts.bucket.address import BucketAddress
from exporter.facts.bucket.client import Client
from exporter.facts.bucket.discovery import RepositorySearch
from exporter.facts.bucket.failure import BucketError, Stopped
from exporter.facts.bucket.faults import OF_THE_BUCKET, STALE_CREDENTIALS
from exporter.facts.bucket.look import Look, folder_of, look_at
from exporter.facts.bucket.measure import measure
from exporter.facts.bucket.model import Bucket, OtherKind, OtherRepository, is_under
from exporter.facts.bucket.pace import Pace
from exporter.facts.bucket.state import RepositoryState
from exporter.facts.bucket.together import LooksTogether
from exporter.facts.bucket.workers import spread
from exporter.facts.layout import CUSTOMARY, Owner, namespace_at, prefix_of
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

MOST_REPOSITORIES = 100_000
"""In one bucket. A bucket that shows more is not believed to have them."""

_DETAILS = 3
"""So many repositories' troubles are told in the bucket's one line."""

A = TypeVar("A")


class RequestTally:
    """How the requests of one read fare. It tells when to give up on the bucket."""

    def __init__(self) -> None:
        self.errors: Counter[Reason] = Counter()
        self.failure: BucketError | None = None
        """Why the bucket is given up."""
        self.details: list[str] = []
        """A line for each failure."""
        self.reasons: list[Reason] = []
        """And why each was."""
        self._lock = threading.Lock()
        self._succeeded = 0
        self._in_a_row = 0
        self._last: BucketError | None = None

    def succeeded(self, errors: Counter[Reason]) -> None:
        """A repository was read; *errors* are answers that were put right on the way."""
        with self._lock:
            self.errors += errors
            self._succeeded += 1
            self._in_a_row = 0

    def failed(self, failure: BucketError, prefix: str) -> None:
        """What stands at *prefix* could not be read."""
        with self._lock:
            self.errors[failure.reason] += 1
            self.details.append(f"{prefix or 'the bucket'}: {failure}")
            self.reasons.append(failure.reason)
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

    def __init__(self, address: BucketAddress, settings: Settings, pace: Pace) -> None:
        self.address = address
        self.states: dict[str, RepositoryState] = {}
        self.requests = 0
        """Requests of the last read."""
        self.settings = settings
        self.pace = pace
        """The ceiling of its requests; whoever else reads the bucket keeps to it too."""
        self._client: Client | None = None
        self._writers: tuple[Owner, ...] = ()
        self._unlisted: frozenset[str] = frozenset()
        self._strays: dict[str, BucketError] = {}
        """Where a repository should be and none is known, and nothing could be seen in this read."""
        self._given_up: dict[str, datetime] = {}
        """Prefixes that would cost too much to look into, and since when."""
        self._others: dict[str, OtherKind] = {}
        self._discovered_at: datetime | None = None
        self._together = LooksTogether(address.prefix, settings.poll.full_listing)
        self._bucket = Bucket(
            name=address.bucket,
            endpoint=address.endpoint,
            prefix=address.prefix,
            layout=address.settings.layout,
            capacity_bytes=address.settings.capacity_bytes,
            listed=(address.prefix,),
        )

    @property
    def bucket(self) -> Bucket:
        """As it was last read."""
        return self._bucket

    def client(self) -> Client:
        """The bucket's client, connected on first use.

        Raises:
            BucketError: the settings or the credentials do not let one be made.
        """
        if self._client is None:
            self._client = Client(self.address, self.settings.poll, self.pace)
        return self._client

    def expect(self, writers: Iterable[Owner]) -> None:
        """Look, from the next read on, for the repositories of *writers*, wherever else repositories are found.

        Those whose claims another exporter looks at are left to it.
        """
        self._writers = tuple(one for one in writers if self.settings.claims.is_of_shard(one.namespace or ""))

    def expected(self) -> frozenset[str]:
        """The prefixes at which the writers' repositories should be.

        Without a layout, it is the customary one that fits most of the repositories that are known. It says where to
        look and no more: who writes to a repository is for others to tell.
        """
        base = folder_of(self.address.prefix)

        def prefixes(layout: str) -> frozenset[str]:
            return frozenset(
                base + prefix_of(layout, owner.namespace or "", owner.pvc or "", owner.source or "")
                for owner in self._writers
            )

        if self.address.settings.layout:
            return prefixes(self.address.settings.layout)
        places = max((prefixes(layout) for layout in CUSTOMARY), key=lambda places: len(places & self.states.keys()))
        return places if places & self.states.keys() else frozenset()

    def read(
        self, clock: datetime, is_over: Callable[[], bool], stop: threading.Event
    ) -> tuple[Bucket, Counter[Reason]]:
        """Look at every repository, then measure those that are due until *is_over*.

        Returns:
            The bucket, *clock* being the exporter's, and the failures and disbelieved answers of this read.
        """
        health, measuring = RequestTally(), RequestTally()
        try:
            client = self.client()
        except BucketError as failure:
            return self.failed(failure)
        client.stop, before = stop, client.requests
        try:
            self._look_at_all(client, clock, health)
            health.conclude()
            if not health.failure:
                self._measure_due(client, clock, measuring, is_over)
        except Stopped:
            return self._bucket, health.errors
        self.requests = client.requests - before
        errors = health.errors + measuring.errors
        if health.failure and health.failure.reason is Reason.NO_SUCH_BUCKET:
            return self._absent(clock, health.failure), errors
        if health.failure:
            return self._unreadable(health.failure), errors
        return self._published(clock, health.reasons + measuring.reasons, health.details + measuring.details), errors

    def _look_at_all(self, client: Client, clock: datetime, health: RequestTally) -> None:
        """Look at the known repositories, where others should be, and at a slower rhythm for new ones.

        A listing with a delimiter may leave a folder out and say nothing of it: that a repository which should be
        there is not is believed of a look at its own place only. Those that were looked at longest ago come first.
        """
        never = datetime.min.replace(tzinfo=UTC)
        known = sorted(self.states.values(), key=lambda state: (state.looked_at or never, state.prefix))
        missing = sorted(self.expected() - self.states.keys())
        self._strays = {}

        def look(prefix: str) -> None:
            self._try_to_look(client, prefix, clock, health)

        done = self._look_together(client, clock, health)
        self._spread(look, [*(state.prefix for state in known if state.prefix not in done), *missing])
        if health.failure:
            return
        if self._is_discovery_due(clock):
            self._discover(client, clock, health)
        self._look_below(client, clock, health)

    def _look_together(self, client: Client, clock: datetime, health: RequestTally) -> frozenset[str]:
        """Look at as many of the known repositories as one listing tells of, and say at which."""
        errors = Counter[Reason]()
        known = {prefix: state.look for prefix, state in self.states.items() if state.look and not state.is_shared}
        looks = self._together.run(client, known, clock, errors)
        for prefix, look in looks.items():
            self.states[prefix].believe(look.contents, look.at, clock, self.settings.grace.stale_lock)
        if looks:
            health.succeeded(errors)
        return frozenset(looks)

    def _is_discovery_due(self, clock: datetime) -> bool:
        """New repositories are looked for twice within the grace that they have to show.

        That takes a request for each namespace, which a bucket with nothing new is not to cost at each read.
        """
        due = self.settings.grace.bucket / 2
        return self._discovered_at is None or clock - self._discovered_at >= due

    def _discover(self, client: Client, clock: datetime, health: RequestTally) -> None:
        """Find what repositories there are, and remember what could not be looked into."""

        def look(prefix: str, *, is_likely: bool) -> Look:
            if health.failure:
                raise BucketError(health.failure.reason, str(health.failure))
            return self._look_at(client, prefix, clock, health, is_likely=is_likely)

        self._forget_what_was_given_up(clock)
        discovery = RepositorySearch(client, self.address.prefix, self.states, look, self._given_up, self._is_left)
        try:
            found = discovery.run(self._spread)
        except BucketError as failure:
            health.failed(failure, self.address.prefix)
            self._unlisted = frozenset({self.address.prefix})
            self._discovered_at = None
            return
        health.succeeded(found.errors)
        for prefix, failed in found.failures.items():
            health.failed(failed, prefix)
        self._unlisted = frozenset(found.failures) | found.given_up
        self._others = found.others
        for prefix in found.given_up - found.others.keys():
            self._given_up.setdefault(prefix, clock)
        self._discovered_at = clock

    def _is_left(self, prefix: str) -> bool:
        """Whether *prefix* is of a namespace that another exporter looks at; without a set layout none is."""
        path = prefix.removeprefix(folder_of(self.address.prefix))
        namespace = namespace_at(self.address.settings.layout, path)
        return namespace is not None and not self.settings.claims.is_of_shard(namespace)

    def _forget_what_was_given_up(self, clock: datetime) -> None:
        lasts = self.settings.poll.full_listing
        self._given_up = {prefix: at for prefix, at in self._given_up.items() if clock - at < lasts}

    def _look_below(self, client: Client, clock: datetime, health: RequestTally) -> None:
        """Look where a repository's own listing showed the objects of another below it."""
        homes = frozenset[str]().union(*(state.homes for state in self.states.values()))
        new = sorted(home for home in homes - self.states.keys() if is_under(home, self.address.prefix))
        self._spread(lambda prefix: self._try_to_look(client, prefix, clock, health), new)

    def _try_to_look(self, client: Client, prefix: str, clock: datetime, health: RequestTally) -> None:
        """Look at what stands at *prefix*; where that fails, it is in doubt, or may hold anything."""
        if health.failure:
            return
        try:
            self._look_at(client, prefix, clock, health)
        except BucketError as failure:
            health.failed(failure, prefix)
            if state := self.states.get(prefix):
                state.doubt = failure.reason
            else:
                self._strays[prefix] = failure

    def _look_at(
        self, client: Client, prefix: str, clock: datetime, health: RequestTally, *, is_likely: bool = True
    ) -> Look:
        """Look at what stands at *prefix*, and remember what it is.

        Raises:
            BucketError: a request failed, or an answer is not believed.
        """
        state, errors = self.states.get(prefix), Counter[Reason]()
        if state is None and len(self.states) >= MOST_REPOSITORIES:
            raise BucketError(Reason.ENDLESS_LISTING, f"there are more than {MOST_REPOSITORIES} repositories")
        look = look_at(client, prefix, state.look if state else None, errors, is_likely=is_likely)
        health.succeeded(errors)
        if look.contents.is_empty or not (state or look.contents.is_repository):
            self.states.pop(prefix, None)
        else:
            state = self.states.setdefault(prefix, RepositoryState(prefix))
            state.believe(look.contents, look.at, clock, self.settings.grace.stale_lock)
            state.is_shared = state.is_shared or look.is_shared
        return look

    def _measure_due(self, client: Client, clock: datetime, health: RequestTally, is_over: Callable[[], bool]) -> None:
        """List the data of those repositories that are due: those never listed first, then the oldest listings."""
        never = datetime.min.replace(tzinfo=UTC)
        seen = set[str]()
        while due := [s for s in self.states.values() if s.prefix not in seen and s.is_due(self.settings)]:
            seen.update(state.prefix for state in due)
            due.sort(key=lambda state: (state.data.started_at if state.data else never, state.prefix))
            self._spread(lambda state: self._measure(client, state, health, is_over), due)
            self._look_below(client, clock, health)

    def _measure(
        self, client: Client, state: RepositoryState, health: RequestTally, is_over: Callable[[], bool]
    ) -> None:
        if health.failure or is_over():
            return
        errors = Counter[Reason]()
        try:
            measure(client, state, self.settings, errors, is_over)
        except BucketError as failure:
            state.data_doubt = failure.reason
            health.failed(failure, state.prefix)
        else:
            health.succeeded(errors)
            if state.is_gone:
                self.states.pop(state.prefix, None)

    def _spread(self, function: Callable[[A], None], items: Iterable[A]) -> None:
        spread(function, items, self.address.settings.concurrency)

    def failed(self, failure: BucketError) -> tuple[Bucket, Counter[Reason]]:
        """What a read brings that failed as a whole."""
        return self._unreadable(failure), Counter([failure.reason])

    def _unreadable(self, failure: BucketError) -> Bucket:
        """The bucket could not be read: what was last read of it stays, dated."""
        if failure.reason in STALE_CREDENTIALS and self._client:
            self._client.close()
            self._client = None
        self._bucket = msgspec.structs.replace(
            self._bucket, reading=Reading.UNREADABLE, reason=failure.reason, detail=str(failure)
        )
        return self._bucket

    def _absent(self, clock: datetime, failure: BucketError) -> Bucket:
        """There is no such bucket: that is an answer, and nothing can be restored from it."""
        self.states, self._others, self._given_up = {}, {}, {}
        self._unlisted, self._discovered_at = frozenset(), None
        self._bucket = msgspec.structs.replace(
            self._bucket,
            reading=Reading.READ,
            reason=failure.reason,
            detail=str(failure),
            exists=False,
            read_at=clock,
            clock_skew=self._client.skew if self._client else None,
            repositories=(),
            others=(),
            unlisted=(),
        )
        return self._bucket

    def _published(self, clock: datetime, reasons: list[Reason], details: list[str]) -> Bucket:
        address = self.address
        states = [state for _, state in sorted(self.states.items())]
        details += [f"{state.prefix}: {state.foreign} objects are not restic's" for state in states if state.foreign]
        if self._given_up:
            details.append(f"{len(self._given_up)} folders were not looked into: they hold too much else")
        self._bucket = msgspec.structs.replace(
            self._bucket,
            reading=Reading.READ,
            reason=next(iter(reasons), None),
            detail=_one_line(details),
            read_at=clock,
            clock_skew=self._client.skew if self._client else None,
            exists=True,
            others=tuple(OtherRepository(kind, prefix) for prefix, kind in sorted(self._others.items())),
            unlisted=tuple(sorted(self._unlisted | self._strays.keys())),
            repositories=tuple(state.repository(address.bucket, clock, self.settings) for state in states),
        )
        return self._bucket


def _one_line(details: list[str]) -> str:
    more = len(details) - _DETAILS
    return "; ".join(details[:_DETAILS]) + (f"; and {more} more" if more > 0 else "")
