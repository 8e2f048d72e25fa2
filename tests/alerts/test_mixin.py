"""The mixin gives what the plain files hold: every rule and every dashboard, for those who use Jsonnet."""

import json
import subprocess
from pathlib import Path
from typing import Any

import _jsonnet
import pytest
import yaml

from exporter.settings import Settings

ROOT = Path(__file__).parents[2]
MIXIN = ROOT / "mixin.libsonnet"
MOVED = "https://wiki.example/runbooks"


def built(config: str = "{}") -> dict[str, Any]:
    """What the mixin holds, its hidden fields too."""
    snippet = f"""
        local mixin = (import {json.dumps(str(MIXIN))}) + {{ _config+:: {config} }};
        {{ [name]: mixin[name] for name in ['prometheusAlerts', 'prometheusRules', 'grafanaDashboards'] }}
    """
    found: dict[str, Any] = json.loads(_jsonnet.evaluate_snippet("test", snippet))
    return found


@pytest.fixture(scope="module")
def mixin() -> dict[str, Any]:
    return built()


def plain() -> dict[str, Any]:
    """The groups of the plain files, by their names."""
    return {
        group["name"]: group
        for path in ROOT.glob("alerts/*.rules.yaml")
        for group in yaml.load(path.read_text(), yaml.CSafeLoader)["groups"]
    }


def test_the_mixin_holds_every_group_once_and_as_it_is(mixin: dict[str, Any]) -> None:
    groups = mixin["prometheusAlerts"]["groups"] + mixin["prometheusRules"]["groups"]

    assert len(groups) == len(plain())
    assert {group["name"]: group for group in groups} == plain()


def test_a_group_is_among_the_alerts_where_it_holds_one(mixin: dict[str, Any]) -> None:
    assert mixin["prometheusRules"]["groups"]
    assert all("alert" not in rule for group in mixin["prometheusRules"]["groups"] for rule in group["rules"])
    assert all(any("alert" in rule for rule in group["rules"]) for group in mixin["prometheusAlerts"]["groups"])


def test_prometheus_accepts_the_mixins_rules(tool: None, mixin: dict[str, Any], tmp_path: Path) -> None:
    groups = mixin["prometheusAlerts"]["groups"] + mixin["prometheusRules"]["groups"]
    file = tmp_path / "mixin.rules.yaml"
    file.write_text(json.dumps({"groups": groups}))
    checked = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_mixin_holds_every_dashboard_as_it_is(mixin: dict[str, Any]) -> None:
    files = {f"volsync-{path.name}": json.loads(path.read_text()) for path in ROOT.glob("grafana/dashboards/*.json")}

    assert files
    assert mixin["grafanaDashboards"] == files


def test_runbooks_move_with_the_mixins_setting() -> None:
    text = json.dumps(built(f"{{ runbookBase: '{MOVED}/' }}"))

    assert f"{MOVED}/volume_faulted.md" in text
    assert f'"{MOVED}"' in text, "the dashboards' variable"
    assert Settings().web.runbook_base not in text
