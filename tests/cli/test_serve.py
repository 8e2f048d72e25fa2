"""`serve` as a process: what it answers, and how it ends."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.publication.conftest import free_port

SOUND = Path(__file__).parent / "dumps" / "sound.yaml"
FROM_FILES = ("--from", str(SOUND), "--at", "2026-01-18T14:12:00Z", "--chain-policy=", "--chain-base-secret=")


class Serving:
    """A `volsync-exporter serve` on a port of its own."""

    def __init__(self, *args: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "exporter", "serve", "--listen", "127.0.0.1:0", *args],
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        )
        self.port = self.wait_for("serving")["port"]

    def wait_for(self, event: str) -> dict[str, Any]:
        """Read the log up to the line about *event*."""
        assert self.process.stderr is not None
        seen = []
        for line in self.process.stderr:
            seen.append(line)
            entry = json.loads(line)
            if entry["event"] == event:
                return entry
        pytest.fail(f"it ended with {self.process.wait()} before {event!r}: {''.join(seen)}")

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while self.get("/readyz")[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """The exit status, and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(20), time.monotonic() - began


Start = Callable[..., Serving]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Serving] = []

    def starting(*args: str, **environment: str) -> Serving:
        started.append(Serving(*args, **environment))
        return started[-1]

    yield starting
    for serving in started:
        serving.process.kill()
        serving.process.wait(20)
        if serving.process.stderr:
            serving.process.stderr.close()


@pytest.fixture
def silent_server(tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket that accepts and never answers, and a kubeconfig that names it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{listener.getsockname()[1]}"}}],
            "users": [{"name": "a", "user": {"token": "a"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "current-context": "a",
        }
        file = tmp_path / "kubeconfig"
        file.write_text(yaml.safe_dump(config))
        yield listener, str(file)


def test_files_are_served_with_a_clock_that_runs_on(start: Start) -> None:
    serving = start(*FROM_FILES)
    serving.wait_until_ready()
    status, text = serving.get("/metrics")
    assert status == 200
    assert 'volsync_backup_state{namespace="n8n",pvc="data",state="protected"} 1\n' in text
    first = age(text)
    assert 12 * 60 - 60 < first < 12 * 60 + 60
    time.sleep(0.2)
    assert age(serving.get("/metrics")[1]) >= first + 0.2
    assert json.loads(serving.get("/api/v1/status")[1])["claims"][0]["state"] == "protected"
    assert "n8n" in serving.get("/")[1]
    assert serving.get("/healthz") == (200, "ok\n")


def age(text: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith("volsync_backup_last_sync_age_seconds{")]
    return float(line.rpartition(" ")[2])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_at_once(start: Start, number: signal.Signals) -> None:
    status, seconds = start(*FROM_FILES).end(number)
    assert status == 0
    assert seconds < 2


def test_a_signal_ends_it_during_a_poll(start: Start, silent_server: tuple[socket.socket, str]) -> None:
    listener, kubeconfig = silent_server
    serving = start(KUBECONFIG=kubeconfig)
    listener.settimeout(30)
    with listener.accept()[0] as connection:
        assert connection.recv(100)  # a poll is under way, and is never answered
        assert serving.get("/healthz")[0] == 200
        assert serving.get("/readyz")[0] == 503
        assert 'volsync_exporter_source_up{source="volsync"} 0\n' in serving.get("/metrics")[1]
        status, seconds = serving.end()
    assert status == 0
    assert seconds < 2


def test_a_signal_ends_it_during_an_open_scrape(start: Start) -> None:
    serving = start(*FROM_FILES)
    with socket.create_connection(("127.0.0.1", serving.port), timeout=10) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\n")
        status, seconds = serving.end()
    assert status == 0
    assert seconds < 2.5


def full_pipe() -> tuple[int, int]:
    """A pipe that nobody reads and that takes no more."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writing, b"x" * 4096):
            pass
    with contextlib.suppress(BlockingIOError):
        while os.write(writing, b"x"):
            pass
    os.set_blocking(writing, True)
    return reading, writing


@pytest.mark.parametrize("errors", ["full", "closed"])
def test_a_log_that_takes_nothing_stops_neither_polls_nor_answers_nor_the_end(errors: str) -> None:
    port = free_port()
    arguments = ("-m", "exporter", "serve", "--listen", f"127.0.0.1:{port}", "--poll-cluster=1s", "--poll-jitter=0s")
    reading, writing = full_pipe()
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'exec "$0" "$@" 2>&-', sys.executable, *arguments]
        if errors == "closed"
        else [sys.executable, *arguments],
        stderr=writing,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )
    try:
        deadline = time.monotonic() + 60
        verdicts: set[str] = set()
        while len(verdicts) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.2)
            with contextlib.suppress(OSError):  # it does not listen yet
                verdicts |= verdict_times(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)


def verdict_times(port: int) -> set[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {line for line in lines if line.startswith("volsync_exporter_verdict_timestamp_seconds ")}


def test_a_cluster_that_cannot_be_reached_is_published_as_such(start: Start) -> None:
    serving = start()
    serving.wait_until_ready()
    _, text = serving.get("/metrics")
    assert 'volsync_exporter_source_up{source="kubernetes"} 0\n' in text
    assert 'volsync_exporter_source_errors_total{source="kubernetes",reason="connection"} 0\n' not in text
    sources = json.loads(serving.get("/api/v1/status")[1])["sources"]
    assert sources["kubernetes"] == {"up": False, "reason": "connection"}


def test_a_store_that_does_not_answer_does_not_keep_it_from_being_ready(
    start: Start, silent_server: tuple[socket.socket, str]
) -> None:
    store = silent_server[0].getsockname()[1]
    serving = start(
        VOLSYNC_EXPORTER_BUCKETS__0__REPOSITORY_BASE=f"s3:http://127.0.0.1:{store}/backups",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
    )
    serving.wait_until_ready()  # before the first request to the store has run into its own time limit, of 30 seconds
    assert 'volsync_exporter_source_up{source="s3"} 0\n' in serving.get("/metrics")[1]
    status, seconds = serving.end()
    assert (status, seconds < 5) == (0, True)


def test_each_poll_is_one_line_that_says_how_it_went(start: Start) -> None:
    serving = start()
    entry = serving.wait_for("poll")
    assert (entry["level"], entry["reading"], entry["reason"]) == ("warning", "unreadable", "connection")
    assert {"source", "seconds", "objects", "detail", "timestamp"} <= set(entry)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--listen", "9978"), "web.listen: '9978' is no address to listen on: write it like :9978"),
        (("--web-config-file", "nowhere.yaml"), "web.config_file: nowhere.yaml: cannot be read: No such file"),
        (("--listen", "192.0.2.1:80"), "web.listen: cannot listen on 192.0.2.1:80"),
    ],
)
def test_a_listener_that_cannot_be_had_is_refused(args: tuple[str, ...], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "serve", *FROM_FILES, *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_said(start: Start) -> None:
    taken = start(*FROM_FILES).port
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "serve", *FROM_FILES, "--listen", f"127.0.0.1:{taken}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, "Address already in use" in done.stderr) == (2, True)


def test_a_second_signal_does_not_wait_for_order() -> None:
    """The first one is taken by a program that does not come to its end."""
    program = (
        "import time\n"
        "from exporter.cli.stopping import Stop\n"
        "stop = Stop()\n"
        "stop.install()\n"
        "stop.end_gracefully()\n"
        "print('ready', flush=True)\n"
        "stop.wait()\n"
        "print('wanted', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "wanted\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM


def test_signals_are_handled_before_anything_slow_is_imported() -> None:
    program = (
        "import signal, sys\n"
        "import exporter.cli\n"
        "slow = {'click', 'pydantic', 'kubernetes', 'boto3', 'rich', 'prometheus_client'} & set(sys.modules)\n"
        "print(slow or 'none')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == "none\n"
