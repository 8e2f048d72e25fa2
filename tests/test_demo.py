"""The demonstration: a scenario moved to now, shown and served."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter.chain.judge import judge
from exporter.chain.verdict import ClaimVerdict
from exporter.facts.cluster.dump.files import read_files
from exporter.settings import Settings
from scripts.shift import shift
from tests.corpus import folder

ROOT = Path(__file__).parent.parent
AT = datetime(2026, 1, 18, 14, 20, tzinfo=UTC)


def what_is_wrong(folder: Path, at: datetime) -> list[tuple[str, ...]]:
    def row(claim: ClaimVerdict) -> tuple[str, ...]:
        age = str(at - claim.recovery_point) if claim.recovery_point else ""
        return (claim.key, claim.state, age, *(f"{problem.cause} {problem.scope}" for problem in claim.problems))

    return [row(claim) for claim in judge(read_files([folder], at), Settings(), at).claims]


@pytest.mark.parametrize(
    "later", [timedelta(days=310, hours=3, minutes=41, seconds=7), timedelta(days=-90, minutes=25)]
)
@pytest.mark.parametrize("name", ["bad-day", "sound", "exempt", "exempt-ended", "repository_locked"])
def test_a_scenario_is_judged_alike_at_any_time(name: str, later: timedelta, tmp_path: Path) -> None:
    moved = shift(folder(name), AT, AT + later, tmp_path)
    assert what_is_wrong(moved, AT + later) == what_is_wrong(folder(name), AT)


def test_times_keep_their_form(tmp_path: Path) -> None:
    scenario = tmp_path / "one"
    scenario.mkdir()
    (scenario / "a.yaml").write_text(
        'eventTime: 2026-01-18T13:54:00.123456Z\nLastModified: "2026-01-18T14:00:32+00:00"\n'
        'log: "lock was created at 2026-01-18 09:02:00"\nuntil: "2026-01-31"\nuid: 2026-01-18-4d0f\n'
    )
    moved = shift(scenario, AT, datetime(2026, 2, 18, 15, 20, 0, 999999, tzinfo=UTC), tmp_path / "moved")
    assert (moved / "a.yaml").read_text() == (
        'eventTime: 2026-02-18T14:54:00.123456Z\nLastModified: "2026-02-18T15:00:32+00:00"\n'
        'log: "lock was created at 2026-02-18 10:02:00"\nuntil: "2026-03-03"\nuid: 2026-01-18-4d0f\n'
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def fetched(url: str, server: subprocess.Popen[str]) -> str:
    """What *url* answers, as soon as *server* is up and content with itself."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.URLError:
            time.sleep(0.05)
    pytest.fail(f"the demonstration ended with {server.returncode}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demonstration_shows_serves_and_ends(number: signal.Signals) -> None:
    port = free_port()
    command = [sys.executable, "scripts/demo.py", "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demonstration:
        try:
            fetched(f"http://127.0.0.1:{port}/readyz", demonstration)
            metrics = fetched(f"http://127.0.0.1:{port}/metrics", demonstration)
            demonstration.send_signal(number)
            shown, _ = demonstration.communicate(timeout=20)
        finally:
            demonstration.kill()
    assert demonstration.returncode == 0
    assert 'volsync_backup_state{namespace="khoj",pvc="config",state="unprotected"} 1' in metrics
    assert "critical volume_faulted in storage/driver.longhorn.io" in shown
    assert f"http://127.0.0.1:{port}/" in shown
    folder = re.search(r"--from (\S+)", shown)
    assert folder is not None
    assert not Path(folder[1]).exists()
