"""The pass over the judged problems of all claims: which one thing is broken, and what it hits.

A problem names the things that could explain it, the narrowest first. Of these the pass takes the narrowest that
explains as many claims as any wider one does: a claim alone keeps its own scope, two that show the same sign in one
namespace share the namespace, and those that a store keeps from their repositories share the store. The evidence is
other claims' judged problems alone, so that what is merely under way next to a claim changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from exporter.chain.causes import Cause, Impact
from exporter.chain.scope import Scope
from exporter.chain.verdict import ClaimVerdict, Orphan, Problem, RootCause

Explanation = tuple[Cause, Scope, str]
"""A cause, a thing that could explain it, and the sign by which problems that it explains are known."""


def settle(claims: Sequence[ClaimVerdict]) -> tuple[ClaimVerdict, ...]:
    """*claims* with the scope of each of their problems chosen."""
    reach = _reach(claims)
    return tuple(_settled(claim, reach) for claim in claims)


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
    if all(len(problem.scopes) == 1 for problem in claim.problems):
        return claim
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


def _chosen(problem: Problem, reach: dict[Explanation, int]) -> Problem:
    sizes = [reach.get((problem.cause, scope, problem.sign), 1) for scope in problem.scopes]
    width = sizes.index(max(sizes))
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
