"""`serve` as a process: what it publishes, and what it takes of the machine."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec

_SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Look(msgspec.Struct, frozen=True):
    """What `/metrics` says at one moment."""

    seconds: float
    """How long the scrape took."""
    up: Mapping[str, bool]
    errors: Mapping[tuple[str, str], float]
    """How often each source failed for each reason."""
    states: Mapping[str, str]
    causes: frozenset[str]
    """Root causes, as `cause at scope`."""
    buckets: frozenset[str]
    """Those whose repositories are counted."""
    verdict_at: float


class Process:
    """A `volsync-exporter serve` on a port of its own."""

    def __init__(self, *args: str, enter: str = "", **environment: str) -> None:
        """*enter* is a shell command that it starts with: into a cgroup, for example."""
        command = [sys.executable, "-m", "exporter", "serve", "--listen", "127.0.0.1:0", *args]
        if enter:
            command = ["/bin/sh", "-c", f'{enter} && exec "$0" "$@"', *command]
        inherited = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**inherited, **environment}, cwd=Path(__file__).parents[2]
        )
        try:
            self.port = self._port()
        except BaseException:
            self.__exit__()
            raise
        self.log: deque[str] = deque(maxlen=100)
        """What it said last; what nobody reads would fill the pipe."""
        threading.Thread(target=self.log.extend, args=(self.process.stderr,), daemon=True).start()

    def _port(self) -> int:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if not line.startswith("{"):
                raise AssertionError(f"it says what is no log: {line}{self._rest()}")
            entry = json.loads(line)
            if entry["event"] == "serving":
                return int(entry["port"])
        raise AssertionError(f"it ended with {self.process.wait()} before it served")

    def _rest(self) -> str:
        """What else it says, once it has ended."""
        self.process.terminate()
        return self.process.communicate(timeout=30)[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.process.kill()
        self.process.wait(20)
        if self.process.stderr:
            self.process.stderr.close()

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    @property
    def peak_mebibytes(self) -> int:
        """The most memory that it held at once."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) >> 10

    def end(self, number: signal.Signals) -> tuple[int, float]:
        """The exit status, and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(60), time.monotonic() - began

    def get(self, path: str, seconds: float = 30, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def look(self) -> Look:
        began = time.monotonic()
        text = self.get("/metrics")[1].decode()
        seconds = time.monotonic() - began
        samples = [(found["name"], dict(_LABEL.findall(found["labels"] or "")), float(found["value"]))
                   for found in _SAMPLE.finditer(text)]  # fmt: skip
        return Look(
            seconds,
            {of["source"]: value == 1 for name, of, value in samples if name == "volsync_exporter_source_up"},
            {(of["source"], of["reason"]): value for name, of, value in samples
             if name == "volsync_exporter_source_errors_total"},
            {f"{of['namespace']}/{of['pvc']}": of["state"] for name, of, value in samples
             if name == "volsync_backup_state" and value == 1},
            frozenset(f"{of['cause']} at {of['scope']}" for name, of, _ in samples if name == "volsync_root_cause"),
            frozenset(of["bucket"] for name, of, _ in samples if name == "volsync_bucket_repositories"),
            next((value for name, _, value in samples if name == "volsync_exporter_verdict_timestamp_seconds"), 0.0),
        )  # fmt: skip
