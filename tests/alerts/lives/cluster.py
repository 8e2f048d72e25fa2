"""A cluster that lives: claims whose movers run on schedule, fail, hang and recover, minute by minute.

It knows of VolSync what its own objects show (v0.14: `controllers/statemachine`, `controllers/mover/restic`): a sync
begins when it is due, its Job makes a new pod after each failure, and after eight failures the status takes the log
over and the Job is made again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from tests.alerts.lives.around import REFRESH, Around, external_secret, generated, nodes, policy, secret_store

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
    NODE_LOST = "node lost"
    """Its volume is attached to a node that does not answer, and so is the mover that ran there."""
    SECRET_STORE = "secret store"
    """The store of its ExternalSecret is down: what is there stays, what is new is not made."""
    POLICY = "policy"
    """The policy is not in force: what is there stays, for what is new nothing is generated."""


_NOT_MADE = (Trouble.SECRET_STORE, Trouble.POLICY)
"""What keeps a new claim from its first sync, and no other one."""
Plan = Callable[[int, int], Trouble | None]
"""What troubles the claim of a number at a minute."""


class Claim(msgspec.Struct):
    """One claim and where its backup is at; moments are minutes of the cluster's life."""

    number: int
    every: int
    """Minutes between two backups."""
    offset: int
    takes: int = 2
    around: Around = Around.NOTHING
    born: int = -WARM_UP - 60
    is_made: bool = True
    """Whether all that the backup needs was made."""
    refreshed: int | None = None
    """When the ExternalSecret last was."""
    failing: int | None = None
    """Since when it fails."""
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
        if now < self.born:
            return
        self._refresh(now, trouble)
        self.is_made = trouble not in _NOT_MADE or (self.is_made and now > self.born)
        if trouble is Trouble.OPERATOR or not self.is_made:
            return
        if self.began is not None:
            self._move(now, trouble)
        elif self.due(self.last_sync if self.last_sync is not None else now - self.every) <= now:
            self.began = self.job = now
            self.failures, self.running, self.pod_failed = 0, None, None

    def _refresh(self, now: int, trouble: Trouble | None) -> None:
        """What External Secrets does: a refresh each hour, and more often while it fails."""
        if self.around is not Around.SECRET_STORE:
            return
        if trouble is not Trouble.SECRET_STORE and self.failing is not None:
            self.failing, self.refreshed = None, now
        if self.refreshed is None or now - self.refreshed >= REFRESH:
            if trouble is not Trouble.SECRET_STORE:
                self.refreshed = now
            elif self.failing is None:
                self.failing = now

    def _move(self, now: int, trouble: Trouble | None) -> None:
        """What the mover does for one minute."""
        self.job = now if self.job is None else self.job
        if trouble in (Trouble.VOLUME, Trouble.NODE, Trouble.NODE_LOST):
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

    def __init__(
        self,
        plan: Plan,
        schedules: Iterable[tuple[int, int]],
        around: Around = Around.NOTHING,
        born: Mapping[int, int] | None = None,
    ) -> None:
        """*born* says which claims are made only after the watching began, and when."""
        self.claims = [
            Claim(number, every, offset, around=around, born=(born or {}).get(number, -WARM_UP - 60))
            for number, (every, offset) in enumerate(schedules)
        ]
        self._around = around
        self._since: dict[Trouble, int] = {}
        self._plan = plan
        self._decoded: dict[tuple[object, ...], list[tuple[str, Any]]] = {}
        for minute in range(-WARM_UP, 0):
            for claim in self.claims:
                claim.step(minute, None)

    def step(self, minute: int) -> None:
        """Let every claim live for one minute."""
        for claim in self.claims:
            claim.step(minute, self._plan(claim.number, minute))
        # What all claims share is sound again as soon as the first of them is.
        first = self.claims[0].trouble
        self._since = {first: self._since.get(first, minute)} if first else {}

    def facts(self, minute: int, unread: frozenset[Source] = frozenset()) -> Facts:
        """What the API shows now, and what cannot be read of it."""
        at = EPOCH + timedelta(minutes=minute)
        found: dict[str, list[Any]] = {kind.field: [] for kind in KINDS}
        for claim in self.claims:
            if minute >= claim.born:
                for field, one in self._objects(claim):
                    found[field].append(one)
        for body in self._shared():
            kind = _KINDS[body["kind"]]
            found[kind.field].append(convert(kind, body))
        served = (Source.KUBERNETES, Source.VOLSYNC, Source.LONGHORN, *_SOURCES[self._around])
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

    def _shared(self) -> Iterator[Mapping[str, Any]]:
        yield from nodes(when(self._since.get(Trouble.NODE_LOST)))
        if self._around is Around.SECRET_STORE:
            yield secret_store(when(self._since.get(Trouble.SECRET_STORE)))
        if self._around is Around.POLICY:
            yield policy(when(self._since.get(Trouble.POLICY)))

    def _objects(self, claim: Claim) -> list[tuple[str, Any]]:
        state = msgspec.structs.astuple(claim)
        found = self._decoded.get(state)
        if found is None:
            bodies = objects_of(claim)
            found = self._decoded[state] = [
                (_KINDS[body["kind"]].field, convert(_KINDS[body["kind"]], body)) for body in bodies
            ]
        return found


_SOURCES = {
    Around.NOTHING: (),
    Around.SECRET_STORE: (Source.EXTERNAL_SECRETS,),
    Around.POLICY: (Source.KYVERNO,),
}
"""What else is read."""


def when(minute: int | None) -> str | None:
    """A minute of a life, as the API writes it."""
    if minute is None:
        return None
    return (EPOCH + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def objects_of(claim: Claim) -> list[Mapping[str, Any]]:
    """The API's objects of one claim."""
    namespace, volume, job = claim.namespace, f"pvc-{claim.number:03}", "volsync-src-data"
    born = when(claim.born)
    is_generated = claim.around is Around.POLICY
    pvc = _named("data", namespace, born)
    source: dict[str, Any] = {
        "kind": "ReplicationSource",
        "metadata": pvc | ({"labels": generated(pvc["uid"])} if is_generated else {}),
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
        }
        if claim.last_sync is not None
        else _unsynced(claim),
    }
    is_lost = claim.trouble is Trouble.NODE_LOST
    attached = claim.running is not None or is_lost
    faulted = claim.trouble is Trouble.VOLUME
    found: list[Mapping[str, Any]] = [
        {"kind": "Namespace", "metadata": {"name": namespace, "uid": f"n-{namespace}", "creationTimestamp": born}},
        {
            "kind": "PersistentVolumeClaim",
            "metadata": pvc | ({"labels": {"backup": "hourly"}} if is_generated else {}),
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
                "robustness": "faulted" if faulted else "healthy" if attached and not is_lost else "unknown",
                "currentNodeID": "worker-1" if attached else "",
            },
        },
    ]
    if claim.is_made or not is_generated:
        found.append(source)
    if claim.around is Around.SECRET_STORE:
        found.append(external_secret(namespace, born, when(claim.refreshed), when(claim.failing)))
    if claim.job is not None:
        found += [_job(claim, job), *_pods(claim, job)]
    return found


def _unsynced(claim: Claim) -> dict[str, Any]:
    """The status of a source that has not synced yet."""
    condition = {
        "type": "Synchronizing",
        "status": "True" if claim.is_made else "False",
        "reason": "SyncInProgress" if claim.is_made else "Error",
        "message": "" if claim.is_made else 'Secret "data-volsync" not found',
        "lastTransitionTime": when(claim.born if claim.began is None else claim.began),
    }
    return {"lastSyncStartTime": when(claim.began), "conditions": [condition]}


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
