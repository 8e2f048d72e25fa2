"""From facts and a moment to the verdict."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from exporter.chain import orphans, root_causes
from exporter.chain.backup import Backup
from exporter.chain.binding import BindingState
from exporter.chain.causes import Cause, Impact, Link
from exporter.chain.exemption import exemption
from exporter.chain.inventory import Inventory
from exporter.chain.isolation import Isolation, JudgingFailure
from exporter.chain.links import base_secret, repository_secret, restore, volume
from exporter.chain.now import Now
from exporter.chain.recovery import recovery_point
from exporter.chain.restores.evidence import evidence_of
from exporter.chain.scope import Scope
from exporter.chain.state import RANK, JudgedBackup, is_urgent, state_of, with_severity
from exporter.chain.summary import summary_of
from exporter.chain.vanishing import may_vanish
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
from exporter.chain.walk import ORDER, blocking_problem, walk
from exporter.chain.writing import written_out
from exporter.facts.bucket.model import Bucket
from exporter.facts.cluster.object_list import Key
from exporter.facts.model import Facts
from exporter.garbage_collection import collection_paused
from exporter.settings import Settings


@collection_paused()
def judge(facts: Facts, settings: Settings, at: datetime) -> Verdict:
    """Judge every claim in *facts* at the moment *at* (timezone-aware)."""
    inventory, now = Inventory(facts, settings), Now(at)
    claims = root_causes.settle([judge_alone(inventory, inventory.isolation, key, now) for key in inventory.claims])
    unclaimed = orphans.find(inventory, now)
    return written_out(
        Verdict(
            at=at,
            claims=claims,
            orphans=unclaimed,
            policies=judge_policies(inventory, now),
            facts=facts,
            owners=inventory.bindings.claims_at,
            root_causes=root_causes.find(claims, unclaimed),
            failures=tuple(sorted(set(inventory.failures))),
            uncovered=inventory.selection.uncovered,
        )
    )


def judge_policies(inventory: Inventory, at: Now) -> tuple[PolicyState, ...]:
    """The policies that generate, and whether each is in force."""
    grace = inventory.settings.grace.generation
    return tuple(
        PolicyState(
            "/".join(part for part in (policy.namespace, policy.name) if part),
            policy.kind,
            ready=policy.why_not_ready(at, grace) is None,
        )
        for policy in inventory.policies.all
    )


def judge_alone(inventory: Inventory, isolation: Isolation, key: Key, at: Now) -> ClaimVerdict:
    """The claim's verdict. Whatever its objects hold that cannot be judged costs this claim, and no other."""

    def unjudged(failure: JudgingFailure) -> ClaimVerdict:
        summary = f"Unknown: a value in its objects could not be judged ({failure.error} at {failure.where})."
        return ClaimVerdict(*key, state=ClaimState.UNKNOWN, summary=summary)

    return isolation.attempt("/".join(key), lambda: _judge_claim(inventory, key, at), unjudged)


def _judge_claim(inventory: Inventory, key: Key, at: Now) -> ClaimVerdict:
    """Each source is judged by itself; the claim's state is that of its best one."""
    sources = inventory.cluster.volsync.sources_of.get(key, ()) if inventory.cluster.volsync.sources.known else ()
    judged = [_judge_backup(Backup(inventory, key, source, at)) for source in (sources or (None,))]
    best = min(judged, key=lambda one: RANK[one.state])
    backup = best.backup
    merged = _merged(judged)
    problem = blocking_problem(merged)
    # While one source is well, what is broken in another is a risk.
    state = _BESIDE_A_BROKEN_ONE.get(best.state, best.state) if problem else best.state
    links = tuple(with_severity(link, urgent=is_urgent(best, state)) if link.problems else link for link in merged)
    reason = exemption(backup)
    point = max((one.point for one in judged if one.point), default=None)
    verdict = ClaimVerdict(
        namespace=backup.namespace,
        pvc=backup.pvc_name,
        state=ClaimState.EXEMPT if reason else state,
        summary="",
        problem=None if reason else blocking_problem(links),
        advisories=() if reason else _advisories(links),
        links=links,
        recovery_point=point,
        recovery_point_evidence=best.evidence,
        objective=backup.objective,
        last_sync=max((s for one in judged if (s := one.backup.status.last_sync_time)), default=None),
        storage_class=(backup.pvc.spec.storage_class_name if backup.pvc else None) or "",
        exemption=reason,
        may_vanish=any(may_vanish(one.backup) for one in judged),
        sources=tuple(_source_verdict(one) for one in judged if one.backup.source),
        secrets=tuple(_secrets(judged)),
        volumes=tuple({(v.name, v.role): v for one in judged for v in volume.states_of(one.backup)}.values()),
        restores=tuple(restore.verdict_of(destination) for destination in backup.destinations),
        restored=evidence_of(backup),
        repositories=_repositories(judged),
    )
    return msgspec.structs.replace(verdict, summary=summary_of(verdict, at))


_BESIDE_A_BROKEN_ONE = {ClaimState.PROTECTED: ClaimState.AT_RISK, ClaimState.STARTING: ClaimState.UNPROTECTED}
"""What a claim is whose best source is well, or new, while another one is broken."""


def _judge_backup(backup: Backup) -> JudgedBackup:
    links = walk(backup)
    point, evidence = recovery_point(backup)
    return JudgedBackup(backup, links, point, evidence, state_of(backup, links, point))


def _merged(judged: Sequence[JudgedBackup]) -> list[LinkVerdict]:
    """One verdict for each link that applies to any of the sources, in the order of the chain."""
    if len(judged) == 1:
        return [_worst([verdict]) for verdict in judged[0].links]
    by_link: dict[Link, list[LinkVerdict]] = {}
    for one in judged:
        for verdict in one.links:
            by_link.setdefault(verdict.link, []).append(verdict)
    return [_worst(by_link[link]) for link in ORDER if link in by_link]


def _worst(verdicts: list[LinkVerdict]) -> LinkVerdict:
    """The worst verdict of a link, with the problems of all."""
    if len(verdicts) == 1 and len(verdicts[0].problems) < 2:
        return verdicts[0]
    worst = min(verdicts, key=lambda verdict: _BADNESS[verdict.state])
    problems: dict[tuple[Cause, tuple[Scope, ...]], Problem] = {}
    for problem in (problem for verdict in verdicts for problem in verdict.problems):
        problems.setdefault((problem.cause, problem.scopes), problem)
    ordered = sorted(problems.values(), key=lambda problem: problem.impact is Impact.ADVISORY)
    return msgspec.structs.replace(worst, problems=tuple(ordered))


_BADNESS = {LinkState.BROKEN: 0, LinkState.UNKNOWN: 1, LinkState.OK: 2}


def _advisories(links: tuple[LinkVerdict, ...]) -> tuple[Problem, ...]:
    return tuple(p for verdict in links for p in verdict.problems if p.impact is Impact.ADVISORY)


def _source_verdict(one: JudgedBackup) -> SourceVerdict:
    backup = one.backup
    spec = backup.source.spec if backup.source else None
    return SourceVerdict(
        name=backup.source_name,
        method=backup.method,
        copy_method=(spec.mover.copy_method if spec else None) or "",
        schedule=backup.schedule,
        interval=backup.interval,
        recovery_point=one.point,
        last_sync=backup.status.last_sync_time,
        last_sync_duration=backup.last_sync_duration,
        next_sync=backup.status.next_sync_time,
        sync_start=backup.status.last_sync_start_time,
        mover_failures=backup.job.status.failed if backup.job else (0 if backup.cluster.core.jobs.known else None),
        binding=backup.binding.state if backup.binding else BindingState.UNKNOWN,
        store=str(backup.binding.store or "") if backup.binding else "",
        binding_evidence=backup.binding.evidence if backup.binding else "",
        last_prune=backup.status.restic.last_pruned if backup.status.restic else None,
        state=one.state,
    )


def _secrets(judged: list[JudgedBackup]) -> Iterable[SecretPresence]:
    """The base Secret and every repository Secret whose presence is known, each once."""
    found: dict[tuple[str, str], SecretPresence] = {}
    for one in judged:
        base = base_secret.presence(one.backup) if one.backup.is_labelled else None
        for presence in (base, repository_secret.presence(one.backup)):
            if presence is not None:
                found.setdefault((presence.name, presence.role), presence)
    return found.values()


def _repositories(judged: list[JudgedBackup]) -> tuple[RepositoryOf, ...]:
    """Where the claim's repositories are, or should be; each once."""
    bindings = (binding for one in judged if (binding := one.backup.binding))
    return tuple(dict.fromkeys(_repository(b.bucket, b.prefix) for b in bindings if b.bucket))


def _repository(bucket: Bucket, prefix: str) -> RepositoryOf:
    return RepositoryOf(bucket.name, prefix, bucket.endpoint, bucket.prefix)
