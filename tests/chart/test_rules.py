"""The rules as the chart renders them: all of them, and changed only where the values say so."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.settings import WebSettings
from grafana import build
from tests.chart.tools import LOADER, ROOT, Manifest, of_kind, rendered_together, run, the
from tests.tools import tool

Rule = dict[str, Any]


def _source() -> list[Rule]:
    files = sorted((ROOT / "alerts").glob("*.rules.yaml"))
    return [
        rule for path in files for group in yaml.load(path.read_text(), LOADER)["groups"] for rule in group["rules"]
    ]


def _key(rule: Rule) -> tuple[str, str]:
    """An alert's name, and its cause: the name of its page."""
    return rule["alert"], rule["annotations"]["runbook_url"].rpartition("/")[2].removesuffix(".md")


SOURCE = _source()
ALERTS = [rule for rule in SOURCE if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})
CAUSES = sorted({cause for name, cause in map(_key, ALERTS) if cause != name})
HALVES = [names[half::2] for names in (NAMES, CAUSES) for half in (0, 1)]
"""Each name and each cause stands in one half and is missing in the other."""
TWO_NAMES = next(key for rule in ALERTS if (key := _key(rule)) and key[0] != key[1])
OVERRIDE_OF_RULE = {"expr": "up > 0", "for": "1h", "keep_firing_for": "2h"}
OVERRIDE = {**OVERRIDE_OF_RULE, "severity": "info", "labels": {"team": "x"}}
MOVED = "https://wiki.example/runbooks"

CHANGES: dict[str, dict[str, Any]] = {
    "none": {},
    "vmrule": {"kind": "VMRule"},
    **{f"without {half[0]}": {"disabled": dict.fromkeys(half, True)} for half in HALVES},
    **{f"info {half[0]}": {"overrides": {name: {"severity": "info"} for name in half}} for half in HALVES},
    "kept": {"disabled": {TWO_NAMES[0]: True, TWO_NAMES[1]: False}},
    "severe": {"overrides": {TWO_NAMES[0]: {"severity": "critical"}, TWO_NAMES[1]: {"severity": "info"}}},
    "labelled": {"alertLabels": {"team": "storage"}, "alertAnnotations": {"room": "blue"}},
    "changed": {"overrides": {"lock_stale": OVERRIDE}},
    "named": {"namePrefix": "Home", "watchdog": True},
}
"""Values of `prometheusRule`."""


@cache
def _together() -> dict[str, tuple[Manifest, ...]]:
    changes = {name: {"prometheusRule": {"enabled": True, **change}} for name, change in CHANGES.items()}
    moved = {"settings": {"web": {"runbook_base": f"{MOVED}/"}}, "prometheusRule": {"enabled": True}}
    return rendered_together({**changes, "moved": {**moved, "dashboards": {"enabled": True}}})


def _rendered(change: str, kind: str = "PrometheusRule") -> list[Rule]:
    groups = the(kind, _together()[change])["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _alerts(change: str) -> list[Rule]:
    return [rule for rule in _rendered(change) if "alert" in rule]


def _words(rules: list[Rule]) -> Iterator[Rule]:
    """The rules without the empty maps that rendering adds."""
    for rule in rules:
        yield {key: value for key, value in rule.items() if value not in ({}, None)}


def test_every_rule_arrives_unchanged_and_in_its_order() -> None:
    assert ALERTS
    assert list(_words(_rendered("none"))) == list(_words(SOURCE))


def test_promtool_accepts_the_rendered_rules(tmp_path: Path) -> None:
    path = tmp_path / "rendered.rules.yaml"
    path.write_text(yaml.safe_dump(the("PrometheusRule", "everything")["spec"], width=10_000))
    checked = run(tool("promtool"), "check", "rules", str(path))

    assert not checked.returncode, checked.stdout + checked.stderr
    assert f"SUCCESS: {len(SOURCE) + 1} rules found" in checked.stdout


@pytest.mark.parametrize("half", HALVES, ids=lambda half: half[0])
def test_only_the_named_alerts_are_left_out(half: list[str]) -> None:
    left = _alerts(f"without {half[0]}")

    assert [_key(rule) for rule in left] == [_key(rule) for rule in ALERTS if not set(half) & set(_key(rule))]


@pytest.mark.parametrize("half", HALVES, ids=lambda half: half[0])
def test_only_the_named_alerts_change_their_severity(half: list[str]) -> None:
    for before, after in zip(ALERTS, _alerts(f"info {half[0]}"), strict=True):
        assert _key(before) == _key(after)
        expected = "info" if set(half) & set(_key(before)) else before.get("labels", {}).get("severity")
        assert after.get("labels", {}).get("severity") == expected


def test_what_is_said_of_a_cause_overrides_what_is_said_of_its_alert() -> None:
    assert [_key(rule) for rule in _alerts("kept") if rule["alert"] == TWO_NAMES[0]] == [TWO_NAMES]
    assert next(rule for rule in _alerts("severe") if _key(rule) == TWO_NAMES)["labels"]["severity"] == "info"


def test_labels_and_annotations_are_added_to_alerts_alone() -> None:
    for before, after in zip(SOURCE, _rendered("labelled"), strict=True):
        added = "alert" in before
        assert after.get("labels", {}).get("team") == ("storage" if added else None)
        assert after.get("annotations", {}).get("room") == ("blue" if added else None)


def test_an_alert_is_changed_where_its_value_says_so_and_no_other_is() -> None:
    for before, after in zip(_rendered("none"), _rendered("changed"), strict=True):
        if before.get("alert") == "VolSyncLockStale":
            labels = before.get("labels", {}) | {"severity": "info", "team": "x"}
            assert after == before | OVERRIDE_OF_RULE | {"labels": labels}
        else:
            assert after == before


def test_names_take_a_prefix_and_the_watchdog_is_there_when_asked_for() -> None:
    named = _alerts("named")

    assert [rule["alert"] for rule in named] == [f"Home{rule['alert']}" for rule in ALERTS] + ["HomeVolSyncWatchdog"]


def test_the_same_rules_come_as_a_vmrule() -> None:
    assert the("VMRule", _together()["vmrule"])["apiVersion"] == "operator.victoriametrics.com/v1beta1"
    assert _rendered("vmrule", "VMRule") == _rendered("none")


def test_runbooks_move_with_the_exporters_own_setting() -> None:
    base = WebSettings().runbook_base

    for before, after in zip(ALERTS, _alerts("moved"), strict=True):
        assert before["annotations"]["runbook_url"].startswith(f"{base}/")
        page = before["annotations"]["runbook_url"].removeprefix(base)
        assert after["annotations"]["runbook_url"] == f"{MOVED}{page}"


def test_the_dashboards_lead_to_the_same_runbooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart's, and those that the project's own builder writes for that address."""
    monkeypatch.setattr("sys.argv", ["build.py", "--runbooks", f"{MOVED}/", str(tmp_path)])
    assert build.main() == 0

    packed = {
        name: text
        for one in of_kind("ConfigMap", _together()["moved"])
        for name, text in one["data"].items()
        if name.endswith(".json")
    }

    assert len(packed) == 2
    assert packed == {path.name: path.read_text() for path in tmp_path.iterdir()}
    for text in packed.values():
        (variable,) = (one for one in json.loads(text)["templating"]["list"] if one["name"] == "runbooks")
        assert variable["query"] == MOVED
        assert WebSettings().runbook_base not in text


@pytest.mark.parametrize(("values", "kind"), [("everything", "ConfigMap"), ("victoria-metrics", "GrafanaDashboard")])
def test_every_dashboard_is_packed_as_it_is(values: str, kind: str) -> None:
    sources = {path.name: path.read_text() for path in (ROOT / "grafana" / "dashboards").glob("*.json")}
    objects = [one for one in of_kind(kind, values) if one["metadata"]["namespace"] == "grafana"]

    packed = dict(map(_dashboard, objects))

    assert sources
    assert {name: text.rstrip("\n").replace(MOVED, WebSettings().runbook_base) for name, text in packed.items()} == {
        name: text.rstrip("\n") for name, text in sources.items()
    }
    # A ConfigMap holds a mebibyte at most.
    assert all(len(text.encode()) < 2**20 for text in packed.values())


def _dashboard(one: Manifest) -> tuple[str, str]:
    """The name of its file, and what stands in it."""
    if one["kind"] == "ConfigMap":
        (item,) = one["data"].items()
        return item
    return f"{one['metadata']['name'].rpartition('-')[2]}.json", one["spec"]["json"]


def test_dashboards_are_found_by_whom_they_are_for() -> None:
    maps = [one for one in of_kind("ConfigMap", "everything") if one["metadata"]["namespace"] == "grafana"]

    assert all(one["metadata"]["labels"]["grafana_dashboard"] == "yes" for one in maps)
    assert all(one["metadata"]["annotations"] == {"grafana_folder": "Backups"} for one in maps)
    for one in of_kind("GrafanaDashboard", "victoria-metrics"):
        assert {name: value for name, value in one["spec"].items() if name != "json"} == {
            "instanceSelector": {"matchLabels": {"dashboards": "home"}},
            "allowCrossNamespaceImport": True,
            "folder": "Backups",
            "resyncPeriod": "10m",
        }
