"""Worlds to serve: scenarios moved to the present, and mixtures of them."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from scripts.compose import written
from tests import corpus

STORAGE_FAULT = ("open-webui", "paperless-ngx", "redis-instance")
"""The namespaces of the claims that the bad day's storage fault hit."""
LISTING = "volsync-backup.json"

_MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_UID = re.compile(r"\b([0-9a-f]{8})(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b")


def now(scenario: str, into: Path) -> Path:
    """*scenario* with every moment moved, so that its own clock shows the present."""
    shift = datetime.now(UTC) - corpus.scenario(scenario).at
    into.mkdir(parents=True)
    for file in corpus.files(scenario):
        (into / file.name).write_text(
            _MOMENT.sub(
                lambda moment: (datetime.fromisoformat(moment[0]) + shift).strftime("%Y-%m-%dT%H:%M:%SZ"),
                file.read_text(),
            )
        )
    return into


def storage_fault(into: Path) -> Path:
    """The sound cluster, but for the four volumes that Longhorn faulted on the bad day."""
    world = now("sound", into)
    bad = now("bad-day", into.parent / f"{into.name}-bad-day")
    prefixes = tuple(f"{namespace}/" for namespace in STORAGE_FAULT)
    sound, faulty = (_documents(folder / "cluster.yaml") for folder in (world, bad))
    others = [document for document in sound if _namespace(document) not in STORAGE_FAULT]
    theirs = [document for document in faulty if _namespace(document) in STORAGE_FAULT]
    (world / "cluster.yaml").write_text(written(others + theirs))
    listing, faulted = (json.loads((folder / LISTING).read_text()) for folder in (world, bad))
    listing["Contents"] = sorted(
        [o for o in listing["Contents"] if not o["Key"].startswith(prefixes)]
        + [o for o in faulted["Contents"] if o["Key"].startswith(prefixes)],
        key=lambda o: o["Key"],
    )
    (world / LISTING).write_text(json.dumps(listing))
    return world


def refused_by_all(into: Path, claims: int = 20) -> Path:
    """One claim in each of *claims* namespaces; the one store refuses them all."""
    base = now("repository_unreachable", into.parent / f"{into.name}-base")
    into.mkdir()
    shared = _documents(base / "cluster.yaml")
    theirs = [d for d in shared if _namespace(d) == "n8n"]
    objects = [d for d in shared if _namespace(d) not in ("n8n", "karakeep", "khoj")]
    names = [f"app-{number:02}" for number in range(claims)]
    for one in objects:
        if one["kind"] == "ClusterExternalSecret":
            one["status"]["provisionedNamespaces"] = names
    for number, name in enumerate(names):
        text = json.dumps(theirs).replace("n8n", name)
        objects += json.loads(_UID.sub(lambda uid, n=number: f"{(int(uid[1], 16) + n) % 2**32:08x}{uid[2]}", text))
    (into / "cluster.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return into


class _TextLoader(yaml.SafeLoader):
    """Leaves moments as they are written."""


_TextLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _documents(file: Path) -> list[dict[str, Any]]:
    return [d for d in yaml.load_all(file.read_text(), _TextLoader) if d]


def _namespace(document: dict[str, Any]) -> str | None:
    """The namespace that an object is, or is of; a volume's is that of its claim."""
    if document["kind"] == "Namespace":
        return str(document["metadata"]["name"])
    if document["kind"] == "PersistentVolume":
        return str(document["spec"]["claimRef"]["namespace"])
    if document["kind"] == "Volume":
        return str(document["status"]["kubernetesStatus"]["namespace"])
    return document.get("metadata", {}).get("namespace")  # a list without items has none
