"""From a verdict to HTML. Everything that a template prints is escaped, and made visible where it would deceive."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from exporter.chain.causes import Cause, Impact, Link
from exporter.chain.scope import Scope
from exporter.chain.verdict import ClaimVerdict, LinkState, LinkVerdict, RootCause, Verdict
from exporter.durations import format_duration
from exporter.facts.bucket.model import Repository
from exporter.facts.reading import Reading, Source
from exporter.publication.bucket_names import names_of
from exporter.publication.families import Telemetry
from exporter.publication.page import words
from exporter.publication.page.headline import headline, too_old
from exporter.publication.page.static import digest
from exporter.publication.page.view import PAGE_SIZE, Choices, View
from exporter.publication.plain import counted, knows_claims
from exporter.visible import visible


def _finalize(value: object) -> object:
    """What a template prints: text that came from outside is made visible, as a command is read before it is pasted."""
    if isinstance(value, Scope):
        value = str(value)
    return value if type(value) is Markup or not isinstance(value, str) else visible(value)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("exporter.publication.page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {
        "STATES": words.STATES,
        "LINKS": words.LINKS,
        "LinkState": LinkState,
        "Link": Link,
        "digest": digest,
    }
    environment.filters |= {
        "counted": counted,
        "bytes": words.bytes_of,
        "duration": format_duration,
        "cause": words.title_of,
        "health": words.health_of,
        "segment": lambda text: quote(text, safe=""),
    }
    return environment


_MOST_UNCOVERED = 200
"""So many PVCs that nobody backs up are named."""


class Page:
    """The pages of one moment.

    *root* leads from the page to `/`, so that links hold behind a proxy that serves the exporter under a path.
    """

    def __init__(
        self,
        verdict: Verdict | None,
        telemetry: Telemetry,
        runbook_base: str,
        now: datetime | None,
        *,
        root: str,
    ) -> None:
        self._verdict = verdict
        self._telemetry = telemetry
        self._runbook_base = runbook_base.rstrip("/")
        self._now = now or (verdict.at if verdict else None)
        self._root = root

    def waiting(self) -> str:
        """There is no verdict yet."""
        return self._render("waiting.html")

    def no_such_claim(self, namespace: str, pvc: str) -> str:
        """The address names a claim that is not, or not any more."""
        return self._render("no_such_claim.html", namespace=namespace, pvc=pvc)

    def overview(self, verdict: Verdict, view: View) -> str:
        """All claims, behind what is broken."""
        causes = verdict.root_causes
        names = names_of(verdict.facts.buckets)
        claims = view.claims(verdict)
        pages = max(1, -(-len(claims) // PAGE_SIZE))
        view = view.at_page(min(view.page, pages))
        first = (view.page - 1) * PAGE_SIZE
        return self._render(
            "overview.html",
            headline=headline(verdict, self._too_old()),
            blocking=[cause for cause in causes if cause.impact is Impact.BLOCKING],
            advisory=[
                cause for cause in causes if cause.impact is Impact.ADVISORY and cause.cause.link is not Link.NONE
            ],
            claims=claims[first : first + PAGE_SIZE],
            found=len(claims),
            first=first,
            pages=pages,
            view=view,
            choices=Choices.of(verdict),
            uncovered=verdict.uncovered[:_MOST_UNCOVERED],
            uncovered_count=len(verdict.uncovered),
            orphans=[(names.get(orphan.identity, orphan.bucket), orphan) for orphan in verdict.orphans],
            keys={claim.key: claim for claim in verdict.claims},
        )

    def uncovered(self, verdict: Verdict, view: View) -> str:
        """The PVCs that no backup covers."""
        found = [pvc for pvc in verdict.uncovered if not view.namespace or pvc.namespace in view.namespace]
        pages = max(1, -(-len(found) // PAGE_SIZE))
        view = View(namespace=view.namespace, page=min(view.page, pages))
        first = (view.page - 1) * PAGE_SIZE
        return self._render(
            "uncovered.html",
            pvcs=found[first : first + PAGE_SIZE],
            found=len(found),
            pages=pages,
            view=view,
            namespaces=sorted({pvc.namespace for pvc in verdict.uncovered}),
            is_known=knows_claims(verdict),
        )

    def claim(self, verdict: Verdict, claim: ClaimVerdict) -> str:
        """One claim, its chain link by link."""
        return self._render(
            "claim.html",
            claim=claim,
            chain=_chain(claim),
            restore=next((link for link in claim.links if link.link is Link.RESTORE), None),
            broken_at=claim.problem.link if claim.problem else None,
            neighbours=_neighbours(verdict, claim),
            repositories=_repositories(verdict, claim),
        )

    def _render(self, template: str, **context: Any) -> str:  # noqa: ANN401 - what a template takes is its own affair
        return (
            _environment()
            .get_template(template)
            .render(
                root=self._root,
                verdict=self._verdict,
                telemetry=self._telemetry,
                reports=self._telemetry.reports or (self._verdict.facts.sources if self._verdict else ()),
                now=self._now,
                interval=self._telemetry.intervals.get(Source.KUBERNETES),
                too_old=self._too_old(),
                age=self._age,
                used=self._used,
                runbook=self._runbook,
                **context,
            )
        )

    def _age(self, moment: datetime) -> str:
        """How long ago *moment* was; a moment to come reads `in 5m`."""
        assert self._now is not None, "ages are shown beside a verdict"  # noqa: S101 - narrows for mypy
        age = self._now - moment
        return f"in {format_duration(-age)}" if age < timedelta(0) else f"{format_duration(age)} ago"

    def _used(self, claim: ClaimVerdict) -> float | None:
        """How much of the objective the recovery point's age has used; 1 is all of it."""
        if claim.recovery_point is None or not claim.objective or self._now is None:
            return None
        return max(0.0, (self._now - claim.recovery_point) / claim.objective)

    def _runbook(self, cause: Cause) -> str:
        return f"{self._runbook_base}/{cause.value}.md"

    def _too_old(self) -> timedelta | None:
        return too_old(self._verdict, self._telemetry, self._now) if self._verdict else None


def _chain(claim: ClaimVerdict) -> list[tuple[Link, LinkVerdict | None]]:
    """Every link in the order of the chain; None stands for one that does not apply."""
    found: Mapping[Link, LinkVerdict] = {link.link: link for link in claim.links}
    return [(link, found.get(link)) for link in words.LINKS if link is not Link.RESTORE]


def _neighbours(verdict: Verdict, claim: ClaimVerdict) -> RootCause | None:
    """The root cause that the claim's blocking problem is part of."""
    if claim.problem is None:
        return None
    own = (claim.problem.cause, claim.problem.scope)
    return next((cause for cause in verdict.root_causes if (cause.cause, cause.scope) == own), None)


def _repositories(verdict: Verdict, claim: ClaimVerdict) -> list[tuple[str, str, Repository | None, Reading]]:
    """Where the claim's repositories should be, and what the buckets' listings say of each."""
    buckets = verdict.facts.buckets
    names = names_of(buckets)
    readings = {bucket.identity: bucket.reading for bucket in buckets}
    found = {
        (bucket.identity, repository.prefix): repository for bucket in buckets for repository in bucket.repositories
    }
    return [
        (
            names.get(place.identity, place.bucket),
            place.prefix,
            found.get((place.identity, place.prefix)),
            readings.get(place.identity, Reading.NOT_SERVED),
        )
        for place in claim.repositories
    ]
