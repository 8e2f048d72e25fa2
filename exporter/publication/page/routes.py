"""From a request's path to the page that answers it."""

from datetime import datetime
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
    match segments:
        case ["static", name]:
            return asset(name)
        case [""]:
            page = Page(verdict, telemetry, runbook_base, now, root="./")
            if verdict is None:
                return _html(page.waiting(), HTTPStatus.SERVICE_UNAVAILABLE, ("Retry-After", "5"))
            return _html(page.overview(verdict, View.of(query)))
        case ["claims", namespace, pvc]:
            page = Page(verdict, telemetry, runbook_base, now, root="../../")
            if verdict is None:
                return _html(page.waiting(), HTTPStatus.SERVICE_UNAVAILABLE, ("Retry-After", "5"))
            if claim := verdict.claim(namespace, pvc):
                return _html(page.claim(verdict, claim))
            return _html(page.no_such_claim(namespace, pvc), HTTPStatus.NOT_FOUND)
        case _:
            return None


def canonical(path: str, query: Query) -> str:
    """One name for all addresses of the same page: only the overview looks at its query, and at what it knows of it."""
    return path + View.of(query).address if path == "/" else path


def _html(body: str, status: HTTPStatus = HTTPStatus.OK, *headers: tuple[str, str]) -> Response:
    return Response(status, "text/html; charset=utf-8", body.encode(errors="replace"), (*_HEADERS, *headers))
