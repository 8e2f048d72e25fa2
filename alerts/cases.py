"""Builds the promtool tests of the rules that follow from the catalogue of causes: nine cases for each cause.

One file stands for each link. In a case, every cause of the link befalls the same two claims at once, each with a
scope of its own link; the expected annotations are put together here, not by Prometheus' templates.
"""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import msgspec

from alerts.text import ALERT_OF_LINK, runbook_url
from exporter.chain.backup import fill
from exporter.chain.causes import Cause, Link
from exporter.settings import Settings

SCOPES: Mapping[Link, str] = {
    Link.POLICY: "policy/volsync-smart-protection",
    Link.NAMESPACE: "namespace/karakeep",
    Link.BASE_SECRET: "clusterexternalsecret/volsync-rustfs-base",
    Link.REPOSITORY_SECRET: "namespace/karakeep",
    Link.SOURCE: "operator",
    Link.VOLUME: "longhorn",
    Link.MOVER: "node/worker-2",
    Link.SYNC: "operator",
    Link.REPOSITORY: "bucket/volsync-backup",
    Link.RESTORE: "longhorn",
    Link.NONE: "bucket/volsync-backup",
}
"""A scope that causes of the link can have."""

SOURCE_OF: Mapping[Link, str] = {
    Link.POLICY: "kyverno",
    Link.NAMESPACE: "external_secrets",
    Link.BASE_SECRET: "external_secrets",
    Link.REPOSITORY_SECRET: "secrets",
    Link.VOLUME: "longhorn",
    Link.REPOSITORY: "s3",
    Link.NONE: "s3",
}
"""The source without which the link cannot be judged; `volsync` for the others."""

_CLAIMS = ("data-pvc", "meilisearch-pvc")
_SINCE = 1768757000
_SINCE_TEXT = "2026-01-18 17:23:20 +0000 UTC"
_DEFAULTS = Settings()
_NAMES: Mapping[str, str] = {
    "namespace": "karakeep",
    "pvc": "data-pvc",
    "source": "data-pvc-backup",
    "destination": "data-pvc-restore",
    "secret": "data-pvc-volsync-secret",
    "base_secret": "volsync-rustfs-base",
    "cluster_external_secret": "volsync-rustfs-base",
    "volume": "pvc-3f1c",
    "bucket": "volsync-backup",
    "prefix": "karakeep/data-pvc",
    "policy": "volsync-smart-protection",
    "namespace_label": _DEFAULTS.chain.namespace_label,
    "kyverno_namespace": _DEFAULTS.chain.kyverno_namespace,
    "longhorn_namespace": _DEFAULTS.chain.longhorn_namespace,
    "label": _DEFAULTS.claims.label,
    "job": "volsync-src-data-pvc-backup",
    "cache": "volsync-src-data-pvc-backup-cache",
    "copy": "volsync-data-pvc-backup-src",
    "pod": "-l job-name=volsync-src-data-pvc-backup",
    "image": "volsync-data-pvc-restore-dest",
}
_RESTORE_NAMES = {"job": "volsync-dst-data-pvc-restore", "pod": "-l job-name=volsync-dst-data-pvc-restore"}


class Span(msgspec.Struct, frozen=True):
    """When one exporter shows the problem of a claim: a sample a minute, as promtool writes them; V is the value."""

    values: str
    exporter: str = "a"
    claims: tuple[str, ...] = _CLAIMS


class Case(msgspec.Struct, frozen=True):
    """One of the cases that every rule is tested with."""

    name: str
    why: str
    spans: tuple[Span, ...]
    firing: tuple[int, ...]
    """Minutes at which the alert fires."""
    quiet: tuple[int, ...]
    """Minutes at which it does not."""
    since: bool = True
    """Whether the alert says since when."""
    exporters: Mapping[str, str] = MappingProxyType({"a": "1+0x70"})
    """When each exporter is there."""
    blind: str = "1+0x70"
    """Whether the source of the link can be read."""


CASES = (
    Case("fires", "within six minutes", (Span("V+0x10"),), (6, 10), (3,)),
    Case("near miss", "a flap of two minutes", (Span("_ V V V stale"),), (), (4, 7, 14)),
    Case("recovers", "once it was not seen for ten minutes", (Span("V+0x10 stale"),), (10, 18), (22, 26)),
    Case("flaps", "two minutes on, two off", (Span("V V stale _ " * 7),), (20, 21, 22, 23, 24), (40,)),
    Case(
        "object deleted",
        "one claim, then the other",
        (Span("V+0x10 stale", claims=_CLAIMS[:1]), Span("V+0x14 stale", claims=_CLAIMS[1:])),
        (12, 20),
        (26, 30),
    ),
    Case("never succeeded", "there is no moment since when", (Span("V+0x10"),), (6, 10), (3,), since=False),
    Case(
        "two pods overlap",
        "a rollout",
        (Span("V+0x12 stale"), Span("_x9 V+0x20", exporter="b")),
        (8, 10, 14, 28),
        (3,),
        exporters={"a": "1+0x12 stale", "b": "_x9 1+0x20"},
    ),
    Case(
        "exporter restarts",
        "under a new name, after three minutes without a scrape",
        (Span("V+0x8 stale"), Span("_x12 V+0x20", exporter="b")),
        (8, 10, 12, 14, 30),
        (3,),
        exporters={"a": "1+0x8 stale", "b": "_x12 1+0x20"},
    ),
    Case(
        "exporter blind",
        "what cannot be read is not proven to be healed",
        (Span("V+0x6 stale"),),
        (30,),
        (34,),
        since=False,
        blind="1+0x6 0+0x25 1+0x10",
    ),
)


def test_file(link: Link) -> str:
    """The text of the test file of *link*."""
    causes = [cause for cause in Cause if cause.link is link]
    lines = [
        f"# {ALERT_OF_LINK[link]}: every cause of the link `{link}` in each of nine cases.",
        "rule_files: [../volsync-causes.rules.yaml]",
        "evaluation_interval: 1m",
        "tests:",
    ]
    written: set[str] = set()
    for case in CASES:
        lines += [
            "",
            f"  - name: {json.dumps(f'{link}: {case.name}')}  # {case.why}",
            "    interval: 1m",
            "    input_series:",
            *(f"      - {{series: {_quoted(s)}, values: {_quoted(v)}}}" for s, v in _input(link, causes, case)),
            "    alert_rule_test:",
        ]
        for minute in sorted((*case.firing, *case.quiet)):
            lines.append(f"      - eval_time: {minute}m")
            lines.append(f"        alertname: {ALERT_OF_LINK[link]}")
            if minute in case.quiet:
                lines.append("        exp_alerts: []")
            else:
                lines.append("        exp_alerts:")
                for cause in causes:
                    lines += _expected(cause, case, written)
    return "\n".join(lines) + "\n"


def _input(link: Link, causes: list[Cause], case: Case) -> Iterator[tuple[str, str]]:
    """Series and values: the exporter's own, what commands take names from, and the problems."""
    for exporter, values in case.exporters.items():
        here = f'instance="{exporter}:9978",job="volsync-exporter"'
        yield f"volsync_exporter_verdict_timestamp_seconds{{{here}}}", values
        yield f'volsync_exporter_source_up{{{here},source="kubernetes"}}', values
        blind = case.blind if exporter == "a" and case.name == "exporter blind" else values
        yield f'volsync_exporter_source_up{{{here},source="{SOURCE_OF.get(link, "volsync")}"}}', blind
    for series in _names_in_metrics():
        yield series, "1+0x70"
    for span in case.spans:
        for cause in causes:
            for pvc in span.claims:
                yield _problem(cause, pvc, span.exporter), span.values.replace("V", "1")
                if case.name != "never succeeded" and link is not Link.NONE:
                    labels = f'cause="{cause}",instance="{span.exporter}:9978",namespace="karakeep",pvc="{pvc}"'
                    yield (
                        f'volsync_backup_problem_since_timestamp_seconds{{{labels},scope="{SCOPES[link]}"}}',
                        span.values.replace("V", str(_SINCE)),
                    )


def _problem(cause: Cause, pvc: str, exporter: str) -> str:
    entry = cause.entry
    return (
        f'volsync_backup_problem{{cause="{cause}",impact="{entry.impact}",instance="{exporter}:9978",'
        f'link="{entry.link}",namespace="karakeep",pvc="{pvc}",scope="{SCOPES[entry.link]}",'
        f'severity="{entry.severity}"}}'
    )


def _names_in_metrics() -> Iterator[str]:
    of = 'namespace="karakeep",pvc="data-pvc"'
    yield f'volsync_backup_info{{{of},replication_source="data-pvc-backup"}}'
    yield f'volsync_restore_result{{{of},replication_destination="data-pvc-restore",result="running"}}'
    yield f'volsync_backup_secret_present{{{of},role="repository",secret="data-pvc-volsync-secret"}}'
    yield f'volsync_backup_volume_state{{{of},role="data",state="detached",volume="pvc-3f1c"}}'
    yield 'volsync_policy_ready{kind="ClusterPolicy",policy="volsync-smart-protection"}'
    for robustness in ("faulted", "degraded"):
        yield f'volsync_backup_volume_robustness{{{of},robustness="{robustness}",role="data",volume="pvc-3f1c"}}'
    yield f'volsync_repository_present{{bucket="volsync-backup",{of},prefix="karakeep/data-pvc"}}'


def _expected(cause: Cause, case: Case, written: set[str]) -> Iterator[str]:
    """The alert of *cause*, written out where it first stands and referred to after."""
    since = case.since and cause.link is not Link.NONE
    anchor = f"{cause}{'' if since else '_undated'}"
    if anchor in written:
        yield f"          - *{anchor}"
        return
    written.add(anchor)
    entry = cause.entry
    names = {**_NAMES, **(_RESTORE_NAMES if cause.link is Link.RESTORE else {})}
    if cause is Cause.NOT_COVERED:
        names["label"] = f"{_DEFAULTS.claims.label}=<value>"
    variant = "clusterexternalsecret" if cause is Cause.EXTERNAL_SECRET_FAILING else ""
    command = fill(entry.variants.get(variant, entry.command), dict(names))
    dated = f" Since {_SINCE_TEXT}." if since else ""
    claims = ", ".join(f"karakeep/{pvc}" for pvc in _CLAIMS)
    yield f"          - &{anchor}"
    yield (
        f"            exp_labels: {{cause: {cause}, link: {cause.link}, "
        f"scope: {SCOPES[cause.link]}, severity: {entry.severity}}}"
    )
    yield "            exp_annotations:"
    yield f"              summary: {_quoted(entry.meaning)}"
    yield f"              description: {_quoted(f'2 claims: {claims}.{dated} Scope: {SCOPES[cause.link]}.')}"
    yield f"              command: {_quoted(command)}"
    yield f"              runbook_url: {runbook_url(cause)}"


def _quoted(text: str) -> str:
    return "'" + text.strip().replace("'", "''") + "'"
