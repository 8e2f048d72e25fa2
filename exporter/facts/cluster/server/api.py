"""Reading the cluster: one source at a time, a list of each of its kinds, each with how it went."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from exporter.durations import format_duration
from exporter.facts.cluster.decode import describe
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.server.cached_list import CachedList
from exporter.facts.cluster.server.connect import connect
from exporter.facts.cluster.server.discovery import Discovery
from exporter.facts.cluster.server.lists import Lists
from exporter.facts.cluster.server.official import ApiClient
from exporter.facts.cluster.server.polls import CachedLists, Poll
from exporter.facts.cluster.server.targets import Ask, ListTarget, is_wanted, targets
from exporter.facts.cluster.server.transport import ReadError, StoppedError, Transport
from exporter.facts.cluster.wire import Object
from exporter.facts.deadline import Until
from exporter.facts.decoding import decoder_of
from exporter.facts.model import SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.settings import Settings


class _Server(msgspec.Struct, frozen=True):
    transport: Transport
    discovery: Discovery
    lists: Lists


class ClusterReader:
    """Reads the cluster's objects through the API server.

    Sources may be read from several threads at once; within one, requests go one after the other. Without an
    *api_client*, `connect` makes one at the first read, and again after a read that was refused for who asks. A read
    of a source takes *longest* at the most (None: what the settings allow a poll).
    """

    def __init__(
        self,
        settings: Settings,
        api_client: ApiClient | None = None,
        connector: Callable[[], ApiClient] = connect,
        longest: timedelta | None = None,
    ) -> None:
        self._settings = settings
        self._longest = longest or settings.poll.longest(settings.poll.cluster)
        self._given = api_client
        self._connector = connector
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._cached_lists = CachedLists(settings)
        self._last: dict[str, ObjectList[Object]] = {}
        """The last list of each kind that could be told, by its field."""

    def read(self, source: Source, at: datetime, stop: threading.Event | None = None) -> SourceRead:
        """Read every list of *source*, or what changed in it since the last time, dating them *at*.

        A list in which nothing changed is the one that was given the last time, and an object that did not change is
        the same object in the new list.

        Never raises for what the server does: each list says how far to believe it, and the report what went wrong
        first. Once *stop* is set it returns after the request under way, with the rest of the lists pending; once its
        time is over, with the rest of them unreadable.
        """
        kinds = [kind for kind in KINDS if kind.source is source]
        if not is_wanted(source, self._settings):
            return _switched_off(source, kinds)
        started = time.monotonic()
        listings: dict[str, ObjectList[Object]] = {kind.field: ObjectList() for kind in kinds}
        errors: Counter[Reason] = Counter()
        down: ReadError | None = None
        stop = until = Until(self._longest.total_seconds(), stop)
        poll = self._cached_lists.poll(stop)
        try:
            self._follow(kinds, poll)
            for kind in kinds:
                listing, error = self._read_kind(kind, poll, at, down)
                listings[kind.field] = self._same(kind, listing)
                if error is not None:
                    errors[error.reason] += 1
                    down = error if error.unreachable else None
        except StoppedError:
            if not until.was_stopped:
                errors[Reason.TIMEOUT] += 1
                listings.update(_overdue(kinds, listings, self._longest))
        if errors[Reason.UNAUTHORIZED] or errors[Reason.TLS]:
            self._server = None
        duration = timedelta(seconds=time.monotonic() - started)
        report = _report(source, listings, errors, at, duration)
        return SourceRead(msgspec.structs.replace(report, reads=dict(poll.counts)), listings)

    def version(self, kind: Kind) -> str | None:
        """The API version that *kind* is read in; None when it is not served. Raises ReadError as `probe` does."""
        return self._connected().discovery.version(kind)

    def probe(self, kind: Kind, version: str, target: ListTarget) -> bool:
        """Ask for one object of *kind* at *target*, to see whether it is allowed; whether there is one.

        Raises:
            ReadError: it cannot be read.
        """
        return self._connected().lists.probe(kind, version, target)

    def try_watch(self, kind: Kind, target: ListTarget) -> None:
        """See whether *kind* may be watched at *target*, which is served and may be listed. Raises ReadError."""
        server, ask = self._connected(), Ask(target, kind.field_selectors[0])
        version = server.discovery.version(kind) or kind.versions[0]
        since = server.lists.present_version(kind, version, ask)
        server.lists.watch(kind, version, ask, since, 1, None)

    def raw(self, kind: Kind, version: str, target: ListTarget) -> Iterator[bytes]:
        """The API server's own answers about *kind* at *target*. Raises ReadError as `probe` does."""
        try:
            yield from self._connected().lists.raw(kind, version, target, Until(self._longest.total_seconds()))
        except StoppedError:
            detail = f"{target.verb}{target}: it was not read within {format_duration(self._longest)}"
            raise ReadError(Reason.TIMEOUT, detail) from None

    def server_version(self) -> tuple[str, str]:
        """The server's address and its version. Raises ReadError."""
        address = self._connected().transport.address
        try:
            body = self._connected().transport.get("/version")
            return address, decoder_of(_ServerVersion).decode(body).git_version
        except ReadError as error:
            raise ReadError(error.reason, f"{address}: {error}", unreachable=error.unreachable) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ReadError(Reason.MALFORMED_ANSWER, f"{address} does not answer like an API server") from None

    def _connected(self) -> _Server:
        with self._lock:
            if self._server is None:
                client = self._given or self._connector()
                transport = Transport(client, self._settings.poll.timeout)
                self._server = _Server(transport, Discovery(transport), Lists(transport, self._settings))
            return self._server

    def _follow(self, kinds: list[Kind], poll: Poll) -> None:
        """Bring up to date what needs no list. What cannot even be tried is left to the lists, which tell why."""
        with suppress(ReadError):
            server = self._connected()
            poll.follow(kinds, server.lists, lambda kind: server.discovery.version(kind, poll.stop))

    def _read_kind(
        self, kind: Kind, poll: Poll, at: datetime, down: ReadError | None
    ) -> tuple[ObjectList[Object], ReadError | None]:
        """The list of *kind*, and what went wrong now; *down* says that the server cannot be reached at all."""
        if not targets(kind, self._settings):
            return ObjectList(reading=Reading.NOT_SERVED, detail="the settings leave it out", read_at=at), None
        if down is not None:
            return ObjectList(reading=Reading.UNREADABLE, reason=down.reason, detail=f"{_what(kind)}: {down}"), None
        try:
            parts = self._read_served(kind, poll)
        except ReadError as error:
            detail = f"{_what(kind)}: {error}"
            return ObjectList(reading=Reading.UNREADABLE, reason=error.reason, detail=detail), error
        if parts is None:
            self._cached_lists.drop(kind)
            return ObjectList(reading=Reading.NOT_SERVED, detail=f"{_what(kind)}: not served", read_at=at), None
        items = parts[0].items if len(parts) == 1 else tuple(item for part in parts for item in part.items)
        malformed = tuple(one for part in parts for one in part.malformed)
        return ObjectList(items, Reading.READ, read_at=at, malformed=malformed), None

    def _read_served(self, kind: Kind, poll: Poll) -> list[CachedList] | None:
        """Every list of *kind*; None when it is not served."""
        server = self._connected()
        version = server.discovery.version(kind, poll.stop)
        if version is None:
            return None
        try:
            return poll.read(kind, version, server.lists)
        except ReadError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            # Its definition may have been removed, or lost a version, since discovery was read.
            newer = server.discovery.version(kind, poll.stop, fresh=True)
            if newer is None:
                return None
            if newer == version:
                raise
            return poll.read(kind, newer, server.lists)

    def _same(self, kind: Kind, new: ObjectList[Object]) -> ObjectList[Object]:
        """*new*, or the last list of *kind* where that says the same."""
        if new.reading not in (Reading.READ, Reading.NOT_SERVED):
            return new
        last = self._last.get(kind.field)
        if last is None or new.read_at is None or msgspec.structs.replace(last, read_at=new.read_at) != new:
            self._last[kind.field] = new
            return new
        last.confirm(new.read_at)
        return last


def _overdue(
    kinds: list[Kind], listings: dict[str, ObjectList[Object]], longest: timedelta
) -> dict[str, ObjectList[Object]]:
    """What the lists are that were not read when the time for all of them was over."""
    detail = f"the source was not read within {format_duration(longest)}"
    return {
        kind.field: ObjectList(reading=Reading.UNREADABLE, reason=Reason.TIMEOUT, detail=f"{_what(kind)}: {detail}")
        for kind in kinds
        if listings[kind.field].reading is Reading.PENDING
    }


class _ServerVersion(msgspec.Struct, rename="camel"):
    git_version: str


def _what(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def _switched_off(source: Source, kinds: list[Kind]) -> SourceRead:
    listing: ObjectList[Object] = ObjectList(reading=Reading.NOT_SERVED, detail="the settings leave it out")
    report = SourceReport(source, Reading.NOT_SERVED, detail=listing.detail)
    return SourceRead(report, {kind.field: listing for kind in kinds})


def _report(
    source: Source,
    listings: dict[str, ObjectList[Object]],
    errors: Counter[Reason],
    at: datetime,
    duration: timedelta,
) -> SourceReport:
    malformed = [one for listing in listings.values() for one in listing.malformed]
    if malformed:
        errors[Reason.MALFORMED_OBJECT] = len(malformed)
    failed = [listing for listing in listings.values() if listing.reading is Reading.UNREADABLE]
    if failed:
        return SourceReport(
            source, Reading.UNREADABLE, failed[0].reason, failed[0].detail, duration=duration, errors=dict(errors)
        )
    readings = {listing.reading for listing in listings.values()}
    if Reading.PENDING in readings:
        return SourceReport(source, Reading.PENDING, detail="it was told to stop", duration=duration)
    reading = Reading.READ if Reading.READ in readings else Reading.NOT_SERVED
    return SourceReport(source, reading, None, describe(malformed), at, duration, dict(errors))
