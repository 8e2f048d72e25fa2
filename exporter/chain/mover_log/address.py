"""restic's addresses of repositories, as values.

The forms: restic `doc/030_preparing_a_new_repo.rst` and `internal/backend/*/config.go` (0.18).
"""

import re
from urllib.parse import SplitResult, urlsplit

import msgspec

_SCHEME = re.compile(r"(?P<scheme>s3|rest|sftp|b2|azure|gs|swift|rclone|local):")
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,252}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?")
_NAME = re.compile(r"[^\s/:\"'<>@]{1,255}")
_VIRTUAL = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]{1,61})\.(?P<host>s3[.-](?:[a-z0-9-]{1,40}\.){0,3}amazonaws\.com)")
"""A bucket as part of AWS's host, which minio-go makes of `s3:s3.amazonaws.com/bucket`."""


class StoreName(msgspec.Struct, frozen=True):
    """A store, as far as it is named; what is not named is empty."""

    protocol: str
    """`s3`, `path`, `sftp`, `rest`, `b2`, `azure`, `gs`, `swift`, `rclone`; empty where only a host is known."""
    endpoint: str = ""
    """Host, with a port where one is written; for `rclone` the remote's name."""
    bucket: str = ""
    """Bucket or container; for `path` the mount, `/repository` for example."""

    @property
    def scope(self) -> str:
        """`bucket/<name>`, `path/<mount>`, `remote/<rclone's name>`, else `endpoint/<host>`."""
        if self.protocol == "path":
            return f"path/{self.bucket.strip('/')}"
        if self.protocol == "rclone":
            return f"remote/{self.endpoint}"
        return f"bucket/{self.bucket}" if self.bucket else f"endpoint/{self.endpoint}"


class RepositoryAddress(msgspec.Struct, frozen=True):
    """A repository: its store, and the path in it, without slashes around it."""

    store: StoreName
    prefix: str = ""


def parse(address: str) -> RepositoryAddress | None:
    """What restic's *address* says; None where it is none."""
    address = address.rstrip(":,.;\"'")
    scheme = _SCHEME.match(address)
    if scheme is None:
        return on_share(address) if address.startswith("/") else None
    name, rest = scheme["scheme"], address[scheme.end() :]
    if name == "local":
        return on_share(rest)
    if name == "s3":
        return _s3(rest)
    if name == "rest":
        return _rest(rest)
    if name == "sftp":
        return _sftp(rest)
    if name == "rclone":
        return _remote(rest)
    return _container(name, rest)


def on_share(path: str) -> RepositoryAddress | None:
    """A repository in a folder that is mounted into the mover; VolSync mounts `moverVolumes` at `/mnt/<name>`."""
    parts = [part for part in path.split("/") if part]
    if not path.startswith("/") or not parts:
        return None
    depth = 2 if parts[0] == "mnt" else 1
    return RepositoryAddress(StoreName("path", bucket="/" + "/".join(parts[:depth])), "/".join(parts[depth:]))


def in_bucket(host: str, path: str) -> RepositoryAddress | None:
    """The S3 repository at *path*, whose first part is the bucket, unless AWS's *host* begins with it."""
    if not _HOST.fullmatch(host):
        return None
    if virtual := _VIRTUAL.fullmatch(host):
        return RepositoryAddress(StoreName("s3", virtual["host"], virtual["bucket"]), path.strip("/"))
    bucket, _, prefix = path.strip("/").partition("/")
    return RepositoryAddress(StoreName("s3", host, bucket), prefix.strip("/")) if _NAME.fullmatch(bucket) else None


def split(url: str) -> SplitResult | None:
    """The parts of *url*; None where it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def host_of(url: str) -> str:
    """Host and port of *url*, without a user; empty where there is none."""
    parts = split(url)
    host = parts.netloc.rpartition("@")[2] if parts else ""
    return host if _HOST.fullmatch(host) else ""


def _s3(rest: str) -> RepositoryAddress | None:
    """`https://host/bucket/prefix`, `host:port/bucket/prefix`, `//host/bucket/prefix`."""
    if rest.startswith(("http://", "https://")):
        parts = split(rest)
        return in_bucket(host_of(rest), parts.path) if parts else None
    host, _, path = rest.lstrip("/").partition("/")
    return in_bucket(host, path)


def _rest(rest: str) -> RepositoryAddress | None:
    parts = split(rest)
    host = host_of(rest)
    return RepositoryAddress(StoreName("rest", host), parts.path.strip("/")) if parts and host else None


def _sftp(rest: str) -> RepositoryAddress | None:
    """`user@host:path`, `//user@host:port/path`."""
    if rest.startswith("//"):
        host, _, path = rest[2:].partition("/")
    else:
        host, _, path = rest.partition(":")
    host = host.rpartition("@")[2]
    return RepositoryAddress(StoreName("sftp", host), path.strip("/")) if _HOST.fullmatch(host) else None


def _remote(rest: str) -> RepositoryAddress | None:
    """`remote:path`: rclone's own configuration says where that is."""
    remote, _, path = rest.partition(":")
    return RepositoryAddress(StoreName("rclone", remote), path.strip("/")) if _NAME.fullmatch(remote) else None


def _container(protocol: str, rest: str) -> RepositoryAddress | None:
    """`bucket:/prefix`."""
    bucket, _, prefix = rest.partition(":")
    return RepositoryAddress(StoreName(protocol, bucket=bucket), prefix.strip("/")) if _NAME.fullmatch(bucket) else None
