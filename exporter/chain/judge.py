"""From facts and a moment to the verdict."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from exporter.chain import kyverno, orphans
from exporter.chain.backup import Backup
from exporter.chain.causes import Cause, Impact, Link, Severity
from exporter.chain.exemption import exemption
from exporter.chain.inventory import Inventory
from exporter.chain.links import base_secret, repository_secret, restore, volume
from exporter.chain.links.sync import FIRST_SYNC
from exporter.chain.recovery import located, recovery_point
from exporter.chain.verdict import (
    ClaimState,
    ClaimVerdict,
    LinkState,
    LinkVerdict,
    PolicyState,
    Problem,
    RepositoryOf,
    SecretPresence,
    SourceVerdict,
    Verdict,
)
from exporter.chain.walk import ORDER, blocking_problem, unresolved, walk
from exporter.durations import format_duration
from exporter.facts.cluster.object_list import Key
from exporter.facts.model import Facts
from exporter.settings import Settings


def judge(facts: Facts, settings: Settings, at: datetime) -> Verdict:
    """Judge every claim in *facts* at the moment *at* (timezone-aware)."""
    inventory = Inventory(facts, settings)
    policy = inventory.policy
    return Verdict(
        at=at,
        claims=tuple(_judge_claim(inventory, key, at) for key in inventory.claims),
        orphans=orphans.find(inventory, at),
        policies=(PolicyState(policy.name, kyverno.kind_of(policy), kyverno.is_ready(policy)),) if policy else (),
        facts=facts,
    )


class Judged(msgspec.Struct, frozen=True):
    """A backup with the verdicts of its links, and the state that follows from them."""

    backup: Backup
    links: tuple[LinkVerdict, ...]
    point: datetime | None
    evidence: str
    state: ClaimState


def _judge_claim(inventory: Inventory, key: Key, at: datetime) -> ClaimVerdict:
    """Each source is judged by itself; the claim's state is that of its best one."""
    sources = inventory.cluster.volsync.sources_of.get(key, ()) if inventory.cluster.volsync.sources.known else ()
    judged = [_judge_case(Backup(inventory, key, source, at)) for source in (sources or (None,))]
    best = min(judged, key=lambda one: _RANK[one.state])
    backup = best.backup
    links = tuple(_merged(link, judged) for link in ORDER if any(v.link is link for one in judged for v in one.links))
    reason = exemption(backup)
    state, problem = _state(best, links)
    point = max((one.point for one in judged if one.point), default=None)
    verdict = ClaimVerdict(
        namespace=backup.namespace,
        pvc=backup.pvc_name,
        state=ClaimState.EXEMPT if reason else state,
        summary="",
        problem=None if reason else problem,
        advisories=() if reason else _advisories(links),
        links=links,
        recovery_point=point,
        recovery_point_evidence=best.evidence,
        objective=backup.objective,
        last_sync=max((s for one in judged if (s := one.backup.status.last_sync_time)), default=None),
        storage_class=(backup.pvc.spec.storage_class_name if backup.pvc else None) or "",
        exemption=reason,
        sources=tuple(_source_verdict(one) for one in judged if one.backup.source),
        secrets=tuple(_secrets(judged)),
        volumes=tuple({(v.name, v.role): v for one in judged for v in volume.states_of(one.backup)}.values()),
        restores=tuple(restore.verdict_of(destination) for destination in backup.destinations),
        repositories=_repositories(judged),
    )
    return msgspec.structs.replace(verdict, summary=_summary(verdict, at))


_RANK = {
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


# --- one backup


def _judge_case(backup: Backup) -> Judged:
    links = walk(backup)
    point, evidence = recovery_point(backup)
    return Judged(backup, links, point, evidence, _state_of(backup, links, point))


def _state_of(backup: Backup, links: tuple[LinkVerdict, ...], point: datetime | None) -> ClaimState:
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
    is_malformed = cluster.core.claims.malformed_in(*backup.key) is not None or any(
        (bad.namespace, bad.claim) == backup.key for bad in cluster.volsync.sources.malformed
    )
    source = next((verdict for verdict in links if verdict.link is Link.SOURCE), None)
    return (
        not cluster.core.claims.known  # whether its owner has exempted it is not known either
        or is_malformed
        or (source is not None and source.state is LinkState.UNKNOWN)
        or (backup.source is not None and backup.source.spec.method == "syncthing")
    )


def _is_new(backup: Backup) -> bool:
    """Within its first objective."""
    return backup.began is not None and backup.at - backup.began < (backup.objective or FIRST_SYNC)


# --- all cases of a claim


def _state(best: Judged, links: tuple[LinkVerdict, ...]) -> tuple[ClaimState, Problem | None]:
    """While one source is well, what is broken in another is a risk and no emergency."""
    problem = blocking_problem(links)
    if best.state is not ClaimState.PROTECTED or problem is None:
        return best.state, problem
    severity = Severity.WARNING if problem.severity is Severity.CRITICAL else problem.severity
    return ClaimState.AT_RISK, msgspec.structs.replace(problem, severity=severity)


def _merged(link: Link, judged: Iterable[Judged]) -> LinkVerdict:
    """The worst verdict of the link, with the problems of all."""
    verdicts = [verdict for one in judged for verdict in one.links if verdict.link is link]
    worst = min(verdicts, key=lambda verdict: _BADNESS[verdict.state])
    problems: dict[tuple[Cause, str], Problem] = {}
    for problem in (problem for verdict in verdicts for problem in verdict.problems):
        problems.setdefault((problem.cause, problem.scope), problem)
    ordered = sorted(problems.values(), key=lambda problem: problem.impact is Impact.ADVISORY)
    return msgspec.structs.replace(worst, problems=tuple(ordered))


_BADNESS = {LinkState.BROKEN: 0, LinkState.UNKNOWN: 1, LinkState.OK: 2}


def _advisories(links: tuple[LinkVerdict, ...]) -> tuple[Problem, ...]:
    return tuple(p for verdict in links for p in verdict.problems if p.impact is Impact.ADVISORY)


def _source_verdict(one: Judged) -> SourceVerdict:
    backup = one.backup
    spec = backup.source.spec if backup.source else None
    return SourceVerdict(
        name=backup.source_name,
        method=spec.method if spec else "",
        copy_method=(spec.mover.copy_method if spec else None) or "",
        schedule=backup.schedule,
        interval=backup.interval,
        recovery_point=one.point,
        last_sync=backup.status.last_sync_time,
        last_sync_duration=backup.last_sync_duration,
        next_sync=backup.status.next_sync_time,
        sync_start=backup.status.last_sync_start_time,
        mover_failures=backup.job.status.failed if backup.job else (0 if backup.cluster.core.jobs.known else None),
        last_prune=backup.status.restic.last_pruned if backup.status.restic else None,
        state=one.state,
    )


def _secrets(judged: list[Judged]) -> Iterable[SecretPresence]:
    """The base Secret and every repository Secret whose presence is known, each once."""
    found: dict[tuple[str, str], SecretPresence] = {}
    for one in judged:
        base = base_secret.presence(one.backup) if one.backup.is_labelled else None
        for presence in (base, repository_secret.presence(one.backup)):
            if presence is not None:
                found.setdefault((presence.name, presence.role), presence)
    return found.values()


def _repositories(judged: list[Judged]) -> tuple[RepositoryOf, ...]:
    """Where the claim's repositories are, or should be; each once."""
    places = (place for one in judged if (place := located(one.backup)))
    return tuple(dict.fromkeys(RepositoryOf(place.bucket.name, place.prefix) for place in places))


# --- for a person


def _summary(verdict: ClaimVerdict, at: datetime) -> str:
    point = verdict.recovery_point
    age = (
        f"a restore brings back the state of {format_duration(at - point)} ago"
        if point
        else "there is nothing to restore"
    )
    reason = f" {verdict.problem.reason}" if verdict.problem else ""
    match verdict.state:
        case ClaimState.EXEMPT:
            return f"Exempt: {verdict.exemption}."
        case ClaimState.STARTING:
            return "Starting: it has no backup yet, and none is late."
        case ClaimState.UNKNOWN:
            if any(source.method == "syncthing" for source in verdict.sources):
                return "Unknown: syncthing keeps no recovery points."
            open_link = next((v for v in verdict.links if v.state is LinkState.UNKNOWN), None)
            return f"Unknown: {open_link.evidence if open_link else 'its objects could not be read.'}"
        case ClaimState.PROTECTED:
            return f"Protected: {age}."
        case ClaimState.AT_RISK:
            return f"At risk: {age}, but the next backup cannot succeed.{reason}"
        case ClaimState.UNPROTECTED:
            return f"Unprotected: {age}.{reason}"
