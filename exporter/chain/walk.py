"""Walking the chain for one backup: every link judged, then what one link means for another."""

from collections.abc import Callable, Iterable

import msgspec

from exporter.chain.backup import Backup
from exporter.chain.causes import Cause, Impact, Link
from exporter.chain.generated import missing_object
from exporter.chain.links import (
    base_secret,
    mover,
    namespace,
    policy,
    repository,
    repository_secret,
    restore,
    source,
    sync,
    volume,
)
from exporter.chain.scope import ScopeKind
from exporter.chain.verdict import LinkState, LinkVerdict, Problem

JUDGES: tuple[Callable[[Backup], LinkVerdict | None], ...] = (
    policy.judge,
    namespace.judge,
    base_secret.judge,
    repository_secret.judge,
    source.judge,
    volume.judge,
    mover.judge,
    sync.judge,
    repository.judge,
    restore.judge,
)
"""In the order of the chain."""

ORDER: tuple[Link, ...] = tuple(Link)

_GENERATING = (Link.POLICY, Link.NAMESPACE, Link.BASE_SECRET)
"""Links whose work is done once the source and its Secret are there."""
_SHARED_WITH_RESTORES = (*_GENERATING, Link.REPOSITORY_SECRET, Link.VOLUME)
_STORE = (
    Cause.REPOSITORY_UNREACHABLE,
    Cause.REPOSITORY_FULL,
    Cause.REPOSITORY_PASSWORD,
    Cause.REPOSITORY_LOCKED,
)


def walk(backup: Backup) -> tuple[LinkVerdict, ...]:
    """The verdicts of the links that apply, in their order."""
    verdicts = [verdict for judge in JUDGES if (verdict := judge(backup)) is not None]
    is_blocked = any(verdict.link in _GENERATING and blocking_problem([verdict]) for verdict in verdicts)
    if is_blocked and missing_object(backup) is None:
        verdicts = _downgrade_generating(verdicts)
    return tuple(_without_consequences(verdicts))


def blocking_problem(verdicts: Iterable[LinkVerdict]) -> Problem | None:
    """The blocking problem of the first broken link that has one; that nothing is left to restore comes before all."""
    problems = [p for verdict in verdicts for p in verdict.problems if p.impact is Impact.BLOCKING]
    if not problems:
        return None
    return next((problem for problem in problems if _is_loss(problem)), problems[0])


def _is_loss(problem: Problem) -> bool:
    """Whether the bucket says that the repository is broken, or that there is no bucket: the mover only meets it."""
    if problem.cause is Cause.REPOSITORY_DAMAGED:
        return True
    return problem.cause is Cause.REPOSITORY_MISSING and problem.scopes[0].kind is ScopeKind.STORE


def unresolved(backup: Backup, verdicts: Iterable[LinkVerdict]) -> tuple[LinkVerdict, ...]:
    """The unknown links that leave the state open.

    A sync in time shows that everything before it worked, what the policy made needs the policy no more, and without
    the bucket what VolSync reports stands.
    """
    by_link = {verdict.link: verdict for verdict in verdicts}
    if sync.proves_earlier_links(backup, by_link.get(Link.SYNC)):
        return ()
    is_generated = backup.source is not None and missing_object(backup) is None
    settled = (Link.REPOSITORY, Link.RESTORE, *(_GENERATING if is_generated else ()))
    return tuple(v for v in by_link.values() if v.state is LinkState.UNKNOWN and v.link not in settled)


def _downgrade_generating(verdicts: list[LinkVerdict]) -> list[LinkVerdict]:
    """What they generate is there: their first fault will hurt at the next change only, the rest follow from it."""
    relieved: list[LinkVerdict] = []
    seen = False
    for verdict in verdicts:
        if verdict.link not in _GENERATING or blocking_problem([verdict]) is None:
            relieved.append(verdict)
            continue
        problems = () if seen else tuple(problem.as_advisory() for problem in verdict.problems)
        seen = True
        relieved.append(msgspec.structs.replace(verdict, problems=problems))
    return relieved


def _without_consequences(verdicts: list[LinkVerdict]) -> list[LinkVerdict]:
    """One root cause is one problem: a link that is broken after the first one keeps its evidence and no problem."""
    blocking = blocking_problem(verdicts)
    if blocking is None:
        return verdicts
    follows = {Cause.CATCHING_UP}
    if blocking.cause is Cause.REPOSITORY_LOCKED:
        follows.add(Cause.LOCK_STALE)
    if blocking.cause is Cause.SOURCE_UNREADABLE:
        follows.add(Cause.MOVERS_UNPRIVILEGED)
    if blocking.link in _SHARED_WITH_RESTORES or blocking.cause in _STORE:
        follows |= {Cause.RESTORE_FAILING, Cause.RESTORE_STUCK}

    def stands(problem: Problem) -> bool:
        is_later_blocking = problem.impact is Impact.BLOCKING and problem is not blocking
        return not is_later_blocking and problem.cause not in follows

    return [msgspec.structs.replace(v, problems=tuple(p for p in v.problems if stands(p))) for v in verdicts]
