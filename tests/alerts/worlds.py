"""Worlds to serve: scenario folders moved to the present, and mixtures of them."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from cronsim import CronSim

SCENARIOS = Path(__file__).parents[1] / "scenarios"
STORAGE_FAULT = ("open-webui-storage", "paperless-ngx-data", "paperless-ngx-media", "redis-instance-redis-master-0")
"""The claims that the bad day's storage fault hit."""

_MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_UID = re.compile(r"\b([0-9a-f]{8})(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b")


def now(scenario: str, into: Path) -> Path:
    """*scenario* with every moment moved, so that its own clock shows the present."""
    shift = datetime.now(UTC) - clock(scenario)
    into.mkdir(parents=True)
    for file in _files(scenario):
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
    prefixes = tuple(f"{_key(bad / f'{name}.yaml')}/" for name in STORAGE_FAULT)
    for name in STORAGE_FAULT:
        (world / f"{name}.yaml").write_text((bad / f"{name}.yaml").read_text())
    listing, faulted = (json.loads((folder / "bucket.json").read_text()) for folder in (world, bad))
    listing["Contents"] = sorted(
        [o for o in listing["Contents"] if not o["Key"].startswith(prefixes)]
        + [o for o in faulted["Contents"] if o["Key"].startswith(prefixes)],
        key=lambda o: o["Key"],
    )
    (world / "bucket.json").write_text(json.dumps(listing))
    return world


def refused_by_all(into: Path, claims: int = 20) -> Path:
    """One claim in each of *claims* namespaces; the one store refuses them all."""
    base = now("repository_unreachable", into.parent / f"{into.name}-base")
    into.mkdir()
    shared = _documents(base / "cluster.yaml")
    theirs = [d for d in shared if _is_of(d, "n8n")] + _documents(base / "n8n-data.yaml")
    objects = [d for d in shared if not any(_is_of(d, ns) for ns in ("n8n", "karakeep", "khoj"))]
    names = [f"app-{number:02}" for number in range(claims)]
    for one in objects:
        if one["kind"] == "ClusterExternalSecret":
            one["status"]["provisionedNamespaces"] = names
    for number, name in enumerate(names):
        text = json.dumps(theirs).replace("n8n", name)
        objects += json.loads(_UID.sub(lambda uid, n=number: f"{(int(uid[1], 16) + n) % 2**32:08x}{uid[2]}", text))
    (into / "cluster.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return into


def operator_metrics(world: Path) -> str:
    """What VolSync's own gauge says of *world* (its `internal/controller/statemachine`, v0.13 to v0.16).

    A source is out of sync until its first sync, and once the schedule has come due twice since its last one; a
    destination with a manual trigger is, until its first sync.
    """
    lines = []
    for one in (d for file in sorted(world.iterdir()) for d in _documents(file)):
        for found in one.get("items", [one]):
            if found.get("kind") in ("ReplicationSource", "ReplicationDestination"):
                metadata, role = found["metadata"], found["kind"].removeprefix("Replication").lower()
                labels = f'obj_name="{metadata["name"]}",obj_namespace="{metadata["namespace"]}",role="{role}"'
                lines.append(f'volsync_volume_out_of_sync{{{labels},method="restic"}} {int(_is_out_of_sync(found))}')
    return "\n".join(lines) + "\n"


def _is_out_of_sync(replication: dict[str, Any]) -> bool:
    last = (replication.get("status") or {}).get("lastSyncTime")
    if last is None:
        return True
    schedule = replication["spec"].get("trigger", {}).get("schedule")
    if schedule is None:
        return False
    ticks = CronSim(schedule, datetime.fromisoformat(last))
    next(ticks)
    return next(ticks) < datetime.now(UTC)


def clock(scenario: str) -> datetime:
    """The moment that *scenario* is judged at."""
    return datetime.fromisoformat(yaml.safe_load((SCENARIOS / scenario / "expect.yaml").read_text())["at"])


def _files(scenario: str) -> list[Path]:
    """Its dumps: what it expects of the verdict stands beside them."""
    return [
        file
        for file in sorted((SCENARIOS / scenario).iterdir())
        if file.suffix in {".yaml", ".json"} and file.name != "expect.yaml"
    ]


def _key(claim: Path) -> str:
    metadata = _documents(claim)[0]["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"


class _TextLoader(yaml.SafeLoader):
    """Leaves moments as they are written."""


_TextLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _documents(file: Path) -> list[dict[str, Any]]:
    return [d for d in yaml.load_all(file.read_text(), _TextLoader) if d]


def _is_of(document: dict[str, Any], namespace: str) -> bool:
    metadata = document["metadata"]
    if document["kind"] == "Namespace":
        return bool(metadata["name"] == namespace)
    return bool(metadata.get("namespace") == namespace)
