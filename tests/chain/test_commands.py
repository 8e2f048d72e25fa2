"""What is printed may be pasted: whatever the names are, nothing runs but what the catalogue says."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.chain.backup import fill
from exporter.chain.causes import CATALOGUE

COMMANDS = tuple(
    command
    for entry in CATALOGUE.values()
    for command in (entry.command, entry.wide_command, *entry.variants.values())
    if command
)
WORDS = sorted({word for command in COMMANDS for word in re.findall(r"<(\w+)>", command)} - {"method"})
"""`method` is one of the movers' names, by which the field of the spec was found."""
PROGRAMS = ("kubectl", "aws", "date", "grep", "volsync-exporter")
"""All that the catalogue's commands run."""
RECORDER = """#!/bin/sh
{{ printf '%s\\0' "${{0##*/}}" "$@"; printf '\\1'; }} >>{log}/$$
echo 8Gi
"""
"""Its name and arguments, each with a zero behind it, and a one behind the call; the programs of a pipe run at once."""
HOSTILE = (
    "x; touch canary #",
    "$(touch canary)",
    "`touch canary`",
    "x' ; touch canary ; '",
    'x" ; touch canary ; "',
    "x\\' ; touch canary ; #",
    "x && touch canary",
    "x | touch canary",
    "x > canary",
    "<secret>",
    "<pvc>; touch canary; <source>",
    "'<secret>'",
    "${IFS}touch${IFS}canary",
    "!!",
    "~root",
    "*",
    "{a,b}",
    "x y",
)
UNPRINTABLE = ("x\ntouch canary\n", "x\rtouch canary\r", "\x1b[201~touch canary\r", "x\x00y", "a\u202eb", "a\u200bb")


class Shell:
    """Runs commands where all that can be found records how it was called."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "log"
        self._programs = folder / "bin"
        self._home = folder / "home"
        self._log.mkdir()
        self._programs.mkdir()
        self._home.mkdir()
        for program in PROGRAMS:
            file = self._programs / program
            file.write_text(RECORDER.format(log=shlex.quote(str(self._log))))
            file.chmod(0o755)

    def run(self, commands: list[str]) -> list[list[str]]:
        """How programs were called by *commands*, each in a shell; sorted, as in a pipe they run at once."""
        for file in self._log.iterdir():
            file.unlink()
        script = "\n".join(f"(\n{command}\n) </dev/null >/dev/null" for command in commands)
        environment = {"PATH": str(self._programs), "HOME": str(self._home)}
        checked = subprocess.run(["/bin/bash", "-n", "-c", script], capture_output=True, text=True, check=False)
        assert checked.stderr == ""
        subprocess.run(
            ["/bin/bash", "-c", script], cwd=self._home, env=environment, stderr=subprocess.DEVNULL, check=False
        )
        assert list(self._home.iterdir()) == []
        logs = (file.read_text() for file in self._log.iterdir())
        return sorted(call.split("\0")[:-1] for log in logs for call in log.split("\1")[:-1])


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("shell"))


def filled(name: str) -> list[str]:
    return [fill(command, {**dict.fromkeys(WORDS, name), "method": "restic"}) for command in COMMANDS]


@pytest.fixture(scope="module")
def sound(shell: Shell) -> list[list[str]]:
    calls = shell.run(filled("SOUND"))
    assert {call[0] for call in calls} == set(PROGRAMS)
    return calls


def assert_same(shell: Shell, sound: list[list[str]], name: str) -> None:
    """With *name* the same programs are called as with a sound one, and each gets it as it is."""
    calls = shell.run(filled(name))
    assert calls == sorted([argument.replace("SOUND", name) for argument in call] for call in sound)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_reaches_the_program_as_it_is(shell: Shell, sound: list[list[str]], name: str) -> None:
    assert_same(shell, sound, name)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text("ab<>'\"\\$`;&|(){}[]*?!~#= -secretpvcn", min_size=1).filter(lambda name: name[0] != "-"))
def test_any_name_reaches_the_program_as_it_is(shell: Shell, sound: list[list[str]], name: str) -> None:
    assert_same(shell, sound, name)


@pytest.mark.parametrize("name", [*UNPRINTABLE, "-n", "--all", ""])
def test_a_name_that_cannot_be_pasted_is_left_for_the_reader_to_fill_in(name: str) -> None:
    assert filled(name) == [command.replace("<method>", "restic") for command in _without_endpoint(name)]


def _without_endpoint(name: str) -> list[str]:
    return [command.replace("" if name else " --endpoint-url <endpoint>", "") for command in COMMANDS]
