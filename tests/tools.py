"""The programs that tests run: where each is found, and what a test does that cannot run for want of one."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[1]
_UV = ROOT / ".tools" / "uv" / "bin"
"""Where scripts/setup puts uv when the machine has none."""


def lacking(reason: str) -> NoReturn:
    """Skip the test and say why; where CI is set, everything is there, and the test fails."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def tool(name: str, *others: str) -> str:
    """The path of a program; the test is skipped where it or one of the *others* is not installed."""
    found = {each: shutil.which(each) for each in (name, *others)}
    if missing := [each for each, path in found.items() if not path]:
        lacking(f"not installed: {', '.join(missing)}")
    return str(found[name])


def uv() -> str:
    """The path of uv, on the PATH or where scripts/setup puts it."""
    found = shutil.which("uv", path=os.pathsep.join((str(_UV), os.environ.get("PATH", os.defpath))))
    return found or lacking(f"uv is neither on the PATH nor in {_UV.relative_to(ROOT)}: run scripts/setup")
