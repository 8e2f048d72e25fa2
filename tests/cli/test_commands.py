"""The commands as a user runs them, on dumps."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exporter.cli.commands import cli
from exporter.cli.inputs import _spread
from exporter.configuration import SETTINGS

DUMPS = Path(__file__).parent / "dumps"
SOUND, BEHIND = str(DUMPS / "sound.yaml"), str(DUMPS / "behind.yaml")
AT = ("--at", "2026-01-18T14:12:00Z")
PLAIN = ("--chain-policy", "", "--chain-base-secret", "", "--chain-namespace-label", "")
"""Without Kyverno's chain before the source."""


def run(*args: str, stdin: str | None = None, **environment: str) -> Result:
    return CliRunner(env={"COLUMNS": "80", **environment}).invoke(cli, args, input=stdin)


def status(*args: str, **more: str) -> Result:
    return run("status", *args, *AT, *PLAIN, **more)


# --- status


def test_all_is_well() -> None:
    result = status("--from", SOUND)
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.search(r"^n8n +data protected 12m/3h$", result.stdout, re.MULTILINE)
    assert result.stdout.rstrip().endswith("1 claim: 1 protected")


def test_something_is_unprotected() -> None:
    result = status("--from", SOUND, BEHIND)
    assert result.exit_code == 1
    heading, first = result.stdout.splitlines()[:2]
    assert heading == "ROOT CAUSES"
    assert first.startswith("critical source_missing in claim/paperless-ngx/media")
    assert "  $ kubectl" in result.stdout


def test_what_cannot_be_told_is_neither_fine_nor_broken(tmp_path: Path) -> None:
    malformed = tmp_path / "claim.yaml"
    malformed.write_text(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nspec: [1]\n"
        "metadata: {name: data, namespace: n8n, labels: {backup: hourly}}\n"
    )
    result = status("--from", str(malformed))
    assert result.exit_code == 2
    assert "n8n       data unknown" in result.stdout
    assert "PersistentVolumeClaim n8n/data: " in result.stdout.split("NOT UNDERSTOOD")[1]


def test_json_has_the_contract_and_the_same_status() -> None:
    result = status("--from", SOUND, BEHIND, "--output", "json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert found["at"] == "2026-01-18T14:12:00Z"
    assert [(claim["pvc"], claim["state"]) for claim in found["claims"]] == [
        ("data", "protected"),
        ("media", "unprotected"),
    ]


def test_no_secret_of_a_dump_is_shown_anywhere() -> None:
    for command in (("status",), ("status", "--output", "json"), ("explain", "n8n/data"), ("doctor",)):
        result = run(*command, "--from", SOUND, *AT, *PLAIN)
        assert result.exit_code == 0
        assert "dG9wLXNlY3JldA" not in result.output
        assert "top-secret" not in result.output


def test_advisories_alone_are_fine(tmp_path: Path) -> None:
    unpruned = tmp_path / "unpruned.yaml"
    unpruned.write_text(Path(SOUND).read_text().replace("2026-01-17T00:00:24Z", "2025-12-17T00:00:24Z"))
    result = status("--from", str(unpruned), "--output", "json")
    (claim,) = json.loads(result.stdout)["claims"]
    assert [advisory["cause"] for advisory in claim["advisories"]] == ["prune_overdue"]
    assert result.exit_code == 0


def test_a_table_that_is_piped_has_no_colour_and_no_line_break_in_a_row() -> None:
    result = status("--from", SOUND, BEHIND)
    assert "\x1b" not in result.stdout
    assert any("source_missing claim/paperless-ngx/media" in line for line in result.stdout.splitlines())


def test_names_in_a_dump_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.yaml"
    hostile.write_text(Path(BEHIND).read_text().replace("name: media", r'name: "me\x1b[2Jdia[bold]\nx"'))
    result = status("--from", str(hostile))
    assert "\x1b" not in result.output
    assert "[bold]" in result.output


def test_a_cluster_of_nothing_asks_for_no_backup(tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("apiVersion: v1\nkind: List\nitems: []\n")
    result = status("--from", str(empty))
    assert result.exit_code in (0, 2)
    assert "No PVC asks for a backup." in result.stdout


# --- explain


def test_a_chain_is_walked_link_by_link() -> None:
    result = run("explain", "paperless-ngx/media", "--from", SOUND, BEHIND, *AT, *PLAIN)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "paperless-ngx/media is unprotected"
    assert next(line for line in lines if line.startswith("broken")).split()[1] == "source"
    assert any(line.lstrip().startswith("$ kubectl") for line in lines)
    assert result.stdout == run("explain", "paperless-ngx/media", "--from", SOUND, BEHIND, *AT, *PLAIN).stdout


def test_the_claim_may_stand_after_the_files() -> None:
    assert run("explain", "--from", SOUND, BEHIND, "n8n/data", *AT, *PLAIN).exit_code == 0


@pytest.mark.parametrize(
    ("claim", "message"),
    [("n8n/nothing", "no such claim; `volsync-exporter status` lists 1"), ("n8n", "write it like karakeep/data-pvc")],
)
def test_a_claim_that_is_not_there_is_said(claim: str, message: str) -> None:
    result = run("explain", claim, "--from", SOUND, *AT)
    assert result.exit_code == 2
    assert message in result.stderr


# --- doctor, version, help


def test_doctor_says_what_the_files_hold(tmp_path: Path) -> None:
    result = run("doctor", "--from", SOUND, *AT)
    assert result.exit_code == 0
    assert "Nothing is missing." in result.stdout
    broken = tmp_path / "source.yaml"
    broken.write_text("apiVersion: volsync.backube/v1alpha1\nkind: ReplicationSource\nmetadata: {name: a}\nspec: 1\n")
    result = run("doctor", "--from", SOUND, str(broken), *AT, "--output", "json")
    assert result.exit_code == 1
    assert [check["source"] for check in json.loads(result.stdout)["checks"] if check["ok"] is False] == ["volsync"]


def test_the_version_is_told() -> None:
    assert run("version").stdout == run("--version").stdout.replace(",", "").replace(" version", "")


@pytest.mark.parametrize("command", ["serve", "status", "explain", "doctor"])
def test_every_command_has_a_flag_for_every_setting(command: str) -> None:
    text = run(command, "--help").stdout
    for setting in SETTINGS:
        assert re.search(rf"^  {setting.flag}\b", text, re.MULTILINE), setting.flag
    assert "--from" in text
    assert "--at" in text
    assert "--config" in text


# --- refusals


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--from", "nowhere.yaml"), "nowhere.yaml"),
        (("--from", SOUND, "--at", "yesterday"), "'yesterday' is no time: write it like 2026-01-18T14:00:00Z"),
        (("--from", SOUND, "--at", "2026-01-18T14:00:00"), "has no zone: write it like 2026-01-18T14:00:00Z"),
        (("--from", SOUND, "--grace-restore", "soon"), "--grace-restore: 'soon' is no duration"),
        (("--from", SOUND, "--config", "nowhere.yaml"), "nowhere.yaml: cannot be read: No such file or directory"),
        (("--from", SOUND, "--output", "xml"), "'xml' is not one of 'table', 'json'"),
        (("--from",), "--from"),
        (("--buckets", "{region: eu-1}"), "bucket"),
        (("--frm", SOUND), "--from"),
    ],
)
def test_what_cannot_be_used_is_named_and_ends_with_2(args: tuple[str, ...], message: str) -> None:
    result = run("status", *args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_failure_shows_no_credentials_of_a_url() -> None:
    result = status(RESTIC_REPOSITORY_BASE="s3:user:p@hunter2@")
    assert (result.exit_code, "hunter2" in result.output) == (2, False)
    assert "RESTIC_REPOSITORY_BASE: 's3:***@' names no bucket" in result.stderr


def test_a_variable_and_a_file_reach_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("claims: {label: save}")
    assert status("--from", SOUND, "--config", str(config)).exit_code == 0
    assert "--grace" not in status("--from", SOUND, VOLSYNC_EXPORTER_CONFIG=str(config)).output
    refused = status("--from", SOUND, VOLSYNC_EXPORTER_GRACE__RESTORE="soon")
    assert (refused.exit_code, "VOLSYNC_EXPORTER_GRACE__RESTORE" in refused.stderr) == (2, True)


def test_files_may_come_as_folder_and_as_input() -> None:
    assert "2 claims" in status("--from", str(DUMPS)).stdout
    assert "1 claim:" in run("status", "--from", "-", *AT, *PLAIN, stdin=Path(SOUND).read_text()).stdout


@pytest.mark.parametrize(
    ("args", "spread"),
    [
        (["--from", "a", "b", "-o", "json"], ["--from", "a", "--from", "b", "-o", "json"]),
        (["--from", "a", "--from", "b"], ["--from", "a", "--from", "b"]),
        (["--from", "-", "b"], ["--from", "-", "--from", "b"]),
        (["--from", "a", "--", "b"], ["--from", "a", "--", "b"]),
        (["--from"], ["--from"]),
        (["a", "b"], ["a", "b"]),
    ],
)
def test_from_takes_values_up_to_the_next_option(args: list[str], spread: list[str]) -> None:
    assert _spread(args, only_files=False) == spread
