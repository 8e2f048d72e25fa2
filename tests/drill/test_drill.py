"""A drill restores what may be restored, one after another, leaves the rest alone, and says how each went."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exporter.drill.manifest import LABEL, name_of
from exporter.drill.plan import Limits, Objects, planned, unfinished
from exporter.drill.run import Outcome, Result, drill
from exporter.facts.cluster.server.transport import ReadError
from exporter.facts.reading import Reason
from tests.drill.world import NOTHING, NOW, RESTORED, Json, World, answered, pvc, source

ANYTIME = Limits(timeout=timedelta(hours=1), unfinished=1)


def objects(world: World) -> Objects:
    return Objects(
        world.all("ReplicationSource"), world.all("ReplicationDestination"), world.all("PersistentVolumeClaim")
    )


def ran(world: World, limits: Limits = ANYTIME) -> list[Result]:
    chosen, _ = planned(objects(world), limits, world.now())
    return list(drill(world, chosen, limits, world))


def left_out(world: World, limits: Limits = ANYTIME) -> dict[str, str]:
    chosen, skipped = planned(objects(world), limits, world.now())
    assert not chosen
    return {one.claim: one.reason for one in skipped}


def drilled(name: str = "data-backup", *, days: float = 0, trigger: str = "before", **status: Any) -> Json:
    """What a drill of some days ago has left."""
    made = {
        "apiVersion": "volsync.backube/v1alpha1",
        "kind": "ReplicationDestination",
        "metadata": {"name": f"drill-{name}", "namespace": "n8n", "labels": {LABEL: "true"}},
        "spec": {"trigger": {"manual": trigger}, "restic": {"repository": f"{name}-secret"}},
    }
    return {**answered(made, NOW - timedelta(days=days)), **({"status": status} if status else {})}


def test_what_came_back_is_said_and_the_trace_stays() -> None:
    world = World(source(), pvc())
    (result,) = ran(world)
    assert result == Result(
        "n8n/data", Outcome.RESTORED, "restored snapshot 3b1f8c0d of 2026-01-18 14:00:05Z in 1m 11s"
    )
    (trace,) = world.all("ReplicationDestination")
    assert trace["status"]["latestMoverStatus"]["logs"] == RESTORED


def test_the_object_that_is_written_touches_nothing_of_the_claims() -> None:
    world = World(source(), pvc())
    ran(world)
    (written,) = world.applied
    assert written["metadata"] == {
        "name": "drill-data-backup",
        "namespace": "n8n",
        "labels": {LABEL: "true"},
        "ownerReferences": [
            {
                "apiVersion": "volsync.backube/v1alpha1",
                "kind": "ReplicationSource",
                "name": "data-backup",
                "uid": "uid-of-data-backup",
            }
        ],
    }
    assert written["spec"]["restic"] == {
        "repository": "data-backup-secret",
        "cacheCapacity": "2Gi",
        "moverSecurityContext": {"runAsUser": 1000},
        "capacity": "10Gi",
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "longhorn",
        "copyMethod": "Direct",
        "cleanupTempPVC": True,
        "cleanupCachePVC": True,
    }


@pytest.mark.parametrize(
    ("log", "outcome", "text"),
    [
        (NOTHING, Outcome.FAILED, "restored nothing"),
        (None, Outcome.UNTOLD, "no log shows what was restored"),
    ],
)
def test_a_success_of_volsyncs_that_shows_nothing_is_not_taken_for_one(
    log: str | None, outcome: Outcome, text: str
) -> None:
    world = World(source(), pvc(), volsync=lambda one, now: answered(one, now, log))
    (result,) = ran(world)
    assert result.outcome is outcome
    assert text in result.text


def failed(log: str) -> Any:
    return lambda one, _now: {**one, "status": {"latestMoverStatus": {"result": "Failed", "logs": log}}}


def test_a_failure_is_said_with_the_line_that_tells_why_and_without_secrets() -> None:
    log = "Fatal: wrong password or no key found\nhttp://user:hunter2@host/"
    (result,) = ran(World(source(), pvc(), volsync=failed(log)))
    assert result.outcome is Outcome.FAILED
    assert "wrong password or no key found" in result.text
    assert "hunter2" not in result.text


def test_a_restore_that_does_not_end_is_left_to_volsync_and_no_other_begins_meanwhile() -> None:
    world = World(source(), pvc(), source("logs-backup"), pvc("logs"), volsync=lambda _one, _now: None)
    first, second = ran(world)
    assert first == Result("n8n/data", Outcome.FAILED, "has not ended in 1h; VolSync keeps retrying drill-data-backup")
    assert second == Result("n8n/logs", Outcome.LEFT, "not started: n8n/drill-data-backup has not ended")
    assert [one["metadata"]["name"] for one in world.applied] == ["drill-data-backup"]
    assert world.now() - NOW <= ANYTIME.timeout + timedelta(minutes=1)


def test_one_that_was_killed_is_found_again_by_the_next_run() -> None:
    half = drilled(lastSyncStartTime="2026-01-18T14:10:00Z")
    world = World(source("logs-backup"), pvc("logs"), half)
    assert unfinished(world.destinations()) == [("n8n", "drill-data-backup")]
    (result,) = ran(world)
    assert result.outcome is Outcome.LEFT
    assert not world.applied


def test_as_many_may_stay_behind_as_are_allowed() -> None:
    half = drilled(lastSyncStartTime="2026-01-18T14:10:00Z")
    world = World(source("logs-backup"), pvc("logs"), half, volsync=answered)
    (result,) = ran(world, Limits(unfinished=2))
    assert result.outcome is Outcome.RESTORED


def test_a_claim_whose_restore_fails_does_not_stop_the_others_nor_is_it_begun_again() -> None:
    log = "Fatal: wrong password or no key found"
    failing = drilled(latestMoverStatus={"result": "Failed", "logs": log})
    world = World(source(), pvc(), source("logs-backup"), pvc("logs"), failing)
    first, second = ran(world, Limits())
    assert first == Result("n8n/data", Outcome.FAILED, f"the last restore has not ended: failed: {log}")
    assert (second.claim, second.outcome) == ("n8n/logs", Outcome.RESTORED)
    assert [one["metadata"]["name"] for one in world.applied] == ["drill-logs-backup"]


def test_an_error_of_volsyncs_that_stays_ends_the_wait() -> None:
    condition = {"type": "Synchronizing", "status": "False", "reason": "Error", "message": "no such storage class"}
    world = World(source(), pvc(), volsync=lambda one, _now: {**one, "status": {"conditions": [condition]}})
    (result,) = ran(world)
    assert result.outcome is Outcome.FAILED
    assert "no such storage class" in result.text
    assert timedelta(minutes=2) < world.now() - NOW < timedelta(minutes=4)


def test_a_server_that_refuses_the_object_costs_its_claim_alone() -> None:
    class Refusing(World):
        def apply(self, manifest: Json) -> None:
            if manifest["metadata"]["name"] == "drill-data-backup":
                raise ReadError(Reason.FORBIDDEN, "403 exceeded quota")
            super().apply(manifest)

    first, second = ran(Refusing(source(), pvc(), source("logs-backup"), pvc("logs")))
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.RESTORED)
    assert "exceeded quota" in first.text


def test_the_longest_unproven_comes_first() -> None:
    world = World(
        *(source(f"{name}-backup") for name in ("a", "b", "c")),
        *(pvc(name) for name in ("a", "b", "c")),
        drilled("a-backup", days=3),
        drilled("b-backup", days=9),
    )
    assert [result.claim for result in ran(world)] == ["n8n/c", "n8n/b", "n8n/a"]


def test_what_was_restored_of_late_is_left_out_unless_it_brought_nothing_back() -> None:
    limits = Limits(every=timedelta(days=7))
    assert "was restored 3d ago" in left_out(World(source(), pvc(), drilled(days=3)), limits)["n8n/data"]
    empty = answered(drilled(days=3), NOW - timedelta(days=3), NOTHING)
    (result,) = ran(World(source(), pvc(), empty), limits)
    assert result.outcome is Outcome.RESTORED


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ((source(lastSyncTime=None), pvc()), "never completed a backup"),
        (
            (
                source(latestMoverStatus={"result": "Successful", "logs": "== Directory is empty skipping backup ==="}),
                pvc(),
            ),
            "was empty",
        ),
        ((source(),), "PVC does not exist"),
        ((source(), pvc(**{"volsync-exporter.io/restore-proof": "0"})), "turns restores off"),
        ((source(), pvc(size="60Gi")), "larger than the limit"),
        ((source(), pvc(size="much")), "cannot be read"),
        (
            (source(), pvc(), {**drilled(), "metadata": {"name": "drill-data-backup", "namespace": "n8n"}}),
            "not from a drill",
        ),
        (({**source(), "spec": {"sourcePVC": "data", "rclone": {"rcloneConfig": "c"}}}, pvc()), "only restic"),
    ],
)
def test_what_cannot_or_must_not_be_drilled_is_left_out(objects: tuple[Json, ...], reason: str) -> None:
    assert reason in left_out(World(*objects), Limits(largest=Decimal(50 * 1024**3)))["n8n/data"]


@pytest.mark.parametrize(
    ("status", "minutes"),
    [
        ({"lastSyncStartTime": "2026-01-18T14:19:00Z"}, 10),
        ({"nextSyncTime": "2026-01-18T14:25:00Z"}, 10),
    ],
)
def test_a_restore_waits_for_a_backup_that_it_would_lock_out(status: Json, minutes: int) -> None:
    class Busy(World):
        def source(self, namespace: str, name: str) -> Json:
            at_rest = source(lastSyncTime="2026-01-18T14:29:00Z")
            return at_rest if self.at > NOW + timedelta(minutes=minutes) else super().source(namespace, name)

    world = Busy(source(**status), pvc())
    (result,) = ran(world)
    assert result.outcome is Outcome.RESTORED
    assert world.now() - NOW >= timedelta(minutes=minutes)


def test_a_restore_that_takes_longer_than_there_is_between_two_backups_begins_right_after_one() -> None:
    long = drilled(days=9)
    long["status"]["lastSyncDuration"] = "50m"
    ended: dict[str, datetime] = {}

    def volsync(one: Json, now: datetime) -> Json | None:
        ended.setdefault("begun", now)
        return answered(one, now)

    class Hourly(World):
        def source(self, namespace: str, name: str) -> Json:
            if self.at < datetime.fromisoformat("2026-01-18T15:01:00Z"):
                return super().source(namespace, name)
            return source(lastSyncTime="2026-01-18T15:00:40Z", nextSyncTime="2026-01-18T16:00:00Z")

    world = Hourly(source(), pvc(), long, volsync=volsync)
    (result,) = ran(world)
    assert result.outcome is Outcome.RESTORED
    assert datetime.fromisoformat("2026-01-18T15:00:40Z") < ended["begun"] < datetime.fromisoformat("2026-01-18T15:03Z")


def test_a_name_of_any_length_makes_one_that_volsync_can_use() -> None:
    long = "a" * 250
    assert name_of("data-backup") == "drill-data-backup"
    assert len(name_of(long)) <= 206
    assert name_of(long) != name_of(long[:-1] + "b")
