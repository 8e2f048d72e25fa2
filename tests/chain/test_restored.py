"""What a restore's log says that came back, and what only looks like it."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.chain.mover_log import Restored, restored_in, says_nothing_restored
from tests.tools import lacking

TAKEN = datetime(2026, 1, 18, 14, 0, 5, 858799, UTC)


@pytest.mark.parametrize(
    ("log", "restored"),
    [
        pytest.param(
            "restoring <Snapshot 0ff74383 of [/data] at 2026-01-18 14:00:05.858799017 +0000 UTC by root@volsync> to .",
            Restored("0ff74383", TAKEN),
            id="restic before 0.17",
        ),
        pytest.param(
            "restoring snapshot 0ff74383 of [/data] at 2026-01-18 14:00:05.858799017 +0000 UTC by root@volsync to .\n"
            "Restic completed in 9s",
            Restored("0ff74383", TAKEN),
            id="restic since 0.17, as VolSync's filter leaves it",
        ),
        pytest.param(
            "restoring snapshot 0ff74383 of [/data] at 2026-01-18 09:00:05.8 -0500 EST by a@volsync to .",
            Restored("0ff74383", TAKEN.replace(microsecond=800000)),
            id="another zone, and a fraction of one digit",
        ),
        pytest.param(
            "restoring snapshot 0ff74383 of [/data] at 2026-01-18 14:00:05 +0000 UTC by root@volsync to .\n"
            "Summary: Restored 271 files/dirs (19.028 MiB) in 0:00",
            Restored("0ff74383", TAKEN.replace(microsecond=0), "271 files, 19.028 MiB"),
            id="with restic's summary",
        ),
        pytest.param(
            "Restored 12 files, 3 directories and 0 symbolic links (4.1 MB).",
            Restored("", None, "12 files, 4.1 MB"),
            id="kopia",
        ),
        pytest.param(
            "restoring snapshot 0ff74383 of [/data] at 2026-13-40 14:00:05 +0000 UTC by root@volsync to .",
            Restored("0ff74383", None),
            id="a moment that is none",
        ),
    ],
)
def test_what_came_back_is_read(log: str, restored: Restored) -> None:
    assert restored_in(log) == restored
    assert not says_nothing_restored(log)


@pytest.mark.parametrize(
    "log",
    [
        "No eligible snapshots found\n=== No data will be restored ===\nRestic completed in 4s",
        "restoring snapshot 0ff74383 of [/data] at 2026-01-18 14:00:05 +0000 UTC by root@volsync to .\n"
        "Summary: Restored 0 files/dirs (0 B) in 0:00",
        "Restored 0 files, 0 directories and 0 symbolic links (0 B).",
    ],
)
def test_a_restore_of_nothing_is_none(log: str) -> None:
    assert restored_in(log) is None
    assert says_nothing_restored(log)


@pytest.mark.parametrize(
    "log",
    [
        "",
        "Restic completed in 9s",
        "using parent snapshot 0ff74383\nsnapshot 77aa88bb saved",
        "Fatal: unable to open config file: restoring snapshot 0ff74383 of [/data] at 2026-01-18 14:00:05 +0000 UTC",
        "Summary: Restored 0 / 271 files/dirs (0 B / 19.028 MiB) in 0:00, skipped 271 files/dirs 19.028 MiB",
    ],
)
def test_what_tells_neither_is_neither(log: str) -> None:
    assert restored_in(log) is None
    assert not says_nothing_restored(log)


@given(st.text(alphabet=" \n0123456789abcdefRrestoringSnapshotof[]/data,.:+-()Summary", max_size=400))
def test_no_text_raises_and_none_is_both(log: str) -> None:
    assert not (restored_in(log) and says_nothing_restored(log))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "part", ["\n", "restoring snapshot ", "Summary: Restored 1", "[" * 50, "restoring <Snapshot 0"]
)
def test_a_log_of_any_size_costs_little(part: str) -> None:
    assert restored_in(part * (4_000_000 // len(part))) is None


def test_the_log_of_a_real_restic_is_read(tmp_path: Path) -> None:
    """The lines that VolSync's filter keeps of it are those that begin with `restoring`."""
    program = shutil.which("restic") or lacking("restic is not installed")
    environment = {"RESTIC_PASSWORD": "words", "RESTIC_REPOSITORY": str(tmp_path / "repository"), "HOME": str(tmp_path)}

    def restic(*arguments: str, cwd: Path = tmp_path) -> str:
        ran = subprocess.run(
            [program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=True
        )
        return ran.stdout

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("content")
    (tmp_path / "back").mkdir()
    restic("init")
    before = datetime.now(UTC)
    saved = restic("backup", "--host", "volsync", ".", cwd=tmp_path / "data")
    log = restic("restore", "latest", "-t", ".", "--host", "volsync", cwd=tmp_path / "back")
    restored = restored_in("\n".join(line for line in log.splitlines() if line.startswith("restoring")))
    assert restored is not None
    assert restored.snapshot in saved
    assert restored.taken is not None
    assert abs(restored.taken - before) < timedelta(minutes=1)
    assert (tmp_path / "back" / "file").read_text() == "content"
