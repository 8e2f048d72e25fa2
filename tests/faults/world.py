"""A sound cluster and two stores, read every second by the real process: through gates, and over TLS."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from tests.alerts import worlds
from tests.apiserver.exchange import Json
from tests.apiserver.resources import RESOURCES
from tests.apiserver.server import ApiServer, load
from tests.bucket.standin import BUCKET, Standin, running_standin
from tests.certificates import self_signed
from tests.faults.gate import Gate, Way
from tests.faults.process import Process

POLLS = ("--poll-cluster=1s", "--poll-bucket=1s", "--poll-jitter=0s", "--poll-keep-facts=3s")
TIMEOUT = "--poll-timeout=3s"
"""Short, so that what never answers shows soon."""
_FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@dataclass
class World:
    """What the faults are put into."""

    cluster: ApiServer
    store: Standin
    beside: Standin
    """Another store, that no fault touches."""
    cluster_gate: Gate
    store_gate: Gate
    process: Process
    clock: Path | None
    """How far the process' clock is off, as libfaketime reads it; None where that is not installed."""
    timeout: str
    environment: Mapping[str, str]
    strays: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Objects that a fault put into the cluster: plural, name, namespace and group."""

    def another(self) -> Process:
        """Another process that reads the same."""
        return Process(*POLLS, self.timeout, **self.environment)

    def put(self, *objects: Json) -> None:
        """Put *objects* into the cluster until it heals."""
        for one in objects:
            group = one["apiVersion"].rpartition("/")[0]
            plural = next(known.plural for known in RESOURCES if (known.group, known.kind) == (group, one["kind"]))
            self.cluster.add(one)
            self.strays.append((plural, one["metadata"]["name"], one["metadata"]["namespace"], group))

    def heal(self) -> None:
        """Take every fault back."""
        while self.strays:
            stray = self.strays.pop()
            self.cluster.remove(*stray)
        self.cluster.heal()
        self.store.twist = None
        self.store.skew = timedelta(0)
        self.cluster_gate.turn(Way.OPEN)
        self.store_gate.turn(Way.OPEN)
        self.cluster.serve("volsync.backube")
        if self.clock:
            self.clock.write_text("+0")


@contextmanager
def running(folder: Path, timeout: str = TIMEOUT) -> Iterator[World]:
    """A world that is sound; *folder* is for its files, *timeout* the flag of the process' requests."""
    sound = worlds.now("sound", folder / "sound")
    pem = self_signed(folder)
    clock = folder / "clock" if _FAKETIME else None
    objects = [one for one in load(sound / "cluster.yaml") if "kind" in one]
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(ApiServer(objects, tls=(pem, pem, None)))
        store, beside = stack.enter_context(running_standin(pem)), stack.enter_context(running_standin())
        for one in json.loads((sound / worlds.LISTING).read_text())["Contents"]:
            store.objects[one["Key"]] = (one["Size"], datetime.fromisoformat(one["LastModified"]))
        beside.put_repository("other/data", packs=3)
        gates = [stack.enter_context(Gate(port)) for port in (cluster.port, int(store.endpoint.rpartition(":")[2]))]
        environment = {
            "KUBECONFIG": str(_kubeconfig(cluster, gates[0], folder)),
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        for number, endpoint in enumerate((f"https://127.0.0.1:{gates[1].port}", beside.endpoint)):
            bucket = f"VOLSYNC_EXPORTER_BUCKETS__{number}__"
            environment[f"{bucket}REPOSITORY_BASE"] = f"s3:{endpoint}/{BUCKET}/"
            environment[f"{bucket}LAYOUT"] = "{namespace}/{pvc}" if number == 0 else ""
            environment[f"{bucket}CA_FILE"] = str(pem) if number == 0 else ""
            environment[f"{bucket}REQUESTS_PER_SECOND"] = "10000"
        if clock:
            clock.write_text("+0")
            # Without a second's cache the file is read at each look at the clock, which takes most of a processor.
            environment |= {
                "LD_PRELOAD": str(_FAKETIME[0]),
                "FAKETIME_TIMESTAMP_FILE": str(clock),
                "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        process = stack.enter_context(Process(*POLLS, timeout, **environment))
        yield World(cluster, store, beside, *gates, process, clock, timeout, environment)


def _kubeconfig(cluster: ApiServer, gate: Gate, folder: Path) -> Path:
    config = cluster.kubeconfig()
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{gate.port}"
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file
