"""What a page shows as the output of a command is what the command prints."""

import re
import shlex
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from exporter.cli.commands import cli

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SHOWN: Final = re.compile(
    r"^```sh\n(?P<command>[^\n]*volsync-exporter [^\n]+)\n```\n\n```text\n(?P<output>.*?)^```", re.MULTILINE | re.DOTALL
)


def shown() -> list[tuple[str, str, str]]:
    """The page, the command and the output that stands under it."""
    return [
        (page.name, found["command"], found["output"])
        for page in PAGES
        for found in SHOWN.finditer(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("page", "command", "output"), shown(), ids=lambda text: text.split("\n")[0][:40])
def test_an_output_that_a_page_shows_is_the_commands_own(
    page: str, command: str, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(cli, shlex.split(command)[1:])
    assert done.stdout == output, f"{page}: paste what {command} prints"


def test_pages_show_outputs() -> None:
    assert {page for page, _, _ in shown()} >= {"README.md", "reading-a-verdict.md"}
