"""The rules as the chart renders them: all of them, and changed only where the values say so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.settings import WebSettings
from tests.chart.tools import ROOT, of_kind, run, the
from tests.tools import tool

ENABLED = ("--set", "prometheusRule.enabled=true")
Rule = dict[str, Any]


def _source() -> list[Rule]:
    files = sorted((ROOT / "alerts").glob("*.rules.yaml"))
    return [rule for path in files for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


SOURCE = _source()
ALERTS = [rule for rule in SOURCE if "alert" in rule]


def _rendered(*options: str) -> list[Rule]:
    groups = the("PrometheusRule", "default", *ENABLED, *options)["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _alerts(*options: str) -> list[Rule]:
    return [rule for rule in _rendered(*options) if "alert" in rule]


def _key(rule: Rule) -> tuple[str, str]:
    """An alert's name, and its cause: the name of its page."""
    return rule["alert"], rule["annotations"]["runbook_url"].rpartition("/")[2].removesuffix(".md")


def _words(rules: list[Rule]) -> Iterator[Rule]:
    """The rules without the empty maps that rendering adds."""
    for rule in rules:
        yield {key: value for key, value in rule.items() if value not in ({}, None)}


def test_every_rule_arrives_unchanged_and_in_its_order() -> None:
    assert ALERTS
    assert list(_words(_rendered())) == list(_words(SOURCE))


def test_promtool_accepts_the_rendered_rules(tmp_path: Path) -> None:
    path = tmp_path / "rendered.rules.yaml"
    path.write_text(yaml.safe_dump(the("PrometheusRule", "everything")["spec"], width=10_000))
    checked = run(tool("promtool"), "check", "rules", str(path))

    assert not checked.returncode, checked.stdout + checked.stderr
    assert f"SUCCESS: {len(SOURCE) + 1} rules found" in checked.stdout


NAMES = sorted({rule["alert"] for rule in ALERTS})
CAUSES = sorted({cause for name, cause in map(_key, ALERTS) if cause != name})
HALVES = [names[half::2] for names in (NAMES, CAUSES) for half in (0, 1)]
"""Each name and each cause stands in one half and is missing in the other."""


@pytest.mark.parametrize("half", HALVES, ids=lambda half: half[0])
def test_only_the_named_alerts_are_left_out(half: list[str]) -> None:
    left = _alerts(*(option for name in half for option in ("--set", f"prometheusRule.disabled.{name}=true")))

    assert [_key(rule) for rule in left] == [_key(rule) for rule in ALERTS if not set(half) & set(_key(rule))]


@pytest.mark.parametrize("half", HALVES, ids=lambda half: half[0])
def test_only_the_named_alerts_change_their_severity(half: list[str]) -> None:
    changed = _alerts(*(option for name in half for option in ("--set", f"prometheusRule.overrides.{name}.severity=info")))

    for before, after in zip(ALERTS, changed, strict=True):
        assert _key(before) == _key(after)
        expected = "info" if set(half) & set(_key(before)) else before.get("labels", {}).get("severity")
        assert after.get("labels", {}).get("severity") == expected


def test_what_is_said_of_a_cause_goes_before_what_is_said_of_its_alert() -> None:
    alert, cause = next(key for rule in ALERTS if (key := _key(rule)) and key[0] != key[1])

    kept = _alerts("--set", f"prometheusRule.disabled.{alert}=true,prometheusRule.disabled.{cause}=false")
    severe = _alerts("--set", f"prometheusRule.overrides.{alert}.severity=critical,prometheusRule.overrides.{cause}.severity=info")

    assert [_key(rule) for rule in kept if rule["alert"] == alert] == [(alert, cause)]
    assert next(rule for rule in severe if _key(rule) == (alert, cause))["labels"]["severity"] == "info"


def test_labels_and_annotations_are_added_to_alerts_alone() -> None:
    options = ("--set", "prometheusRule.alertLabels.team=storage,prometheusRule.alertAnnotations.room=blue")

    for before, after in zip(SOURCE, _rendered(*options), strict=True):
        added = "alert" in before
        assert after.get("labels", {}).get("team") == ("storage" if added else None)
        assert after.get("annotations", {}).get("room") == ("blue" if added else None)


def test_an_alert_is_changed_where_its_value_says_so() -> None:
    wanted = {"expr": "up > 0", "for": "1h", "keep_firing_for": "2h", "severity": "info"}
    options = (f"prometheusRule.overrides.lock_stale.{field}={value}" for field, value in wanted.items())
    (changed,) = (
        rule
        for rule in _alerts(*(o for option in options for o in ("--set", option)), "--set", "prometheusRule.overrides.lock_stale.labels.team=x")
        if rule["alert"] == "VolSyncLockStale"
    )

    assert {**changed, "severity": changed["labels"]["severity"]}.items() >= wanted.items()
    assert changed["labels"]["team"] == "x"


def test_names_take_a_prefix_and_the_watchdog_is_there_when_asked_for() -> None:
    named = _alerts("--set", "prometheusRule.namePrefix=Home,prometheusRule.watchdog=true")

    assert [rule["alert"] for rule in named] == [f"Home{rule['alert']}" for rule in ALERTS] + ["HomeVolSyncWatchdog"]


def test_the_same_rules_come_as_a_vmrule() -> None:
    rule = the("VMRule", "default", *ENABLED, "--set", "prometheusRule.kind=VMRule")

    assert rule["apiVersion"] == "operator.victoriametrics.com/v1beta1"
    assert [one for group in rule["spec"]["groups"] for one in group["rules"]] == _rendered()


def test_runbooks_move_with_the_exporters_own_setting() -> None:
    base = WebSettings().runbook_base
    moved = _alerts("--set", "settings.web.runbook_base=https://wiki.example/runbooks/")

    for before, after in zip(ALERTS, moved, strict=True):
        assert before["annotations"]["runbook_url"].startswith(f"{base}/")
        page = before["annotations"]["runbook_url"].removeprefix(base)
        assert after["annotations"]["runbook_url"] == f"https://wiki.example/runbooks{page}"


def test_own_groups_stand_beside_the_exporters() -> None:
    groups = [group["name"] for group in the("PrometheusRule", "everything")["spec"]["groups"]]

    assert groups[-1] == "our-own"
    assert len(groups) > 1


def test_every_dashboard_is_packed_as_it_is() -> None:
    sources = {path.name: path.read_text() for path in (ROOT / "grafana" / "dashboards").glob("*.json")}
    maps = [one for one in of_kind("ConfigMap", "everything") if one["metadata"]["namespace"] == "grafana"]

    packed = {name: text for one in maps for name, text in one["data"].items()}

    assert sources
    assert {name: text.rstrip("\n") for name, text in packed.items()} == {
        name: text.rstrip("\n") for name, text in sources.items()
    }
    assert all(one["metadata"]["labels"]["grafana_dashboard"] == "yes" for one in maps)
    assert all(one["metadata"]["annotations"] == {"grafana_folder": "Backups"} for one in maps)
    # A ConfigMap holds a mebibyte at most.
    assert all(len(text.encode()) < 2**20 for text in packed.values())
