"""What stands at each path, and which room of the listener its answer is made in."""

from collections.abc import Callable
from enum import Enum
from time import monotonic
from typing import Final
from urllib.parse import parse_qs

import msgspec

from exporter.publication import document, page
from exporter.publication.cache import PageCache
from exporter.publication.current import Current, Published
from exporter.publication.families import Telemetry
from exporter.publication.http import Request, Response, Stream
from exporter.publication.negotiation import exposition_format, prefers_json, takes_gzip
from exporter.publication.render import NOTHING, Exposition, Format, Rendered
from exporter.publication.summary import badge, summary

JSON: Final = "application/json"
PLAIN: Final = "text/plain; charset=utf-8"
SVG: Final = "image/svg+xml"
_NO_VERDICT: Final = b'{"error": "no verdict yet"}\n'
_LATER: Final = (("Retry-After", "5"),)
_NO_SUCH_PAGE: Final = (
    "There is no such page. There are /, /uncovered, /metrics, /api/v1/status, /api/v1/summary, /badge.svg, "
    "/healthz, /readyz."
)
_SUMMARIES: Final = ("/api/v1/summary", "/badge.svg")
SHARED_SECONDS: Final = 0.1
"""Scrapes that come so close to one another get the same bytes: 500 at once cost the work and memory of a few."""
_PARAMETERS = 50


class Room(Enum):
    """Where an answer is made, so that one kind does not wait for another."""

    PROBE = "probe"
    """At once. A kubelet asks, which has no password: the answers tell nothing."""
    SCRAPE = "scrape"
    PAGE = "page"
    """What may take its time: HTML and JSON about all claims."""


_ROOMS = {"/healthz": Room.PROBE, "/readyz": Room.PROBE, "/metrics": Room.SCRAPE}


class _Exposed(msgspec.Struct, frozen=True):
    """An exposition that was just made."""

    rendered: Rendered
    stream: Stream
    at: float


class Site:
    """Answers requests from what is current.

    Args:
        current: What is being published.
        runbook_base: Where the runbook pages stand, for the status page's links.
        completed: Adds what is known beside *current* to its telemetry.
    """

    def __init__(
        self,
        current: Current,
        runbook_base: str,
        completed: Callable[[Telemetry], Telemetry] = lambda telemetry: telemetry,
    ) -> None:
        self._current = current
        self._runbook_base = runbook_base
        self._completed = completed
        self._exposition = Exposition()
        self._exposed: dict[tuple[Format, bool], _Exposed] = {}
        self._pages = PageCache()

    @staticmethod
    def room(path: str) -> Room:
        """Where the answer at *path* is made."""
        return _ROOMS.get(path, Room.PAGE)

    def kept(self, request: Request) -> Response | None:
        """The answer to *request*, where it was made already. This takes no time."""
        key = _key(request)
        return self._pages.get(self._current.published, key, request.accept_encoding) if key else None

    def answer(self, request: Request) -> Response:
        """Answer *request*. One thread at a time may ask in each room."""
        match request.path:
            case "/healthz":
                return plain(200, "ok") if self._current.alive else plain(503, "The poll loop is stuck.")
            case "/readyz":
                return plain(200, "ok") if self._current.ready else plain(503, "There is no verdict, or it is too old.")
            case "/metrics":
                return self._metrics(request)
            case _:
                return self._page(request)

    def _metrics(self, request: Request) -> Response:
        published = self._current.published
        rendered = published.rendered if published else NOTHING
        form, packed = exposition_format(request.accept), takes_gzip(request.accept_encoding)
        exposed = self._exposed.get((form, packed))
        if exposed is None or exposed.rendered is not rendered or monotonic() - exposed.at > SHARED_SECONDS:
            make = self._exposition.packed if packed else self._exposition.plain
            stream = make(rendered, self._telemetry(), self._current.now(), form)
            exposed = self._exposed[form, packed] = _Exposed(rendered, stream, monotonic())
        encoding = (("Content-Encoding", "gzip"),) if packed else ()
        return Response(200, form.value, exposed.stream, (*encoding, ("Vary", "Accept, Accept-Encoding")))

    def _page(self, request: Request) -> Response:
        key = _key(request)
        if key is None:
            return plain(400, "Too many parameters.")
        published = self._current.published
        kept = self._pages.get(published, key, request.accept_encoding)  # made while this one waited
        return kept or self._pages.put(published, key, self._made(request, published), request.accept_encoding)

    def _telemetry(self) -> Telemetry:
        return self._completed(self._current.telemetry())

    def _made(self, request: Request, published: Published | None) -> Response:
        if _asks_for_json(request):
            return _status(published)
        if request.path in _SUMMARIES:
            return self._summary(request.path, published)
        found = page.respond(
            request.path,
            _parameters(request),
            published.verdict if published else None,
            self._telemetry(),
            runbook_base=self._runbook_base,
            now=self._current.now(),
        )
        return found or plain(404, _NO_SUCH_PAGE)

    def _summary(self, path: str, published: Published | None) -> Response:
        """The picture in a few fields, or as a badge: made once for a verdict, as a page is."""
        found = summary(published.verdict, self._telemetry(), self._current.now()) if published else None
        status, later = (200, ()) if found else (503, _LATER)
        if path == "/badge.svg":
            headers = ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff")
            return Response(status, SVG, badge(found).encode(), (*headers, *later))
        return Response(status, JSON, msgspec.json.encode(found) + b"\n" if found else _NO_VERDICT, later)


def _asks_for_json(request: Request) -> bool:
    return request.path == "/api/v1/status" or (request.path == "/" and prefers_json(request.accept))


def _status(published: Published | None) -> Response:
    if published is None:
        return Response(503, JSON, _NO_VERDICT, _LATER)
    return Response(200, JSON, document.encode(published.verdict) + b"\n")


def _key(request: Request) -> str | None:
    """What requests for the same page have in common; None where the query makes no sense."""
    if _asks_for_json(request):
        return "/api/v1/status"
    try:
        return page.canonical(request.path, _parameters(request))
    except ValueError:
        return None


def _parameters(request: Request) -> dict[str, list[str]]:
    query = request.target.partition("?")[2]
    return parse_qs(query, keep_blank_values=True, max_num_fields=_PARAMETERS)


def plain(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """A line of text."""
    return Response(status, PLAIN, f"{text}\n".encode(), headers)
