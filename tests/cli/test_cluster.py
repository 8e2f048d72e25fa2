"""The commands on a cluster: the same verdict as on its dump, and each fault where it belongs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exporter.cli.commands import cli
from exporter.cli.readers import readers_of
from exporter.configuration import load as load_settings
from exporter.facts.reading import Reason, Source
from exporter.polling.clock import Clock
from exporter.polling.poller import Poller
from exporter.settings import Settings
from tests.apiserver import faults
from tests.apiserver.server import ApiServer, load

SCENARIO = Path(__file__).parents[1] / "scenarios" / "bases" / "bad-day"
AT = "2026-01-18T14:20:00Z"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """The reference cluster on its bad day, as what `KUBECONFIG` names."""
    with ApiServer([thing for thing in load(SCENARIO) if "kind" in thing]) as server:
        monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path)))
        yield server


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, args)


def claims(result: Result) -> dict[str, dict[str, Any]]:
    return {f"{claim['namespace']}/{claim['pvc']}": claim for claim in json.loads(result.stdout)["claims"]}


def test_a_cluster_is_judged_as_its_dump_is(cluster: ApiServer) -> None:
    dump = [str(file) for file in SCENARIO.glob("*.yaml")]
    live = run("status", "--at", AT, "--output", "json")
    offline = run("status", "--at", AT, "--output", "json", "--from", *dump)
    assert live.exit_code == offline.exit_code == 1
    told = {key: (claim["state"], claim["cause"], claim["scope"], claim["link"]) for key, claim in claims(live).items()}
    assert told == {
        key: (claim["state"], claim["cause"], claim["scope"], claim["link"]) for key, claim in claims(offline).items()
    }
    assert json.loads(live.stdout)["sources"]["s3"] == {"up": True, "reason": "not_served"}


def test_a_list_that_is_forbidden_makes_its_link_unknown_and_the_status_say_so(cluster: ApiServer) -> None:
    cluster.fail("volumes", faults.status(403))
    result = run("status", "--at", AT, "--output", "json")
    found = json.loads(result.stdout)
    assert found["sources"]["longhorn"] == {"up": False, "reason": "forbidden"}
    assert found["sources"]["volsync"] == {"up": True, "reason": None}
    assert {claim["links"].get("volume") for claim in found["claims"]} <= {"unknown", None}


def test_doctor_finds_what_is_missing(cluster: ApiServer) -> None:
    assert run("doctor").exit_code == 0
    cluster.fail("replicationsources", faults.status(403))
    result = run("doctor", "--output", "json")
    failed = [check for check in json.loads(result.stdout)["checks"] if check["ok"] is False]
    assert result.exit_code == 1
    assert [check["source"] for check in failed] == ["volsync"]
    assert "replicationsources" in failed[0]["fix"]


def test_the_last_facts_serve_while_a_source_fails(cluster: ApiServer) -> None:
    settings: Settings = load_settings(None, {}, {})
    readers = readers_of(settings)
    poller = Poller(readers, settings, Clock())
    poller.read_once()
    poller.judge()
    before = poller.published
    cluster.fail("replicationsources", faults.status(500))
    poller.poll(Source.VOLSYNC)
    poller.judge()
    after = poller.published
    assert before is not None
    assert after is not None
    assert [claim.state for claim in after.verdict.claims] == [claim.state for claim in before.verdict.claims]
    assert poller.telemetry().errors[Source.VOLSYNC, Reason.SERVER_ERROR] >= 1
    assert {report.source for report in poller.telemetry().reports if not report.up} == {Source.VOLSYNC}


def test_a_read_gives_up_when_it_is_told_to(cluster: ApiServer) -> None:
    settings: Settings = load_settings(None, {}, {"poll.page_size": "1"})
    poller = Poller(readers_of(settings), settings, Clock())
    poller.stop()
    poller.poll(Source.KUBERNETES)
    assert not [request for request in cluster.requests if request.resource == "persistentvolumeclaims"][1:]
