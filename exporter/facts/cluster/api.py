"""Reading the cluster: one source at a time, a list of each of its kinds, each with how it went."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec
from kubernetes.client import ApiClient

from exporter.facts import objects
from exporter.facts.cluster.connect import connect
from exporter.facts.cluster.decode import MalformedPageError, Page, decode_bytes, decode_page, describe
from exporter.facts.cluster.discovery import Discovery
from exporter.facts.cluster.kinds import KINDS, Kind
from exporter.facts.cluster.scopes import Scope, Verb, field_selector, is_wanted, scopes
from exporter.facts.cluster.transport import JSON, ReadError, StoppedError, Transport
from exporter.facts.model import Listing, Malformed, Reading, Reason, Source, SourceRead, SourceReport
from exporter.settings import Settings

_METADATA_ONLY = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Without a fallback to plain JSON: a server that cannot give metadata alone must refuse, not send the Secrets."""
_RESTARTS = 3
"""How often a list whose continue token expired is begun anew."""


class _Server(msgspec.Struct, frozen=True):
    transport: Transport
    discovery: Discovery


class ClusterReader:
    """Reads the cluster's objects through the API server.

    Sources may be read from several threads at once; within one, requests go one after the other. Without an
    *api_client*, `connect` makes one at the first read, and again after a read that was refused for who asks.
    """

    def __init__(
        self,
        settings: Settings,
        api_client: ApiClient | None = None,
        connector: Callable[[], ApiClient] = connect,
    ) -> None:
        self._settings = settings
        self._given = api_client
        self._connector = connector
        self._lock = threading.Lock()
        self._server: _Server | None = None

    def read(self, source: Source, at: datetime, stop: threading.Event | None = None) -> SourceRead:
        """Read every list of *source*, dating them *at*.

        Never raises for what the server does: each list says how far to believe it, and the report what went wrong
        first. Once *stop* is set it returns after the request under way, with the rest of the lists pending.
        """
        kinds = [kind for kind in KINDS if kind.source is source]
        if not is_wanted(source, self._settings):
            return _switched_off(source, kinds)
        started = time.monotonic()
        listings: dict[str, Listing[objects.Object]] = {kind.field: Listing() for kind in kinds}
        errors: Counter[Reason] = Counter()
        down: ReadError | None = None
        try:
            for kind in kinds:
                listings[kind.field], error = self._read_kind(kind, at, stop, down)
                if error is not None:
                    errors[error.reason] += 1
                    down = error if error.unreachable else None
        except StoppedError:
            pass
        if errors[Reason.UNAUTHORIZED] or errors[Reason.TLS]:
            self._server = None
        duration = timedelta(seconds=time.monotonic() - started)
        return SourceRead(_report(source, listings, errors, at, duration), listings)

    def version(self, kind: Kind) -> str | None:
        """The API version that *kind* is read in; None when it is not served. Raises ReadError as `probe` does."""
        return self._connected().discovery.version(kind)

    def probe(self, kind: Kind, version: str, scope: Scope) -> None:
        """Ask for one object of *kind*, to see whether it is allowed.

        Raises:
            ReadError: it cannot be read.
        """
        selector = field_selector(kind, kind.field_selectors[0], scope, self._settings)
        query = {} if scope.verb is Verb.GET else _query(kind, selector, limit=1)
        try:
            body = self._connected().transport.get(_path(kind, version, scope), query, _accept(kind))
            if scope.verb is Verb.LIST:
                decode_page(kind, body)
        except MalformedPageError as error:
            raise ReadError(Reason.MALFORMED_ANSWER, str(error)) from None

    def server_version(self) -> tuple[str, str]:
        """The server's address and its version. Raises ReadError."""
        address = self._connected().transport.address
        try:
            body = self._connected().transport.get("/version")
            return address, msgspec.json.decode(body, type=_ServerVersion).git_version
        except ReadError as error:
            raise ReadError(error.reason, f"{address}: {error}", unreachable=error.unreachable) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ReadError(Reason.MALFORMED_ANSWER, f"{address} does not answer like an API server") from None

    def _connected(self) -> _Server:
        with self._lock:
            if self._server is None:
                client = self._given or self._connector()
                transport = Transport(client, self._settings.poll.timeout)
                self._server = _Server(transport, Discovery(transport))
            return self._server

    def _read_kind(
        self, kind: Kind, at: datetime, stop: threading.Event | None, down: ReadError | None
    ) -> tuple[Listing[objects.Object], ReadError | None]:
        """The list of *kind*, and what went wrong now; *down* says that the server cannot be reached at all."""
        places = scopes(kind, self._settings)
        if not places:
            return Listing(reading=Reading.NOT_SERVED, detail="the settings leave it out", read_at=at), None
        if down is not None:
            return Listing(reading=Reading.UNREADABLE, reason=down.reason, detail=f"{_what(kind)}: {down}"), None
        try:
            pages = self._read_served(kind, places, stop)
        except ReadError as error:
            detail = f"{_what(kind)}: {error}"
            return Listing(reading=Reading.UNREADABLE, reason=error.reason, detail=detail), error
        if pages is None:
            return Listing(reading=Reading.NOT_SERVED, detail=f"{_what(kind)}: not served", read_at=at), None
        items = tuple(item for page in pages for item in page.items)
        malformed = tuple(one for page in pages for one in page.malformed)
        return Listing(items, Reading.READ, read_at=at, malformed=malformed), None

    def _read_served(self, kind: Kind, places: tuple[Scope, ...], stop: threading.Event | None) -> list[Page] | None:
        """All pages of *kind*; None when it is not served."""
        discovery = self._connected().discovery
        version = discovery.version(kind, stop)
        if version is None:
            return None
        try:
            return self._read_places(kind, version, places, stop)
        except ReadError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            # Its definition may have been removed, or lost a version, since discovery was read.
            newer = discovery.version(kind, stop, fresh=True)
            if newer is None:
                return None
            if newer == version:
                raise
            return self._read_places(kind, newer, places, stop)

    def _read_places(
        self, kind: Kind, version: str, places: tuple[Scope, ...], stop: threading.Event | None
    ) -> list[Page]:
        pages: list[Page] = []
        for scope in places:
            try:
                if scope.verb is Verb.GET:
                    pages += self._get(kind, version, scope, stop)
                    continue
                for selector in kind.field_selectors:
                    pages += self._list(kind, version, scope, selector, stop)
            except ReadError as error:
                raise ReadError(error.reason, f"{scope.verb}{scope}: {error}", unreachable=error.unreachable) from None
        return pages

    def _get(self, kind: Kind, version: str, scope: Scope, stop: threading.Event | None) -> list[Page]:
        try:
            body = self._connected().transport.get(_path(kind, version, scope), stop=stop)
        except ReadError as error:
            if error.reason is Reason.NOT_FOUND:  # a namespace that the settings name need not be there
                return []
            raise
        one = decode_bytes(kind, body)
        return [Page((), (one,), "") if isinstance(one, Malformed) else Page((one,), (), "")]

    def _list(self, kind: Kind, version: str, scope: Scope, selector: str, stop: threading.Event | None) -> list[Page]:
        for _ in range(_RESTARTS + 1):
            try:
                return list(self._pages(kind, version, scope, selector, stop))
            except ReadError as error:
                if error.reason is not Reason.EXPIRED:
                    raise
        raise ReadError(Reason.EXPIRED, f"the list expired {_RESTARTS + 1} times before its last page")

    def _pages(
        self, kind: Kind, version: str, scope: Scope, selector: str, stop: threading.Event | None
    ) -> Iterator[Page]:
        path, accept = _path(kind, version, scope), _accept(kind)
        query = _query(kind, field_selector(kind, selector, scope, self._settings), self._settings.poll.page_size)
        token = ""
        while True:
            if stop is not None and stop.is_set():
                raise StoppedError
            body = self._connected().transport.get(path, {**query, "continue": token} if token else query, accept, stop)
            try:
                page = decode_page(kind, body)
            except MalformedPageError as error:
                raise ReadError(Reason.MALFORMED_ANSWER, str(error)) from None
            yield page
            if not page.next:
                return
            if page.next == token:
                raise ReadError(Reason.REPEATED_TOKEN, "the server gave the same continue token twice")
            token = page.next


class _ServerVersion(msgspec.Struct, rename="camel"):
    git_version: str


def _what(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def _path(kind: Kind, version: str, scope: Scope) -> str:
    root = f"/apis/{kind.group}/{version}" if kind.group else f"/api/{version}"
    namespace = quote(scope.namespace, safe="")
    if scope.verb is Verb.GET:
        return f"{root}/{kind.plural}/{namespace}"
    return f"{root}/namespaces/{namespace}/{kind.plural}" if namespace else f"{root}/{kind.plural}"


def _query(kind: Kind, selector: str, limit: int) -> dict[str, str]:
    # No resourceVersion: with `0` the server would ignore the limit (kubernetes#96182).
    query = {"limit": str(limit), "labelSelector": kind.label_selector, "fieldSelector": selector}
    return {name: value for name, value in query.items() if value}


def _accept(kind: Kind) -> str:
    return _METADATA_ONLY if kind.metadata_only else JSON


def _switched_off(source: Source, kinds: list[Kind]) -> SourceRead:
    listing: Listing[objects.Object] = Listing(reading=Reading.NOT_SERVED, detail="the settings leave it out")
    report = SourceReport(source, Reading.NOT_SERVED, detail=listing.detail)
    return SourceRead(report, {kind.field: listing for kind in kinds})


def _report(
    source: Source,
    listings: dict[str, Listing[objects.Object]],
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
