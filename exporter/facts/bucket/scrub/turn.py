"""One bucket, scrubbed turn by turn: what is due is read, and each failure costs one object where it can."""

import itertools
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

from exporter.facts.bucket.client import Client
from exporter.facts.bucket.failure import BucketError
from exporter.facts.bucket.faults import OF_THE_BUCKET, STALE_CREDENTIALS
from exporter.facts.bucket.listing import ListingPage, moment
from exporter.facts.bucket.look import folder_of, pages_of
from exporter.facts.bucket.model import ObjectType, Repository, Scrub
from exporter.facts.bucket.pace import Pace
from exporter.facts.bucket.paging import DatedPage
from exporter.facts.bucket.repository import is_file
from exporter.facts.bucket.scrub.proof import Judged, Listed, Outcome, prove
from exporter.facts.bucket.scrub.rotation import Rotation
from exporter.facts.bucket.scrub.state import SMALL, Found, Pass, RepositoryScrub
from exporter.facts.bucket.sweep import Sweep
from exporter.facts.bucket.throughput import Throughput
from exporter.facts.model import RepositoryPlace
from exporter.facts.reading import Reason
from exporter.settings import Settings

SETTLED = timedelta(minutes=10)
"""An object that is younger may not be all there, in a store whose uploads are not atomic: its turn comes later."""

_SMALL_FOLDERS = (ObjectType.KEYS, ObjectType.INDEX, ObjectType.SNAPSHOTS)
_FAILURES_OF_ONE = 4
"""So many of the kinds below in one turn, and the rest of that repository waits for the next, …"""
_FAILURES_IN_A_ROW = 8
"""… and so many in a row, and it is the bucket that fails."""
_SLOW_FAILURES = frozenset({Reason.TIMEOUT, Reason.CONNECTION, Reason.THROTTLED, Reason.SERVER_ERROR})
_LONGEST = 900.0
"""Seconds. An object that takes longer at the ceiling is not read; restic writes none of more than some 130 MiB."""
_ARCHIVED = "InvalidObjectState"
"""S3's code for an object in an archive (GLACIER): it cannot be read before somebody has it restored."""


_FEW_PACKS = 1000
"""One request lists so many, …"""
_SEVERAL_SHARDS = 3
"""… which is less to ask for than so many shards one by one."""
_MOST_SHOWN = 10 * _FEW_PACKS
"""A store that then lists more than this is not believed: these are kept for the turn."""
_LISTING = 0.5
"""Seconds between two looks at whether the bucket was listed for the first time."""

Dated = tuple[Listed, datetime]
"""An object, and when it was listed, by the store's clock."""
Now = Callable[[], datetime]
"""The exporter's clock."""


class BucketScrub:
    """Scrubs the repositories that a sweep finds in its bucket, and keeps what it must remember for the next turn."""

    def __init__(self, sweep: Sweep, settings: Settings, requests: Pace, content: Throughput) -> None:
        """Keep to the ceilings of *requests* and of *content*, in bytes."""
        self.sweep = sweep
        self.states: dict[str, RepositoryScrub] = {}
        self.errors: Counter[Reason] = Counter()
        """Of the last turn."""
        self.failure: BucketError | None = None
        """Why the last turn was given up."""
        self._settings = settings
        self._requests = requests
        self._content = content
        self._client: Client | None = None
        self._asks_first = False
        """Whether the store keeps SHA-256 checksums: the last object that was read had one."""
        self._has_read = False
        """Whether an object of the bucket could ever be read."""
        self._has_succeeded = False
        """Whether anything of it could, in this turn."""
        self._last: BucketError | None = None
        """Why something could not, the last time in this turn."""
        self._in_a_row = 0
        self._slow: Counter[str] = Counter()
        """Objects of each repository that the store did not bring in this turn."""
        self._at_once: set[str] = set()
        """The repositories whose packs are listed at once in this turn."""
        self._shown: tuple[str | None, list[Dated]] = None, []
        """The last repository of which they were, and its packs."""

    def turn(self, clock: datetime, is_over: Callable[[], bool], stop: threading.Event) -> None:
        """Read what is due at *clock*, the exporter's, until *is_over*. Failures are facts: they are not raised.

        Raises:
            Stopped: the program is to stop.
        """
        started = time.monotonic()
        self._forget_the_last_turn()
        while self.sweep.bucket.read_at is None and not is_over():
            stop.wait(_LISTING)
        self._follow(self.sweep.bucket.repositories, clock)

        def now() -> datetime:
            return clock + timedelta(seconds=time.monotonic() - started)

        try:
            client = self._connected()
            client.stop = stop
            for step in self._steps(client, now):
                if is_over():
                    break
                step()
            if self._last and not self._has_succeeded:
                self.failure = self._last
        except BucketError as failure:
            self._give_up(failure)

    def _forget_the_last_turn(self) -> None:
        self.errors, self.failure, self._in_a_row = Counter(), None, 0
        self._last, self._has_succeeded = None, False
        self._slow, self._at_once, self._shown = Counter(), set(), (None, [])

    def scrubs(self) -> dict[RepositoryPlace, Scrub]:
        """What is known of each repository."""
        identity = self.sweep.bucket.identity
        return {(identity, prefix): state.scrub() for prefix, state in self.states.items()}

    # --- what is due

    def _follow(self, repositories: Iterable[Repository], clock: datetime) -> None:
        """Scrub what the sweep finds now; what it does not believe waits, and what is gone is forgotten."""
        listed = {repository.prefix: repository for repository in repositories}
        self.states = {
            prefix: self.states.get(prefix) or RepositoryScrub(prefix, clock.timestamp())
            for prefix, repository in listed.items()
            if prefix in self.states or (repository.present and not repository.suspect)
        }
        for prefix, state in self.states.items():
            packs = listed[prefix].totals.get(ObjectType.DATA)
            state.packs = packs.objects if packs else None

    def _steps(self, client: Client, now: Now) -> Iterator[Callable[[], None]]:
        """What is to be done, the most urgent first; each step may be the last one."""
        states, unlisted = list(self.states.values()), set[str]()
        for state in states:
            for found in list(state.found.values()):
                yield partial(self._look_again, client, state, found, now)
            for key in state.to_retry():
                if self._is_to_wait(state):
                    break
                yield partial(self._try_again, client, state, key, now)
        for state, shard in [*self._small_due(states, now()), *self._packs_due(states, now())]:
            if state.prefix in unlisted or self._is_to_wait(state):
                continue
            try:
                yield from self._pass(client, state, shard, now)
            except BucketError as failure:  # of a listing
                self._failed(failure)
                unlisted.add(state.prefix)

    def _small_due(self, states: Iterable[RepositoryScrub], at: datetime) -> Iterator[tuple[RepositoryScrub, int]]:
        """The repositories whose keys, indexes and snapshots are due: those never read first."""
        due = []
        for state in states:
            rotation = Rotation(self._settings.scrub.small_files, self._offset(state), 1)
            if rotation.due(at.timestamp(), state.since, (state.small,)):
                due.append(state)
        return ((state, SMALL) for state in sorted(due, key=lambda state: state.small))

    def _packs_due(self, states: Iterable[RepositoryScrub], at: datetime) -> Iterator[tuple[RepositoryScrub, int]]:
        """The shards that are due: what is under way first, then those never read, then what was read longest ago."""
        due: list[tuple[int, str, int, RepositoryScrub, int]] = []
        for state in states:
            rotation = Rotation(self._settings.scrub.period, self._offset(state))
            slot = rotation.slot(at.timestamp())
            if state.settled == slot:
                continue
            shards = rotation.due(at.timestamp(), state.since, state.read)
            if not shards:
                state.settled = slot
            if len(shards) >= _SEVERAL_SHARDS and state.packs is not None and state.packs <= _FEW_PACKS:
                self._at_once.add(state.prefix)
            due += [
                (-1 if shard in state.passes else state.read[shard], state.prefix, order, state, shard)
                for order, shard in enumerate(shards)
            ]
        due.sort(key=lambda one: one[:3])
        return ((state, shard) for *_, state, shard in due)

    def _offset(self, state: RepositoryScrub) -> float:
        return zlib.crc32(repr((self.sweep.bucket.identity, state.prefix)).encode()) / 2**32

    # --- reading

    def _pass(self, client: Client, state: RepositoryScrub, shard: int, now: Now) -> Iterator[Callable[[], None]]:
        """Read a part of a repository, object by object, or go on with it.

        Raises:
            BucketError: its listing failed.
        """
        under_way = state.passes.get(shard)
        if under_way is None:
            under_way = state.begin(shard, now().timestamp())
            state.forget_missed(_folders(state, shard))
        for listed in self._listed(client, state, shard, under_way.after):
            if self._is_to_wait(state):
                return
            yield partial(self._take, client, state, under_way, listed, now)
        yield partial(self._complete, state, under_way)

    def _is_to_wait(self, state: RepositoryScrub) -> bool:
        """Whether so much of a repository could not be had that the rest of it waits for the next turn."""
        return self._slow[state.prefix] >= _FAILURES_OF_ONE

    def _complete(self, state: RepositoryScrub, under_way: Pass) -> None:
        self._has_succeeded = self._has_succeeded or self._last is None
        state.complete(under_way)

    def _take(self, client: Client, state: RepositoryScrub, under_way: Pass, listed: Listed, now: Now) -> None:
        judged = self._judge(client, state, listed, now)
        if judged is not None and judged.is_sound:
            under_way.scrubbed[judged.proof] += listed.size
        under_way.after = listed.key

    def _listed(self, client: Client, state: RepositoryScrub, shard: int, after: str) -> Iterator[Listed]:
        """The objects of a part, after the key *after*, that are old enough to be all there."""
        for folder in _folders(state, shard):
            if after <= f"{folder}~":
                for listed, at in self._dated(client, state, folder):
                    if listed.key > after and _is_settled(listed, at):
                        yield listed

    def _dated(self, client: Client, state: RepositoryScrub, folder: str) -> Iterator[Dated]:
        """The repository's files in *folder*; of one listing of all its packs, where that costs less."""
        if state.prefix not in self._at_once or not folder.startswith(_packs_of(state)):
            return _files(pages_of(client, folder, self.errors), state)
        if self._shown[0] != state.prefix:
            files = _files(pages_of(client, _packs_of(state), self.errors), state)
            self._shown = state.prefix, list(itertools.islice(files, _MOST_SHOWN + 1))
        if len(self._shown[1]) > _MOST_SHOWN:
            raise BucketError(Reason.CONTRADICTED, f"{state.prefix} has {state.packs} packs, and lists many more")
        return (dated for dated in self._shown[1] if dated[0].key.startswith(folder))

    def _judge(self, client: Client, state: RepositoryScrub, listed: Listed, now: Now) -> Judged | None:
        """Find out what an object is, and remember it; None where it could not be read.

        Raises:
            BucketError: it is the bucket that cannot be read.
        """
        try:
            judged = self._prove(client, listed)
        except BucketError as failure:
            state.miss(listed.key)
            self._slow[state.prefix] += failure.reason in _SLOW_FAILURES
            self._failed(failure)
            return None
        self._in_a_row, self._has_succeeded = 0, True
        if judged.is_sound:
            self._has_read, self._asks_first = True, judged.keeps_digest
        state.take_in(listed, judged, now())
        return judged

    def _prove(self, client: Client, listed: Listed) -> Judged:
        if listed.size > _LONGEST * self._content.per_second:
            raise BucketError(Reason.TOO_LARGE, f"{listed.key} has {listed.size} bytes")
        ask = self._asks_first and self._settings.scrub.stored_checksums
        judged = prove(client, listed, self._content, ask_first=ask)
        if judged.is_corrupt and listed not in _at(client, listed.key):  # it went, or was replaced, meanwhile
            return Judged(Outcome.GONE)
        return judged

    def _failed(self, failure: BucketError) -> None:
        """Count a failure.

        Raises:
            BucketError: it is that of the bucket.
        """
        self.errors[failure.reason] += 1
        self._last = failure
        self._in_a_row = self._in_a_row + 1 if failure.reason in _SLOW_FAILURES else 0
        is_refused = failure.reason is Reason.FORBIDDEN and failure.code != _ARCHIVED and not self._has_read
        if is_refused:
            raise BucketError(failure.reason, f"{failure}; grant s3:GetObject on the bucket's objects", failure.code)
        if failure.reason in OF_THE_BUCKET or self._in_a_row >= _FAILURES_IN_A_ROW:
            raise failure

    def _look_again(self, client: Client, state: RepositoryScrub, found: Found, now: Now) -> None:
        """A corrupt object that is gone is none any more; one that was replaced, or healed in place, may be sound."""
        try:
            listed = _at(client, found.listed.key)
        except BucketError as failure:
            self._failed(failure)
            return
        if not listed:
            state.found.pop(found.listed.key, None)
        elif listed[0] != found.listed or now() - found.last >= self._settings.scrub.small_files:
            self._judge(client, state, listed[0], now)

    def _try_again(self, client: Client, state: RepositoryScrub, key: str, now: Now) -> None:
        try:
            listed = _at(client, key)
        except BucketError as failure:
            state.miss(key)
            self._failed(failure)
            return
        if listed:
            self._judge(client, state, listed[0], now)
        else:
            state.take_in(Listed(key, 0, ""), Judged(Outcome.GONE), now())

    # --- the bucket

    def _connected(self) -> Client:
        """A client of its own: the looks are not to wait for its connections."""
        if self._client is None:
            self._client = Client(self.sweep.address, self._settings.poll, self._requests)
        return self._client

    def _give_up(self, failure: BucketError) -> None:
        self.failure = failure
        if not self.errors:
            self.errors[failure.reason] += 1
        if failure.reason in STALE_CREDENTIALS and self._client:
            self._client.close()
            self._client = None


def _at(client: Client, key: str) -> list[Listed]:
    """The object at *key*, as it is listed now; empty where it is not."""
    return [one for one in _columns(client.list(key).page) if one.key == key]


def _is_settled(listed: Listed, at: datetime) -> bool:
    """Whether it was stored long enough before *at*, both by the store's clock.

    Raises:
        BucketError: its date cannot be read.
    """
    try:
        return at - moment(listed.modified) >= SETTLED
    except ValueError as error:
        raise BucketError(Reason.MALFORMED_ANSWER, f"the answer cannot be read: {error}") from None


def _folders(state: RepositoryScrub, shard: int) -> tuple[str, ...]:
    """The folders of a part of the repository, ascending."""
    base = folder_of(state.prefix)
    if shard == SMALL:
        return tuple(sorted(f"{base}{kind}/" for kind in _SMALL_FOLDERS))
    return (f"{_packs_of(state)}{shard:02x}/",)


def _packs_of(state: RepositoryScrub) -> str:
    return f"{folder_of(state.prefix)}{ObjectType.DATA}/"


def _files(pages: Iterable[DatedPage], state: RepositoryScrub) -> Iterator[Dated]:
    """The repository's files on *pages*; what else lies there is nobody's to judge."""
    base = folder_of(state.prefix)
    return (
        (one, answer.at) for answer in pages for one in _columns(answer.page) if is_file(one.key.removeprefix(base))
    )


def _columns(page: ListingPage) -> Iterator[Listed]:
    return map(Listed, page.keys, page.sizes, page.modified)
