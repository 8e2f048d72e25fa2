"""The reasons that movers give, in the order in which they count: the first that a line of the log gives is the cause.

Specific words come before general ones, what is broken for good before what may pass, and what ended the run before
what merely went along with it: restic warns of its cache and of single files, and goes on.

restic 0.18.1 wraps every failure to write its lock as `unable to create lock in backend: X`: the reason is X. What a
path is under tells whose fault it is.
"""

from collections.abc import Sequence

from exporter.chain.causes import Cause
from exporter.chain.mover_log.reason import FailureReason, any_of
from exporter.chain.mover_log.repository_reasons import REPOSITORY_REASONS
from exporter.chain.mover_log.store_reasons import STORE_REASONS
from exporter.chain.mover_log.volume_reasons import ASIDES, VOLUME_REASONS

_MEMORY: tuple[FailureReason, ...] = (
    FailureReason(
        "Go's own end of memory (go `runtime/malloc.go`); `mmap error: cannot allocate memory` is something else",
        Cause.MOVER_OUT_OF_MEMORY,
        any_of(r"fatal error: (?:runtime: )?(?:out of memory|cannot allocate memory)"),
    ),
)
_HINTS: tuple[FailureReason, ...] = (
    FailureReason(
        "What restic says after the lock that it found, where the line about that lock is cut off",
        Cause.REPOSITORY_LOCKED,
        any_of(
            r"failure locking repository",
            r"repo already locked",
            r"`unlock` command can be used to remove stale locks",
            r"lock was created at",
        ),
        is_hint=True,
    ),
    FailureReason(
        "VolSync's script gives restic 60 s to open the repository, and ends it (volsync#1710)",
        Cause.REPOSITORY_UNREACHABLE,
        any_of(
            r"unable to create lock in backend: context canceled",
            r"unable to open config file: context canceled",
            r"failed to refresh lock in time",
            r"circuit breaker open",
        ),
        is_hint=True,
    ),
    FailureReason(
        "VolSync's script could not open the repository, or list it",
        Cause.REPOSITORY_UNREACHABLE,
        any_of(r"failure checking existence of repository", r"failure getting list of snapshots"),
        is_hint=True,
    ),
)
"""What VolSync's script and restic say after the reason, where that itself is not there."""

REASONS = (*_MEMORY, *REPOSITORY_REASONS, *STORE_REASONS, *VOLUME_REASONS, *_HINTS, *ASIDES)


def first_given(lines: Sequence[str]) -> tuple[FailureReason | None, tuple[int, ...]]:
    """The first reason that any of *lines* (of lower case) gives, and the places of those that give it."""
    text = "\n".join(lines)
    for reason in REASONS:
        if not reason.says.stand_in(text):
            continue
        if places := tuple(i for i, line in enumerate(lines) if reason.gives(line)):
            return reason, places
    return None, ()
