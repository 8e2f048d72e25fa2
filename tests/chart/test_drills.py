"""Drills by the chart: off by default, apart from the exporter, and with permissions that are just enough."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from click.testing import CliRunner

from exporter.cli.commands import cli
from exporter.drill.cluster import Clock
from tests.apiserver.server import ApiServer
from tests.chart.tools import (
    CHART,
    NAMESPACE,
    Manifest,
    helm,
    of_kind,
    pod,
    rendered,
    rendered_together,
    run,
    template,
    the,
)
from tests.drill.world import answered, at, pvc, source

ON: dict[str, Any] = {"drills": {"enabled": True}}
CASES: dict[str, dict[str, Any]] = {
    "everywhere": ON,
    "the-claims-namespaces": {**ON, "settings": {"claims": {"namespaces": ["n8n", "karakeep"]}}},
    "its-own-namespaces": {"drills": {"enabled": True, "namespaces": ["n8n"]}},
    "all-of-it": {
        "drills": {"enabled": True, "storageClass": "local-path", "timeZone": "Etc/UTC"},
        "networkPolicy": {"enabled": True},
    },
}
RBAC = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


@cache
def _rendered() -> dict[str, tuple[Manifest, ...]]:
    """What each case renders to, and, behind a minus, what it does without drills."""
    without = {f"-{case}": {**values, "drills": {"enabled": False}} for case, values in CASES.items()}
    return rendered_together({**CASES, **without})


def objects(case: str) -> tuple[Manifest, ...]:
    return _rendered()[case]


def drills(case: str) -> tuple[Manifest, ...]:
    """What the option adds."""
    return tuple(one for one in objects(case) if one["metadata"]["name"].endswith("-drills"))


def test_nothing_of_it_is_there_by_default() -> None:
    assert not [one for one in rendered("default") if "drill" in str(one["metadata"])]


@pytest.mark.parametrize("case", CASES)
def test_the_exporters_own_objects_are_the_same_with_it(case: str) -> None:
    assert drills(case)

    # The two are different subcharts of one umbrella: what a name's checksum comes to differs.
    others = [one for one in objects(case) if one not in drills(case) and one["kind"] != "Deployment"]
    assert others == [one for one in objects(f"-{case}") if one["kind"] != "Deployment"]


@pytest.mark.parametrize("case", CASES)
def test_every_object_is_what_kubernetes_accepts(case: str) -> None:
    for manifest in drills(case):
        kubernetes_validate.validate(manifest, "1.37", strict=True)


def test_its_pods_are_none_that_the_exporters_service_or_deployment_selects() -> None:
    labels = the("CronJob", objects("all-of-it"))["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]

    assert not the("Service", objects("all-of-it"))["spec"]["selector"].items() <= labels.items()
    for policy in of_kind("NetworkPolicy", objects("all-of-it")):
        is_its = policy in drills("all-of-it")
        selected = policy["spec"]["podSelector"]["matchLabels"].items()
        assert (selected <= labels.items()) == is_its
        assert (selected <= pod(objects("all-of-it"))["metadata"]["labels"].items()) != is_its


def test_runs_do_not_overlap_end_in_time_and_leave_no_job_behind() -> None:
    spec = the("CronJob", objects("everywhere"))["spec"]
    job = spec["jobTemplate"]["spec"]

    assert spec["concurrencyPolicy"] == "Forbid"
    assert job["backoffLimit"] == 0
    assert job["activeDeadlineSeconds"]
    assert job["ttlSecondsAfterFinished"]


def arguments(case: str) -> list[str]:
    spec = the("CronJob", objects(case))["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (only,) = spec["containers"]
    found: list[str] = only["args"]
    return found


@pytest.mark.parametrize("case", CASES)
def test_its_account_may_do_what_a_drill_needs_and_no_more(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real command, with the Job's own arguments, against a server that enforces what the chart renders."""
    account = the("ServiceAccount", drills(case))["metadata"]
    rbac = [one for one in objects(case) if one["kind"] in RBAC]
    now = datetime.now(UTC)
    idle = source(lastSyncTime=at(now - timedelta(minutes=1)), nextSyncTime=at(now + timedelta(hours=1)))
    monkeypatch.setattr(Clock, "sleep", lambda _clock, _seconds: None)
    user = f"system:serviceaccount:{account['namespace']}:{account['name']}"

    with ApiServer((idle, pvc()), rbac=rbac, user=user) as server:
        server.applied = lambda drill: server.add(answered(drill, now))
        monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path)))
        result = CliRunner().invoke(cli, arguments(case))

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("n8n/data: restored snapshot 3b1f8c0d")
    assert not server.forbidden()
    assert not [grant for grant in server.unused_rules() if grant[0].namespace in (None, "n8n")]


def test_it_may_neither_delete_nor_read_a_secret() -> None:
    rules: list[dict[str, Any]] = the("ClusterRole", drills("everywhere"))["rules"]

    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "create", "patch"}
    assert not [rule for rule in rules if "secrets" in rule["resources"]]
    assert {name for rule in rules if {"create", "patch"} & set(rule["verbs"]) for name in rule["resources"]} == {
        "replicationdestinations"
    }


@pytest.mark.parametrize("wrong", ["drills.every=weekly", "drills.unfinished=0", "drills.maxSize=huge"])
def test_wrong_values_are_refused(wrong: str) -> None:
    refused = template("default", "--set", f"drills.enabled=true,{wrong}")

    assert refused.returncode
    assert "drills" in refused.stderr


def test_notes_say_how_to_begin_and_how_to_remove_the_traces() -> None:
    options = ("--namespace", NAMESPACE, "--dry-run=client", "--set", "drills.enabled=true")
    notes = run(str(helm()), "install", "backups", str(CHART), *options).stdout.partition("NOTES:")[2]

    assert "--from=cronjob/backups-volsync-exporter-drills first-drill" in notes
    assert "-l volsync-exporter.io/drill=true" in notes
