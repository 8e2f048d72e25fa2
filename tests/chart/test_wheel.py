"""The wheel holds the program and what it reads. What the image is made of is such a wheel: see test_image.py."""

import zipfile
from pathlib import Path

from tests.chart.tools import ROOT, run
from tests.tools import uv


def test_it_holds_the_program_and_what_the_program_reads(tmp_path: Path) -> None:
    built = run(uv(), "build", "--wheel", "--quiet", "--out-dir", str(tmp_path))
    assert not built.returncode, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "exporter").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert ours <= names
    assert {name for name in names if ".dist-info/" not in name} == ours
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
