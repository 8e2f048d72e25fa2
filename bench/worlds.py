"""Clusters of any size to be judged: sound but for one claim in a hundred, each claim with a schedule of its own."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from exporter.facts.bucket.model import Bucket, ObjectType, Repository, Totals
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import Facts
from exporter.facts.reading import Reading
from exporter.sharding import Shard

AT = datetime(2026, 2, 1, 10, 5, tzinfo=UTC)
"""The moment that the clusters are as of."""
_MADE = AT - timedelta(days=90)
_MOVERS = 20
"""One claim in so many has a mover at work."""
_FAULTS = 100
"""One in so many has a last run that failed."""
_LOG = """using parent snapshot {snapshot}

Files:           2 new,    12 changed,  {files} unmodified
Added to the repository: 4.213 MiB (1.001 MiB stored)

processed 1337 files, 1.2{number} GiB in 0:12
snapshot {snapshot} saved
Restic completed in 15s
"""
_FAILED = "Fatal: unable to open repository at s3:http://rustfs.example:9000/volsync-backup/{path}: refused\n"


_KEPT_BY_ALL = ("volsync.sources", "volsync.destinations", "longhorn.volumes")
"""What is held of claims that are another exporter's."""


def world(claims: int, namespaces: int, shard: Shard = Shard(0, 1)) -> Facts:  # noqa: B008  # it is frozen
    """What one *shard* holds of a cluster of so many *claims* in so many *namespaces*."""
    lists: dict[str, list[dict[str, Any]]] = {kind.field: [] for kind in KINDS}
    others: dict[str, list[dict[str, Any]]] = {kind.field: [] for kind in KINDS}
    repositories: list[Repository] = []
    for number in range(claims):
        namespace = f"space-{number % namespaces:05d}"
        if shard.covers(namespace):
            repositories.append(_add_claim(lists, number, namespace))
        else:
            _add_claim(others, number, namespace)
    for field in _KEPT_BY_ALL:
        lists[field] += others[field]
    del others
    lists["core.namespaces"] = [
        {"metadata": {"name": f"space-{number:05d}", "labels": {"kubernetes.io/metadata.name": f"space-{number:05d}"}}}
        for number in range(namespaces)
    ]
    lists["core.nodes"] = [
        {"metadata": {"name": "node-1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    ]
    lists["core.storage_classes"] = [{"metadata": {"name": "longhorn"}, "provisioner": "driver.longhorn.io"}]
    structs = {kind.field: kind.struct for kind in KINDS}
    absent = ("kyverno.", "external_secrets.", "core.secrets")
    return Facts(
        ClusterFacts().with_lists(
            {
                field: ObjectList(reading=Reading.NOT_SERVED)
                if field.startswith(absent)
                else ObjectList(
                    tuple(msgspec.convert(item, structs[field]) for item in items), Reading.READ, read_at=AT
                )
                for field, items in lists.items()
            }
        ),
        (
            Bucket(
                "volsync-backup",
                "http://rustfs.example:9000",
                reading=Reading.READ,
                read_at=AT,
                repositories=tuple(repositories),
            ),
        ),
    )


def _metadata(name: str, namespace: str = "", **more: object) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": namespace,
        "uid": f"7d9f7d7e-3f54-4a4c-9d52-{name[-12:]}",
        "creationTimestamp": _MADE,
        "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "argocd"},
        **more,
    }


def _add_claim(lists: dict[str, list[dict[str, Any]]], number: int, namespace: str) -> Repository:
    """Everything that belongs to one claim; returns its repository."""
    name = f"data-{number:06d}"
    source, volume = f"{name}-backup", f"pvc-7d9f7d7e-{number:06d}"
    synced = AT - timedelta(seconds=60 + 13 * number % 3000)
    is_failed, is_syncing = number % _FAULTS == 7, number % _MOVERS == 3
    lists["core.claims"] += [
        _claim(name, namespace, volume),
        _claim(f"volsync-{source}-cache", namespace, f"{volume}-cache", _owner("ReplicationSource", source)),
    ]
    for handle in (volume, f"{volume}-cache"):
        lists["core.volumes"].append(
            {"metadata": _metadata(handle), "spec": {"csi": {"driver": "driver.longhorn.io", "volumeHandle": handle}}}
        )
        lists["longhorn.volumes"].append(
            {
                "metadata": _metadata(handle, "longhorn-system"),
                "status": {"state": "attached", "robustness": "healthy", "currentNodeID": "node-1"},
            }
        )
    lists["volsync.sources"].append(
        {
            "metadata": _metadata(source, namespace),
            "spec": {
                "sourcePVC": name,
                "trigger": {"schedule": _schedule(number)},
                "restic": {"repository": f"{name}-volsync-secret", "copyMethod": "Snapshot", "pruneIntervalDays": 7},
            },
            "status": {
                "lastSyncTime": synced,
                "lastSyncDuration": f"{15 + number % 40}.381512345s",
                "nextSyncTime": AT + timedelta(minutes=1 + number % 50),
                **({"lastSyncStartTime": AT - timedelta(seconds=50)} if is_syncing else {}),
                "latestMoverStatus": {
                    "result": "Failed" if is_failed else "Successful",
                    "logs": _FAILED.format(path=f"{namespace}/{name}")
                    if is_failed
                    else _LOG.format(snapshot=f"{number:08x}", files=number, number=number),
                },
                "conditions": [
                    {
                        "type": "Synchronizing",
                        "status": "True" if is_syncing else "False",
                        "reason": "SyncInProgress" if is_syncing else "WaitingForSchedule",
                        "message": "Waiting for next scheduled synchronization",
                        "lastTransitionTime": f"{synced:%Y-%m-%dT%H:%M:%SZ}",
                    }
                ],
                "restic": {"lastPruned": AT - timedelta(days=3)},
            },
        }
    )
    lists["volsync.destinations"].append(
        {
            "metadata": _metadata(f"{name}-restore", namespace),
            "spec": {"trigger": {"manual": "once"}, "restic": {"repository": f"{name}-volsync-secret"}},
            "status": {
                "lastSyncTime": _MADE,
                "lastManualSync": "once",
                "latestMoverStatus": {"result": "Successful", "logs": "restored"},
                "latestImage": {"kind": "VolumeSnapshot", "name": f"{name}-restored"},
            },
        }
    )
    if is_syncing:
        _add_mover(lists, namespace, source)
    return _repository(namespace, name, synced, number)


def _owner(kind: str, name: str) -> dict[str, Any]:
    return {"ownerReferences": [{"kind": kind, "name": name, "uid": f"7d9f7d7e-3f54-4a4c-9d52-{name[-12:]}"}]}


def _claim(name: str, namespace: str, volume: str, owner: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        "metadata": _metadata(name, namespace, **(owner or {})),
        "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": volume, "storageClassName": "longhorn"},
        "status": {"phase": "Bound"},
    }


def _add_mover(lists: dict[str, list[dict[str, Any]]], namespace: str, source: str) -> None:
    job = f"volsync-src-{source}"
    began = AT - timedelta(seconds=40)
    lists["core.jobs"].append(
        {
            "metadata": _metadata(job, namespace, creationTimestamp=began, **_owner("ReplicationSource", source)),
            "status": {"active": 1, "startTime": began},
        }
    )
    lists["core.pods"].append(
        {
            "metadata": _metadata(f"{job}-x7", namespace, creationTimestamp=began, **_owner("Job", job)),
            "spec": {"nodeName": "node-1"},
            "status": {
                "phase": "Running",
                "containerStatuses": [{"name": "restic", "state": {"running": {"startedAt": began}}}],
            },
        }
    )


def _schedule(number: int) -> str:
    """A schedule that no other of ten thousand claims has: hourly, in a rhythm of its own through the day."""
    minute, rest = number % 60, number // 60
    first, second = rest % 24, rest // 24 % 24
    hours = ",".join(str(hour) for hour in range(24) if hour not in (first, (first + 1 + second) % 24))
    return f"{minute} {hours} * * *"


def _repository(namespace: str, name: str, synced: datetime, number: int) -> Repository:
    times = tuple(synced - timedelta(seconds=2, hours=hours) for hours in range(34, -1, -1))
    return Repository(
        "volsync-backup",
        f"{namespace}/{name}",
        AT,
        present=True,
        created=_MADE,
        config_present=True,
        config_at=_MADE,
        key_times=(_MADE,),
        totals={kind: Totals(37 + number % 11, 123_456_789 + number) for kind in ObjectType},
        data_measured_at=AT,
        snapshots=35,
        snapshot_times=times,
        newest_snapshot=times[-1],
        oldest_snapshot=times[0],
    )
