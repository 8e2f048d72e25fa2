"""The wheel works on its own: in an environment that holds nothing but it and what it asks for."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.chart.tools import ROOT, run
from tests.tools import uv


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    built = run(uv(), "build", "--wheel", "--quiet", "--out-dir", str(folder))
    assert not built.returncode, built.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_it_holds_the_program_and_what_the_program_reads(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "exporter").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert ours <= names
    assert {name for name in names if ".dist-info/" not in name} == ours
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_a_scenario_is_told_from_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    constraints = tmp_path / "constraints.txt"
    exported = run(
        uv(), "export", "--frozen", "--no-dev", "--no-hashes", "--no-emit-project", "--output-file", str(constraints)
    )
    assert not exported.returncode, exported.stderr
    environment = tmp_path / "environment"
    assert not run(uv(), "venv", "--quiet", str(environment)).returncode
    python = str(environment / "bin" / "python")
    options = ("--quiet", "--python", python, "--constraint", str(constraints))
    installed = run(uv(), "pip", "install", *options, str(wheel))
    assert not installed.returncode, installed.stderr

    scenario = ROOT / "tests" / "scenarios" / "bases" / "bad-day"
    expected = yaml.safe_load((ROOT / "tests" / "scenarios" / "bad-day.yaml").read_text())
    status = subprocess.run(
        [environment / "bin" / "volsync-exporter", "status", "--from", scenario, "--at", expected["at"], "-o", "json"],
        env={},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert status.returncode == 1, status.stderr
    told = {
        f"{claim['namespace']}/{claim['pvc']}": (claim["state"], claim["cause"])
        for claim in json.loads(status.stdout)["claims"]
    }
    assert told == {name: (claim["state"], claim["cause"]) for name, claim in expected["claims"].items()}
