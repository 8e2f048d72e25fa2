"""The ReplicationDestination of a drill.

Without `destinationPVC` VolSync makes a volume of its own, and with `cleanupTempPVC` it removes it after a success, and
the cache's too (volsync `volumehandler.go`, `mover/restic/mover.go`): whoever writes this object needs no permission on
PVCs but to read them, and may be killed at any moment. The object stays, with VolSync's status in it: that is the trace
which the exporter reads. Its owner is the ReplicationSource, so it goes with that.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

LABEL = "volsync-exporter.io/drill"
"""On every ReplicationDestination of a drill, and on no other."""
_MOVER = (
    "repository",
    "customCA",
    "cacheCapacity",
    "cacheStorageClassName",
    "cacheAccessModes",
    "moverSecurityContext",
    "moverServiceAccount",
    "moverPodLabels",
    "moverResources",
    "moverAffinity",
    "moverVolumes",
)
"""What a restic source and destination have in common but the volume itself (volsync `api/v1alpha1`)."""
_LONGEST = 200
"""VolSync puts up to 18 characters before and behind the name, and a PVC's name has 253."""


def name_of(source: str) -> str:
    """What the destination that drills the ReplicationSource *source* is called."""
    if len(source) <= _LONGEST:
        return f"drill-{source}"
    return f"drill-{source[: _LONGEST - 17]}-{hashlib.sha256(source.encode()).hexdigest()[:16]}"


def manifest(source: Mapping[str, Any], capacity: str, storage_class: str, trigger: str) -> dict[str, Any]:
    """The object that makes VolSync restore what *source*, as the API has it, backs up.

    An empty *storage_class* is the cluster's default one.
    """
    metadata = source["metadata"]
    mover = {field: source["spec"]["restic"][field] for field in _MOVER if field in source["spec"]["restic"]}
    volume = {"capacity": capacity, "accessModes": ["ReadWriteOnce"]}
    if storage_class:
        volume["storageClassName"] = storage_class
    return {
        "apiVersion": source["apiVersion"],
        "kind": "ReplicationDestination",
        "metadata": {
            "name": name_of(metadata["name"]),
            "namespace": metadata["namespace"],
            "labels": {LABEL: "true"},
            "ownerReferences": [
                {
                    "apiVersion": source["apiVersion"],
                    "kind": source["kind"],
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                }
            ],
        },
        "spec": {
            "trigger": {"manual": trigger},
            "restic": {
                **mover,
                **volume,
                "copyMethod": "Direct",
                "cleanupTempPVC": True,
                "cleanupCachePVC": True,
            },
        },
    }
