"""The end-to-end runs use what they say: the same rules, sixty times faster, and the example's routes."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.alerts.stack import ROOT, RULES, faster


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.name)
def test_every_duration_of_a_rule_file_is_scaled_and_nothing_else_is(rules: Path) -> None:
    original = rules.read_text()
    scaled = faster(original)
    expressions = [rule["expr"] for group in yaml.safe_load(scaled)["groups"] for rule in group["rules"]]

    assert not [text for text in expressions if re.search(r"\b\d+[mhd]\b", text)]
    assert _without_durations(scaled) == _without_durations(original)


def _without_durations(text: str) -> str:
    return re.sub(r"\b\d+(?:ms|[smhd])\b", "~", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x[15m:1m]", "x[15000ms:1000ms]"),
        ("x offset 7d", "x offset 10080000ms"),
        ("keep_firing_for: 10m", "keep_firing_for: 10000ms"),
        ("    interval: 5m", "    interval: 5000ms"),
        ("Within 5m of x", "Within 5m of x"),
    ],
)
def test_durations_are_scaled_where_they_stand(text: str, expected: str) -> None:
    assert faster(text) == expected


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=VolSyncVolumeFaulted severity=critical cause=volume_faulted scope=storage/x", "pager"),
        ("alertname=VolSyncRestoreStuck severity=warning cause=restore_stuck", "tickets"),
        ("alertname=VolSyncRepositoryOrphaned severity=info cause=repository_orphaned", "nobody"),
        ("alertname=VolSyncExporterDown severity=critical", "pager"),
        ("alertname=VolSyncWatchdog severity=none", "dead-mans-switch"),
    ],
)
def test_the_example_routes_by_severity(tool: None, labels: str, receiver: str) -> None:
    routed = subprocess.run(
        [
            "amtool",
            "config",
            "routes",
            "test",
            f"--config.file={ROOT}/alerts/examples/alertmanager.yaml",
            *labels.split(),
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert routed.stdout.strip() == receiver
