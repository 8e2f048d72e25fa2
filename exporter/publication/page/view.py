"""Which claims the reader wants to see: a view is its address, so that it can be kept and sent on."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from urllib.parse import urlencode

import msgspec

from exporter.chain.verdict import ClaimVerdict, Verdict
from exporter.publication.page.words import RANK

PAGE_SIZE = 1000
"""Claims in one table. A browser lays out a thousand rows without a pause; ten thousand take it seconds."""

Query: TypeAlias = Mapping[str, Sequence[str]]


class View(msgspec.Struct, frozen=True):
    """What a claim must have to be shown; what is empty asks for nothing."""

    namespace: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    cause: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    page: int = 1

    @classmethod
    def of(cls, query: Query) -> "View":
        """The view that *query* asks for. Words that mean nothing match nothing; a wrong page is the first."""
        wanted = {name: tuple(filter(None, query.get(name, ()))) for name in ("namespace", "state", "cause", "scope")}
        page = next(iter(query.get("page", ())), "")
        return cls(**wanted, page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 6 else 1)

    @property
    def filtered(self) -> bool:
        return bool(self.namespace or self.state or self.cause or self.scope)

    def shows(self, claim: ClaimVerdict) -> bool:
        """Whether *claim* is in this view; cause and scope must be those of one problem."""
        if self.namespace and claim.namespace not in self.namespace:
            return False
        if self.state and claim.state not in self.state:
            return False
        if not self.cause and not self.scope:
            return True
        return any(
            (not self.cause or problem.cause in self.cause) and (not self.scope or str(problem.scope) in self.scope)
            for problem in claim.problems
        )

    def claims(self, verdict: Verdict) -> list[ClaimVerdict]:
        """The claims to show of every page, those that need someone first, then by namespace and name."""
        shown = [claim for claim in verdict.claims if self.shows(claim)]
        return sorted(shown, key=lambda claim: RANK[claim.state])

    @property
    def address(self) -> str:
        """The query string of this view, with its `?`; empty for everything."""
        parts = {name: getattr(self, name) for name in ("namespace", "state", "cause", "scope")}
        pairs = [(name, value) for name, values in parts.items() for value in values]
        if self.page > 1:
            pairs.append(("page", str(self.page)))
        return f"?{urlencode(pairs)}" if pairs else ""

    def at_page(self, page: int) -> "View":
        return msgspec.structs.replace(self, page=page)


class Choices(msgspec.Struct, frozen=True):
    """What the filter form offers: the words that some claim has."""

    namespaces: tuple[str, ...]
    causes: tuple[str, ...]

    @classmethod
    def of(cls, verdict: Verdict) -> "Choices":
        return cls(
            namespaces=tuple(sorted({claim.namespace for claim in verdict.claims})),
            causes=tuple(sorted({problem.cause for claim in verdict.claims for problem in claim.problems})),
        )
