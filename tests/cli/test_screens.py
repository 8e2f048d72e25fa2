"""Every screen of the command line at 80 columns, as a terminal shows it. `UPDATE_GOLDEN=1 pytest` rewrites them."""

import os
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from exporter.cli.commands import SUMMARIES, cli
from tests.apiserver import faults
from tests.apiserver.server import ApiServer, load
from tests.corpus import folder

SCREENS = Path(__file__).parent / "screens"
DUMPS = Path(__file__).parent / "dumps"
AT = ("--at", "2026-01-18T14:20:00Z")
BAD_DAY = ("--from", "bad-day", *AT)
SOUND = (
    "--from",
    "sound.yaml",
    "--at",
    "2026-01-18T14:12:00Z",
    "--chain-policy=",
    "--chain-base-secret=",
    "--claims-label=backup",
)
HELP = {f"help-{name}": (name, "--help") for name in SUMMARIES}
CASES: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    **HELP,
    "help-settings": ("status", "--help-settings"),
    "status": ("status", *BAD_DAY),
    "status-problems": ("status", "--problems", "-n", "karakeep", *BAD_DAY),
    "status-wide": ("status", "-o", "wide", "-n", "karakeep", *BAD_DAY),
    "status-label": ("status", "-l", "app=none", *BAD_DAY),
    "status-no-claims": ("status", "--from", "no-claims", *AT),
    "status-skipped": ("status", "--from", "half", *AT),
    "status-name": ("status", "-o", "name", *BAD_DAY),
    "status-sound": ("status", *SOUND),
    "explain": ("explain", "khoj/config", *BAD_DAY),
    "explain-sound": ("explain", "n8n/data", *SOUND),
    "explain-unknown-claim": ("explain", "khoj/confg", *BAD_DAY),
    "doctor": ("doctor", *BAD_DAY),
    "completion-unknown-shell": ("completion", "tcsh"),
    "unknown-flag": ("status", "--contxt", "prod"),
    "unknown-form": ("status", "-o", "jsn", *BAD_DAY),
    "unknown-command": ("stauts",),
    "unknown-namespace": ("status", "-n", "karakep", *BAD_DAY),
    "nothing": ("status", "--from", "nothing"),
    "no-kubeconfig": ("status",),
    "no-kubeconfig-explain": ("explain", "media/photos"),
    "no-kubeconfig-doctor": ("doctor",),
    "no-kubeconfig-dump": ("dump", "case.tar.gz"),
}
LIVE: dict[str, tuple[str, ...]] = {
    "live-status": ("status", "-n", "karakeep", *AT),
    "live-explain": ("explain", "khoj/config", *AT),
    "live-doctor": ("doctor",),
    "live-dump": ("dump", "case.tar.gz"),
    "live-unknown-namespace": ("status", "-n", "karakep"),
    "live-unknown-context": ("status", "--context", "standln"),
}
FORBIDDEN = {
    "forbidden-status": LIVE["live-status"],
    "forbidden-doctor": ("doctor",),
    "forbidden-dump": ("dump", "case"),
}
REFUSED = {
    f"{fault}-{name}": command
    for fault in ("token", "gone")
    for name, command in {
        "status": ("status",),
        "doctor": ("doctor",),
        "dump": ("dump", "case"),
    }.items()
}
EVERY = (*CASES, *LIVE, *FORBIDDEN, *REFUSED)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the commands name, and no cluster to be found."""
    (tmp_path / "bad-day").symlink_to(folder("bad-day"))
    (tmp_path / "sound.yaml").symlink_to(DUMPS / "sound.yaml")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "notes.txt").write_text("nothing")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "persistentvolumeclaims.yaml").write_text((DUMPS / "sound.yaml").read_text())
    (tmp_path / "half" / "volumes.longhorn.io.yaml").write_text("")
    (tmp_path / "no-claims").mkdir()
    for name in ("persistentvolumeclaims", "replicationsources"):
        (tmp_path / "no-claims" / f"{name}.json").write_text('{"apiVersion": "v1", "kind": "List", "items": []}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "RESTIC_REPOSITORY", "RESTIC_REPOSITORY_BASE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    return [one for one in load(folder("bad-day")) if "kind" in one]


@pytest.fixture
def cluster(objects: list[dict[str, Any]], place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """The reference cluster on its bad day, as what `KUBECONFIG` names."""
    with ApiServer(deepcopy(objects)) as server:
        server.write_kubeconfig(place)
        monkeypatch.setenv("KUBECONFIG", "kubeconfig.yaml")
        yield server


def check(name: str, command: tuple[str, ...]) -> None:
    runner = CliRunner(env={"COLUMNS": "80", "LINES": "24", "TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"})
    result = runner.invoke(cli, command, prog_name="volsync-exporter")
    output = re.sub(r"(127\.0\.0\.1):\d{5}", r"\1:54321", click.unstyle(result.output))
    screen = f"{output}[exit status {result.exit_code}]\n"
    golden = SCREENS / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(screen)
    assert screen == golden.read_text()


@pytest.mark.parametrize("name", CASES)
def test_a_screen_is_as_it_was(name: str, place: Path) -> None:
    check(name, CASES[name])


@pytest.mark.parametrize("name", LIVE)
def test_a_screen_of_a_cluster_is_as_it_was(name: str, cluster: ApiServer) -> None:
    check(name, LIVE[name])


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_screen_of_a_cluster_that_shows_a_part_of_itself_is_as_it_was(name: str, cluster: ApiServer) -> None:
    for resource in ("volumes", "replicationsources"):
        cluster.fail(resource, faults.status(403))
    check(name, FORBIDDEN[name])


@pytest.mark.parametrize("name", REFUSED)
def test_a_cluster_that_gives_nothing_is_one_error_with_what_to_do(name: str, cluster: ApiServer) -> None:
    if name.startswith("token"):
        cluster.token = "another"
    else:
        cluster.__exit__()
    check(name, REFUSED[name])


def test_every_screen_is_shown() -> None:
    assert {file.stem for file in SCREENS.iterdir()} == set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_nothing_but_commands_and_addresses_is_wider_than_the_screen(name: str) -> None:
    lines = (SCREENS / f"{name}.txt").read_text().splitlines()
    words = [line for line in lines if not line.lstrip().startswith(("$ ", "https://")) and " " in line.strip()]
    assert [line for line in words if len(line) > 80] == []
