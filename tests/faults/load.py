"""Ten thousand claims, hostile objects, five hundred scrapes at once and two hundred slow readers, under the limits."""

import contextlib
import gzip
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from tests.apiserver.exchange import Json
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import obj
from tests.faults.limits import Limits, limits
from tests.faults.process import Process

CLAIMS = 10_000
SCRAPES = 500
READERS = 200
_PROTECTED = re.compile(rb'volsync_backup_state\{[^}]*state="protected"[^}]*\} 1\n')
_PATIENCE = 1800.0
Row = tuple[str, str]


def objects(claims: int) -> Iterator[Json]:
    """A sound cluster of so many claims on Longhorn, a mover at work for one in twenty."""
    now = datetime.now(UTC)
    past, ago, soon = (f"{now + timedelta(minutes=m):%Y-%m-%dT%H:%M:%SZ}" for m in (-20, -50, 40))
    mover = {"labels": {"app.kubernetes.io/created-by": "volsync"}, "creationTimestamp": ago}
    log = "snapshot 0a1b2c3d saved\n" * 8
    status = {
        "lastSyncTime": past,
        "lastSyncDuration": "42.1s",
        "nextSyncTime": soon,
        "latestMoverStatus": {"result": "Successful", "logs": log},
    }
    healthy = {"state": "attached", "robustness": "healthy"}
    for number in range(claims):
        space, name, volume = f"app-{number % 1000:03}", f"data-{number}", f"pvc-{number}"
        csi = {"driver": "driver.longhorn.io", "volumeHandle": volume}
        restic = {"repository": f"{name}-repository", "copyMethod": "Snapshot"}
        spec = {"sourcePVC": name, "trigger": {"schedule": f"{number % 60} * * * *"}, "restic": restic}
        reference = {"name": name, "namespace": space}
        bound = {"spec": {"volumeName": volume}, "status": {"phase": "Bound"}}
        if number < 1000:
            yield obj("v1", "Namespace", space)
        yield obj("v1", "PersistentVolumeClaim", name, space, **bound)
        yield obj("v1", "PersistentVolume", volume, spec={"csi": csi, "claimRef": reference})
        yield obj("volsync.backube/v1alpha1", "ReplicationSource", name, space, spec=spec, status=status)
        yield obj("longhorn.io/v1beta2", "Volume", volume, "longhorn-system", status=healthy)
        if number % 20 == 0:
            yield obj("batch/v1", "Job", f"volsync-src-{name}", space, metadata=mover, status={"succeeded": 1})


def hostile() -> Iterator[Json]:
    """What no cluster should hold: each costs itself."""
    for number in range(200):
        spec = {"sourcePVC": f"p{number}", "paused": "perhaps", "restic": {"repository": "r" * 5000}}
        yield obj("volsync.backube/v1alpha1", "ReplicationSource", f"odd-{number}", "odd", spec=spec)
    dense = {"conditions": [{"type": "t", "status": "s"}] * 20_000}
    yield obj("volsync.backube/v1alpha1", "ReplicationSource", "dense", "odd", spec={"sourcePVC": "p"}, status=dense)
    for number in range(5):
        rules = [{"name": "r", "generate": {"kind": "ConfigMap", "name": "x", "data": [[]] * 400_000}}]
        yield obj("kyverno.io/v1", "Policy", f"odd-{number}", "odd", spec={"rules": rules})
    for number in range(50):
        about = {"kind": "Pod", "namespace": "odd", "name": "p"}
        yield obj("v1", "Event", f"e{number}", "odd", reason="FailedMount", message="m" * 500_000, involvedObject=about)


def run(folder: Path, claims: int = CLAIMS) -> list[Row]:
    """Put the load on, and tell what came of it."""
    with ApiServer([*objects(claims), *hostile()]) as cluster, limits() as around:
        kubeconfig = folder / "load-kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(cluster.kubeconfig()))
        with Process("--poll-jitter=0s", enter=around.enter, KUBECONFIG=str(kubeconfig)) as process:
            return [_shown(row) for row in _rows(process, around, claims)]


def _shown(row: Row) -> Row:
    print(": ".join(row), file=sys.stderr, flush=True)
    return row


def _rows(process: Process, around: Limits, claims: int) -> Iterator[Row]:
    yield "limits", str(around)
    _await(process, lambda summary: summary.get("protected") == claims)
    yield f"first verdict on {claims:,} claims and 256 hostile objects", f"{time.monotonic() - process.began:.0f} s"
    scrape = _scrape(process)
    yield "one scrape", f"{scrape:.1f} s"

    began = time.monotonic()
    with ThreadPoolExecutor(SCRAPES) as clients:
        done = list(clients.map(lambda _: _seconds(process), range(SCRAPES)))
    answered = [seconds for seconds in done if seconds is not None]
    yield f"{SCRAPES} scrapes at once", f"{len(answered)} answered within {time.monotonic() - began:.0f} s"

    probes: list[float] = []
    with _slow_readers(process.port):
        for _ in range(20):
            moment = time.monotonic()
            assert process.get("/healthz", 60)[0] == 200
            probes.append(time.monotonic() - moment)
            time.sleep(0.5)
        yield f"a scrape beside {READERS} slow readers", f"{_scrape(process):.1f} s"
    yield f"the slowest probe beside {READERS} slow readers", f"{max(probes):.1f} s"

    before = _summary(process)["at"]
    _await(process, lambda summary: summary["at"] > before)
    packed = process.get("/metrics", 300, **{"Accept-Encoding": "gzip"})[1]
    kept = len(_PROTECTED.findall(gzip.decompress(packed)))
    yield "claims that are protected in the scrape after the next verdict", f"{kept:,}"
    assert kept == claims
    yield "restarts, OOM-killed processes", f"{0 if process.runs else 1}, {around.killed}"
    assert process.runs
    assert around.killed == 0
    yield "most memory at once", f"{process.peak_mebibytes} MiB"


def _await(process: Process, holds: Callable[[Json], bool]) -> None:
    """Until the summary is as wanted; it costs the exporter next to nothing."""
    deadline = time.monotonic() + _PATIENCE
    while not holds(_summary(process)):
        assert process.runs, "it has ended"
        assert time.monotonic() < deadline, "no verdict"
        time.sleep(1)


def _summary(process: Process) -> Json:
    """Empty while there is none."""
    with contextlib.suppress(OSError, ValueError):
        found: Json = json.loads(process.get("/api/v1/summary", 120)[1])
        return found
    return {}


def _scrape(process: Process) -> float:
    seconds = _seconds(process)
    assert seconds is not None
    return seconds


def _seconds(process: Process) -> float | None:
    """How long a scrape took as Prometheus makes it; None where there was no answer."""
    began = time.monotonic()
    try:
        status, _ = process.get("/metrics", 300, **{"Accept-Encoding": "gzip"})
    except OSError:
        return None
    return time.monotonic() - began if status == 200 else None


@contextlib.contextmanager
def _slow_readers(port: int) -> Iterator[None]:
    """Clients that ask for everything and take a few bytes a second of it."""
    lines = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(READERS)]
    for line in lines:
        line.settimeout(0.001)
    done = threading.Event()

    def read() -> None:
        for line in lines:
            with contextlib.suppress(OSError):
                line.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        while not done.wait(1):
            for line in lines:
                with contextlib.suppress(OSError):
                    line.recv(64)

    threading.Thread(target=read, daemon=True).start()
    try:
        yield
    finally:
        done.set()
        for line in lines:
            line.close()
