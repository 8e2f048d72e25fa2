"""The generated pages of docs/ follow the catalogues."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.chain.causes import Cause

ROOT = Path(__file__).parents[2]


def test_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate_docs.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not done.returncode, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_runbook(cause: Cause) -> None:
    assert (ROOT / "alerts" / "runbooks" / f"{cause}.md").is_file(), (
        f"write alerts/runbooks/{cause}.md with the sections Meaning, Impact, Diagnosis and Mitigation, "
        f"as the pages beside it have them"
    )


def test_the_page_of_causes_leads_to_every_runbook() -> None:
    named = set(re.findall(r"\]\(\.\./alerts/runbooks/(\w+)\.md\)", (ROOT / "docs" / "causes.md").read_text()))
    assert named == {str(cause) for cause in Cause}, "run `make docs`"
