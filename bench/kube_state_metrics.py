"""kube-state-metrics and its custom-resource state beside the exporter, on the same objects of the same server.

Both run as processes of their own and are measured alike: the CPU from the start until everything is read and served,
the memory that is resident then, and a scrape. They do not do the same: kube-state-metrics shows fields of objects,
the exporter says which claims could be restored.

    python -m bench.kube_state_metrics PROGRAM 1000
"""

import gzip
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import yaml

from bench.idle import Answers, path_of, served, whole
from bench.poll import PER_CLAIM, Row
from exporter.facts.cluster.kinds import KINDS

_FROM_CUSTOM_RESOURCES = ("volsync.sources", "volsync.destinations", "longhorn.volumes")
_RESOURCES = "persistentvolumeclaims,persistentvolumes,jobs,pods"
_STATES = ("creating", "attached", "detached", "attaching", "detaching")
_ROBUSTNESS = ("healthy", "degraded", "faulted", "unknown")
_WITH_NAMESPACE = {
    f"/apis/{kind.group}/{kind.versions[0]}/{kind.plural}": path_of(kind)
    for kind in KINDS
    if kind.field in _FROM_CUSTOM_RESOURCES
}
"""Where the exporter reads the lists that kube-state-metrics reads in all namespaces."""
_QUIET = 8.0
"""Seconds without work after which everything is read: kube-state-metrics looks for definitions every 3 s."""
_PATIENCE = 900.0


class _Measured(NamedTuple):
    cpu: float
    resident: float
    """MiB."""
    scrape: float
    """Milliseconds, the best of five, packed with gzip as Prometheus asks for it."""
    series: int


class _Cluster(Answers):
    """The same server, with what else kube-state-metrics asks for. A watch stays open: nothing happens."""

    def to(self, target: str) -> bytes:
        path = urlsplit(target).path
        if "watch=" in target:
            return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        if path == "/version":
            return whole({"major": "1", "minor": "34", "gitVersion": "v1.34.0"})
        if path.endswith("/customresourcedefinitions"):
            return whole(
                {"kind": "CustomResourceDefinitionList", "metadata": {"resourceVersion": "1"}, "items": _crds()}
            )
        return super().to(_WITH_NAMESPACE.get(path, path) + target[len(path) :])


def run(program: str, claims: int) -> list[Row]:
    """Measure both on *claims* claims and some six objects of each."""
    with tempfile.TemporaryDirectory() as name:
        theirs, ours = _theirs(program, claims, Path(name)), _ours(claims, Path(name))
    start, memory = f"from the start to the first answer, {claims} claims: CPU", f"resident memory, {claims} claims"
    scrape = f"a scrape of {theirs.series:,} series (ours: {ours.series:,})"
    return [
        Row(start, ours.cpu, theirs.cpu, theirs.cpu / ours.cpu, "s"),
        Row(memory, ours.resident, theirs.resident, theirs.resident / ours.resident, "MiB"),
        Row(scrape, ours.scrape, theirs.scrape, theirs.scrape / ours.scrape, "ms"),
    ]


def _theirs(program: str, claims: int, folder: Path) -> _Measured:
    states = folder / "states.yaml"
    states.write_text(yaml.safe_dump(_custom_resource_states()))
    with served(claims, _Cluster) as client:
        command = [program, f"--apiserver={client.configuration.host}", f"--resources={_RESOURCES}"]
        command += [f"--custom-resource-state-config-file={states}", "--enable-gzip-encoding"]
        command += ["--host=127.0.0.1", "--port=19780", "--telemetry-host=127.0.0.1", "--telemetry-port=19781"]
        expected = {"kube_customresource_sync": claims, "kube_persistentvolumeclaim_info": 2 * claims}
        return _measured(command, "http://127.0.0.1:19780/metrics", expected, folder / "theirs.log")


def _ours(claims: int, folder: Path) -> _Measured:
    config = folder / "kubeconfig"
    with served(claims) as client:
        cluster = {"name": "c", "cluster": {"server": client.configuration.host}}
        context = {"name": "c", "context": {"cluster": "c", "user": "c"}}
        config.write_text(
            yaml.safe_dump(
                {
                    "clusters": [cluster],
                    "contexts": [context],
                    "users": [{"name": "c", "user": {}}],
                    "current-context": "c",
                }
            )
        )
        command = [sys.executable, "-m", "exporter", "serve", f"--kubeconfig={config}", "--web-listen=127.0.0.1:19782"]
        expected = {"volsync_backup_info": claims}
        return _measured(command, "http://127.0.0.1:19782/metrics", expected, folder / "ours.log")


def _measured(command: list[str], url: str, expected: dict[str, int], log: Path) -> _Measured:
    with _running(command, log) as process:
        cpu = _cpu_until_quiet(process.pid)
        if process.poll() is not None:
            raise AssertionError(f"{command[0]} has ended:\n{log.read_text()[-2000:]}")
        text = _scraped(url)
        found = {name: text.count(f"\n{name}{{") for name in expected}
        if found != expected:
            raise AssertionError(f"{url}: {found}, and not {expected}; see {log}:\n{log.read_text()[-2000:]}")
        series = sum(1 for line in text.splitlines() if line and not line.startswith("#"))
        return _Measured(cpu, _resident(process.pid), min(_timed(url) for _ in range(5)), series)


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _cpu_until_quiet(pid: int) -> float:
    """The CPU seconds of the process once it has stopped working for some time."""
    began = time.monotonic()
    seen, since = 0.0, began
    while time.monotonic() - since < _QUIET:
        if time.monotonic() - began > _PATIENCE:
            raise TimeoutError(f"it still works after {_PATIENCE:.0f} s")
        time.sleep(0.2)
        if (now := _cpu(pid)) - seen > 0.02:
            seen, since = now, time.monotonic()
    return seen


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _timed(url: str) -> float:
    began = time.perf_counter()
    _get(url)
    return (time.perf_counter() - began) * 1000


def _scraped(url: str) -> str:
    return gzip.decompress(_get(url)).decode()


def _get(url: str) -> bytes:
    with urlopen(Request(url, headers={"Accept-Encoding": "gzip"})) as answer:
        return bytes(answer.read())


# --- what kube-state-metrics is told to show --------------------------------------------------------------------


def _crds() -> list[dict[str, object]]:
    """As much of the definitions as its discovery reads."""
    return [
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{kind.plural}.{kind.group}", "resourceVersion": "1", "uid": kind.plural},
            "spec": {
                "group": kind.group,
                "names": {"kind": kind.kind, "plural": kind.plural},
                "versions": [{"name": kind.versions[0], "served": True, "storage": True}],
            },
        }
        for kind in KINDS
        if kind.field in _FROM_CUSTOM_RESOURCES
    ]


def _custom_resource_states() -> dict[str, object]:
    """As its users write it for VolSync and Longhorn: when the last sync was, how long it took, the volume's state."""
    kinds = {kind.field: kind for kind in KINDS}
    synced = [
        _gauge("sync", ["status", "lastSyncTime"]),
        _info("source", {"pvc": ["spec", "sourcePVC"], "result": ["status", "latestMoverStatus", "result"]}),
        _gauge("next_sync", ["status", "nextSyncTime"]),
    ]
    restored = [
        _gauge("restore", ["status", "lastSyncTime"]),
        _info("destination", {"result": ["status", "latestMoverStatus", "result"]}),
    ]
    volumes = [
        _states("state", ["status", "state"], _STATES),
        _states("robustness", ["status", "robustness"], _ROBUSTNESS),
    ]
    metrics = dict(zip(_FROM_CUSTOM_RESOURCES, (synced, restored, volumes), strict=True))
    return {
        "kind": "CustomResourceStateMetrics",
        "spec": {
            "resources": [
                {
                    "groupVersionKind": {
                        "group": kinds[field].group,
                        "version": kinds[field].versions[0],
                        "kind": kinds[field].kind,
                    },
                    "labelsFromPath": {"name": ["metadata", "name"], "namespace": ["metadata", "namespace"]},
                    "metrics": shown,
                }
                for field, shown in metrics.items()
            ]
        },
    }


def _gauge(name: str, path: list[str]) -> dict[str, object]:
    return {"name": name, "help": name, "each": {"type": "Gauge", "gauge": {"path": path, "nilIsZero": True}}}


def _info(name: str, labels: dict[str, list[str]]) -> dict[str, object]:
    return {"name": name, "help": name, "each": {"type": "Info", "info": {"labelsFromPath": labels}}}


def _states(name: str, path: list[str], values: tuple[str, ...]) -> dict[str, object]:
    state_set = {"labelName": name, "path": path, "list": list(values)}
    return {"name": name, "help": name, "each": {"type": "StateSet", "stateSet": state_set}}


def main() -> None:
    """Print the table for the program and the number of claims that are given."""
    claims = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    objects = round(sum(PER_CLAIM.values()) * claims)
    print(f"{objects:,} objects; ours, kube-state-metrics', and how many times better ours is")
    for row in run(sys.argv[1], claims):
        print(f"{row.what:55} {row.ours:9.2f} {row.naive:9.2f} {row.unit:4} {row.ratio:7.1f} x")


if __name__ == "__main__":
    main()
