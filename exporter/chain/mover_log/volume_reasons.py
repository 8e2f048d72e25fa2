"""What is wrong with the volume and its files, and with what restic goes on without."""

from exporter.chain.causes import Cause
from exporter.chain.mover_log.reason import CACHE, SHARE, VOLUME, FailureReason, any_of

_RESTORED = any_of(r"ignoring error for", r"lchown", r"chmod", r"utimes", r"mknod", r"lsetxattr", r"xattr\.lset")

VOLUME_REASONS: tuple[FailureReason, ...] = (
    FailureReason(
        "restic restores a file whose owner or mode an unprivileged mover may not set",
        None,
        any_of(r"permission denied", r"operation not permitted"),
        where=_RESTORED,
    ),
    FailureReason(
        "Files that the mover may not read: restic `internal/archiver`, kopia, rclone, and `ls` of VolSync's script",
        Cause.SOURCE_UNREADABLE,
        any_of(r"permission denied", r"operation not permitted"),
        where=any_of(
            VOLUME,
            r"^(?:error: |scan: )",
            r"\b(?:l?stat|open|openfile|openat|read|scan|readdirnames|readlink|fdopendir|opendir|xattr\.\w+) ",
            r"failed to open source",
        ),
        unless=any_of(CACHE, SHARE, r"(?<![\w.-])/tmp\b", r"publickey", r"keyboard-interactive", r"ssh_fx"),
    ),
)

ASIDES: tuple[FailureReason, ...] = (
    FailureReason(
        "A damaged volume, or extended attributes that its file system has not",
        None,
        any_of(
            r"input/output error",
            r"structure needs cleaning",
            r"bad message",
            r"xattr",
            r"extended attribute",
            r"stale (?:nfs )?file handle",
        ),
    ),
    FailureReason(
        "Files that vanished while they were read: a volume in use, copied with copyMethod Direct",
        None,
        any_of(r"no such file or directory", r"file has already been removed", r"changed type, refusing"),
        where=any_of(r"^(?:error: |scan: )", VOLUME, r"\b(?:l?stat|open) "),
    ),
    FailureReason(
        "The volume that is restored to is full",
        None,
        any_of(r"no space left", r"disk quota exceeded"),
        where=any_of(VOLUME),
    ),
    FailureReason(
        "restic's summary of the files that it could not read",
        Cause.SOURCE_UNREADABLE,
        any_of(r"at least one source file could not be read"),
        is_hint=True,
    ),
    FailureReason(
        "The cache cannot be used: restic goes on without it",
        None,
        any_of(r"unable to open cache"),
    ),
)
"""What goes along with a failure, and ends no run of restic by itself."""
