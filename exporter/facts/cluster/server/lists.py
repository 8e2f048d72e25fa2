"""Asking for the objects of one kind: paths, selectors, pages, lists that expire on the way, and what changed since."""

import threading
from collections.abc import Callable, Iterator
from urllib.parse import quote

import msgspec

from exporter.facts.body import Body
from exporter.facts.cluster.decode import (
    ListPage,
    MalformedPageError,
    decode_bytes,
    decode_page,
    decode_version,
    is_dense,
)
from exporter.facts.cluster.kind import Kind, is_of_shard
from exporter.facts.cluster.object_list import MalformedObject
from exporter.facts.cluster.server.targets import Ask, ListTarget, Verb, field_selector
from exporter.facts.cluster.server.transport import JSON, ReadError, StoppedError, Transport
from exporter.facts.cluster.wire import Object
from exporter.facts.reading import Reason
from exporter.settings import Settings

_METADATA_ONLY = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Without a fallback to plain JSON: a server that cannot give metadata alone must refuse, not send the Secrets."""
_METADATA_EVENTS = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_WATCH_GRACE = 5.0
"""Seconds that a watch may take beyond its own time, to begin and to bring what was missed."""
_RESTARTS = 3
"""How often a list whose continue token expired is begun again."""
MOST_OBJECTS = 200_000
"""Of one kind. Three times the objects of 10,000 claims."""
_MOST_PAGES = 10_000
"""A server that gives a new continue token with every page ends nowhere."""
_ROOMY = 4
"""Pages that fill less than this part of what an answer may hold are asked for in twice the size again."""


class Lists:
    """The lists of one API server, as the settings want them."""

    def __init__(self, transport: Transport, settings: Settings) -> None:
        self._transport = transport
        self._settings = settings
        self._sizes: dict[str, int] = {}
        """How many objects a page may have, by the kind's field, where a page of the usual size was too long."""

    def read(self, kind: Kind, version: str, ask: Ask, stop: threading.Event | None = None) -> ListPage:
        """All objects of *kind* that *ask* is for, in one. An object to get that is not there is left out.

        Raises:
            ReadError: they could not be read, or not all of them.
            StoppedError: *stop* was set.
        """
        target = ask.target
        try:
            if target.verb is Verb.GET:
                return self._get(kind, version, target, stop)
            return self._whole_list(kind, version, target, ask.selector, stop)
        except ReadError as error:
            raise _at(target, error) from None

    def watch(
        self,
        kind: Kind,
        version: str,
        ask: Ask,
        since: str,
        seconds: int,
        take: Callable[[bytes], None] | None,
        stop: threading.Event | None = None,
    ) -> None:
        """Give *take* each event since resourceVersion *since* and within *seconds*, after which the server ends.

        Without *take* it is only seen whether that is allowed.

        Raises:
            ReadError: the server refuses, or does not end in time and in order.
            StoppedError: *stop* was set.
        """
        query = self._query(kind, ask.selector, ask.target, 0) | {
            "watch": "true",
            "resourceVersion": since,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        accept = _METADATA_EVENTS if kind.metadata_only else JSON
        allowed = seconds + min(_WATCH_GRACE, self._settings.poll.timeout.total_seconds())
        try:
            self._transport.lines(_path(kind, version, ask.target), query, accept, allowed, take, stop)
        except ReadError as error:
            raise _at(ask.target, error) from None

    def present_version(self, kind: Kind, version: str, ask: Ask, stop: threading.Event | None = None) -> str:
        """The resourceVersion that a list of *kind* would be of now: the server asks its store for it.

        One object is taken along, as metadata; without the kind's selectors, so that no other one is looked at.

        Raises:
            ReadError: it cannot be read.
            StoppedError: *stop* was set.
        """
        query = {"limit": "1", "fieldSelector": field_selector(kind, "", ask.target, self._settings)}
        query = {name: value for name, value in query.items() if value}
        accept = _METADATA_ONLY if kind.metadata_only else f"{_METADATA_ONLY},{JSON}"
        try:
            body = self._transport.get(_path(kind, version, ask.target), query, accept, stop)
            return decode_version(body)
        except MalformedPageError as error:
            raise _at(ask.target, ReadError(Reason.MALFORMED_ANSWER, str(error))) from None
        except ReadError as error:
            raise _at(ask.target, error) from None

    def raw(self, kind: Kind, version: str, target: ListTarget, stop: threading.Event | None = None) -> Iterator[bytes]:
        """The answers that `read` decodes, as they came: pages of lists, or objects.

        Raises:
            ReadError: they could not be read, or not all of them.
            StoppedError: *stop* was set.
        """
        path, accept = _path(kind, version, target), _accept(kind)
        if target.verb is Verb.GET:
            try:
                yield bytes(self._transport.get(path, stop=stop))
            except ReadError as error:
                if error.reason is not Reason.NOT_FOUND:
                    raise
            return
        for selector in kind.field_selectors:
            query, token = self._query(kind, selector, target, self._settings.poll.page_size), ""
            while True:
                body = self._transport.get(path, {**query, "continue": token} if token else query, accept, stop)
                yield bytes(body)
                page = _decode(kind, body)
                if not page.next:
                    break
                if page.next == token:
                    raise ReadError(Reason.REPEATED_TOKEN, "the server gave the same continue token twice")
                token = page.next

    def probe(self, kind: Kind, version: str, target: ListTarget) -> bool:
        """Ask for one object of *kind* at *target*, to see whether it is allowed; whether there is one.

        Raises:
            ReadError: it cannot be read.
        """
        if target.verb is Verb.GET:
            self._transport.get(_path(kind, version, target))
            return True
        query = self._query(kind, kind.field_selectors[0], target, limit=1)
        page = _decode(kind, self._transport.get(_path(kind, version, target), query, _accept(kind)))
        return bool(page.items or page.malformed)

    def _get(self, kind: Kind, version: str, target: ListTarget, stop: threading.Event | None) -> ListPage:
        try:
            body = self._transport.get(_path(kind, version, target), stop=stop)
        except ReadError as error:
            if error.reason is Reason.NOT_FOUND:  # a namespace that the settings name need not be there
                return ListPage((), (), "")
            raise
        one = decode_bytes(kind, body)
        return ListPage((), (one,), "") if isinstance(one, MalformedObject) else ListPage((one,), (), "")

    def _whole_list(
        self, kind: Kind, version: str, target: ListTarget, selector: str, stop: threading.Event | None
    ) -> ListPage:
        for _ in range(_RESTARTS + 1):
            try:
                return _joined(self._pages(kind, version, target, selector, stop))
            except ReadError as error:
                if error.reason is not Reason.EXPIRED:
                    raise
        raise ReadError(Reason.EXPIRED, f"the list expired {_RESTARTS + 1} times before its last page")

    def _pages(
        self, kind: Kind, version: str, target: ListTarget, selector: str, stop: threading.Event | None
    ) -> Iterator[ListPage]:
        seen, token = 0, ""
        for _ in range(_MOST_PAGES):
            if stop is not None and stop.is_set():
                raise StoppedError
            page = self._page(kind, version, target, selector, token, stop)
            yield page
            seen += len(page.items) + len(page.malformed)
            if not page.next:
                return
            if page.next == token:
                raise ReadError(Reason.REPEATED_TOKEN, "the server gave the same continue token twice")
            if seen > MOST_OBJECTS:
                raise ReadError(Reason.TOO_LARGE, f"there are more than {MOST_OBJECTS:,} objects")
            token = page.next
        raise ReadError(Reason.ENDLESS_LISTING, f"the list does not end after {_MOST_PAGES:,} pages")

    def _page(
        self, kind: Kind, version: str, target: ListTarget, selector: str, token: str, stop: threading.Event | None
    ) -> ListPage:
        """The page that *token* leads to, of as many objects as one answer may hold."""
        usual = self._settings.poll.page_size
        size = self._sizes.get(kind.field, usual)
        while True:
            query = self._query(kind, selector, target, size) | ({"continue": token} if token else {})
            try:
                body = self._transport.get(_path(kind, version, target), query, _accept(kind), stop)
            except ReadError as error:
                if error.reason is not Reason.TOO_LARGE or size == 1:
                    raise
                size = self._sizes[kind.field] = max(1, size // 2)
                continue
            if size > 1 and is_dense(body):
                size = self._sizes[kind.field] = max(1, size // 2)
                continue
            if size < usual and len(body) * _ROOMY < self._transport.most_bytes:
                self._sizes[kind.field] = min(usual, 2 * size)
            return self._of_shard(kind, msgspec.structs.replace(_decode(kind, body), size=len(body)))

    def is_of_shard(self, kind: Kind, one: Object | MalformedObject) -> bool:
        """Whether an object of *kind* is kept: what is left to other exporters is not."""
        return is_of_shard(kind, one, self._settings)

    def _of_shard(self, kind: Kind, page: ListPage) -> ListPage:
        """*page* without what is left to other exporters, page by page, so that it is never held."""
        if not self._settings.claims.shard:
            return page
        items = tuple(item for item in page.items if self.is_of_shard(kind, item))
        malformed = tuple(one for one in page.malformed if self.is_of_shard(kind, one))
        return msgspec.structs.replace(page, items=items, malformed=malformed)

    def _query(self, kind: Kind, selector: str, target: ListTarget, limit: int) -> dict[str, str]:
        # No resourceVersion: with `0` the server would ignore the limit (kubernetes#96182).
        query = {
            "limit": str(limit) if limit else "",
            "labelSelector": kind.label_selector,
            "fieldSelector": field_selector(kind, selector, target, self._settings),
        }
        return {name: value for name, value in query.items() if value}


def _joined(pages: Iterator[ListPage]) -> ListPage:
    read = list(pages)
    if len(read) == 1:
        return read[0]
    return ListPage(
        tuple(item for page in read for item in page.items),
        tuple(one for page in read for one in page.malformed),
        "",
        read[0].version,
        sum(page.size for page in read),
    )


def _at(target: ListTarget, error: ReadError) -> ReadError:
    return ReadError(error.reason, f"{target.verb}{target}: {error}", unreachable=error.unreachable)


def _decode(kind: Kind, body: Body) -> ListPage:
    try:
        return decode_page(kind, body)
    except MalformedPageError as error:
        raise ReadError(Reason.MALFORMED_ANSWER, str(error)) from None


def _path(kind: Kind, version: str, target: ListTarget) -> str:
    root = f"/apis/{kind.group}/{version}" if kind.group else f"/api/{version}"
    namespace = quote(target.namespace, safe="")
    if target.verb is Verb.GET:
        return f"{root}/{kind.plural}/{namespace}"
    return f"{root}/namespaces/{namespace}/{kind.plural}" if namespace else f"{root}/{kind.plural}"


def _accept(kind: Kind) -> str:
    return _METADATA_ONLY if kind.metadata_only else JSON
