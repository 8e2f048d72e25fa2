"""What a restore's log says that it brought back.

Of a success VolSync keeps the lines that its filter knows (volsync `mover/restic/logfilter.go`): the one that names the
snapshot is among them, restic's summary of files and bytes is not. It is read where a log holds it.
"""

import re
from datetime import datetime

import msgspec

from exporter.chain.instants import moment_of, utc

_SIZE = 16 * 1024
"""Characters that are read, from the end."""
_NOTHING = ("No eligible snapshots found", "No data will be restored")
"""volsync `mover-restic/entry.sh`, do_restore."""
_SNAPSHOT = re.compile(
    r"^[ \t]{0,8}restoring <?[Ss]napshot (?P<id>[0-9a-f]{8,64}) of \[.{0,500}?\] at "
    r"(?P<day>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d:\d\d)(?P<fraction>\.\d{1,9})? (?P<zone>[+-]\d{4})\b",
    re.MULTILINE,
)
"""restic `cmd/restic/cmd_restore.go` and `internal/restic/snapshot.go`; before 0.17 it stands in angle brackets."""
_SUMMARY = re.compile(
    r"^[ \t]{0,8}(?:Summary: Restored (?P<files>\d{1,12})(?: / \d{1,12})? files/dirs "
    r"\((?P<bytes>[^)\n/]{1,30}?)(?: / [^)\n]{1,30})?\)"
    r"|Restored (?P<of_kopia>\d{1,12}) files, \d{1,12} directories and \d{1,12} symbolic links"
    r" \((?P<size>[^)\n]{1,30})\))"
    r"(?P<rest>[^\n]{0,200})",
    re.MULTILINE,
)
"""restic `internal/ui/restore/text.go` (0.17 and later); kopia `cli/command_restore.go`."""


class Restored(msgspec.Struct, frozen=True):
    """What a restore brought back."""

    snapshot: str = ""
    """The snapshot's id as the log shortens it; empty where it names none."""
    taken: datetime | None = None
    """When the snapshot was begun: the moment of its data."""
    amount: str = ""
    """How much, in the program's own words; empty where the log does not tell."""


def restored_in(log: str) -> Restored | None:
    """What *log* says that was brought back, the last where it tells of several; None where it says nothing of it."""
    log = log[-_SIZE:]
    if says_nothing_restored(log):
        return None
    named = next(reversed(list(_SNAPSHOT.finditer(log))), None)
    summed = _summary_in(log)
    if (named is None and summed is None) or (summed is not None and not int(_files(summed))):
        return None
    return Restored(
        named["id"] if named else "",
        _moment(named) if named else None,
        _amount(summed) if summed else "",
    )


def says_nothing_restored(log: str) -> bool:
    """Whether *log* says that there was nothing to bring back; files that were there already are something."""
    log = log[-_SIZE:]
    summed = _summary_in(log)
    is_empty = summed is not None and not int(_files(summed)) and "skipped" not in summed["rest"]
    return is_empty or any(words in log for words in _NOTHING)


def _summary_in(log: str) -> re.Match[str] | None:
    """The last summary in *log*; most logs have none, which is seen at once."""
    return next(reversed(list(_SUMMARY.finditer(log))), None) if "Restored " in log else None


def _files(summed: re.Match[str]) -> str:
    return summed["files"] or summed["of_kopia"] or "0"


def _amount(summed: re.Match[str]) -> str:
    return f"{_files(summed)} files, {summed['bytes'] or summed['size']}"


def _moment(named: re.Match[str]) -> datetime | None:
    """Go prints nanoseconds, of which a moment here keeps the first six digits."""
    taken = moment_of(f"{named['day']}T{named['time']}{named['fraction'] or ''}{named['zone']}")
    return utc(taken) if taken else None
