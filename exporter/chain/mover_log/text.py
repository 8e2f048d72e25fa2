"""A mover's log as lines worth reading.

VolSync keeps the last 1,024 bytes (`MOVER_LOG_MAX_BYTES`), so the first line may be cut; a log from a dump may have any
size. What is read is bounded, so that no log costs more than any other.
"""

import re

_SIZE = 16 * 1024
"""Characters that are read, from the end: the reason stands there."""
_KEPT = 1000
"""Bytes of a log that is whole, at the most: VolSync may take white space from the ends of its 1,024."""
_WIDTH = 1024
"""Characters of a line."""
_NOISE = re.compile(
    r"\x1b?\[[0-9;]{0,8}[A-Za-z](?=[a-z])|\x1b\[[0-9;]{0,8}[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]"
    r"|</?(?:html|head|title|body|center|h1|hr|p|br)\b[^>\n]{0,40}>"
)
"""Terminal sequences (restic clears the line before it speaks), and the tags of the page that a proxy answers with."""
_RECOVERED = " operation successful after "
_RETRIED = " returned error, retrying after "
"""restic `cmd/restic/global.go`: what it tried again, and what then succeeded."""
_DEBUG = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (?:DEBUG|INFO) |(?:DEBUG|INFO|TIMING): ")
"""What rclone (run with `--log-level DEBUG`) and the kopia script say along the way; files are named in it."""
_FILE = re.compile(
    r"error: (?:scan: )?"
    r"(?:/data(?![\w.-])|(?:open|openfile|l?stat|read|readlink|fdopendir|llistxattr|xattr\.\w{1,20})\b)"
)
"""restic `internal/ui/backup/text.go`: `error: <file>: <operation> <file>: <why>`, before 0.15 without the first."""
_OBJECT = re.compile(r"(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ERROR : |(?P<restored>ignoring error for ))")
"""rclone: `ERROR : <file>: <why>`; restic, restoring: `ignoring error for <file>: <why>`."""
_FRAME = re.compile(r"\t|[\w./@-]{1,200}\.\(?\*?\w{1,80}\)?(?:\.\w{1,80}){0,4}$|(?:main|runtime)\.\w{1,80}$")
"""A line of a Go stack trace, which restic prints for errors that it calls unexpected."""


def is_cut(log: str) -> bool:
    """Whether the first line of *log* may lack its beginning."""
    return len(log) >= _KEPT or len(log.encode(errors="replace")) >= _KEPT


def lines_of(log: str, first: int = 0) -> tuple[str, ...]:
    """The lines of *log* from *first* that may tell something: cleaned, without stack traces and what was overcome."""
    raw = [line for line in log[-_SIZE:].splitlines()[first:] if not (_FRAME.match(line) or _DEBUG.match(line))]
    lines = [line for text in raw if (line := _NOISE.sub("", text[:_WIDTH]).strip())]
    return tuple(_without_recovered(lines))


def plain(line: str) -> str:
    """*line* as it is searched: in lower case, without the names of the volume's files, which may hold any words."""
    if _FILE.match(line):
        operation, why = line.split(": ")[-2:]
        return f"error: /data: {operation.partition(' ')[0]} : {why}".lower()
    if found := _OBJECT.match(line):
        why = line[found.end() :].partition(": ")[2]
        return f"{found['restored'] or ''}{why}".lower() if why else line.lower()
    return line.lower()


def _without_recovered(lines: list[str]) -> list[str]:
    """What failed, was tried again and then succeeded is no reason."""
    recovered = {line.split(_RECOVERED)[0] for line in lines if _RECOVERED in line}
    return [
        line
        for line in lines
        if _RECOVERED not in line and not (_RETRIED in line and line.split(_RETRIED)[0] in recovered)
    ]
