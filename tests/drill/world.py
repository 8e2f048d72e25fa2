"""A cluster of one's own for drills: claims, and a VolSync that answers triggers."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
NOW = datetime(2026, 1, 18, 14, 20, tzinfo=UTC)
RESTORED = "restoring snapshot 3b1f8c0d of [/data] at 2026-01-18 14:00:05.858799017 +0000 UTC by root@volsync to ."
NOTHING = "No eligible snapshots found\n=== No data will be restored ==="


def at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def source(name: str = "data-backup", namespace: str = "n8n", **status: Any) -> Json:
    """A ReplicationSource whose last backup ended some minutes ago."""
    return {
        "apiVersion": "volsync.backube/v1alpha1",
        "kind": "ReplicationSource",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-of-{name}"},
        "spec": {
            "sourcePVC": name.removesuffix("-backup"),
            "trigger": {"schedule": "0 * * * *"},
            "restic": {
                "repository": f"{name}-secret",
                "copyMethod": "Snapshot",
                "retain": {"hourly": 24},
                "cacheCapacity": "2Gi",
                "moverSecurityContext": {"runAsUser": 1000},
            },
        },
        "status": {
            "lastSyncTime": "2026-01-18T14:00:41Z",
            "nextSyncTime": "2026-01-18T15:00:00Z",
            "latestMoverStatus": {"result": "Successful", "logs": "snapshot 3b1f8c0d saved"},
            **status,
        },
    }


def pvc(name: str = "data", namespace: str = "n8n", size: str = "10Gi", **annotations: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {"storageClassName": "longhorn", "resources": {"requests": {"storage": size}}},
        "status": {"phase": "Bound"},
    }


def answered(drill: Mapping[str, Any], ended: datetime, log: str | None = RESTORED) -> Json:
    """*drill* as VolSync leaves it after a success."""
    mover = {"result": "Successful", **({} if log is None else {"logs": log})}
    status = {
        "lastManualSync": drill["spec"]["trigger"]["manual"],
        "lastSyncTime": at(ended),
        "lastSyncDuration": "1m11.5s",
        "latestMoverStatus": mover,
    }
    return {**drill, "status": status}


class World:
    """What `exporter.drill.run` asks of a server and of the time, without either."""

    def __init__(self, *objects: Json, volsync: Callable[[Json, datetime], Json | None] | None = None) -> None:
        self.objects = {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]): one for one in objects}
        self.volsync = volsync or answered
        self.at = NOW
        self.applied: list[Json] = []

    def all(self, kind: str) -> list[Json]:
        return [one for key, one in self.objects.items() if key[0] == kind]

    def source(self, namespace: str, name: str) -> Json:
        return self.objects["ReplicationSource", namespace, name]

    def destination(self, namespace: str, name: str) -> Json:
        drill = self.objects["ReplicationDestination", namespace, name]
        if done := self.volsync(drill, self.at):
            self.objects["ReplicationDestination", namespace, name] = done
        return self.objects["ReplicationDestination", namespace, name]

    def destinations(self) -> list[Json]:
        return self.all("ReplicationDestination")

    def apply(self, manifest: Json) -> None:
        self.applied.append(manifest)
        key = ("ReplicationDestination", manifest["metadata"]["namespace"], manifest["metadata"]["name"])
        self.objects[key] = {**self.objects.get(key, {}), **manifest}

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
