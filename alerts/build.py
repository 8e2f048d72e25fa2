"""Builds what follows from the catalogue of causes: the rules that page for them, and the tests of those rules.

    python -m alerts.build

One alert rule stands for each cause, named after the cause's link. All of them read one recording rule, which says
which root causes (a cause and a scope) have lasted; so a cause is added in the catalogue and nowhere else.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from alerts.cases import test_file
from alerts.text import ALERT_OF_LINK, RECENT, annotations, runbook_url
from exporter.chain.causes import Cause, Link

HERE = Path(__file__).parent
RULES = HERE / "volsync-causes.rules.yaml"
PAGE = HERE.parent / "docs" / "alerts.md"
_TABLE = re.compile(r"(?s)(?<=<!-- alerts -->\n\n).*?(?=\n<!-- /alerts -->)")
GENERATED = "# Built by `python -m alerts.build` from the catalogue of causes (exporter/chain/causes.py).\n"

SOURCE_OF_LINKS: Mapping[str, str] = {
    "longhorn": "volume",
    "kyverno": "policy",
    "external_secrets": "namespace|base_secret",
    "secrets": "base_secret|repository_secret",
    "s3": "repository|none",
}
"""Which links cannot be judged while one source is not readable. Without `kubernetes` or `volsync` none can."""


UNREADABLE = "source:volsync_exporter_source:unreadable"
RANK = "cause_scope:volsync_backup_problem:rank"
LASTING = "cause_scope:volsync_backup_problem:lasting"


def held(record: str) -> str:
    """PromQL: what *record* said last, for the links that the exporter cannot see at present."""
    parts = [f'{record} and on () {UNREADABLE}{{source=~"kubernetes|volsync"}}']
    for source, links in SOURCE_OF_LINKS.items():
        matches = "=~" if "|" in links else "="
        parts.append(f'{record}{{link{matches}"{links}"}} and on () {UNREADABLE}{{source="{source}"}}')
    return "\nor\n".join(parts)


_PREAMBLE = """\
# A root cause is a cause and a scope. It counts as lasting when it was seen in five of the last fifteen minutes, and
# until it was not for ten: a flap of two minutes neither raises nor resolves it, and a volume that flaps for ever
# does not escape. While the exporter is gone, or cannot read what the cause rests on, nothing is proven to be healed:
# what was lasting stays so.
"""


def recordings() -> Iterator[tuple[str, str, str]]:
    """The recording rules: a comment, the name and the expression of each."""
    yield (
        "The sources that cannot be read now. An exporter that is gone, or has reached no verdict yet, reads nothing.",
        UNREADABLE,
        "max by (source) (volsync_exporter_source_up) == 0\nor\n"
        'label_replace(absent(volsync_exporter_verdict_timestamp_seconds), "source", "kubernetes", "", "")',
    )
    yield (
        "The claims behind each root cause, free of the scrape's own labels: one series for any number of exporters.",
        RECENT,
        "max by (link, cause, scope, namespace, pvc) (last_over_time(volsync_backup_problem[15m]))\nor\n"
        + held(RECENT),
    )
    yield (
        "How bad each root cause is now: 3 critical, 2 warning, 1 info. The worst of its claims decides.",
        RANK,
        'max by (link, cause, scope) (\n    volsync_backup_problem{severity="critical"} * 3\n'
        '  or\n    volsync_backup_problem{severity="warning"} * 2\n'
        '  or\n    volsync_backup_problem{severity="info"}\n)',
    )
    ranks = "\nor on (cause, scope)\n".join(
        f'label_replace(\n  count_over_time(({RANK} >= {rank})[15m:1m]) >= 5, "severity", "{severity}", "", ""\n)'
        for severity, rank in (("critical", 3), ("warning", 2), ("info", 1))
    )
    yield (
        "The root causes that have lasted, each with one severity; the value is in how many of the last minutes.\n"
        "What was lasting and is seen again, after the exporter was away for long, did not begin anew.",
        LASTING,
        f"{ranks}\nor on (cause, scope)\n(\n  {LASTING}\n  and on (cause, scope) {RANK}\n)\n"
        f"or on (cause, scope)\n(\n{indent(held(LASTING), '  ')}\n)",
    )


def rules_file() -> str:
    """The text of the rule file."""
    blocks = [GENERATED + _PREAMBLE + "groups:\n  - name: volsync-causes\n    rules:\n"]
    for comment, record, expression in recordings():
        blocks.append(
            indent("\n".join(f"# {line}" for line in comment.splitlines()), " " * 6)
            + f"\n      - record: {record}\n        expr: |\n{indent(expression, ' ' * 10)}\n\n"
        )
    blocks += [f"      # --- {link}\n" + "".join(_alert(c) for c in Cause if c.link is link) for link in Link]
    return "".join(blocks).rstrip() + "\n"


def _alert(cause: Cause) -> str:
    written = annotations(cause)
    return (
        f"      - alert: {ALERT_OF_LINK[cause.link]}\n"
        f'        expr: {LASTING}{{cause="{cause}"}} > 0\n'
        f"        labels:\n"
        f"          cause: {cause}\n"
        f"        annotations:\n"
        f"          summary: {json.dumps(written.summary)}\n"
        f"          description: >-\n{indent(written.description, ' ' * 12)}\n"
        f"          command: >-\n{indent(written.command, ' ' * 12)}\n"
        f"          runbook_url: {runbook_url(cause)}\n\n"
    )


def table() -> str:
    """Every alert in a table: its name, what it is about, its severity and what it means."""
    lines = ["| alert | cause | severity | it fires when |", "| --- | --- | --- | --- |"]
    for cause in Cause:
        entry = cause.entry
        lines.append(f"| `{ALERT_OF_LINK[cause.link]}` | {_page(cause)} | {entry.severity} | {entry.meaning} |")
    for rule in _written_rules():
        severity = rule.get("labels", {}).get("severity", "critical, warning")
        lines.append(f"| {_page(rule['alert'])} | | {severity} | {rule['annotations']['summary']} |")
    return "\n".join(lines) + "\n"


def _page(name: str) -> str:
    return f"[`{name}`](../alerts/runbooks/{name}.md)"


def _written_rules() -> Iterator[dict[str, Any]]:
    """The alerts that do not follow from the catalogue."""
    for file in sorted(HERE.glob("*.rules.yaml")):
        if file != RULES:
            groups = yaml.safe_load(file.read_text())["groups"]
            yield from (rule for group in groups for rule in group["rules"] if "alert" in rule)


def _with_table(page: str) -> str:
    return _TABLE.sub(lambda _: table(), page)


def generated() -> Iterator[tuple[Path, str]]:
    """Every file that is built here, and its text."""
    yield RULES, rules_file()
    for link in Link:
        yield HERE / "tests" / f"causes-{link}.test.yaml", GENERATED + test_file(link)
    yield PAGE, _with_table(PAGE.read_text())


def main() -> None:
    """Write every generated file."""
    for path, text in generated():
        path.write_text(text)


if __name__ == "__main__":
    main()
