"""What Prometheus makes of a life: the exporter's series at each minute, and the alerts that the rules raise."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import yaml

from alerts.build import STANDING, alert_of
from exporter.chain.causes import Cause
from exporter.chain.judge import judge
from exporter.chain.verdict import Verdict
from exporter.durations import parse_duration
from exporter.publication.families import VERDICT_FAMILIES
from exporter.settings import Settings
from tests.alerts.lives.cluster import EPOCH, Cluster

PROMTOOL = os.environ.get("PROMTOOL", "promtool")
"""Another Prometheus' program, or VictoriaMetrics' `vmalert-tool`, which reads the same tests."""
IS_VICTORIA = Path(PROMTOOL).name.startswith("vmalert-tool")
ANY_CAUSE = "AnyCause"
"""The one alert that stands for those of all causes."""
RULES = sorted((Path(__file__).parents[3] / "alerts").glob("*.rules.yaml"))
READ = {
    "volsync_backup_state",
    "volsync_backup_may_vanish",
    "volsync_backup_problem",
    "volsync_backup_info",
    "volsync_root_cause",
    "volsync_root_cause_info",
    "volsync_root_cause_since_timestamp_seconds",
    "volsync_backup_link_ok",
}
"""The verdict's families that the rules read."""
TARGET: dict[str, str] = {
    "namespace": "monitoring",
    "job": "volsync-exporter",
    "service": "volsync-exporter",
    "instance": "a:9978",
}
"""What prometheus-operator puts on every series of a target, where the exporter has no such label of its own."""

Labels = dict[str, str]
Samples = dict[str, dict[int, float]]
"""The value of each series at each minute; a series is written as promtool reads it."""
Alert = frozenset[tuple[str, str]]
"""An alert's labels."""

_NOT_ITS_OWN = ("__name__", "alertstate", "alertgroup")
"""Labels of the series of an alert that the alert has not."""
_SAMPLE = re.compile(r"\{([^{}]*)\} (-?[\d.]+(?:E[+-]\d+)?)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def series(name: str, labels: Labels) -> str:
    written = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(labels.items()) if value)
    return f"{name}{{{written}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def scraped(verdict: Verdict, target: Labels = TARGET) -> Iterator[tuple[str, float]]:
    """The series of one scrape, honouring the exporter's own labels."""
    for family in VERDICT_FAMILIES:
        if family.name in READ:
            for values, value in family.samples(verdict):
                yield series(family.name, target | dict(zip(family.labels, values, strict=True))), value
    yield series("volsync_exporter_verdict_timestamp_seconds", target), verdict.at.timestamp()
    yield series("volsync_exporter_build_info", target | {"version": "1"}), 1
    yield series("volsync_exporter_failed_families", target), 0
    yield series("up", target), 1
    for report in verdict.facts.sources:
        yield series("volsync_exporter_source_up", target | {"source": report.source}), float(report.up)


def lived(cluster: Cluster, minutes: int, name: str) -> Samples:
    """The series of a life of so many minutes, as the exporter's own judge tells them, in a cluster of that name.

    It looks every second minute, and is scraped in each.
    """
    samples: Samples = {}
    for minute in range(minutes):
        cluster.step(minute)
        if minute % 2 == 0:
            at = EPOCH + timedelta(minutes=minute)
            served = list(scraped(judge(cluster.facts(minute), Settings(), at), TARGET | {"cluster": name}))
        for one, value in served:
            samples.setdefault(one, {})[minute] = value
    return samples


def values(samples: Mapping[int, float], minutes: int) -> str:
    """The samples of one series as promtool writes them: a series that ends is marked stale, as a scrape would."""
    parts: list[str] = []
    minute = 0
    while minute < minutes:
        first = minute
        value = samples.get(minute)
        while minute + 1 < minutes and samples.get(minute + 1) == value:
            minute += 1
        length = minute - first
        if value is not None:
            parts.append(f"{value:.15g}+0x{length}")
        elif first and length:
            parts.append(f"stale _x{length}")
        elif first:
            parts.append("stale")
        else:
            parts.append(f"_x{length + 1}")
        minute += 1
    return " ".join(parts)


def firing(samples: Samples, minutes: int, folder: Path, rules: Sequence[Path] = ()) -> list[set[Alert]]:
    """The alerts that fire at each minute, as promtool works them out; by our rules where none are named."""
    told = answers('ALERTS{alertstate="firing"} == 1', range(minutes), samples, minutes, folder, rules)
    return [{_labels(labels) for labels, _ in told[minute]} for minute in range(minutes)]


def answers(
    expression: str,
    at: Sequence[int],
    samples: Samples,
    minutes: int,
    folder: Path,
    rules: Sequence[Path] = (),
    interval: str = "1m",
) -> dict[int, list[tuple[Labels, float]]]:
    """What *expression* gives at some minutes of a life of so many, where rules are evaluated at each *interval*.

    A test that expects nothing fails with all that there was: that is how promtool is made to tell.
    """
    rules = rules or told_alike(folder)
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values(of, minutes)} for name, of in samples.items()],
        "metricsql_expr_test" if IS_VICTORIA else "promql_expr_test": [
            {
                "expr": expression,
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": '{never=""}', "value": 0}],
            }
            for minute in at
        ],
    }
    order = ["volsync-root-causes", "volsync-backups", "volsync-repositories", "volsync-causes"]
    order += ["volsync-exporter", "volsync-objectives", "volsync-budget"]
    file = folder / "life.test.yaml"
    head = {"rule_files": [str(path) for path in rules], "evaluation_interval": interval, "group_eval_order": order}
    file.write_text(yaml.dump(head | {"tests": [test]}, Dumper=yaml.CSafeDumper, width=10**6))
    command = [PROMTOOL, "unittest", f"--files={file}"] if IS_VICTORIA else [PROMTOOL, "test", "rules", file]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return _read(told.stdout + told.stderr, len(at))


def _read(text: str, count: int) -> dict[int, list[tuple[Labels, float]]]:
    """The samples at each minute, out of what promtool says of the tests that failed."""
    blocks = re.split(r'expr: "[^\n]*time: ', text)[1:]
    if len(blocks) != count:
        raise ValueError(text[-3000:])
    found = {}
    for block in blocks:
        moment, _, rest = block.partition(",")
        got = rest.partition("got:")[2]
        found[_minutes(moment)] = [
            (dict(_LABEL.findall(labels)), float(value)) for labels, value in _SAMPLE.findall(got)
        ]
    return found


def _labels(found: Labels) -> Alert:
    """An alert's labels, with the name that its cause has."""
    name = alert_of(Cause(found["cause"])) if found["alertname"] == ANY_CAUSE else found["alertname"]
    return frozenset((k, v) for k, v in {**found, "alertname": name}.items() if k not in _NOT_ITS_OWN)


def told_alike(folder: Path) -> list[Path]:
    """Our rules as they fire, at less cost: one for all causes, and no texts.

    The alerts of the causes differ in their name alone (`test_the_alerts_of_all_causes_differ_in_their_names_alone`).
    """
    found = []
    for path in RULES:
        loaded = yaml.load(path.read_text(), yaml.CSafeLoader)
        for group in loaded["groups"]:
            causes = [rule for rule in group["rules"] if rule.get("expr", "").startswith(f'{STANDING}{{cause="')]
            others = [rule for rule in group["rules"] if rule not in causes]
            folded = [{"alert": ANY_CAUSE, "expr": f"{STANDING} > 0"}] if causes else []
            group["rules"] = [{k: v for k, v in rule.items() if k != "annotations"} for rule in others + folded]
        found.append(folder / path.name)
        found[-1].write_text(yaml.dump(loaded, Dumper=yaml.CSafeDumper))
    return found


def _minutes(text: str) -> int:
    """A duration as Prometheus prints it: `1d2h`, `5m`, `0s`."""
    return round(parse_duration(text).total_seconds() / 60)
