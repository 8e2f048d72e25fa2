"""What stands at each path."""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

from exporter.publication import document, page
from exporter.publication.current import Current
from exporter.publication.http import Response
from exporter.publication.negotiation import exposition_format, takes_gzip
from exporter.publication.render import NOTHING, Exposition

JSON: Final = "application/json"
PLAIN: Final = "text/plain; charset=utf-8"
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""What a kubelet asks, which has no password; the answers tell nothing."""
_PARAMETERS = 50


class Site:
    """Answers requests from what is current.

    Args:
        current: What is being published.
        runbook_base: Where the runbook pages stand, for the status page's links.
    """

    def __init__(self, current: Current, runbook_base: str) -> None:
        self._current = current
        self._runbook_base = runbook_base
        self._exposition = Exposition()
        self._routes: dict[str, Callable[[str, str], Response]] = {
            "/metrics": self._metrics,
            "/api/v1/status": lambda _accept, _encoding: self._status(),
            "/healthz": lambda _accept, _encoding: self._health(),
            "/readyz": lambda _accept, _encoding: self._readiness(),
        }

    def answer(self, target: str, accept: str = "", accept_encoding: str = "") -> Response:
        """Answer a GET of *target*, a request line's path with its query."""
        path, _, query = target.partition("?")
        if route := self._routes.get(path):
            return route(accept, accept_encoding)
        try:
            parameters = parse_qs(query, keep_blank_values=True, max_num_fields=_PARAMETERS)
        except ValueError:
            return plain(400, "Too many parameters.")
        published = self._current.published
        found = page.respond(
            path,
            parameters,
            published.verdict if published else None,
            self._current.telemetry(),
            runbook_base=self._runbook_base,
            now=self._current.now(),
        )
        return found or plain(404, "There is no such page. There are /, /metrics, /api/v1/status, /healthz, /readyz.")

    def _metrics(self, accept: str, accept_encoding: str) -> Response:
        published = self._current.published
        rendered = published.rendered if published else NOTHING
        form = exposition_format(accept)
        telemetry, now = self._current.telemetry(), self._current.now()
        vary = ("Vary", "Accept, Accept-Encoding")
        if takes_gzip(accept_encoding):
            body = self._exposition.packed(rendered, telemetry, now, form)
            return Response(200, form.value, body, (("Content-Encoding", "gzip"), vary))
        return Response(200, form.value, self._exposition.plain(rendered, telemetry, now, form), (vary,))

    def _status(self) -> Response:
        published = self._current.published
        if published is None:
            return Response(503, JSON, b'{"error": "no verdict yet"}\n', (("Retry-After", "5"),))
        return Response(200, JSON, document.encode(published.verdict) + b"\n")

    def _health(self) -> Response:
        return plain(200, "ok") if self._current.alive else plain(503, "The poll loop is stuck.")

    def _readiness(self) -> Response:
        return plain(200, "ok") if self._current.ready else plain(503, "The sources have not all been read yet.")


def plain(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """A line of text."""
    return Response(status, PLAIN, f"{text}\n".encode(), headers)
