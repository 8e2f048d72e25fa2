"""A cluster that lives: claims whose movers run on schedule, fail, hang and recover, minute by minute.

It knows of VolSync what its own objects show (v0.14: `controllers/statemachine`, `controllers/mover/restic`): a sync
begins when it is due, its Job makes a new pod after each failure, and after eight failures the status takes the log
over and the Job is made anew.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import msgspec

from exporter.facts.cluster.decode import convert
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import Facts, SourceReport
from exporter.facts.reading import Reading, Source

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""promtool's time begins here, and so does what is watched of a life."""
WARM_UP = 3 * 24 * 60
"""Minutes that a cluster has lived before."""
_FAILS_AT = (1, 2, 4, 7, 12, 20, 30, 42)
"""Minutes after its start at which a Job's pods fail: each waits twice as long as the last, six minutes at most."""
_KINDS = {kind.kind: kind for kind in KINDS}
_LOGS = {
    "store": 'Fatal: unable to open config file: Get "http://192.168.10.133:30292/backup/": connection refused',
    "password": "Fatal: wrong password or no key found",
}


class Trouble(Enum):
    """What keeps a claim's mover from its work."""

    VOLUME = "volume"
    """Its Longhorn volume is faulted: the pod does not start."""
    STORE = "store"
    """The store does not answer: the mover fails."""
    PASSWORD = "password"
    NODE = "node"
    """No node has room for the pod."""
    OPERATOR = "operator"
    """Nobody begins a sync, and nobody ends one."""


Plan = Callable[[int, int], Trouble | None]
"""What troubles the claim of a number at a minute."""


class Claim(msgspec.Struct):
    """One claim and where its backup is at; moments are minutes of the cluster's life."""

    number: int
    every: int
    """Minutes between two backups."""
    offset: int
    takes: int = 2
    last_sync: int | None = None
    began: int | None = None
    """When the sync began; None while none runs."""
    job: int | None = None
    """When the Job was made."""
    failures: int = 0
    running: int | None = None
    """When the pod that runs began to."""
    pod_failed: int | None = None
    failed: str = ""
    """The trouble of the last run that ended, where it failed."""
    trouble: Trouble | None = None

    @property
    def namespace(self) -> str:
        return f"app-{self.number:03}"

    def due(self, minute: int) -> int:
        """The first scheduled minute after *minute*."""
        return minute - (minute - self.offset) % self.every + self.every

    def step(self, now: int, trouble: Trouble | None) -> None:
        """Live for one minute."""
        self.trouble = trouble
        if trouble is Trouble.OPERATOR:
            return
        if self.began is not None:
            self._move(now, trouble)
        elif self.due(self.last_sync if self.last_sync is not None else now - self.every) <= now:
            self.began = self.job = now
            self.failures, self.running, self.pod_failed = 0, None, None

    def _move(self, now: int, trouble: Trouble | None) -> None:
        """What the mover does for one minute."""
        self.job = now if self.job is None else self.job
        if trouble in (Trouble.VOLUME, Trouble.NODE):
            self.running = None
        elif trouble in (Trouble.STORE, Trouble.PASSWORD):
            self.running = None
            if self.failures < len(_FAILS_AT) and now - self.job >= _FAILS_AT[self.failures]:
                self.failures, self.pod_failed = self.failures + 1, now
            if self.failures == len(_FAILS_AT):
                self.failed, self.job, self.failures, self.pod_failed = trouble.value, now, 0, None
        elif self.running is None:
            waits = self.pod_failed is not None and now - self.pod_failed < 3
            self.running = None if waits else now
        elif now - self.running >= self.takes:
            self.last_sync, self.began, self.job, self.running = now, None, None, None
            self.failures, self.pod_failed, self.failed = 0, None, ""


class Cluster:
    """Claims on Longhorn volumes, each in a namespace of its own, in one store."""

    def __init__(self, plan: Plan, schedules: Iterable[tuple[int, int]]) -> None:
        self.claims = [Claim(number, every, offset) for number, (every, offset) in enumerate(schedules)]
        self._plan = plan
        self._decoded: dict[tuple[object, ...], list[tuple[str, Any]]] = {}
        for minute in range(-WARM_UP, 0):
            for claim in self.claims:
                claim.step(minute, None)

    def step(self, minute: int) -> None:
        """Let every claim live for one minute."""
        for claim in self.claims:
            claim.step(minute, self._plan(claim.number, minute))

    def facts(self, minute: int, unread: frozenset[Source] = frozenset()) -> Facts:
        """What the API shows now, and what cannot be read of it."""
        at = EPOCH + timedelta(minutes=minute)
        found: dict[str, list[Any]] = {kind.field: [] for kind in KINDS}
        for claim in self.claims:
            for field, one in self._objects(claim):
                found[field].append(one)
        served = (Source.KUBERNETES, Source.VOLSYNC, Source.LONGHORN)
        lists = {
            kind.field: ObjectList(
                tuple(found[kind.field]),
                Reading.UNREADABLE
                if kind.source in unread
                else (Reading.READ if kind.source in served else Reading.NOT_SERVED),
                read_at=at,
            )
            for kind in KINDS
        }
        reports = tuple(
            SourceReport(source, Reading.UNREADABLE if source in unread else Reading.READ, last_success=at)
            for source in served
        )
        return Facts(ClusterFacts().with_lists(lists), (), reports)

    def _objects(self, claim: Claim) -> list[tuple[str, Any]]:
        state = msgspec.structs.astuple(claim)
        found = self._decoded.get(state)
        if found is None:
            bodies = objects_of(claim)
            found = self._decoded[state] = [
                (_KINDS[body["kind"]].field, convert(_KINDS[body["kind"]], body)) for body in bodies
            ]
        return found


def when(minute: int | None) -> str | None:
    """A minute of a life, as the API writes it."""
    if minute is None:
        return None
    return (EPOCH + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def objects_of(claim: Claim) -> list[Mapping[str, Any]]:
    """The API's objects of one claim."""
    namespace, volume, job = claim.namespace, f"pvc-{claim.number:03}", "volsync-src-data"
    born = when(-WARM_UP - 60)
    source: dict[str, Any] = {
        "kind": "ReplicationSource",
        "metadata": _named("data", namespace, born),
        "spec": {
            "sourcePVC": "data",
            "trigger": {"schedule": _cron(claim)},
            "restic": {"repository": "data-volsync", "copyMethod": "Direct", "pruneIntervalDays": 100},
        },
        "status": {
            "lastSyncTime": when(claim.last_sync),
            "lastSyncDuration": f"{claim.takes + 1}m0s",
            "lastSyncStartTime": when(claim.began),
            "nextSyncTime": when(claim.due(claim.last_sync or -WARM_UP)),
            "latestMoverStatus": {
                "result": "Failed" if claim.failed else "Successful",
                "logs": _LOGS.get(claim.failed, "snapshot 7617418d saved"),
            },
            "conditions": [
                {
                    "type": "Synchronizing",
                    "status": "True" if claim.began is not None else "False",
                    "reason": "SyncInProgress" if claim.began is not None else "WaitingForSchedule",
                    "message": "",
                    "lastTransitionTime": when(claim.began if claim.began is not None else claim.last_sync),
                }
            ],
            "restic": {"lastPruned": when(-1000)},
        },
    }
    attached = claim.running is not None
    faulted = claim.trouble is Trouble.VOLUME
    found: list[Mapping[str, Any]] = [
        {"kind": "Namespace", "metadata": {"name": namespace, "uid": f"n-{namespace}", "creationTimestamp": born}},
        {
            "kind": "PersistentVolumeClaim",
            "metadata": _named("data", namespace, born),
            "spec": {"storageClassName": "longhorn", "volumeName": volume},
            "status": {"phase": "Bound"},
        },
        {
            "kind": "PersistentVolume",
            "metadata": {"name": volume, "uid": f"v-{volume}", "creationTimestamp": born},
            "spec": {
                "claimRef": {"namespace": namespace, "name": "data"},
                "csi": {"driver": "driver.longhorn.io", "volumeHandle": volume},
            },
            "status": {"phase": "Bound"},
        },
        {
            "kind": "Volume",
            "metadata": _named(volume, "longhorn-system", born),
            "spec": {"numberOfReplicas": 2},
            "status": {
                "state": "attached" if attached else "detached",
                "robustness": "faulted" if faulted else "healthy" if attached else "unknown",
                "currentNodeID": "worker-1" if attached else "",
            },
        },
        source,
    ]
    if claim.job is not None:
        found += [_job(claim, job), *_pods(claim, job)]
    return found


def _named(name: str, namespace: str, born: str | None) -> dict[str, Any]:
    uid = f"{namespace}-{name}"
    return {"name": name, "namespace": namespace, "uid": uid, "creationTimestamp": born}


def _cron(claim: Claim) -> str:
    if claim.every == 1440:
        return f"{claim.offset % 60} {claim.offset // 60 % 24} * * *"
    return f"{claim.offset % 60} * * * *"


def _job(claim: Claim, name: str) -> dict[str, Any]:
    metadata = _named(name, claim.namespace, when(claim.job))
    metadata["ownerReferences"] = [_owner("ReplicationSource", "data", f"{claim.namespace}-data")]
    return {
        "kind": "Job",
        "metadata": metadata,
        "spec": {"backoffLimit": 8},
        "status": {"active": 1, "failed": claim.failures, "startTime": when(claim.job)},
    }


def _owner(kind: str, name: str, uid: str) -> dict[str, Any]:
    return {"kind": kind, "name": name, "uid": uid, "controller": True, "apiVersion": "v1"}


def _pods(claim: Claim, job: str) -> Iterable[dict[str, Any]]:
    """The pod that failed last, and the one that waits or runs."""
    if claim.pod_failed is not None:
        ended = {"exitCode": 1, "reason": "Error", "message": "", "finishedAt": when(claim.pod_failed)}
        ended["message"] = _LOGS.get(claim.trouble.value if claim.trouble else "", "")
        yield _pod(claim, job, "failed", claim.pod_failed - 1, "Failed", {"terminated": ended})
        if claim.running is None:
            return
    if claim.running is not None:
        yield _pod(claim, job, "runs", claim.running, "Running", {"running": {"startedAt": when(claim.running)}})
    elif claim.trouble is Trouble.NODE:
        yield _pod(claim, job, "waits", claim.job or 0, "Pending", None)
    else:
        yield _pod(claim, job, "waits", claim.job or 0, "Pending", {"waiting": {"reason": "ContainerCreating"}})


def _pod(claim: Claim, job: str, name: str, since: int, phase: str, state: dict[str, Any] | None) -> dict[str, Any]:
    metadata = _named(f"{job}-{name}", claim.namespace, when(since))
    metadata["labels"] = {"job-name": job, "app.kubernetes.io/created-by": "volsync"}
    metadata["ownerReferences"] = [_owner("Job", job, f"{claim.namespace}-{job}")]
    scheduled: dict[str, Any] = {"type": "PodScheduled", "status": "True", "lastTransitionTime": when(since)}
    if state is None:
        scheduled |= {
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient memory.",
        }
    return {
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "nodeName": "" if state is None else "worker-1",
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        },
        "status": {
            "phase": phase,
            "startTime": when(since),
            "conditions": [scheduled],
            "containerStatuses": [{"name": "restic", "state": state}] if state else [],
        },
    }
