"""What is wrong with the repository itself, or with the Secret that tells of it."""

from exporter.chain.causes import Cause
from exporter.chain.mover_log.reason import CACHE, FailureReason, any_of

REPOSITORY_REASONS: tuple[FailureReason, ...] = (
    FailureReason(
        "The store lets restic write its lock and not delete it: the next run, or the same one's forget, is kept out",
        Cause.REPOSITORY_UNREACHABLE,
        any_of(
            r"access ?denied", r"worm protected", r"object.?lock", r"forbidden", r"not permitted", r"permission denied"
        ),
        where=any_of(r"^remove\(<lock/"),
    ),
    FailureReason(
        "restic's lock of another client (`internal/restic/lock.go`), or one that cannot be read",
        Cause.REPOSITORY_LOCKED,
        any_of(
            r"repository is already locked", r"invalid lock file", r"load(?:raw)?\(?[ (]<lock/\w+>.{0,20}invalid data"
        ),
    ),
    FailureReason(
        "The Secret lacks a value: VolSync's scripts, restic `cmd/restic/global.go` and backends, rclone",
        Cause.REPOSITORY_SECRET_MISSING,
        any_of(
            r"restic_password must be defined",
            r"restic_repository must be defined",
            r"kopia_password must be defined",
            r"kopia_repository must be defined",
            r"an empty password is not allowed",
            r"please specify repository location",
            r"unable to open \w+ backend: .{0,80} is empty",
            r"parsing repository location failed",
            r"invalid backend: ",
            r"invalid format, host/region or bucket name not found",
            r"didn't find section in config file",
            r"no credentials found",
            r"could not find default credentials",
        ),
    ),
    FailureReason(
        "restic's checks of what it reads (`internal/repository`, `internal/archiver`), kopia's (`repo/`)",
        Cause.REPOSITORY_DAMAGED,
        any_of(
            r"ciphertext verification failed",
            r"invalid data returned",
            r"config or key \w+ is damaged",
            r"repository could be damaged",
            r"repository is damaged",
            r"repository index is damaged",
            r"needed pack files which are missing",
            r"packs from index missing in repo",
            r"index is not complete",
            r"data seems to be missing",
            r"number of used blobs is larger than number of available blobs",
            r"pack size does not match calculated size",
            r"config file has zero size",
            r"repository already contains (?:snapshots|keys)",
            r"not found in (?:the )?(?:index|repository)",
            r"unable to find pack\(s\)",
            r"<(?:data|index)/\w+> is (?:too short|truncated)",
            r"message authentication failed",
            r"invalid format blob",
            r"invalid checksum",
            r"downloading index .{0,80}blob not found",
            r"hash mismatch",
            r"hash does not match",
        ),
        # Before it is saved it is the mover's own memory that is at fault (restic `internal/repository/repository.go`).
        unless=any_of(r"detected data corruption while"),
    ),
    FailureReason(
        "restic misses a file that its index or its config tells of; config itself may not be there yet",
        Cause.REPOSITORY_DAMAGED,
        any_of(r"does not exist", r"doesn't exist", r"no such file", r"not found"),
        where=any_of(r"<(?:data|index|key)/", r"unable to load index"),
        unless=any_of(r"bucket", r"container", r"page not found", r" host", CACHE),
    ),
    FailureReason(
        "Keys that could not be read at all: restic then says that no key was found",
        Cause.REPOSITORY_UNREACHABLE,
        any_of(r"failed: ", r"returned error"),
        where=any_of(r"^load\(<key/"),
    ),
    FailureReason(
        "restic `internal/repository/key.go`, VolSync's restic script for exit code 12, kopia `repo/open.go`",
        Cause.REPOSITORY_PASSWORD,
        any_of(r"wrong password or no key found", r"incorrect password", r"invalid repository password"),
    ),
)
