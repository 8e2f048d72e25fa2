"""The README shows what its commands print."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from exporter.cli.commands import cli

ROOT = Path(__file__).parents[2]
SHOWN = re.compile(r"```sh\n\.venv/bin/volsync-exporter ([^\n]*)\n```\n\n```text\n(.*?)```", re.DOTALL)


def test_a_command_of_the_readme_prints_what_stands_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = SHOWN.findall((ROOT / "README.md").read_text())
    assert shown
    for command, output in shown:
        assert CliRunner().invoke(cli, shlex.split(command)).stdout == output
