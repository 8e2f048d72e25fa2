"""What the chart packs is made from its sources, and nothing else lies beside it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.chart.tools import CHART, ROOT


def test_what_is_packed_is_current() -> None:
    checked = _pack(ROOT, "--check")

    assert not checked.returncode, checked.stderr


def test_a_changed_a_missing_and_a_left_over_file_are_each_found_and_mended(tmp_path: Path) -> None:
    for folder in ("alerts", "grafana", "chart", "exporter", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    packed = tmp_path / "chart" / "files"
    (packed / "permissions.yaml").write_text("[]")
    (packed / "defaults.yaml").unlink()
    (packed / "alerts").mkdir(exist_ok=True)
    (packed / "alerts" / "gone.rules.yaml").write_text("groups: []")

    found = _pack(tmp_path, "--check")
    assert found.returncode == 1
    for name in ("permissions.yaml", "defaults.yaml", "gone.rules.yaml"):
        assert f"{name} is not current" in found.stderr

    assert not _pack(tmp_path).returncode
    assert not _pack(tmp_path, "--check").returncode


def test_the_schema_refuses_unknown_keys_at_every_depth() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    free = {"global", "kubernetes"}
    """Helm's own, and what the API server checks."""

    def objects(node: object, name: str) -> list[str]:
        if isinstance(node, list):
            return [found for item in node for found in objects(item, name)]
        if not isinstance(node, dict):
            return []
        open_here = node.get("type") == "object" and "additionalProperties" not in node
        below = [found for key, value in node.items() for found in objects(value, key)]
        return [name, *below] if open_here else below

    assert {name for name in objects(schema, "") if name not in free} <= {"items"}


def _pack(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/pack_chart.py", *options]
    return subprocess.run(command, cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False)
