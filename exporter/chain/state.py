"""The state of a claim and how bad a problem of it is: both follow from its recovery point and its objective."""

from datetime import datetime, timedelta

import msgspec

from exporter.chain.backup import Backup
from exporter.chain.causes import Impact, Link, Severity
from exporter.chain.links.sync import FIRST_SYNC
from exporter.chain.verdict import ClaimState, LinkState, LinkVerdict, Problem
from exporter.chain.walk import blocking_problem, unresolved

MOST_URGENT = timedelta(hours=4)
"""With less time left than this, or than a third of the objective, a problem is critical."""


class JudgedBackup(msgspec.Struct, frozen=True):
    """A backup with the verdicts of its links, and the state that follows from them."""

    backup: Backup
    links: tuple[LinkVerdict, ...]
    point: datetime | None
    evidence: str
    state: ClaimState


RANK = {
    state: rank
    for rank, state in enumerate(
        (
            ClaimState.PROTECTED,
            ClaimState.AT_RISK,
            ClaimState.STARTING,
            ClaimState.UNKNOWN,
            ClaimState.UNPROTECTED,
            ClaimState.EXEMPT,
        )
    )
}
"""The better state first: a claim is as well as its best source."""


def state_of(backup: Backup, links: tuple[LinkVerdict, ...], point: datetime | None) -> ClaimState:
    """The state of a claim that has this one source."""
    is_blocked = blocking_problem(links) is not None
    is_within = point is not None and (backup.objective is None or backup.at - point <= backup.objective)
    if _is_unreadable(backup, links):
        return ClaimState.UNKNOWN
    if is_within and is_blocked:
        return ClaimState.AT_RISK
    is_open = bool(unresolved(backup, links))
    if is_within:
        return ClaimState.UNKNOWN if is_open else ClaimState.PROTECTED
    if is_blocked:
        return ClaimState.UNPROTECTED
    if point is None and _is_new(backup):
        return ClaimState.STARTING
    return ClaimState.UNKNOWN if is_open and point is None else ClaimState.UNPROTECTED


def _is_unreadable(backup: Backup, links: tuple[LinkVerdict, ...]) -> bool:
    """Whether the claim's own objects are not known, or its mover keeps no recovery points (syncthing)."""
    cluster = backup.cluster
    source_of_its_own = cluster.volsync.sources.malformed_about(*backup.key)
    is_malformed = cluster.core.claims.malformed_in(*backup.key) is not None or (
        source_of_its_own is not None and source_of_its_own.claim == backup.pvc_name
    )
    source = next((verdict for verdict in links if verdict.link is Link.SOURCE), None)
    return (
        not cluster.core.claims.known  # whether its owner has exempted it is not known either
        or is_malformed
        or (source is not None and source.state is LinkState.UNKNOWN)
        or backup.method == "syncthing"
    )


def _is_new(backup: Backup) -> bool:
    """Within its first objective."""
    return backup.began is not None and backup.at - backup.began < (backup.objective or FIRST_SYNC)


def is_urgent(judged: JudgedBackup, state: ClaimState) -> bool:
    """Whether the claim is unprotected, or will be within a third of its objective, or within four hours."""
    if state is ClaimState.UNPROTECTED:
        return True
    objective = judged.backup.objective
    if judged.point is None or objective is None:
        return False
    return judged.backup.at - judged.point > objective - min(objective / 3, MOST_URGENT)


def with_severity(link: LinkVerdict, *, urgent: bool) -> LinkVerdict:
    """*link* with the severity of its blocking problems: it follows the time left, not the cause."""
    severity = Severity.CRITICAL if urgent else Severity.WARNING

    def weighed(problem: Problem) -> Problem:
        if problem.impact is not Impact.BLOCKING or problem.severity is severity:
            return problem
        return msgspec.structs.replace(problem, severity=severity)

    return msgspec.structs.replace(link, problems=tuple(weighed(problem) for problem in link.problems))
