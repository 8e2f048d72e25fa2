"""What a mover's end says about its cause: the exit codes and the log of VolSync's restic mover.

Exit codes: restic `doc/075_scripting.rst` (10, 11, 12) and the mover's own script, where 3 stands for several
things (volsync `mover-restic/entry.sh`). The log is that of the last run of eight that failed, its last 1,024 bytes.
"""

import re

from exporter.chain.causes import Cause
from exporter.facts.cluster.core.objects import Pod, Terminated

_LOG: tuple[tuple[Cause, re.Pattern[str]], ...] = tuple(
    (cause, re.compile(pattern, re.IGNORECASE))
    for cause, pattern in (
        (
            Cause.REPOSITORY_LOCKED,
            r"repository is already locked|unable to create lock in backend|failure locking repository"
            r"|failed to (?:create|acquire) lock",
        ),
        (Cause.REPOSITORY_PASSWORD, r"wrong password or no key found|incorrect password"),
        (
            Cause.REPOSITORY_FULL,
            r"XMinioStorageFull|StorageFull|QuotaExceeded|quota exceeded|InsufficientStorage|Insufficient Storage"
            r"|507 |bucket (?:is )?full|storage backend has reached",
        ),
        (
            Cause.SOURCE_UNREADABLE,
            r"at least one source file could not be read|(?:lstat|open|read|scan|readdirnames)\b.*permission denied"
            r"|permission denied.*/data",
        ),
        (
            Cause.REPOSITORY_UNREACHABLE,
            r"dial tcp|connection (?:refused|reset|timed out)|no such host|i/o timeout|no route to host"
            r"|network is unreachable|TLS handshake|x509:|context deadline exceeded|Client\.Timeout"
            r"|Access ?Denied|Access Key Id you provided|signature we calculated does not match"
            r"|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|RequestTimeTooSkewed|NoSuchBucket"
            r"|bucket does not exist|SlowDown|ServiceUnavailable|503 |502 |signal terminated received"
            r"|failure checking existence of repository",
        ),
    )
)
FEW_FAILURES = 3
"""So many failed pods of one Job are a failing mover, whatever they say."""

_TELLING = re.compile(r"error|fatal|fail|unable|denied|lock", re.IGNORECASE)
_OUT_OF_MEMORY = re.compile(r"out of memory|cannot allocate memory|OOMKilled", re.IGNORECASE)
_URL = re.compile(r"s3:(?:https?://)?(?P<host>[^/\s]+)/(?P<bucket>[^/\s]+)")
_HOST = re.compile(r"(?:lookup |dial tcp(?: \S+:)? ?|https?://)(?P<host>[A-Za-z0-9][\w.-]*(?::\d+)?)")

_EXIT = {11: Cause.REPOSITORY_LOCKED, 12: Cause.REPOSITORY_PASSWORD}


def cause_of_log(log: str) -> Cause | None:
    """The cause that *log* names; None when it names none."""
    if _OUT_OF_MEMORY.search(log):
        return Cause.MOVER_OUT_OF_MEMORY
    return next((cause for cause, pattern in _LOG if pattern.search(log)), None)


def cause_of_end(end: Terminated) -> Cause | None:
    """The cause that an exit code names by itself; 1, 3 and 137 (any kill) stand for too much to name one."""
    if end.reason == "OOMKilled":
        return Cause.MOVER_OUT_OF_MEMORY
    return cause_of_log(end.message) or _EXIT.get(end.exit_code)


def last_words(log: str, cause: Cause | None = None) -> str:
    """The line of *log* that says most: the one that names *cause*, else one that speaks of an error, else the last.

    The mover's own `ERROR:` lines only repeat what restic said before them.
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    pattern = dict(_LOG).get(cause) if cause else None
    naming = [line for line in lines if pattern and pattern.search(line)]
    first_hand = [line for line in naming if not line.startswith("ERROR:")]
    telling = [line for line in lines if _TELLING.search(line)]
    return (first_hand[:1] or naming[:1] or telling[-1:] or lines[-1:] or [""])[0]


def store_in(log: str) -> str | None:
    """The store that *log* is about, as a scope: `bucket/<name>`, else `endpoint/<host>`; None when it names none."""
    if url := _URL.search(log):
        return f"bucket/{url['bucket']}"
    if host := _HOST.search(log):
        return f"endpoint/{host['host']}"
    return None


def end_of(pod: Pod) -> Terminated | None:
    """How the pod's container ended; None while it has not."""
    for container in pod.status.container_statuses or ():
        if container.state.terminated:
            return container.state.terminated
    return None
