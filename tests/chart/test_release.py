"""The release's files: the versions agree, the workflows ask for little, and what they run is pinned."""

import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml

from scripts import release
from tests.chart.tools import ROOT, helm, run

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

KREW = "packaging/krew"
PLUGIN = (f"{KREW}/kubectl-volsync_backups", f"{KREW}/volsync-backups.yaml")


def test_the_project_the_chart_and_the_changelog_name_one_version() -> None:
    asked = _release(ROOT, "version", f"v{VERSION}")

    assert asked.stdout.strip() == VERSION, asked.stderr
    assert "### Added" in _release(ROOT, "notes", f"v{VERSION}").stdout


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("chart/Chart.yaml", f"\nversion: {VERSION}", "\nversion: 9.9.9", "chart/Chart.yaml version is 9.9.9"),
        ("chart/Chart.yaml", f"appVersion: {VERSION}", "appVersion: 9.9.9", "chart/Chart.yaml appVersion is 9.9.9"),
        ("CHANGELOG.md", f"## [{VERSION}]", "## Version", "CHANGELOG.md is missing"),
        (f"{KREW}/kubectl-volsync_backups", f"version={VERSION}", "version=9.9.9", "kubectl-volsync_backups is 9.9.9"),
        (f"{KREW}/volsync-backups.yaml", f"version: v{VERSION}", "version: v9.9.9", "9.9.9, but pyproject.toml's"),
    ],
)
def test_a_release_is_refused_where_they_differ(
    tmp_path: Path, file: str, before: str, after: str, message: str
) -> None:
    for name in ("pyproject.toml", "CHANGELOG.md", "chart/Chart.yaml", "scripts/release.py", *PLUGIN):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    text = (tmp_path / file).read_text()
    assert before in text
    (tmp_path / file).write_text(text.replace(before, after))

    refused = _release(tmp_path, "version", f"v{VERSION}")

    assert refused.returncode
    assert message in refused.stderr


def test_a_release_is_refused_for_another_tag() -> None:
    refused = _release(ROOT, "version", "v9.9.9")

    assert refused.returncode
    assert "the tag is v9.9.9" in refused.stderr


def test_krews_manifest_has_the_sum_of_the_plugins_archive() -> None:
    archive = release.plugin(ROOT)
    (platform,) = yaml.safe_load((ROOT / PLUGIN[1]).read_text())["spec"]["platforms"]
    assert platform["sha256"] == hashlib.sha256(archive).hexdigest(), "run: python scripts/release.py krew"
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        assert {member.name: member.mode for member in packed} == {platform["bin"]: 0o755, "LICENSE": 0o644}


@pytest.mark.parametrize("runner", ["uvx", "pipx"])
def test_the_plugin_runs_this_release_with_what_there_is(tmp_path: Path, runner: str) -> None:
    (tmp_path / runner).write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / runner).chmod(0o755)
    ran = subprocess.run(
        ["/bin/sh", ROOT / PLUGIN[0], "status", "-n", "a b"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert f"/v{VERSION}/volsync_exporter-{VERSION}-py3-none-any.whl kubectl-volsync_backups status -n a b" in ran.stdout


def test_the_plugin_says_what_it_needs(tmp_path: Path) -> None:
    ran = subprocess.run(["/bin/sh", ROOT / PLUGIN[0]], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert ran.returncode == 2
    assert "needs uv or pipx" in ran.stderr


def test_zizmor_finds_nothing_in_the_workflows() -> None:
    audited = run(str(ROOT / ".venv" / "bin" / "zizmor"), "--offline", "--quiet", str(ROOT / ".github"))

    assert not audited.returncode, audited.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_permissions_are_given_job_by_job(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())

    assert workflow["permissions"] == {}
    assert workflow["jobs"]
    for job in workflow["jobs"].values():
        assert job["permissions"]
        assert job["timeout-minutes"]
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])


def test_the_chart_packs_to_the_name_that_the_release_pushes(tmp_path: Path) -> None:
    packed = run(str(helm()), "package", str(ROOT / "chart"), "--destination", str(tmp_path))

    assert not packed.returncode, packed.stderr
    assert (tmp_path / f"volsync-exporter-{VERSION}.tgz").is_file()


def _release(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "scripts" / "release.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
