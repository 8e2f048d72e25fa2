"""The golden verdict, scraped by a real Prometheus."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.publication.families import FAMILIES
from tests.publication.conftest import Serve, free_port
from tests.publication.verdicts import every_family
from tests.tools import tool

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: volsync-exporter
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def query(self, expression: str) -> list[dict]:
        return self.get("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))["result"]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=10) as answer:
            return json.load(answer)["data"]


@pytest.fixture
def prometheus(serve: Serve, tmp_path: Path) -> Iterator[Prometheus]:
    binary = tool("prometheus")
    exporter, port = serve(every_family()), free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(CONFIG.format(port=exporter.port))
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [
            binary,
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=log,
        stderr=log,
    )
    try:
        yield wait_for_scrape(Prometheus(port), process, tmp_path / "log")
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def wait_for_scrape(prometheus: Prometheus, process: subprocess.Popen[bytes], log: Path) -> Prometheus:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if prometheus.query("up"):
                return prometheus
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(f"Prometheus has not scraped: {log.read_text()[-2000:]}")


def test_a_real_prometheus_takes_the_packed_exposition_whole(prometheus: Prometheus) -> None:
    (target,) = prometheus.get("/api/v1/targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    names = set(prometheus.get("/api/v1/label/__name__/values"))
    assert {family.name for family in FAMILIES} - names == set()
    assert "process_resident_memory_bytes" in names
    sums = prometheus.query("sum by (namespace, pvc) (volsync_backup_state)")
    assert len(sums) == len(every_family().claims)
    assert {result["value"][1] for result in sums} == {"1"}
    robustness = prometheus.query("sum by (namespace, pvc, volume) (volsync_backup_volume_robustness)")
    assert {result["value"][1] for result in robustness} == {"1"}
    # The verdict's member and the second one agree: an age comes from the other half than its timestamp.
    (both,) = prometheus.query(
        "count(volsync_backup_last_sync_age_seconds and volsync_backup_last_sync_timestamp_seconds)"
    )
    assert int(both["value"][1]) == sum(len(claim.sources) for claim in every_family().claims)
