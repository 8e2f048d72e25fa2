"""What a mover's end says: its log, and its pod's exit code.

The log is that of the eighth run that failed, its last 1,024 bytes (volsync `mover/restic/mover.go`).
`text` takes it apart, `reasons` puts what movers say in order, `address` and `store` tell where the repository is.
"""

import re

import msgspec

from exporter.chain.causes import Cause
from exporter.chain.mover_log.address import RepositoryAddress, StoreName
from exporter.chain.mover_log.reason import FailureReason
from exporter.chain.mover_log.reasons import first_given
from exporter.chain.mover_log.remembered import Remembered
from exporter.chain.mover_log.restored import Restored, restored_in, says_nothing_restored
from exporter.chain.mover_log.store import initialised, repository_in, store_in, store_of
from exporter.chain.mover_log.text import is_cut, lines_of, plain
from exporter.facts.cluster.core.objects import Pod, Terminated

__all__ = [
    "FEW_FAILURES",
    "RepositoryAddress",
    "Restored",
    "StoreName",
    "cause_of_end",
    "cause_of_log",
    "end_of",
    "initialised",
    "last_words",
    "repository_in",
    "restored_in",
    "says_bucket_is_gone",
    "says_nothing_restored",
    "store_in",
    "store_of",
]

FEW_FAILURES = 3
"""So many failed pods of one Job are a failing mover, whatever they say."""

_EXIT = {11: Cause.REPOSITORY_LOCKED, 12: Cause.REPOSITORY_PASSWORD}
"""restic `doc/075_scripting.rst`. 1, 3 and 137 stand for too much to name a cause: VolSync's script exits 3 for a lock,
a password and a store alike, restic for a file that it could not read; 137 is any kill."""
_SCRIPT = "ERROR: "
"""VolSync's script begins its own lines with it, and repeats what was said before them."""
_RETRYING = " returned error, retrying after "
_TELLING = re.compile(r"error|fatal|critical|fail|unable|denied|refus|cannot|must be|warning", re.IGNORECASE)
_NO_BUCKET = re.compile(r"bucket\b[^\n]{0,80}(?:does not exist|doesn't exist|not found)|NoSuchBucket", re.IGNORECASE)
_SIZE = 16 * 1024
"""Characters that are read, from the end."""
_COUNT = re.compile(r"\s*(?:Files:|Dirs:|processed \d|Summary:|Fatal: There were \d|\[\d|Transferred:|Errors:|Checks:)")


class _LogReading(msgspec.Struct, frozen=True):
    """What was made of one log."""

    reason: FailureReason | None
    line: str


def cause_of_log(log: str) -> Cause | None:
    """The cause that *log* names; None when it names none."""
    reason = _read(log).reason
    return reason.cause if reason else None


def cause_of_end(end: Terminated) -> Cause | None:
    """The cause that a container's end names by itself."""
    if end.reason == "OOMKilled":
        return Cause.MOVER_OUT_OF_MEMORY
    return cause_of_log(end.message) or _EXIT.get(end.exit_code)


def last_words(log: str) -> str:
    """The line of *log* that names the reason; else one that speaks of an error, else the last; empty where none is."""
    return _read(log).line


def says_bucket_is_gone(log: str) -> bool:
    """Whether the store said that the bucket does not exist (S3's message and code, minio-go prints the one)."""
    return bool(_NO_BUCKET.search(log[-_SIZE:]))


def end_of(pod: Pod) -> Terminated | None:
    """How the pod's container ended; None while it has not."""
    for container in pod.status.container_statuses or ():
        if container.state.terminated:
            return container.state.terminated
    return None


def _reading_of(log: str) -> _LogReading:
    """A first line that is cut is believed only where the others give no reason of their own."""
    reading = _read_lines(lines_of(log, first=1 if is_cut(log) else 0))
    if is_cut(log) and (reading.reason is None or reading.reason.is_hint):
        whole = _read_lines(lines_of(log))
        return whole if whole.reason else reading
    return reading


_read: Remembered[_LogReading] = Remembered(_reading_of, most=16 * 1024)


def _read_lines(lines: tuple[str, ...]) -> _LogReading:
    reason, places = first_given([plain(line) for line in lines])
    return _LogReading(reason, _best(lines, tuple(lines[place] for place in places)))


def _best(lines: tuple[str, ...], naming: tuple[str, ...]) -> str:
    """The newest line that names the reason at first hand: what ended the run before what was tried again."""
    telling = tuple(line for line in lines if _TELLING.search(line) and not _COUNT.match(line))
    own = tuple(line for line in naming if not _is_script(line))
    ended = tuple(line for line in own if _RETRYING not in line)
    fatal = tuple(line for line in ended if line.startswith("Fatal: "))
    first_hand = tuple(line for line in telling if not _is_script(line))
    for candidates in (fatal, ended, own, first_hand, naming, telling, lines):
        if candidates:
            return candidates[-1]
    return ""


def _is_script(line: str) -> bool:
    """Whether VolSync's script only repeats; what must be defined it says at first hand."""
    return line.startswith(_SCRIPT) and not line.endswith("must be defined")
