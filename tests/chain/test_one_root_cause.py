"""A fault that hits every claim alike is one root cause, however many claims and namespaces there are."""

import re
from collections import Counter
from typing import Any

import msgspec
import pytest

from exporter.chain.causes import Cause, Impact
from exporter.chain.judge import judge
from exporter.chain.scope import ScopeKind
from exporter.chain.verdict import RootCause, Verdict
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.volsync.objects import MoverStatus, ReplicationSource
from exporter.facts.model import Facts
from exporter.facts.reading import Reading
from tests import corpus

NAMESPACE, PVC = "karakeep", "data-pvc"
"""The claim of the scenarios, which is copied."""
_UID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-(?=[0-9a-f]{12}\b)")


def many(name: str, namespaces: int, per_namespace: int) -> Verdict:
    """The verdict of a scenario whose one claim is there many times over, each with objects of its own."""
    facts, settings, at = corpus.facts(name), corpus.settings(name), corpus.scenario(name).at
    volumes = {pvc.spec.volume_name for pvc in facts.cluster.core.claims if pvc.namespace == NAMESPACE}
    lists: dict[str, ObjectList[Any]] = {}
    for kind in KINDS:
        found = facts.cluster.list_of(kind.field)
        own = [one for one in found.items if NAMESPACE in repr(one) or one.name in volumes]
        items = {one.key: one for one in found.items if one not in own}
        for number in range(namespaces):
            for claim in range(per_namespace):
                for one in own:
                    copied = _copy(one, kind.struct, f"team-{number}", f"app-{claim}", number * per_namespace + claim)
                    items.setdefault(copied.key, copied)
        lists[kind.field] = msgspec.structs.replace(found, items=tuple(items.values()))
    repositories = [
        tuple(
            msgspec.structs.replace(one, prefix=one.prefix.replace(NAMESPACE, f"team-{n}").replace(PVC, f"app-{c}"))
            for one in bucket.repositories
            for n in range(namespaces)
            for c in range(per_namespace)
        )
        for bucket in facts.buckets
    ]
    buckets = tuple(
        msgspec.structs.replace(bucket, repositories=found)
        for bucket, found in zip(facts.buckets, repositories, strict=True)
    )
    return judge(Facts(ClusterFacts().with_lists(lists), buckets, facts.sources), settings, at)


def _copy(one: Any, struct: type[Any], namespace: str, pvc: str, number: int) -> Any:
    text = msgspec.json.encode(one).decode()
    text = text.replace(NAMESPACE, namespace).replace(PVC, pvc)
    return msgspec.json.decode(_UID.sub(f"{number:08x}-0000-5000-8000-", text), type=struct)


def blocking(verdict: Verdict) -> list[RootCause]:
    return [root for root in verdict.root_causes if root.impact is Impact.BLOCKING]


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("source_failing", "operator/volsync"),
        ("source_paused", "operator/volsync"),
        ("schedule_ignored", "operator/volsync"),
        ("operator_stalled-mover-done", "operator/volsync"),
        ("overdue", "operator/volsync"),
        ("mover_unschedulable-no-room", "scheduler/default-scheduler"),
        ("mover_stuck-lost-node", "node/talos-worker-1"),
        ("mover_image", "operator/volsync"),
        ("mover_failing", "operator/volsync"),
        ("copy_not_ready", "storage/driver.longhorn.io"),
        ("volume_faulted", "storage/driver.longhorn.io"),
        ("volume_stuck", "storage/driver.longhorn.io"),
        ("repository_unreachable-denied", "store/"),
        ("repository_full", "store/"),
        ("repository_password", "store/"),
        ("repository_locked", "store/"),
        ("external_secret_failing-store", "secretstore/"),
    ],
)
def test_one_fault_of_200_claims_in_40_namespaces_is_one_root_cause(name: str, scope: str) -> None:
    verdict = many(name, 40, 5)
    roots = blocking(verdict)
    assert [str(root.scope).startswith(scope) for root in roots] == [True], Counter(str(r.scope) for r in roots)
    assert len(roots[0].claims) >= 200


_LOGS = (
    'Fatal: unable to open config file: Stat: Get "http://minio.storage:9000/volsync/?location=": '
    "dial tcp 10.0.0.5:9000: connect: connection refused",
    "Fatal: unable to open config file: Stat: dial tcp 10.0.0.5:9000: i/o timeout",
    "Fatal: create repository at s3:http://minio.storage:9000/volsync/team/app failed: "
    "Server not initialized yet, please try again.",
    "ERROR: failure checking existence of repository",
)


def test_a_store_that_each_log_names_in_another_way_is_one_root_cause() -> None:
    name = "repository_unreachable-denied"
    facts, at = corpus.facts(name), corpus.scenario(name).at
    (source,) = (one for one in facts.cluster.volsync.sources.items if one.namespace == NAMESPACE)
    claims, sources = [], []
    for number, log in enumerate(_LOGS * 10):
        assert source.status is not None
        status = msgspec.structs.replace(source.status, latest_mover_status=MoverStatus("Failed", log))
        copied = _copy(source, ReplicationSource, f"team-{number}", "app", number)
        sources.append(msgspec.structs.replace(copied, status=status))
        claim = facts.cluster.core.claims.get(PVC, NAMESPACE)
        claims.append(_copy(claim, PersistentVolumeClaim, f"team-{number}", "app", number))
    cluster = ClusterFacts().with_lists(
        {
            "core.claims": ObjectList(tuple(claims), Reading.READ, read_at=at),
            "volsync.sources": ObjectList(tuple(sources), Reading.READ, read_at=at),
        }
    )
    (root,) = blocking(judge(Facts(cluster), corpus.settings(name), at))
    assert (root.cause, str(root.scope)) == (Cause.REPOSITORY_UNREACHABLE, "store/minio.storage:9000")
    assert len(root.claims) == 40


@pytest.mark.parametrize("name", ["mover_refused", "source_paused", "schedule_ignored", "source_failing"])
def test_one_fault_of_a_whole_namespace_is_one_root_cause_of_that_namespace(name: str) -> None:
    (root,) = blocking(many(name, 1, 20))
    assert str(root.scope) == "namespace/team-0"


def test_a_fault_of_one_claim_stays_that_claims() -> None:
    (root,) = blocking(corpus.verdict("source_paused"))
    assert str(root.scope) == f"claim/{NAMESPACE}/{PVC}"


def test_a_bucket_that_was_emptied_is_one_root_cause() -> None:
    whole = many("healthy-hourly", 20, 2)
    emptied = tuple(msgspec.structs.replace(bucket, repositories=()) for bucket in whole.facts.buckets)
    name = "healthy-hourly"
    facts = msgspec.structs.replace(whole.facts, buckets=emptied)
    verdict = judge(facts, corpus.settings(name), corpus.scenario(name).at)
    (root,) = blocking(verdict)
    assert (root.cause, root.scope.kind) == (Cause.REPOSITORY_MISSING, ScopeKind.STORE)
    assert len(root.claims) == 40


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("mover_slow", Cause.MOVER_SLOW),
        ("repository_reinitialised", Cause.REPOSITORY_REINITIALISED),
        ("lock_stale", Cause.LOCK_STALE),
        ("volume_degraded", Cause.VOLUME_DEGRADED),
        ("external_secret_stale", Cause.EXTERNAL_SECRET_STALE),
    ],
)
def test_trouble_that_hits_all_alike_is_one_root_cause_too(name: str, cause: Cause) -> None:
    roots = [root for root in many(name, 20, 2).root_causes if root.cause is cause]
    assert len(roots) == 1
    assert len(roots[0].claims) >= 40
