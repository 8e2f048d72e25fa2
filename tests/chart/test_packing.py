"""What the chart packs is made from its sources, and nothing else lies beside it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scripts import pack_chart
from tests.chart.tools import CHART, ROOT


def test_what_is_packed_is_current() -> None:
    """As the pipeline asks."""
    command = [sys.executable, "scripts/pack_chart.py", "--check"]
    checked = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )

    assert not checked.returncode, checked.stderr


def test_a_changed_a_missing_and_a_left_over_file_are_each_found_and_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    for name, value in (("ROOT", tmp_path), ("CHART", chart), ("GENERATED", chart / "files")):
        monkeypatch.setattr(pack_chart, name, value)
    for name in ("alerts", "grafana"):
        (tmp_path / name).symlink_to(ROOT / name)
    packed = chart / "files"
    (packed / "permissions.yaml").write_text("[]")
    (packed / "defaults.yaml").unlink()
    (packed / "alerts" / "gone.rules.yaml").write_text("groups: []")

    assert _main(monkeypatch, "--check") == 1
    found = capsys.readouterr().err
    for name in ("permissions.yaml", "defaults.yaml", "gone.rules.yaml"):
        assert f"{name} is not current" in found

    assert _main(monkeypatch) == 0
    assert _files(packed) == _files(CHART / "files")


def _files(folder: Path) -> dict[Path, str]:
    return {path.relative_to(folder): path.read_text() for path in folder.rglob("*") if path.is_file()}


def _main(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setattr("sys.argv", ["pack_chart.py", *options])
    return pack_chart.main()


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


def test_every_value_that_the_schema_knows_has_its_default_and_its_row() -> None:
    known = json.loads((CHART / "values.schema.json").read_text())["properties"]
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())

    assert set(known) == set(defaults)
    for name, schema in known.items():
        if name != "settings" and "properties" in schema and defaults[name]:
            assert set(schema["properties"]) - set(defaults[name]) <= NO_DEFAULTS.get(name, set())


NO_DEFAULTS = {"resources": {"claims"}}
