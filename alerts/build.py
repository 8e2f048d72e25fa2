"""Builds what follows from the catalogue of causes: an alert for each, and its row in the page of alerts.

    python -m alerts.build

Every alert of a cause reads one recording rule (`volsync-root-causes.rules.yaml`), which says which root causes stand;
so a cause is added in the catalogue and nowhere else. The files for the operators of Prometheus and of VictoriaMetrics
are the plain rule files in another wrapping.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from exporter.chain.causes import Cause, Impact
from exporter.settings import Settings

HERE = Path(__file__).parent
RULES = HERE / "volsync-causes.rules.yaml"
PAGE = HERE.parent / "docs" / "alerts.md"
GENERATED = "# Built by `python -m alerts.build` from the catalogue of causes (exporter/chain/causes.py).\n"
STANDING = "fault:volsync_root_cause:standing"
OPERATORS = {"PrometheusRule": "monitoring.coreos.com/v1", "VMRule": "operator.victoriametrics.com/v1beta1"}
"""The kinds that the rules are wrapped in, with their API."""

_TABLE = re.compile(r"(?s)(?<=<!-- alerts -->\n\n).*?(?=\n<!-- /alerts -->)")


def _query(promql: str) -> str:
    """A template's query about the alert's own fault: `OF_FAULT` picks the scopes that the fault has shown."""
    of_fault = "on (cause, scope, cluster) scope:volsync_root_cause:fault{cause=%q,fault=%q,cluster=%q}"
    text = promql.replace("OF_FAULT", of_fault)
    return f"printf `{text}` $labels.cause $labels.scope $labels.cluster | query"


_REPLICA = "instance, pod, container, endpoint, node, severity"
"""What tells the replicas of one exporter apart; of several that share the claims, each has some of a root cause's."""
_COUNT = _query(f"sum(max without ({_REPLICA}) (volsync_root_cause and OF_FAULT))")
_CLAIMS = _query("max by (claims) (volsync_root_cause_info and OF_FAULT)")
_SINCE = _query("min(volsync_root_cause_since_timestamp_seconds and OF_FAULT)")
_COMMAND = _query("topk(1, max by (command) (volsync_root_cause_info and OF_FAULT))")

DESCRIPTION = (
    f"{{{{ $labels.scope }}}}:\n"
    f"{{{{- range {_COUNT} }}}} {{{{ .Value }}}} claim{{{{ if gt .Value 1.0 }}}}s{{{{ end }}}}:{{{{ end }}}}\n"
    f"{{{{- range {_CLAIMS} }}}} {{{{ .Labels.claims }}}}.{{{{ else }}}} not seen at present.{{{{ end }}}}\n"
    f"{{{{- range {_SINCE} }}}} Since {{{{ .Value | humanizeTimestamp }}}}.{{{{ end }}}}"
)
"""What is broken, the claims that it hits (the first ten, then a count), and since when."""
COMMAND = f"{{{{ range {_COMMAND} }}}}{{{{ .Labels.command }}}}{{{{ else }}}}volsync-exporter status{{{{ end }}}}"
"""The exporter's own command for it."""


def alert_of(cause: Cause) -> str:
    """The name of a cause's alert: `VolSyncVolumeFaulted` for `volume_faulted`."""
    return "VolSync" + "".join(word.capitalize() for word in cause.split("_"))


def runbook_url(page: str) -> str:
    """The address of a runbook page under the default base."""
    return f"{Settings().web.runbook_base}/{page}.md"


def rules_file() -> str:
    """The text of the rule file."""
    head = "groups:\n  - name: volsync-causes\n    interval: 1m\n    rules:\n"
    return GENERATED + head + "\n".join(_alert(cause, is_first=cause is next(iter(Cause))) for cause in Cause)


def _alert(cause: Cause, *, is_first: bool) -> str:
    """One rule. The texts that all alerts share are written out in the first one, and referred to in the others."""
    description = f"&description >-\n{indent(DESCRIPTION, ' ' * 12)}" if is_first else "*description"
    command = f"&command >-\n{indent(COMMAND, ' ' * 12)}" if is_first else "*command"
    return (
        f"      - alert: {alert_of(cause)}\n"
        f'        expr: {STANDING}{{cause="{cause}"}} > 0\n'
        f"        annotations:\n"
        f"          summary: {json.dumps(cause.entry.meaning)}\n"
        f"          description: {description}\n"
        f"          command: {command}\n"
        f"          runbook_url: {runbook_url(cause)}\n"
    )


def wrapped(kind: str, api: str) -> str:
    """All rule files as one object of a kind that an operator reads."""
    head = f"apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: volsync-exporter\nspec:\n  groups:\n"
    texts = dict(_rule_files())
    groups = [text.partition("\ngroups:\n")[2] for text in texts.values()]
    return GENERATED + head + "\n".join(indent(group.rstrip() + "\n", "  ") for group in groups)


def _rule_files() -> Iterator[tuple[str, str]]:
    """The plain files by their names, the generated one as it will be."""
    for path in sorted({*HERE.glob("*.rules.yaml"), RULES}):
        yield path.name, rules_file() if path == RULES else path.read_text()


def table() -> str:
    """Every alert in a table: its name, its severity, and what it means."""
    lines = ["| alert | severity | it fires when |", "| --- | --- | --- |"]
    for cause in Cause:
        entry = cause.entry
        severity = "by time left" if entry.impact is Impact.BLOCKING else str(entry.severity)
        lines.append(f"| {_page(alert_of(cause), cause)} | {severity} | {entry.meaning} |")
    for rule in _written_rules():
        severity = rule.get("labels", {}).get("severity", "critical, warning")
        lines.append(f"| {_page(rule['alert'], rule['alert'])} | {severity} | {rule['annotations']['summary']} |")
    return "\n".join(lines) + "\n"


def _page(name: str, page: str) -> str:
    return f"[`{name}`](../alerts/runbooks/{page}.md)"


def _written_rules() -> Iterator[dict[str, Any]]:
    """The alerts that do not follow from the catalogue."""
    for file in (*sorted(HERE.glob("*.rules.yaml")), *sorted(HERE.glob("optional/*.rules.yaml"))):
        if file != RULES:
            groups = yaml.safe_load(file.read_text())["groups"]
            yield from (rule for group in groups for rule in group["rules"] if "alert" in rule)


def generated() -> Iterator[tuple[Path, str]]:
    """Every file that is built here, and its text."""
    yield RULES, rules_file()
    for kind, api in OPERATORS.items():
        yield HERE / "operators" / f"{kind.lower()}.yaml", wrapped(kind, api)
    yield PAGE, _TABLE.sub(lambda _: table(), PAGE.read_text())


def main() -> None:
    """Write every generated file."""
    for path, text in generated():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
