"""The pass over the judged problems of all claims: which one thing is broken, and what it hits.

A problem names the things that could explain it, the narrowest first. Of these the pass takes the narrowest that
explains as many claims as any wider one does: a claim alone keeps its own scope, two that show the same sign in one
namespace share the namespace, and those that a store keeps from their repositories share the store. The evidence is
other claims' judged problems alone, so that what is merely under way next to a claim changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from exporter.caching import are_identical
from exporter.chain.causes import Cause, Impact
from exporter.chain.scope import Scope
from exporter.chain.verdict import ClaimVerdict, Orphan, Problem, RootCause

Explanation = tuple[Cause, Scope, str]
"""A cause, a thing that could explain it, and the sign by which problems that it explains are known."""


def settle(claims: Sequence[ClaimVerdict]) -> tuple[ClaimVerdict, ...]:
    """*claims* with the scope of each of their problems chosen."""
    settling = Settling()
    settling.settle(claims)
    return settling.settled


class Settling:
    """Chooses the scopes of one state after the other; a claim that would be settled as it was stays the same one."""

    def __init__(self) -> None:
        self.settled: tuple[ClaimVerdict, ...] = ()
        self._known: dict[str, _Settled] = {}

    def settle(self, claims: Sequence[ClaimVerdict]) -> None:
        """Choose the scope of each problem of *claims*."""
        reach = _reach(claims)
        known: dict[str, _Settled] = {}
        settled = tuple(self._settled(claim, reach, known) for claim in claims)
        self._known = known
        self.settled = self.settled if are_identical(settled, self.settled) else settled

    def _settled(
        self, claim: ClaimVerdict, reach: dict[Explanation, int], known: dict[str, "_Settled"]
    ) -> ClaimVerdict:
        if not claim.problems:
            return claim
        widths = tuple(_width(problem, reach) for problem in _all_problems(claim))
        if not any(widths):
            return claim
        before = self._known.get(claim.key)
        if before is None or before.claim is not claim or before.widths != widths:
            before = _Settled(claim, widths, _settled(claim, reach))
        known[claim.key] = before
        return before.settled


class _Settled(msgspec.Struct, frozen=True):
    """A claim as it was judged, which scopes were chosen, and what it is with them."""

    claim: ClaimVerdict
    widths: tuple[int, ...]
    settled: ClaimVerdict


def _all_problems(claim: ClaimVerdict) -> Iterator[Problem]:
    yield from claim.problems
    for link in claim.links:
        yield from link.problems


def find(claims: Iterable[ClaimVerdict], orphans: Iterable[Orphan]) -> tuple[RootCause, ...]:
    """One root cause for each cause and chosen scope, the worst first."""
    grouped: dict[tuple[Cause, Scope], list[tuple[str, Problem]]] = defaultdict(list)
    for key, problem in _hits(claims, orphans):
        grouped[problem.cause, problem.scope].append((key, problem))
    causes = [_root_cause(cause, scope, hits) for (cause, scope), hits in grouped.items()]
    return tuple(sorted(causes, key=lambda c: (c.severity.rank, -len(c.claims), c.cause, c.scope)))


def _reach(claims: Iterable[ClaimVerdict]) -> dict[Explanation, int]:
    """How many claims each explanation could explain."""
    explained: dict[Explanation, set[str]] = defaultdict(set)
    for claim in claims:
        for problem in claim.problems:
            for scope in problem.scopes:
                explained[problem.cause, scope, problem.sign].add(claim.key)
    return {explanation: len(keys) for explanation, keys in explained.items()}


def _settled(claim: ClaimVerdict, reach: dict[Explanation, int]) -> ClaimVerdict:
    chosen = {id(problem): _chosen(problem, reach) for problem in claim.problems}

    def settled(problem: Problem) -> Problem:
        return chosen.get(id(problem), problem)

    return msgspec.structs.replace(
        claim,
        problem=settled(claim.problem) if claim.problem else None,
        advisories=tuple(settled(problem) for problem in claim.advisories),
        links=tuple(
            msgspec.structs.replace(link, problems=tuple(_like(problem, chosen, reach) for problem in link.problems))
            if link.problems
            else link
            for link in claim.links
        ),
    )


def _width(problem: Problem, reach: dict[Explanation, int]) -> int:
    """Which of the scopes explains most."""
    if len(problem.scopes) == 1:
        return 0
    sizes = [reach.get((problem.cause, scope, problem.sign), 1) for scope in problem.scopes]
    return sizes.index(max(sizes))


def _chosen(problem: Problem, reach: dict[Explanation, int]) -> Problem:
    width = _width(problem, reach)
    return msgspec.structs.replace(problem, width=width) if width != problem.width else problem


def _like(problem: Problem, chosen: dict[int, Problem], reach: dict[Explanation, int]) -> Problem:
    """A link's own copy of a problem: the claim's may differ from it in severity."""
    return chosen.get(id(problem)) or _chosen(problem, reach)


def _hits(claims: Iterable[ClaimVerdict], orphans: Iterable[Orphan]) -> Iterator[tuple[str, Problem]]:
    for claim in claims:
        for problem in claim.problems:
            yield claim.key, problem
    for orphan in orphans:
        yield orphan.key, orphan.problem


def _root_cause(cause: Cause, scope: Scope, hits: list[tuple[str, Problem]]) -> RootCause:
    key, worst = min(hits, key=lambda hit: (hit[1].severity.rank, hit[1].impact is Impact.ADVISORY, hit[0]))
    claims = tuple(sorted({key for key, _ in hits}))
    is_shared = len({problem.command for _, problem in hits}) == 1
    # A command about the narrowest thing that is the same for all that it hits serves them all.
    is_fit = is_shared and worst.width == 0
    wide = worst.wide_command if len(claims) > 1 and not is_fit else ""
    return RootCause(
        cause=cause,
        scope=scope,
        severity=worst.severity,
        impact=worst.impact,
        claims=claims,
        reason=worst.reason,
        command=wide or worst.command,
        since=min((problem.since for _, problem in hits if problem.since), default=None),
        command_for="" if wide or is_shared else key,
    )
