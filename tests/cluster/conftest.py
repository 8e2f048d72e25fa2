"""What the tests of reading a cluster share: a small cluster, and a reader of it through the real client."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.facts.cluster.server.api import ClusterReader
from exporter.settings import Settings
from tests.apiserver.server import ApiServer

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Json = dict[str, Any]
MakeReader = Callable[..., ClusterReader]


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """A cluster with one object or a few of every kind that is read."""
    with ApiServer(small_cluster()) as running:
        yield running


@pytest.fixture
def reader_of() -> MakeReader:
    """A reader of a server: `reader_of(server, secrets="metadata")`."""

    def make(server: ApiServer, timeout: float = 10, page_size: int = 500, **settings: Any) -> ClusterReader:
        poll = {"timeout": timeout, "page_size": page_size}
        return ClusterReader(Settings.model_validate({"poll": poll, **settings}), server.client())

    return make


def obj(api_version: str, kind: str, name: str, namespace: str = "", /, **rest: Any) -> Json:
    """An object with its metadata; `labels` goes into that."""
    metadata: Json = {"name": name, "uid": f"uid-{name}", "creationTimestamp": "2026-02-01T00:00:00Z"}
    if namespace:
        metadata["namespace"] = namespace
    metadata.update(rest.pop("metadata", {}))
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


ABOUT = {"kind": "Pod", "namespace": "media", "name": "p"}
MOVER = {"labels": {"app.kubernetes.io/created-by": "volsync"}}


def small_cluster() -> list[Json]:
    objects = [
        obj("v1", "Namespace", name, metadata={"labels": {"kubernetes.io/metadata.name": name}})
        for name in ("media", "books", "kube-system")
    ]
    for space, name in (("media", "films"), ("media", "music"), ("books", "library"), ("kube-system", "etcd")):
        objects += [
            obj("v1", "PersistentVolumeClaim", name, space, metadata={"labels": {"backup": "hourly"}}),
            obj(
                "volsync.backube/v1alpha1",
                "ReplicationSource",
                f"{name}-backup",
                space,
                spec={"sourcePVC": name, "trigger": {"schedule": "0 * * * *"}, "restic": {"repository": "r"}},
            ),
            obj("volsync.backube/v1alpha1", "ReplicationDestination", f"{name}-restore", space, spec={"restic": {}}),
            obj("batch/v1", "Job", f"volsync-src-{name}-backup", space, metadata=MOVER),
            obj("v1", "Pod", f"volsync-src-{name}-backup-x", space, metadata=MOVER),
            obj("external-secrets.io/v1", "ExternalSecret", f"{name}-base", space, spec={}),
            obj("v1", "Secret", f"volsync-{name}", space, type="Opaque", data={"RESTIC_PASSWORD": "aHVudGVyMg=="}),
        ]
    objects += [
        obj("v1", "Pod", "jellyfin", "media", metadata={"labels": {"app": "jellyfin"}}),
        obj("v1", "Event", "e1", "media", reason="FailedMount", message="m", involvedObject=ABOUT),
        obj("v1", "Event", "e2", "media", reason="FailedAttachVolume", message="a", involvedObject=ABOUT),
        obj("v1", "Event", "e3", "media", reason="Scheduled", message="s", involvedObject=ABOUT),
        obj("v1", "Event", "e4", "default", reason="PolicyError", message="p", involvedObject=ABOUT),
        obj("v1", "Event", "e5", "media", reason="FailedCreate", message="c", involvedObject=ABOUT | {"kind": "Job"}),
        obj(
            "v1",
            "Event",
            "e6",
            "media",
            reason="FailedCreate",
            message="r",
            involvedObject=ABOUT | {"kind": "ReplicaSet"},
        ),
        obj("v1", "Event", "e7", "media", reason="ProvisioningFailed", message="p", involvedObject=ABOUT),
        obj("v1", "Node", "n", status={"conditions": [{"type": "Ready", "status": "True"}]}),
        obj("storage.k8s.io/v1", "StorageClass", "fast", provisioner="d", volumeBindingMode="Immediate"),
        obj("v1", "PersistentVolume", "pv-films", spec={"csi": {"driver": "d", "volumeHandle": "h"}}),
        obj("storage.k8s.io/v1", "VolumeAttachment", "csi-1", spec={"attacher": "d", "nodeName": "n", "source": {}}),
        obj("snapshot.storage.k8s.io/v1", "VolumeSnapshot", "volsync-films-src", "media", spec={}, metadata=MOVER),
        obj("longhorn.io/v1beta2", "Volume", "pv-films", "longhorn-system", status={"state": "attached"}),
        obj("longhorn.io/v1beta2", "Setting", "auto-salvage", "longhorn-system", value="true"),
        obj("kyverno.io/v1", "ClusterPolicy", "volsync-smart-protection", spec={"rules": []}),
        obj("kyverno.io/v2", "UpdateRequest", "ur-1", "kyverno", spec={"policy": "p"}),
        obj("kyverno.io/v1", "Policy", "generate", "media", spec={"rules": []}),
        obj("kyverno.io/v2", "PolicyException", "films", "media", spec={"exceptions": []}),
        obj("policies.kyverno.io/v1", "GeneratingPolicy", "generate", spec={}),
        obj("policies.kyverno.io/v1", "NamespacedGeneratingPolicy", "generate", "media", spec={}),
        obj("policies.kyverno.io/v1", "PolicyException", "films", "media", spec={"policyRefs": []}),
        obj("external-secrets.io/v1", "ClusterExternalSecret", "base", spec={}),
        obj(
            "external-secrets.io/v1",
            "ClusterSecretStore",
            "vault",
            spec={"provider": {"vault": {"server": "https://v"}}},
        ),
        obj("external-secrets.io/v1", "SecretStore", "local", "media", spec={"provider": {"fake": {"data": []}}}),
    ]
    return objects
