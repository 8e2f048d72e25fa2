"""A real Prometheus and a real Alertmanager on loopback, sixty times faster than the rules are written for.

What is scaled, and by how much: every duration in the rule files (ranges, subquery steps, offsets, `keep_firing_for`,
group intervals), Alertmanager's waits and repeats, and
Prometheus' lookback and resending, each by `FACTOR`. The scrape and the evaluation interval are one second, in place of
one minute.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import msgspec
import yaml

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "alerts").rglob("*.rules.yaml"))
"""All of them, the optional watchdog too."""
FACTOR = 60
DEADLINE = 150.0
"""Seconds after which what is awaited will not come."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?<=[\[:])(\d+)([smhd])(?=[\]:])|(?<=offset )(\d+)([smhd])\b")
_FIELD = re.compile(
    r"(?m)^(\s*(?:for|keep_firing_for|interval|group_wait|group_interval|repeat_interval): )(\d+)([smhd])$"
)


def _scaled(number: str, unit: str) -> str:
    return f"{max(int(number) * _SECONDS[unit] * 1000 // FACTOR, 0)}ms"


def faster(text: str) -> str:
    """A rule file or an Alertmanager configuration with its durations divided by `FACTOR`."""
    text = _DURATION.sub(lambda m: _scaled(m[1] or m[3], m[2] or m[4]), text)
    return _FIELD.sub(lambda m: m[1] + _scaled(m[2], m[3]), text)


class Notification(msgspec.Struct, frozen=True):
    """One message to one receiver."""

    receiver: str
    status: str
    alerts: list[dict[str, Any]]

    @property
    def labels(self) -> dict[str, str]:
        return self.alerts[0]["labels"]

    @property
    def annotations(self) -> dict[str, str]:
        return self.alerts[0]["annotations"]

    @property
    def about(self) -> str:
        """What it is about, in one word: the cause, or the alert where it has none."""
        return self.labels.get("cause", self.labels["alertname"])


class Desk:
    """Takes Alertmanager's webhooks."""

    def __init__(self) -> None:
        self.received: list[Notification] = []
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                desk.received.append(Notification(self.path.strip("/"), body["status"], body["alerts"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def beats(self) -> int:
        """How often the dead-man's switch was reached."""
        return sum(one.receiver == "dead-mans-switch" for one in self.received)

    @property
    def told(self) -> list[Notification]:
        """What our alerts told a person: all but the watchdog's beat."""
        return [one for one in self.received if one.receiver != "dead-mans-switch"]


class Stack:
    """One Prometheus and one Alertmanager around one exporter."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk()
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._exporters: dict[int, subprocess.Popen[bytes]] = {}
        self._ports = [free_port(), free_port()]
        self._prometheus, self._alertmanager = free_port(), free_port()
        folder.mkdir(parents=True, exist_ok=True)

    def watch(self) -> None:
        """Start both servers. The exporter should be there before: else they would tell that it is not."""
        self._start_alertmanager(self._alertmanager)
        self._start_prometheus(self._prometheus, self._alertmanager)

    def _start_alertmanager(self, port: int) -> None:
        config = faster((ROOT / "alerts/examples/alertmanager.yaml").read_text())
        path = self._folder / "alertmanager.yaml"
        path.write_text(
            config.replace('templates: ["*.tmpl"]', "").replace("127.0.0.1:9095", f"127.0.0.1:{self.desk.port}")
        )
        self._run(
            "prometheus-alertmanager",
            f"--config.file={path}",
            f"--storage.path={self._folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        )
        await_answer(f"http://127.0.0.1:{port}/-/ready")

    def _start_prometheus(self, port: int, alertmanager: int) -> None:
        for rules in RULES:
            (self._folder / rules.name).write_text(faster(rules.read_text()))
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self._folder / rules.name) for rules in RULES],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
            "scrape_configs": [
                _target("prometheus", port),
                _target("volsync-exporter", *self._ports),
            ],
        }
        path = self._folder / "prometheus.yaml"
        path.write_text(yaml.safe_dump(config))
        self._run(
            "prometheus",
            f"--config.file={path}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--query.lookback-delta={300 // FACTOR}s",
            f"--rules.alert.resend-delay={60 // FACTOR}s",
        )
        await_answer(f"http://127.0.0.1:{port}/-/ready")

    def _run(self, *command: str) -> None:
        log = (self._folder / f"{command[0]}.log").open("wb")
        with log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))

    def serve(self, world: Path) -> None:
        """Roll out an exporter over the files of *world*: the one that runs ends once the new one is ready."""
        port = next(port for port in self._ports if port not in self._exporters)
        old = dict(self._exporters)
        with (self._folder / "exporter.log").open("ab") as log:
            self._exporters[port] = subprocess.Popen(
                [
                    *(sys.executable, "-m", "exporter", "serve", "--from", str(world)),
                    *("--listen", f"127.0.0.1:{port}"),
                    *("--poll-cluster", "1s", "--poll-bucket", "1s", "--poll-jitter", "0s"),
                ],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        await_answer(f"http://127.0.0.1:{port}/readyz")
        for port in old:
            self._kill(port)

    def kill_exporter(self) -> None:
        for port in list(self._exporters):
            self._kill(port)

    def _kill(self, port: int) -> None:
        process = self._exporters.pop(port)
        process.kill()
        process.wait()

    def await_told(self, count: int) -> None:
        """Wait until *count* messages were told, or for too long: what was told is then the caller's to judge."""
        await_true(lambda: len(self.desk.told) >= count)

    def firing(self) -> list[dict[str, str]]:
        """The alerts that fire now, as Prometheus has them."""
        with urlopen(f"http://127.0.0.1:{self._prometheus}/api/v1/alerts", timeout=5) as answer:
            alerts = json.load(answer)["data"]["alerts"]
        return [alert["labels"] for alert in alerts if alert["state"] == "firing"]

    def close(self) -> None:
        self.kill_exporter()
        for process in self._processes:
            process.kill()
            process.wait()
        self.desk.close()


def _target(job: str, *ports: int) -> dict[str, Any]:
    return {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_true(holds: Callable[[], bool], seconds: float = DEADLINE) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def await_answer(url: str) -> None:
    def answers() -> bool:
        try:
            with urlopen(url, timeout=1) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    if not await_true(answers, 30):
        raise TimeoutError(f"{url} does not answer")


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    stack = Stack(folder)
    try:
        yield stack
    finally:
        stack.close()


def missing_tools() -> list[str]:
    """Which of the servers are not installed."""
    return [tool for tool in ("prometheus", "prometheus-alertmanager", "promtool", "amtool") if not shutil.which(tool)]
