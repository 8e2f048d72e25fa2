"""Every screen of the command line at 80 columns, as a terminal shows it. `UPDATE_GOLDEN=1 pytest` writes them anew."""

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from exporter.cli.commands import SUMMARIES, cli
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
    "status-name": ("status", "-o", "name", *BAD_DAY),
    "status-sound": ("status", *SOUND),
    "explain": ("explain", "khoj/config", *BAD_DAY),
    "explain-unknown-claim": ("explain", "khoj/confg", *BAD_DAY),
    "doctor": ("doctor", *BAD_DAY),
    "unknown-command": ("stauts",),
    "unknown-namespace": ("status", "-n", "karakep", *BAD_DAY),
    "nothing": ("status", "--from", "nothing"),
    "no-kubeconfig": ("status",),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the commands name, and no cluster to be found."""
    (tmp_path / "bad-day").symlink_to(folder("bad-day"))
    (tmp_path / "sound.yaml").symlink_to(DUMPS / "sound.yaml")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "notes.txt").write_text("nothing")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "RESTIC_REPOSITORY", "RESTIC_REPOSITORY_BASE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_a_screen_is_as_it_was(name: str, place: Path) -> None:
    runner = CliRunner(env={"COLUMNS": "80", "LINES": "24", "TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"})
    result = runner.invoke(cli, CASES[name], prog_name="volsync-exporter")
    screen = f"{click.unstyle(result.output)}[exit status {result.exit_code}]\n"
    golden = SCREENS / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(screen)
    assert screen == golden.read_text()


@pytest.mark.parametrize("name", CASES)
def test_nothing_but_commands_and_addresses_is_wider_than_the_screen(name: str) -> None:
    lines = (SCREENS / f"{name}.txt").read_text().splitlines()
    words = [line for line in lines if not line.lstrip().startswith(("$ ", "https://")) and " " in line.strip()]
    assert [line for line in words if len(line) > 80] == []
