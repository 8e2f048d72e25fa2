"""The commands as a user runs them, on dumps."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from exporter.cli.commands import SUMMARIES, cli
from exporter.cli.completion import complete_for_kubectl
from exporter.cli.inputs import _spread
from exporter.configuration import SETTINGS
from exporter.publication.plain import UNVERIFIED
from exporter.settings import Settings

DUMPS = Path(__file__).parent / "dumps"
SOUND, BEHIND = str(DUMPS / "sound.yaml"), str(DUMPS / "behind.yaml")
AT = ("--at", "2026-01-18T14:12:00Z")
PLAIN = ("--chain-policy", "", "--chain-base-secret", "", "--chain-namespace-label", "", "--claims-label", "backup")
"""Without Kyverno's chain before the source, and with the label that asks for a backup."""


def run(*args: str, stdin: str | None = None, **environment: str) -> Result:
    return CliRunner(env={"COLUMNS": "80", **environment}).invoke(cli, args, input=stdin)


def status(*args: str, **more: str) -> Result:
    return run("status", *args, *AT, *PLAIN, **more)


# --- status


def test_all_is_well() -> None:
    result = status("--from", SOUND)
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.search(r"^n8n +data +protected +12m/3h$", result.stdout, re.MULTILINE)
    assert result.stdout.splitlines()[-2:] == ["1 claim: 1 protected", UNVERIFIED]


def test_something_is_unprotected() -> None:
    result = status("--from", SOUND, BEHIND)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    first = lines[lines.index("ROOT CAUSES") + 1]
    assert first.startswith("critical source_missing in claim/paperless-ngx/media")
    assert f"  {Settings().web.runbook_base}/source_missing.md" in lines
    assert "  $ kubectl" in result.stdout


def test_what_cannot_be_told_is_neither_fine_nor_broken(tmp_path: Path) -> None:
    malformed = tmp_path / "claim.yaml"
    malformed.write_text(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nspec: [1]\n"
        "metadata: {name: data, namespace: n8n, labels: {backup: hourly}}\n"
    )
    result = status("--from", str(malformed))
    assert result.exit_code == 2
    assert re.search(r"^n8n +data +unknown", result.stdout, re.MULTILINE)
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
    assert re.search(r"^paperless-ngx +media +unprotected .* source_missing$", result.stdout, re.MULTILINE)


def test_names_in_a_dump_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.yaml"
    hostile.write_text(Path(BEHIND).read_text().replace("name: media", r'name: "me\x1b[2Jdia[bold]\nx"'))
    result = status("--from", str(hostile))
    assert "\x1b" not in result.output
    assert "[bold]" in result.output


@pytest.mark.parametrize(
    "content", ["", "apiVersion: v1\nkind: List\nitems: []\n", "just: a note\n", "{kind: Pod, apiVersion: v9"]
)
def test_nothing_read_is_no_all_clear(tmp_path: Path, content: str) -> None:
    (tmp_path / "all.yaml").write_text(content)
    for command in (("status",), ("status", "-o", "json"), ("doctor",), ("explain", "n8n/data")):
        result = run(*command, "--from", str(tmp_path), *AT)
        assert (result.exit_code, result.stdout) == (2, "")
        assert str(tmp_path) in result.stderr


def test_a_cluster_without_claims_says_what_would_make_one(tmp_path: Path) -> None:
    lists = [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaimList", "items": []},
        {"apiVersion": "volsync.backube/v1alpha1", "kind": "ReplicationSourceList", "items": []},
    ]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(lists))
    result = status("--from", str(tmp_path))
    assert result.exit_code == 0
    assert "No PVC asks for a backup: none has the label 'backup'" in result.stdout
    assert "spec.sourcePVC" in result.stdout


def test_a_namespace_that_no_object_lies_in_is_a_mistake() -> None:
    result = status("--from", SOUND, BEHIND, "-n", "paperless")
    assert result.exit_code == 2
    assert "no object in the dump is in namespace paperless; did you mean paperless-ngx?" in result.stderr


def test_a_namespace_with_nothing_in_it_is_no_mistake(tmp_path: Path) -> None:
    """One of two that are asked for and are not there is one, where the dump tells of every namespace."""
    (tmp_path / "all.yaml").write_text(
        f"{Path(SOUND).read_text()}\n---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: quiet}}}}\n"
    )
    assert status("--from", str(tmp_path), "-n", "quiet").stderr == ""
    result = status("--from", str(tmp_path), "-n", "quiet", "-n", "quite")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "namespace quite; did you mean quiet?" in result.stderr


def test_claims_are_not_said_to_be_none_by_a_dump_without_a_list_of_them(tmp_path: Path) -> None:
    """A file of 0 bytes is what kubectl leaves that may not list."""
    (tmp_path / "replicationsources.yaml").write_text("apiVersion: v1\nkind: List\nitems: []\n")
    (tmp_path / "persistentvolumeclaims.yaml").write_text("")
    result = status("--from", str(tmp_path))
    assert result.exit_code == 2
    assert "could not be read" in result.stdout
    assert "No PVC asks" not in result.stdout


def test_a_dump_is_judged_at_the_moment_that_it_is_dated(tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text("apiVersion: v1\nkind: List\nitems: []\n")
    result = run("status", "--from", str(tmp_path))
    assert "NOT READ" in result.stdout
    assert "last read" not in result.stdout


def test_a_folder_that_may_not_be_looked_into_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused by hand: root, as whom tests may run, may look into every folder."""
    (tmp_path / "sound.yaml").write_text(Path(SOUND).read_text())
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = status("--from", str(tmp_path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "closed: the folder cannot be read: Permission denied" in result.stderr


def test_what_was_skipped_is_told(tmp_path: Path) -> None:
    (tmp_path / "sound.yaml").write_text(Path(SOUND).read_text())
    (tmp_path / "events.yaml").write_text("")
    assert "events.yaml was skipped: it is empty" in status("--from", str(tmp_path)).stderr


def test_one_namespace_alone_is_shown_without_its_column() -> None:
    result = status("--from", SOUND, BEHIND, "-n", "n8n")
    assert result.exit_code == 0
    assert re.search(r"^data +protected", result.stdout, re.MULTILINE)
    assert "paperless-ngx" not in result.stdout
    assert status("--from", SOUND, BEHIND, "-n", "n8n", "-A").exit_code == 2


def test_problems_are_shown_alone() -> None:
    result = status("--from", SOUND, BEHIND, "--problems")
    assert result.exit_code == 1
    assert "n8n" not in result.stdout
    assert "1 claim of 2: 1 unprotected" in result.stdout
    assert status("--from", SOUND, "--problems").exit_code == 0


@pytest.mark.parametrize(
    ("selector", "names", "exit_code"),
    [
        ("backup=hourly", ["n8n/data", "paperless-ngx/media"], 1),
        ("backup in (daily,hourly),!app", ["n8n/data", "paperless-ngx/media"], 1),
        ("backup!=hourly", [], 2),
        ("app", [], 2),
    ],
)
def test_labels_select_claims(selector: str, names: list[str], exit_code: int) -> None:
    result = status("--from", SOUND, BEHIND, "-l", selector, "-o", "name")
    assert (result.stdout.split(), result.exit_code) == (names, exit_code)


def test_yaml_says_what_json_says() -> None:
    asked = ("--from", SOUND, BEHIND, "-o")
    assert yaml.safe_load(status(*asked, "yaml").stdout) == json.loads(status(*asked, "json").stdout)


def test_wide_adds_columns() -> None:
    assert "RECOVERY POINT" in status("--from", SOUND, "-o", "wide").stdout
    assert "RECOVERY POINT" not in status("--from", SOUND).stdout


def test_the_output_says_what_was_judged_and_by_which_settings(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("claims: {label: backup}")
    result = run("status", "--from", SOUND, *AT, "--config", str(config))
    assert result.stdout.startswith(f"Judged the dump {SOUND} at 2026-01-18 14:12:00Z, settings: {config}.\n")


def test_a_locale_without_the_characters_of_a_name_raises_nothing(tmp_path: Path) -> None:
    strange = tmp_path / "strange.yaml"
    strange.write_text(Path(BEHIND).read_text().replace("name: media", 'name: "m\u00e9dia\u2014\u4e2d"'))
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "status", "--from", SOUND, str(strange), *AT, *PLAIN],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert rb"m\xe9dia" in done.stdout


# --- explain


def test_a_chain_is_walked_link_by_link() -> None:
    result = run("explain", "paperless-ngx/media", "--from", SOUND, BEHIND, *AT, *PLAIN)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[2] == "paperless-ngx/media is unprotected"
    assert next(line for line in lines if line.startswith("broken")).split()[1] == "source"
    assert any(line.lstrip().startswith("$ kubectl") for line in lines)
    assert result.stdout == run("explain", "paperless-ngx/media", "--from", SOUND, BEHIND, *AT, *PLAIN).stdout


def test_the_claim_may_stand_after_the_files() -> None:
    assert run("explain", "--from", SOUND, BEHIND, "n8n/data", *AT, *PLAIN).exit_code == 0


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("games/nothing", "there is no such claim; `volsync-exporter status` lists 1 claim"),
        ("n8n/dta", "there is no such claim; did you mean n8n/data?"),
        ("elsewhere/data", "did you mean n8n/data?"),
        ("n8n", "write it like media/photos, or add -n NAMESPACE"),
    ],
)
def test_a_claim_that_is_not_there_is_said(claim: str, message: str) -> None:
    result = run("explain", claim, "--from", SOUND, *AT)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_claim_may_be_named_by_its_pvc_where_the_namespace_is_given() -> None:
    assert run("explain", "data", "-n", "n8n", "--from", SOUND, *AT, *PLAIN).exit_code == 0


def test_a_chain_is_told_as_json_and_yaml() -> None:
    asked = ("explain", "paperless-ngx/media", "--from", SOUND, BEHIND, *AT, *PLAIN, "-o")
    found = json.loads(run(*asked, "json").stdout)
    assert (found["state"], found["pvc"]) == ("unprotected", "media")
    (source,) = [link for link in found["links"] if link["link"] == "source"]
    assert [problem["cause"] for problem in source["problems"]] == ["source_missing"]
    assert yaml.safe_load(run(*asked, "yaml").stdout)["links"] == found["links"]


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
    assert "--claims-label" not in run(command, "--help").stdout
    text = run(command, "--help-settings").stdout
    for setting in SETTINGS:
        assert re.search(rf"^  {setting.flag}\b", text, re.MULTILINE), setting.flag


@pytest.mark.parametrize("args", [(), *((name,) for name in SUMMARIES)])
def test_help_fits_a_screen(args: tuple[str, ...]) -> None:
    lines = run(*args, "--help").stdout.splitlines()
    assert len(lines) <= 26
    assert max(map(len, lines)) <= 80


def test_a_mistyped_command_is_known() -> None:
    result = run("stauts")
    assert (result.exit_code, "Did you mean status?" in result.stderr) == (2, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_are_told_how_to_complete(shell: str) -> None:
    assert "_VOLSYNC_EXPORTER_COMPLETE" in run("completion", shell).stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["st"], "status\tPrint every claim with its state, and the root causes.\n:4\n"),
        (["status", "--prob"], "--problems\tOnly claims with problems.\n:4\n"),
        (["status", "-o", "js"], "json\n:4\n"),
        (["status", "--config", ""], ":0\n"),
    ],
)
def test_kubectl_completes_the_plugin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["kubectl_complete-volsync_backups", *words])
    complete_for_kubectl()
    assert capsys.readouterr().out == told


def test_what_help_and_completion_need_is_imported_alone() -> None:
    """They are to answer at once: the libraries behind a verdict take ten times as long as the rest."""
    slow = ("pydantic", "rich", "apscheduler", "jinja2", "boto3", "kubernetes", "yaml", "structlog")
    code = f"import sys, exporter.cli.commands; print([name for name in {slow!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_a_status_from_files_imports_nothing_that_only_serving_needs() -> None:
    slow = ("apscheduler", "jinja2", "boto3", "kubernetes", "prometheus_client", "structlog", "asyncio", "urllib3")
    imports = "import sys, exporter.cli.status, exporter.facts.bucket.offline"
    code = f"{imports}; print([name for name in {slow!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


# --- refusals


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--from", "nowhere.yaml"), "nowhere.yaml"),
        (("--from", SOUND, "--at", "yesterday"), "'yesterday' is not a time: write it like 2026-01-18T14:00:00Z"),
        (("--from", SOUND, "--at", "2026-01-18T14:00:00"), "has no time zone: write it like 2026-01-18T14:00:00Z"),
        (("--from", SOUND, "--grace-restore", "soon"), "--grace-restore: 'soon' is not a duration"),
        (("--from", SOUND, "--config", "nowhere.yaml"), "nowhere.yaml: cannot be read: No such file or directory"),
        (("--from", SOUND, "--output", "xml"), "'xml' is not one of 'table', 'wide'"),
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
