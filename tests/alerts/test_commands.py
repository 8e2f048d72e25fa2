"""What an alert says to type is what the exporter itself says to type, in the scenario of each cause."""

import re
import subprocess
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.text import ALERT_OF_LINK, runbook_url
from exporter.chain.causes import Cause
from exporter.chain.judge import judge
from exporter.chain.verdict import RootCause, Verdict
from exporter.facts.cluster.dump.files import read_files
from exporter.publication.families import VERDICT_FAMILIES
from exporter.settings import Settings
from tests.corpus import files, scenario

RULES = Path(__file__).parents[2] / "alerts" / "volsync-causes.rules.yaml"
UNTOLD = {
    Cause.NOT_COVERED: (r"backup=\w+", "backup=<value>"),
    Cause.VOLUME_UNREACHABLE: (r"(?<=get node )\S+", "<node>"),
    Cause.MOVER_UNSCHEDULABLE: (r"(?<=describe pod )(\S+)-\w{5}(?= )", r"-l job-name=\1"),
    Cause.MOVER_IMAGE: (r"(?<=describe pod )(\S+)-\w{5}(?= )", r"-l job-name=\1"),
    Cause.ANNOTATION_INVALID: (r"volsync-exporter\.io/[\w-]+?-(?=$)", "<annotation>-"),
}
"""The names that no metric tells, and what the alert says in their place."""


def verdict_of(name: str) -> Verdict:
    at = scenario(name).at
    return judge(read_files(files(name), at), Settings(), at)


def series_of(verdict: Verdict) -> list[dict[str, str]]:
    """What a scrape would bring, in promtool's notation, for eight minutes."""
    return [
        {"series": f"{family.name}{{{_labels(family.labels, labels)}}}", "values": f"{int(value)}+0x8"}
        for family in VERDICT_FAMILIES
        if not family.age
        for labels, value in family.samples(verdict)
    ]


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    quoted = (
        (name, value.replace("\\", "\\\\").replace('"', '\\"')) for name, value in zip(names, values, strict=True)
    )
    return ",".join(f'{name}="{value}"' for name, value in quoted if value)


def alert_of(root: RootCause) -> dict[str, Any]:
    """The alert that should fire for *root*."""
    claims = f"{len(root.claims)} claim{'s' if len(root.claims) > 1 else ''}: {', '.join(root.claims)}."
    is_dated = root.since is not None and root.cause.link != "none"
    since = f" Since {root.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} +0000 UTC." if is_dated and root.since else ""
    untold = UNTOLD.get(root.cause)
    return {
        "exp_labels": {
            "cause": str(root.cause),
            "scope": root.scope,
            "link": str(root.cause.link),
            "severity": str(root.severity),
        },
        "exp_annotations": {
            "summary": root.cause.entry.meaning,
            "description": f"{claims}{since} Scope: {root.scope}.",
            "command": re.sub(*untold, root.command) if untold else root.command,
            "runbook_url": runbook_url(root.cause),
        },
    }


def case_of(cause: Cause) -> dict[str, Any]:
    verdict = verdict_of(cause)
    alert = ALERT_OF_LINK[cause.link]
    expected = [alert_of(root) for root in verdict.root_causes if ALERT_OF_LINK[root.cause.link] == alert]
    assert str(cause) in {one["exp_labels"]["cause"] for one in expected}
    return {
        "name": str(cause),
        "interval": "1m",
        "input_series": series_of(verdict),
        "alert_rule_test": [{"eval_time": "7m", "alertname": alert, "exp_alerts": expected}],
    }


def test_an_alert_and_the_exporter_say_the_same(tool: None, tmp_path: Path) -> None:
    """In one run of promtool, for all causes."""
    file = tmp_path / "scenarios.test.yaml"
    tests = [case_of(cause) for cause in Cause]
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))

    tested = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)

    assert tested.returncode == 0, (tested.stdout + tested.stderr)[-5000:]


@pytest.mark.parametrize("cause", UNTOLD, ids=str)
def test_what_no_metric_tells_is_still_asked_for(cause: Cause) -> None:
    """An exception that is none any more should go."""
    root = next(root for root in verdict_of(cause).root_causes if root.cause is cause)

    assert re.search(UNTOLD[cause][0], root.command)
