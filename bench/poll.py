"""A poll of the cluster: the CPU of decoding its bytes, and the memory that it takes, beside the naive way.

The naive way is the official client's own: its models for built-in kinds (`ApiClient.deserialize`), plain
dictionaries for custom resources (what `CustomObjectsApi` gives). Both decode the same bytes in the same run.

    python -m bench.poll 1000
"""

import json
import math
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

from exporter.facts.cluster.decode import decode_page
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.kinds import KINDS

PAGE = 500
BY_FIELD = {kind.field: kind for kind in KINDS}
MODELS = {
    "core.claims": "V1PersistentVolumeClaimList",
    "core.volumes": "V1PersistentVolumeList",
    "core.jobs": "V1JobList",
    "core.pods": "V1PodList",
}
"""The official client's model of each list; the others are custom resources to it."""
PER_CLAIM = {
    "core.claims": 2.0,
    "core.volumes": 1.0,
    "volsync.sources": 1.0,
    "volsync.destinations": 1.0,
    "longhorn.volumes": 1.0,
    "core.jobs": 0.05,
    "core.pods": 0.05,
}
"""How many objects of each kind a claim brings: its cache PVC too, and a mover at work for one in twenty."""


class Row(NamedTuple):
    """One line of the table; *ratio* is how many times better ours is."""

    what: str
    ours: float
    naive: float
    ratio: float
    unit: str


def run(claims: int) -> list[Row]:
    """Measure a poll of *claims* claims and some six objects of each."""
    rows = [_decode(field, claims) for field in PER_CLAIM]
    ours, naive = sum(row.ours for row in rows), sum(row.naive for row in rows)
    total = Row(f"decode all, {claims} claims", ours, naive, naive / ours, "s CPU")
    return [*rows, total, *_memory(claims)]


def _decode(field: str, claims: int) -> Row:
    """The CPU seconds to decode all pages of one list, ours and the official client's, page by page in turn."""
    from kubernetes.client import ApiClient  # noqa: PLC0415 - whoever measures memory by these pages must not hold it

    kind, client = BY_FIELD[field], ApiClient()
    model, count = MODELS.get(field, "object"), _count(field, claims)
    ours = naive = 0.0
    for body in pages(kind, count, PAGE):
        page, seconds = _timed(lambda body=body: decode_page(kind, body), times=3)
        typed, theirs = _timed(lambda body=body: client.deserialize(SimpleNamespace(data=body), model), times=1)
        ours, naive = ours + seconds, naive + theirs
        if page.malformed or len(page.items) != len(typed["items"] if model == "object" else typed.items):
            raise AssertionError(f"{field}: the two ways do not agree")
        del page, typed  # else the garbage collector goes through one way's objects in the other's time
    return Row(f"decode {count} {kind.plural}", ours, naive, naive / ours, "s CPU")


def _timed(work: Callable[[], Any], *, times: int) -> tuple[Any, float]:
    """What comes of *work*, and its CPU seconds: the best of so many *times*, where it takes milliseconds."""
    best = math.inf
    for _ in range(times):
        started = time.process_time()
        result = work()
        best = min(best, time.process_time() - started)
    return result, best


def _memory(claims: int) -> list[Row]:
    """What a read keeps, beside dictionaries; and what it needs for a moment, in pages and in one giant answer."""
    kept = [_kept(field, claims) for field in PER_CLAIM]
    ours, naive = sum(one for one, _ in kept), sum(one for _, one in kept)
    rows = [Row(f"memory kept, {claims} claims", ours, naive, naive / ours, "MiB")]
    for size in (max(claims // 10, 1), claims):
        count = _count("core.claims", size)
        kind = BY_FIELD["core.claims"]
        paged, whole = _for_a_moment(kind, count, PAGE, partial(decode_page, kind)), _for_a_moment(kind, count, count)
        rows.append(Row(f"memory for a moment, {count} PVCs", paged, whole, whole / paged, "MiB"))
    return rows


def _kept(field: str, claims: int) -> tuple[float, float]:
    """The MiB of all structs of one list, and of the dictionaries that `json.loads` makes of the same bytes."""
    sizes = [0, 0]
    for body in pages(BY_FIELD[field], _count(field, claims), PAGE):
        for index, decode in enumerate((lambda text: decode_page(BY_FIELD[field], text).items, json.loads)):
            tracemalloc.start()
            result = decode(body)
            sizes[index] += tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
            del result
    return sizes[0] / 2**20, sizes[1] / 2**20


def _for_a_moment(kind: Kind, count: int, limit: int, decode: Callable[[bytes], object] = json.loads) -> float:
    """The most MiB that the bytes of one page and their decoding take beside what stays of them."""
    most = 0
    for body in pages(kind, count, limit):
        tracemalloc.start()
        page = decode(body)
        stays, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        most = max(most, len(body) + peak - stays)
        del page
    return most / 2**20


def _count(field: str, claims: int) -> int:
    return max(1, round(PER_CLAIM[field] * claims))


# --- the bytes --------------------------------------------------------------------------------------------------


def pages(kind: Kind, count: int, limit: int) -> Iterator[bytes]:
    """A list of *count* objects of *kind* as the API server sends it, in pages of *limit*."""
    for start in range(0, count, limit):
        end = min(start + limit, count)
        metadata = {"resourceVersion": "123456789", **({"continue": "eyJ2IjoibWV0YSJ9"} if end < count else {})}
        version = f"{kind.group}/{kind.versions[0]}" if kind.group else kind.versions[0]
        head = json.dumps({"kind": f"{kind.kind}List", "apiVersion": version, "metadata": metadata})
        body = _objects(kind, start, end)
        yield f'{head[:-1]},"items":[{body}]}}'.encode()


def _objects(kind: Kind, start: int, end: int) -> str:
    template = json.dumps(_TEMPLATES[kind.field], separators=(",", ":"))
    return ",".join(template.replace("@", f"{number:06d}") for number in range(start, end))


def _managed(*owners: str) -> list[dict[str, Any]]:
    fields = {
        f"f:{name}": {".": {}, "f:value": {}, "f:other": {}} for name in ("labels", "annotations", "spec", "status")
    }
    return [
        {
            "manager": owner,
            "operation": "Update",
            "apiVersion": "v1",
            "time": "2026-02-01T10:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": fields, "f:spec": fields},
        }
        for owner in owners
    ]


def _metadata(**more: object) -> dict[str, Any]:
    return {
        "name": "data-app-@",
        "namespace": "space-@",
        "uid": "7d9f7d7e-3f54-4a4c-9d52-5a7c2b@",
        "resourceVersion": "987@",
        "creationTimestamp": "2025-11-03T08:15:42Z",
        "labels": {
            "app.kubernetes.io/name": "app-@",
            "app.kubernetes.io/instance": "app-@",
            "app.kubernetes.io/managed-by": "argocd",
            "backup": "hourly",
        },
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": {"a": "b" * 300}}),
            "pv.kubernetes.io/bind-completed": "yes",
        },
        "managedFields": _managed("argocd-controller", "kube-controller-manager"),
        **more,
    }


def _condition(kind: str, status: str) -> dict[str, str]:
    return {
        "type": kind,
        "status": status,
        "reason": "WaitingForSchedule",
        "message": "Waiting for next scheduled synchronization",
        "lastTransitionTime": "2026-02-01T10:00:41Z",
    }


_CLAIM: dict[str, Any] = {
    "metadata": _metadata(finalizers=["kubernetes.io/pvc-protection"]),
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
        "volumeName": "pvc-7d9f7d7e-@",
        "storageClassName": "longhorn",
        "volumeMode": "Filesystem",
    },
    "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "10Gi"}},
}
_VOLUME: dict[str, Any] = {
    "metadata": _metadata(name="pvc-7d9f7d7e-@"),
    "spec": {
        "capacity": {"storage": "10Gi"},
        "csi": {
            "driver": "driver.longhorn.io",
            "volumeHandle": "pvc-7d9f7d7e-@",
            "fsType": "ext4",
            "volumeAttributes": {"numberOfReplicas": "2", "staleReplicaTimeout": "30", "dataLocality": "disabled"},
        },
        "accessModes": ["ReadWriteOnce"],
        "claimRef": {"kind": "PersistentVolumeClaim", "namespace": "space-@", "name": "data-app-@", "apiVersion": "v1"},
        "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": "longhorn",
    },
    "status": {"phase": "Bound", "lastPhaseTransitionTime": "2025-11-03T08:15:45Z"},
}
_MOVER: dict[str, Any] = {
    "copyMethod": "Snapshot",
    "repository": "volsync-data-app-@",
    "retain": {"hourly": 24, "daily": 7, "weekly": 4},
    "pruneIntervalDays": 7,
    "storageClassName": "longhorn",
    "volumeSnapshotClassName": "longhorn",
    "cacheCapacity": "2Gi",
    "moverSecurityContext": {"runAsUser": 568, "runAsGroup": 568, "fsGroup": 568},
}
_SYNC: dict[str, Any] = {
    "lastSyncTime": "2026-02-01T10:00:41Z",
    "lastSyncDuration": "41.381512345s",
    "latestMoverStatus": {"result": "Successful", "logs": "no parent snapshot found, will read all files\n" * 8},
    "conditions": [_condition("Synchronizing", "False")],
}
_SOURCE: dict[str, Any] = {
    "apiVersion": "volsync.backube/v1alpha1",
    "kind": "ReplicationSource",
    "metadata": _metadata(name="data-app-@-backup"),
    "spec": {"sourcePVC": "data-app-@", "trigger": {"schedule": "0 * * * *"}, "restic": _MOVER},
    "status": {**_SYNC, "nextSyncTime": "2026-02-01T11:00:00Z", "restic": {"lastPruned": "2026-01-30T00:00:00Z"}},
}
_DESTINATION: dict[str, Any] = {
    "apiVersion": "volsync.backube/v1alpha1",
    "kind": "ReplicationDestination",
    "metadata": _metadata(name="data-app-@-restore"),
    "spec": {"trigger": {"manual": "restore-once"}, "restic": {**_MOVER, "capacity": "10Gi"}},
    "status": {**_SYNC, "lastManualSync": "restore-once", "latestImage": {"kind": "VolumeSnapshot", "name": "s-@"}},
}
_LONGHORN: dict[str, Any] = {
    "apiVersion": "longhorn.io/v1beta2",
    "kind": "Volume",
    "metadata": _metadata(name="pvc-7d9f7d7e-@", namespace="longhorn-system"),
    "spec": {
        "size": "10737418240",
        "numberOfReplicas": 2,
        "frontend": "blockdev",
        "nodeID": "node-1",
        "diskSelector": [],
        "nodeSelector": [],
        "recurringJobSelector": [],
        **{f"option{number}": "disabled" for number in range(24)},
    },
    "status": {
        "state": "attached",
        "robustness": "healthy",
        "currentNodeID": "node-1",
        "ownerID": "node-1",
        "actualSize": 2147483648,
        "kubernetesStatus": {
            "pvName": "pvc-7d9f7d7e-@",
            "pvStatus": "Bound",
            "namespace": "space-@",
            "pvcName": "data-app-@",
            "lastPVCRefAt": "",
            "lastPodRefAt": "",
            "workloadsStatus": [{"podName": "app-@-0", "podStatus": "Running", "workloadName": "app-@"}],
        },
        "conditions": [_condition(name, "True") for name in ("Scheduled", "Restore", "TooManySnapshots")],
    },
}
_POD_SPEC: dict[str, Any] = {
    "containers": [
        {
            "name": "restic",
            "image": "quay.io/backube/volsync:0.14.0",
            "command": ["/mover-restic/entry.sh"],
            "args": ["backup"],
            "env": [{"name": f"VARIABLE_{number}", "value": "value"} for number in range(30)],
            "resources": {},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }
    ],
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-app-@"}}],
    "restartPolicy": "Never",
    "nodeName": "node-1",
}
_JOB: dict[str, Any] = {
    "metadata": _metadata(name="volsync-src-data-app-@-backup"),
    "spec": {"parallelism": 1, "backoffLimit": 2, "template": {"metadata": {}, "spec": _POD_SPEC}},
    "status": {"active": 1, "startTime": "2026-02-01T10:00:05Z"},
}
_POD: dict[str, Any] = {
    "metadata": _metadata(name="volsync-src-data-app-@-backup-x7"),
    "spec": _POD_SPEC,
    "status": {
        "phase": "Running",
        "conditions": [
            {"type": name, "status": "True", "lastTransitionTime": "2026-02-01T10:00:09Z"}
            for name in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
        ],
        "containerStatuses": [
            {
                "name": "restic",
                "ready": True,
                "restartCount": 0,
                "image": "quay.io/backube/volsync:0.14.0",
                "imageID": "",
                "state": {"running": {"startedAt": "2026-02-01T10:00:09Z"}},
            }
        ],
    },
}
_TEMPLATES: dict[str, dict[str, Any]] = {
    "core.claims": _CLAIM,
    "core.volumes": _VOLUME,
    "volsync.sources": _SOURCE,
    "volsync.destinations": _DESTINATION,
    "longhorn.volumes": _LONGHORN,
    "core.jobs": _JOB,
    "core.pods": _POD,
}


def main() -> None:
    """Print the table for the number of claims that is given."""
    for row in run(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        print(f"{row.what:45} {row.ours:9.3f} {row.naive:9.3f} {row.unit:6} {row.ratio:7.1f} x")


if __name__ == "__main__":
    main()
