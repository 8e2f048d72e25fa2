"""The commands on a cluster: the same verdict as on its dump, and each fault where it belongs."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exporter.cli.commands import cli
from exporter.cli.readers import readers_of
from exporter.cli.reading import _read_all
from exporter.configuration import load as load_settings
from exporter.facts.cluster.dump.contents import MANIFEST
from exporter.facts.model import SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.polling.clock import Clock
from exporter.polling.poller import Poller
from exporter.settings import BucketSettings, Settings
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


@pytest.mark.parametrize(
    ("enabled", "stays", "scrubs"), [("true", True, True), ("true", False, False), ("false", True, False)]
)
def test_only_who_stays_and_is_told_to_scrubs(enabled: str, stays: bool, scrubs: bool) -> None:
    settings: Settings = load_settings(None, {}, {"scrub.enabled": enabled})
    bucket = BucketSettings(bucket="backups", endpoint="http://127.0.0.1:1")
    readers = readers_of(settings.model_copy(update={"buckets": (bucket,)}), scrubs=stays)
    assert (Source.SCRUB in readers) is scrubs
    assert Source.S3 in readers


def test_a_read_gives_up_when_it_is_told_to(cluster: ApiServer) -> None:
    settings: Settings = load_settings(None, {}, {"poll.page_size": "1"})
    poller = Poller(readers_of(settings), settings, Clock())
    poller.stop()
    poller.poll(Source.KUBERNETES)
    assert not [request for request in cluster.requests if request.resource == "persistentvolumeclaims"][1:]


def test_a_dump_gives_the_answer_of_its_cluster(cluster: ApiServer, tmp_path: Path) -> None:
    """As a folder and as an archive; without a bucket here, as the cluster's own answer is."""
    live = claims(run("status", "--at", AT, "-o", "json"))
    for target in (tmp_path / "dump", tmp_path / "dump.tar.gz"):
        made = run("dump", str(target))
        assert made.exit_code == 0, made.output
        assert claims(run("status", "--at", AT, "-o", "json", "--from", str(target))) == live


def test_a_dump_holds_no_secret_and_no_annotation_of_others(cluster: ApiServer, tmp_path: Path) -> None:
    run("dump", str(tmp_path / "dump"))
    text = "".join(file.read_text() for file in (tmp_path / "dump").iterdir())
    assert not (tmp_path / "dump" / "core.secrets.json").exists()
    assert "last-applied-configuration" not in text
    assert "managedFields" not in text


def test_what_could_not_be_dumped_is_unknown_where_the_dump_is_read(cluster: ApiServer, tmp_path: Path) -> None:
    cluster.fail("volumes", faults.status(403))
    made = run("dump", str(tmp_path / "dump"))
    assert made.exit_code == 2
    found = json.loads(run("status", "--at", AT, "-o", "json", "--from", str(tmp_path / "dump")).stdout)
    assert found["sources"]["longhorn"] == {"up": False, "reason": "forbidden"}
    assert {claim["links"].get("volume") for claim in found["claims"]} <= {"unknown", None}


def test_a_dump_is_judged_at_the_moment_that_it_was_made(cluster: ApiServer, tmp_path: Path) -> None:
    run("dump", str(tmp_path / "dump"))
    made = json.loads((tmp_path / "dump" / MANIFEST).read_text())["at"]
    found = json.loads(run("status", "-o", "json", "--from", str(tmp_path / "dump")).stdout)
    assert datetime.fromisoformat(found["at"]) == datetime.fromisoformat(made)


def test_a_dump_is_not_written_over_what_is_there(cluster: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "old.tar.gz").write_text("mine")
    for target in (tmp_path, tmp_path / "old.tar.gz"):
        result = run("dump", str(target))
        assert result.exit_code == 2
        assert "cannot be written" in result.stderr
    assert (tmp_path / "old.tar.gz").read_text() == "mine"


def test_the_cluster_that_was_judged_is_named(cluster: ApiServer) -> None:
    assert f"({cluster.url})" in run("status", "--at", AT).stdout.splitlines()[0]


@pytest.mark.parametrize("command", ["status", "doctor", "explain"])
def test_a_token_that_is_refused_is_one_error_with_what_to_do(cluster: ApiServer, command: str) -> None:
    cluster.token = "another"
    result = run(command, *(("karakeep/data-pvc",) if command == "explain" else ()))
    assert result.exit_code in (1, 2)
    if command != "doctor":
        assert result.stderr.count("credentials") == 1
        assert "expired token" in result.stderr


def test_a_server_that_is_gone_is_one_error_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ApiServer([]) as server:
        monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path)))
    result = run("status")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "cannot be reached: Connection refused" in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_a_watch_goes_through_an_outage_of_the_api_server(cluster: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class EndedError(Exception):
        """What stands for Ctrl-C."""

    token, pauses = cluster.token, iter(range(4))

    def sleep(_seconds: float) -> None:
        pause = next(pauses)
        cluster.token = "another" if pause == 0 else token
        if pause == 2:
            raise EndedError

    monkeypatch.setattr("exporter.cli.status.sleep", sleep)
    result = run("status", "-n", "karakeep", "--watch", "--at", AT)
    assert isinstance(result.exception, EndedError)
    assert result.stdout.count("2 claims") == 2
    assert result.stderr.count("expired token") == 1


def test_a_namespace_that_the_cluster_has_not_is_a_mistake(cluster: ApiServer) -> None:
    result = run("status", "-n", "karakep")
    assert result.exit_code == 2
    assert "has no namespace karakep" in result.stderr


def test_a_context_is_chosen_by_its_flag(cluster: ApiServer) -> None:
    result = run("status", "--context", "elsewhere")
    assert (result.exit_code, "has no context 'elsewhere'" in result.stderr) == (2, True)


def test_a_read_that_hangs_where_nothing_can_end_it_keeps_no_command_waiting() -> None:
    hang = threading.Event()
    at = datetime.now(UTC)

    def hanging(_at: datetime, _stop: threading.Event) -> SourceRead:
        hang.wait(60)
        raise AssertionError

    def quick(_at: datetime, _stop: threading.Event) -> SourceRead:
        return SourceRead(SourceReport(Source.VOLSYNC, Reading.READ, last_success=at))

    allowed = {Source.KUBERNETES: timedelta(seconds=0.2), Source.VOLSYNC: timedelta(seconds=60)}
    reads = _read_all({Source.KUBERNETES: hanging, Source.VOLSYNC: quick}, at, allowed)
    hang.set()
    assert [(read.report.source, read.report.reason) for read in reads] == [
        (Source.KUBERNETES, Reason.TIMEOUT),
        (Source.VOLSYNC, None),
    ]
