"""The rules, their tests and their runbooks hold together, and hold with the catalogues of causes and metrics."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.build import STANDING, alert_of, generated
from exporter.chain.causes import Cause, Impact, Link, Severity
from exporter.chain.verdict import ClaimState
from exporter.facts.reading import Source
from exporter.publication.families import FAMILIES, VERDICT_FAMILIES, VOLUME_STATES
from exporter.settings import Settings
from tests.alerts.promql import OWN, SCRAPE, Checker, Unemitted, labels_named_in, queries_of, selectors

ALERTS = Path(__file__).parents[2] / "alerts"
FILES = sorted([*ALERTS.glob("*.rules.yaml"), *ALERTS.glob("optional/*.rules.yaml")])
FIELDS = {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}
"""What Prometheus 2.42 knows in a rule."""
CLOSED = {
    "cause": set(Cause),
    "link": set(Link),
    "severity": set(Severity),
    "impact": set(Impact),
    "source": {*Source, "exporter"},
}
"""Labels whose values are a closed set."""
STATES = {"volsync_backup_state": set(ClaimState), "volsync_backup_volume_state": set(VOLUME_STATES)}
"""What the label `state` can be."""


def _load(file: Path) -> Any:
    return yaml.load(file.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def rules() -> Iterator[dict[str, Any]]:
    for file in FILES:
        for group in _load(file)["groups"]:
            yield from group["rules"]


RULES = list(rules())
ALERT_RULES = [rule for rule in RULES if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERT_RULES})


def name_of(rule: dict[str, Any]) -> str:
    return str(rule.get("alert", rule.get("record")))


@pytest.fixture(scope="module")
def checker() -> Checker:
    """Knows every family, and every recording rule by what it records."""
    known = Checker({**OWN, **{family.name: frozenset(family.labels) | SCRAPE for family in FAMILIES}})
    pending = [rule for rule in RULES if "record" in rule]
    for name in {rule["record"] for rule in pending}:  # a rule may read its own last value
        known.known[name] = frozenset(
            {"link", "cause", "scope", "fault", "home", "severity", "namespace", "pvc", "source", "cluster"}
            | {"bucket", "prefix"}
        )
    for _ in range(3):
        for rule in pending:
            known.known[rule["record"]] = known.labels(rule["expr"])
    return known


# --- what Prometheus says of them


def test_prometheus_accepts_every_rule_file(tool: None) -> None:
    checked = subprocess.run(["promtool", "check", "rules", *FILES], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "duplicate" not in checked.stdout


@pytest.mark.parametrize("example", sorted((ALERTS / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_alertmanager_accepts_the_examples(tool: None, example: Path) -> None:
    checked = subprocess.run(["amtool", "check-config", example], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


# --- what is built is current


@pytest.mark.parametrize(("path", "text"), list(generated()), ids=lambda value: getattr(value, "name", ""))
def test_what_is_built_is_what_is_committed(path: Path, text: str) -> None:
    assert path.read_text() == text, "run `make docs`"


# --- every cause reaches an alert, and every alert a page


def test_every_cause_has_an_alert_of_its_own() -> None:
    without = [str(cause) for cause in Cause if alert_of(cause) not in NAMES]
    assert not without, f"no alert for {', '.join(without)}: run `make docs`"
    assert len(NAMES) == len(ALERT_RULES), "no two rules share a name"


def test_the_alerts_of_all_causes_differ_in_their_names_alone() -> None:
    """The lives take one rule for them all."""
    found = [rule for rule in ALERT_RULES if rule["expr"].startswith(STANDING)]

    assert [(rule["alert"], rule["expr"]) for rule in found] == [
        (alert_of(cause), f'{STANDING}{{cause="{cause}"}} > 0') for cause in Cause
    ]
    assert {tuple(rule) for rule in found} == {("alert", "expr", "annotations")}


def test_every_alert_leads_to_a_page_and_every_page_is_led_to() -> None:
    base = Settings().web.runbook_base
    led_to = {rule["annotations"]["runbook_url"].removeprefix(f"{base}/") for rule in ALERT_RULES}
    there = {page.name for page in (ALERTS / "runbooks").glob("*.md")}

    assert not led_to - there, f"write in alerts/runbooks/: {', '.join(sorted(led_to - there))}"
    assert not there - led_to, (
        f"no alert leads to these pages of alerts/runbooks/: {', '.join(sorted(there - led_to))}. Run `make docs` "
        f"where the cause is new; remove the page where the cause or the alert is gone"
    )


@pytest.mark.parametrize("page", sorted((ALERTS / "runbooks").glob("*.md")), ids=lambda page: page.stem)
def test_a_page_says_meaning_impact_diagnosis_and_mitigation(page: Path) -> None:
    text = page.read_text()

    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"(?m)^## (.*)$", text)[:4] == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert text.count("```") % 2 == 0


@pytest.mark.parametrize("page", sorted((ALERTS / "runbooks").glob("*.md")), ids=lambda page: page.stem)
def test_what_a_page_says_to_type_can_be_typed(page: Path) -> None:
    for block in re.findall(r"(?s)```bash\n(.*?)```", page.read_text()):
        typed = re.sub(r"<([a-z_]+)>", r"\1", block)
        parsed = subprocess.run(["bash", "-n"], input=typed, capture_output=True, text=True, check=False)

        assert parsed.returncode == 0, parsed.stderr
        assert not re.search(r"kubectl (logs|rollout)[^|\n]* -A\b", typed), "neither knows -A"
        assert "volsync.backube/replicationdestination" not in typed, "VolSync puts no such label on anything"
        assert not re.search(r"delete [^\n]*(--all\b|-A\b)", typed), "nothing is deleted everywhere"


@pytest.mark.parametrize("page", sorted((ALERTS / "runbooks").glob("*.md")), ids=lambda page: page.stem)
def test_every_page_that_a_page_leads_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("rule", ALERT_RULES, ids=name_of)
def test_an_alert_says_what_it_is_and_what_to_type(rule: dict[str, Any]) -> None:
    annotations = rule["annotations"]

    assert annotations["summary"].endswith(".")
    assert "{{" not in annotations["summary"], "a summary heads a group of alerts: it is the same for all of them"
    assert annotations["description"]
    assert annotations.get("command") or rule["alert"] == "VolSyncWatchdog"
    assert re.fullmatch(r"VolSync[A-Z]\w+", rule["alert"])


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_a_rule_is_written_for_prometheus_2_42(rule: dict[str, Any]) -> None:
    assert set(rule) <= FIELDS


# --- what is named is emitted


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_every_metric_and_label_of_an_expression_is_emitted(rule: dict[str, Any], checker: Checker) -> None:
    checker.labels(rule["expr"])


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_every_value_of_a_closed_label_is_one_of_its_values(rule: dict[str, Any]) -> None:
    texts = [rule["expr"], *(q for text in rule.get("annotations", {}).values() for q in queries_of(text))]
    for text in texts:
        for metric, matchers in selectors(text):
            closed = {**CLOSED, "state": STATES.get(metric, set())}
            for label in matchers.keys() & closed.keys():
                values = set(matchers[label].split("|")) - {"x"}
                assert values <= closed[label], f"{metric}: {label}"


@pytest.mark.parametrize("rule", ALERT_RULES, ids=name_of)
def test_every_label_of_an_annotation_survives_the_expression(rule: dict[str, Any], checker: Checker) -> None:
    at_hand = checker.labels(rule["expr"]) | set(rule.get("labels", {}))
    for text in rule["annotations"].values():
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= at_hand


@pytest.mark.parametrize("rule", ALERT_RULES, ids=name_of)
def test_every_query_of_an_annotation_names_what_is_emitted(rule: dict[str, Any], checker: Checker) -> None:
    for text in rule["annotations"].values():
        found = [checker.labels(query) for query in queries_of(text)]
        named = labels_named_in(text)
        assert named <= frozenset().union(*found), f"{named} of {text}"


@pytest.mark.parametrize("rule", ALERT_RULES, ids=name_of)
def test_every_alert_has_a_severity(rule: dict[str, Any], checker: Checker) -> None:
    assert "severity" in checker.labels(rule["expr"]) | set(rule.get("labels", {}))


def test_the_check_itself_finds_a_metric_that_is_not_emitted(checker: Checker) -> None:
    with pytest.raises(Unemitted, match="no such metric"):
        checker.labels("volsync_last_sync_timestamp_seconds > 0")


def test_the_check_itself_finds_a_label_that_was_aggregated_away(checker: Checker) -> None:
    with pytest.raises(Unemitted, match="no label namespace"):
        checker.labels("sum(volsync_backup_state) == 0 and on (namespace) volsync_backup_state")


def test_the_families_of_the_verdict_reach_the_rules() -> None:
    """The rules read the verdict; what a person wants to see is the dashboard's."""
    read = {name for rule in RULES for name, _ in selectors(rule["expr"])}

    assert {"volsync_backup_state", "volsync_backup_problem"} <= read & {family.name for family in VERDICT_FAMILIES}
