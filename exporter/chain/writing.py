"""The ages that stay open in a verdict's texts, written out for the moment that it is shown as of."""

from datetime import datetime

import msgspec

from exporter.chain.now import with_ages
from exporter.chain.verdict import ClaimVerdict, LinkVerdict, Orphan, Problem, RootCause, Verdict


def written_out(verdict: Verdict) -> Verdict:
    """*verdict* with its texts as of its moment."""
    at = verdict.at
    return msgspec.structs.replace(
        verdict,
        claims=tuple(_claim(claim, at) for claim in verdict.claims),
        orphans=tuple(_orphan(orphan, at) for orphan in verdict.orphans),
        root_causes=tuple(_root_cause(cause, at) for cause in verdict.root_causes),
    )


def _claim(claim: ClaimVerdict, at: datetime) -> ClaimVerdict:
    return msgspec.structs.replace(
        claim,
        summary=with_ages(claim.summary, at),
        problem=_problem(claim.problem, at) if claim.problem else None,
        advisories=tuple(_problem(problem, at) for problem in claim.advisories),
        links=tuple(_link(link, at) for link in claim.links),
    )


def _link(link: LinkVerdict, at: datetime) -> LinkVerdict:
    evidence = with_ages(link.evidence, at)
    if evidence is link.evidence and not link.problems:
        return link
    problems = tuple(_problem(problem, at) for problem in link.problems)
    return msgspec.structs.replace(link, evidence=evidence, problems=problems)


def _problem(problem: Problem, at: datetime) -> Problem:
    reason = with_ages(problem.reason, at)
    return problem if reason is problem.reason else msgspec.structs.replace(problem, reason=reason)


def _orphan(orphan: Orphan, at: datetime) -> Orphan:
    problem = _problem(orphan.problem, at)
    return orphan if problem is orphan.problem else msgspec.structs.replace(orphan, problem=problem)


def _root_cause(cause: RootCause, at: datetime) -> RootCause:
    reason = with_ages(cause.reason, at)
    return cause if reason is cause.reason else msgspec.structs.replace(cause, reason=reason)
