"""From a request's path to the page that answers it."""

from datetime import datetime
from functools import partial
from http import HTTPStatus
from urllib.parse import unquote

from exporter.chain.verdict import Verdict
from exporter.publication.families import Telemetry
from exporter.publication.http import Response
from exporter.publication.page.render import Page
from exporter.publication.page.static import asset
from exporter.publication.page.view import Query, View
from exporter.settings import WebSettings

SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("Content-Security-Policy", SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-cache"),
)
_LISTS = ("/", "/uncovered")
_RUNBOOKS: str = WebSettings.model_fields["runbook_base"].default


def respond(
    path: str,
    query: Query,
    verdict: Verdict | None,
    telemetry: Telemetry,
    *,
    runbook_base: str = _RUNBOOKS,
    now: datetime | None = None,
) -> Response | None:
    """Answer a GET of *path*, as the request line has it (percent-encoded, without the query).

    *runbook_base* is `Settings.web.runbook_base`; *now* is the exporter's clock, so that the page can say how old
    the verdict is. Returns None where there is no such page.
    """
    segments = [unquote(segment) for segment in path.split("/")[1:]]
    if segments[:1] == ["static"] and len(segments) == 2:
        return asset(segments[1])
    page = partial(Page, verdict, telemetry, runbook_base, now)
    match segments:
        case [""] if verdict:
            return _html(page(root="./").overview(verdict, View.of(query)))
        case ["uncovered"] if verdict:
            return _html(page(root="./").uncovered(verdict, View.of(query)))
        case ["claims", namespace, pvc] if verdict:
            if claim := verdict.claim(namespace, pvc):
                return _html(page(root="../../").claim(verdict, claim))
            return _html(page(root="../../").no_such_claim(namespace, pvc), HTTPStatus.NOT_FOUND)
        case [""] | ["uncovered"] | ["claims", _, _]:
            root = "../" * (len(segments) - 1) or "./"
            return _html(page(root=root).waiting(), HTTPStatus.SERVICE_UNAVAILABLE, ("Retry-After", "5"))
        case _:
            return None


def canonical(path: str, query: Query) -> str:
    """One name for all addresses of the same page: only those with a list look at the query, and at what they know."""
    return path + View.of(query).address if path in _LISTS else path


def _html(body: str, status: HTTPStatus = HTTPStatus.OK, *headers: tuple[str, str]) -> Response:
    return Response(status, "text/html; charset=utf-8", body.encode(errors="replace"), (*_HEADERS, *headers))
