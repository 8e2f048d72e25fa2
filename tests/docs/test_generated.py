"""The generated pages of docs/ follow the catalogues."""

import re
import subprocess
import sys
from pathlib import Path

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
    assert (done.stderr, done.returncode) == ("", 0)


def test_every_runbook_that_the_causes_name_is_there() -> None:
    links = re.findall(r"\]\((\.\./alerts/runbooks/\w+\.md)\)", (ROOT / "docs" / "causes.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []
