"""A fault that hits every claim alike is one root cause, however many claims and namespaces there are."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from exporter.chain.causes import Cause, Impact
from exporter.chain.judge import judge
from exporter.chain.scope import ScopeKind
from exporter.chain.verdict import RootCause, Verdict
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import Facts
from exporter.facts.reading import Reading
from tests import corpus

NAMESPACE, PVC = "karakeep", "data-pvc"
"""The claim of the scenarios, which is copied."""
_UID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-(?=[0-9a-f]{12}\b)")


NAMESPACES, EACH = 200, 5
"""A thousand claims."""
Edit = Callable[[str, str, int], str]
"""Changes one copy of an object, as JSON: its kind, its text, and the number of the claim."""


def _as_it_is(_kind: str, text: str, _number: int) -> str:
    return text


def many(name: str, namespaces: int = NAMESPACES, each: int = EACH, edit: Edit = _as_it_is, first: int = 0) -> Facts:
    """The facts of a scenario whose one claim is there many times over, each with objects of its own.

    *first* is the number of the first namespace.
    """
    facts = corpus.facts(name)
    mine = {
        (pvc.metadata.uid, pvc.spec.volume_name) for pvc in facts.cluster.core.claims if pvc.key == (NAMESPACE, PVC)
    }
    marks = [PVC, *(mark for pair in mine for mark in pair if mark)]
    lists: dict[str, ObjectList[Any]] = {}
    for kind in KINDS:
        found = facts.cluster.list_of(kind.field)
        texts: list[str] = []
        items = []
        for one in found.items:
            text = msgspec.json.encode(one).decode()
            if kind.kind == "ClusterExternalSecret":  # there once, for all namespaces
                names = ",".join(f'"team-{first + number}"' for number in range(namespaces))
                texts.append(text.replace(f'"{NAMESPACE}"', names))
                continue
            if not any(mark in text for mark in (NAMESPACE, *marks)):
                items.append(one)
                continue
            prefixes = set(_UID.findall(text))
            copies = each if any(mark in text for mark in marks) else 1
            for number in range(namespaces):
                for claim in range(copies):
                    copied = text.replace(NAMESPACE, f"team-{first + number}").replace(PVC, f"app-{claim}")
                    for prefix in prefixes:
                        copied = copied.replace(prefix, f"{(first + number) * each + claim:08x}-0000-5000-8000-")
                    texts.append(edit(kind.kind, copied, number * each + claim))
        items += msgspec.json.decode(f"[{','.join(texts)}]", type=list[kind.struct])  # type: ignore[name-defined]
        lists[kind.field] = msgspec.structs.replace(found, items=tuple({one.key: one for one in items}.values()))
    buckets = tuple(
        msgspec.structs.replace(
            bucket,
            repositories=tuple(
                msgspec.structs.replace(
                    one, prefix=one.prefix.replace(NAMESPACE, f"team-{first + n}").replace(PVC, f"app-{c}")
                )
                for one in bucket.repositories
                for n in range(namespaces)
                for c in range(each)
            ),
        )
        for bucket in facts.buckets
    )
    return Facts(ClusterFacts().with_lists(lists), buckets, facts.sources)


def beside(one: Facts, other: Facts) -> Facts:
    """The objects of both; nothing of a bucket."""
    lists = {
        kind.field: msgspec.structs.replace(
            (mine := other.cluster.list_of(kind.field)),
            items=tuple({o.key: o for o in (*one.cluster.list_of(kind.field).items, *mine.items)}.values()),
        )
        for kind in KINDS
    }
    return Facts(ClusterFacts().with_lists(lists), (), other.sources)


def judged(name: str, facts: Facts | None = None) -> Verdict:
    """The verdict of *facts*, or of the thousand claims, by the scenario's settings and at its moment."""
    return judge(facts or many(name), corpus.settings(name), corpus.scenario(name).at)


def blocking(verdict: Verdict) -> list[RootCause]:
    return [root for root in verdict.root_causes if root.impact is Impact.BLOCKING]


def brief(verdict: Verdict) -> Counter[str]:
    """The root causes that block, and how many claims each hits."""
    return Counter({f"{root.cause} {root.scope}": len(root.claims) for root in blocking(verdict)})


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
        ("repository_locked", "store/"),
        ("external_secret_failing-store", "secretstore/"),
        ("base_secret_missing-everywhere", "externalsecret/"),
    ],
)
def test_one_fault_of_1000_claims_in_200_namespaces_is_one_root_cause(name: str, scope: str) -> None:
    ((found, claims),) = brief(judged(name)).items()
    assert found.split()[1].startswith(scope)
    assert claims >= 1000


# --- the same fault in many words, at many times


def status_of(change: Callable[[dict[str, Any], int], None]) -> Edit:
    """Changes the status of each copied ReplicationSource."""

    def edit(kind: str, text: str, number: int) -> str:
        if kind != "ReplicationSource":
            return text
        source = msgspec.json.decode(text)
        change(source["status"], number)
        return msgspec.json.encode(source).decode()

    return edit


def test_a_class_of_snapshots_that_is_missing_everywhere_is_one_root_cause_of_the_storage() -> None:
    def missing(status: dict[str, Any], number: int) -> None:
        (condition,) = (one for one in status["conditions"] if one["type"] == "Synchronizing")
        condition["message"] = (
            f'unable to create snapshot volsync-app-{number % EACH}-src: volumesnapshotclass "longhorn-snap" not found'
        )

    verdict = judged("source_failing", many("source_failing", edit=status_of(missing)))
    assert brief(verdict) == {"source_failing storage/driver.longhorn.io": 1000}


_LOGS = (
    'Fatal: unable to open config file: Stat: Get "http://minio.storage:9000/volsync/?location=": '
    "dial tcp 10.0.0.5:9000: connect: connection refused",
    "Fatal: unable to open config file: Stat: dial tcp 10.0.0.5:9000: i/o timeout",
    "Fatal: create repository at s3:http://minio.storage:9000/volsync/team/app failed: "
    "Server not initialized yet, please try again.",
    "ERROR: failure checking existence of repository",
)


def in_other_words(status: dict[str, Any], number: int) -> None:
    status["latestMoverStatus"] = {"result": "Failed", "logs": _LOGS[number % len(_LOGS)]}


def test_a_store_that_each_log_names_in_another_way_is_one_root_cause() -> None:
    """The logs alone tell: their pods are gone, and no bucket is configured."""
    name = "repository_unreachable-denied"
    facts = many(name, edit=status_of(in_other_words))
    without = {kind.field: ObjectList((), Reading.READ) for kind in KINDS if kind.kind in ("Pod", "Job")}
    verdict = judged(name, msgspec.structs.replace(facts, cluster=facts.cluster.with_lists(without)))
    assert brief(verdict) == {"repository_unreachable store/minio.storage:9000": 1000}


def test_a_store_that_each_log_names_in_another_way_is_one_root_cause_where_its_bucket_is_read_too() -> None:
    """The bucket was read before, and cannot be any more."""
    name = "lock_stale-near-miss"
    begun = {"type": "Synchronizing", "status": "True", "reason": "SyncInProgress", "message": ""}

    def failing(status: dict[str, Any], number: int) -> None:
        in_other_words(status, number)
        status["conditions"] = [begun | {"lastTransitionTime": "2026-01-18T11:00:00Z"}]
        status |= {"lastSyncTime": "2026-01-18T10:00:41Z", "lastSyncStartTime": "2026-01-18T11:00:00Z"}

    facts = many(name, edit=status_of(failing))
    (bucket,) = facts.buckets
    unread = msgspec.structs.replace(
        bucket, reading=Reading.UNREADABLE, endpoint="http://minio.storage:9000", name="volsync"
    )
    verdict = judged(name, msgspec.structs.replace(facts, buckets=(unread,)))
    ((found, claims),) = brief(verdict).items()
    assert found.startswith("repository_unreachable store/minio.storage:9000")
    assert claims == 1000


def test_a_wrong_password_that_schedules_find_out_ten_minutes_apart_is_one_root_cause() -> None:
    def found_later(status: dict[str, Any], number: int) -> None:
        minute = 10 * (number % 6)
        status["lastSyncTime"] = f"2026-01-18T09:{minute:02}:41Z"
        status["lastSyncStartTime"] = status["nextSyncTime"] = f"2026-01-18T10:{minute:02}:00Z"

    verdict = judged("repository_password", many("repository_password", edit=status_of(found_later)))
    ((found, claims),) = brief(verdict).items()
    assert found.startswith("repository_password store/")
    assert claims == 1000


def test_volumes_whose_engines_are_on_one_lost_node_are_one_root_cause_of_the_node() -> None:
    facts = many("volume_unreachable")
    ready = {"type": "Ready", "status": "Unknown", "lastTransitionTime": "2026-01-18T11:40:00Z"}
    body = {"metadata": {"name": "talos-worker-3", "uid": "node"}, "status": {"conditions": [ready]}}
    lost = msgspec.convert(body, next(kind.struct for kind in KINDS if kind.kind == "Node"), strict=False)
    nodes = {"core.nodes": ObjectList((lost,), Reading.READ)}
    verdict = judged("volume_unreachable", msgspec.structs.replace(facts, cluster=facts.cluster.with_lists(nodes)))
    assert brief(verdict) == {"volume_unreachable node/talos-worker-3": 1000}


def unscheduled(kind: str, text: str, number: int) -> str:
    """No node takes the pod."""
    if kind != "Pod":
        return text
    pod = msgspec.json.decode(text)
    message = f"0/{3 + number % 2} nodes are available: 3 Insufficient memory."
    pod["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", "message": message}]
    return msgspec.json.encode(pod).decode()


def test_restores_that_hang_for_the_same_reason_are_one_root_cause() -> None:
    roots = judged("restore_stuck", many("restore_stuck", edit=unscheduled)).root_causes
    (root,) = [root for root in roots if root.cause is Cause.RESTORE_STUCK]
    assert len(root.claims) == 1000


def test_restores_that_hang_for_no_reason_that_the_cluster_tells_each_have_their_own_root_cause() -> None:
    """So that a second one that hangs is reported while the first still does."""
    roots = judged("restore_stuck", many("restore_stuck", 2)).root_causes
    found = [root for root in roots if root.cause is Cause.RESTORE_STUCK]
    assert len(found) > 1
    assert {(root.scope.kind, len(root.claims)) for root in found} == {(ScopeKind.CLAIM, 1)}


# --- one namespace, one claim


@pytest.mark.parametrize("name", ["mover_refused", "source_paused", "schedule_ignored", "source_failing"])
def test_one_fault_of_a_whole_namespace_is_one_root_cause_of_that_namespace(name: str) -> None:
    """The other claims are well."""
    facts = beside(many("healthy-hourly", NAMESPACES - 1), many(name, 1, first=NAMESPACES - 1))
    (root,) = blocking(judged(name, facts))
    assert (str(root.scope), len(root.claims)) == (f"namespace/team-{NAMESPACES - 1}", EACH)


def test_a_volume_that_faults_while_a_store_keeps_1000_claims_out_is_a_root_cause_of_its_own() -> None:
    refused = many("repository_unreachable-denied")
    faulted = many("volume_faulted", 1, 1, first=NAMESPACES * EACH)
    found = brief(judged("volume_faulted", beside(refused, faulted)))
    assert sorted((name.split("/")[0], claims) for name, claims in found.items()) == [
        ("repository_unreachable store", 1000),
        ("volume_faulted volume", 1),
    ]


def test_a_fault_of_one_claim_stays_that_claims() -> None:
    (root,) = blocking(corpus.verdict("source_paused"))
    assert str(root.scope) == f"claim/{NAMESPACE}/{PVC}"


# --- what the store shows


def test_a_bucket_that_was_emptied_is_one_root_cause() -> None:
    facts = many("healthy-hourly")
    emptied = tuple(msgspec.structs.replace(bucket, repositories=()) for bucket in facts.buckets)
    (root,) = blocking(judged("healthy-hourly", msgspec.structs.replace(facts, buckets=emptied)))
    assert (root.cause, root.scope.kind) == (Cause.REPOSITORY_MISSING, ScopeKind.STORE)
    assert len(root.claims) == 1000


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("mover_slow", Cause.MOVER_SLOW),
        ("repository_reinitialised", Cause.REPOSITORY_REINITIALISED),
        ("lock_stale", Cause.LOCK_STALE),
        ("volume_degraded", Cause.VOLUME_DEGRADED),
        ("external_secret_stale", Cause.EXTERNAL_SECRET_STALE),
        ("prune_overdue", Cause.PRUNE_OVERDUE),
        ("restore_failing", Cause.RESTORE_FAILING),
        ("restore_empty", Cause.RESTORE_EMPTY),
    ],
)
def test_trouble_that_hits_all_alike_is_one_root_cause_too(name: str, cause: Cause) -> None:
    """A slow store, a bucket that was made again, what an outage leaves behind, and the restores of a whole cluster."""
    roots = [root for root in judged(name).root_causes if root.cause is cause]
    assert len(roots) == 1
    assert len(roots[0].claims) >= 1000
