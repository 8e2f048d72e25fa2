"""Which repository and store a mover's log names: only what stands there, never a guess.

restic says its repository's address when it makes one, and when it cannot open one (`cmd/restic/init.go`, `global.go`).
Else an address stands in what Go's net/http says of a request that failed (`net/url/url.go`, type Error), or only a
host in what net says of it (`net/net.go`, type OpError).
"""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote

from exporter.chain.mover_log.address import RepositoryAddress, StoreName, host_of, in_bucket, on_share, parse, split

_SIZE = 16 * 1024
"""Characters that are read, from the end."""
_SAID = re.compile(
    r"\b[Rr]epository (?:\w{8,64} )?at (?P<at>\S{1,500})"
    r"|Is there a repository at the following location\?\s{1,4}(?P<below>\S{1,500})"
    r"|Failed to create file system for \"(?P<remote>[^\"\s]{1,500})\""
)
_CREATED = re.compile(r"\bcreated restic repository (?P<id>[0-9a-f]{8,64})\b")
_REQUEST = re.compile(r"\b(?P<method>Get|Put|Post|Head|Delete) \"(?P<url>https?://[^\s\"]{1,500})\"")
_SHARED_FILE = re.compile(
    r"(?<![\w.:/-])(?P<path>/(?:repository|mnt)(?:/[^\s/:\"']{1,255}){0,20})/(?:config\b|(?:locks|data|index|keys|snapshots)/)"
)
"""A file of restic's on a mounted share: the last folder of its layout ends the repository's own path."""
_LAYOUT = re.compile(
    r"(?:^|/)(?:config|(?:locks|index|keys|snapshots)(?:/\w{0,80})?|data(?:/[0-9a-f]{2})?(?:/\w{0,80})?)$"
)
"""What restic puts behind its repository's path (restic `internal/backend/layout/layout_default.go`)."""
_OF_S3 = {"location", "delimiter", "list-type"}
"""Parameters that only a request to S3 has (minio-go, AWS's SDK)."""
_AZURE = re.compile(r"[a-z0-9]{3,24}\.blob\.core\.[a-z.]{1,60}")
_ADDRESS_OF_HOST = r"(?:\[[0-9a-fA-F:.]{2,45}\]|\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}"
_HOSTS = (
    # A name that is not resolved comes first: the address that is dialled then is the name server's.
    re.compile(r"\blookup (?P<host>[A-Za-z0-9][A-Za-z0-9._-]{0,252})(?: on \S{1,80})?: "),
    re.compile(r"\bssh: connect to host (?P<host>[\w.-]{1,253}) port \d{1,5}"),
    re.compile(r"\bssh: Could not resolve hostname (?P<host>[\w.-]{1,253})"),
    re.compile(rf"\b(?:read|write) tcp \S{{1,60}}->(?P<host>{_ADDRESS_OF_HOST}): "),
    re.compile(rf"\bdial tcp (?P<host>{_ADDRESS_OF_HOST}): "),
)


def repository_in(log: str) -> RepositoryAddress | None:
    """The repository that *log* names; the last where it names several."""
    log = log[-_SIZE:]
    said = [address for found in _SAID.finditer(log) if (address := _said(found))]
    if said:
        return said[-1]
    if asked := [address for address, is_whole in _requests(log) if is_whole]:
        return asked[-1]
    shared = _SHARED_FILE.search(log)
    return on_share(shared["path"]) if shared else None


def store_of(log: str) -> StoreName | None:
    """The store that *log* names: its repository's, else what did not answer; None when it names none."""
    if address := repository_in(log):
        return address.store
    log = log[-_SIZE:]
    if asked := [address.store for address, _ in _requests(log)]:
        return asked[-1]
    found = next((match for pattern in _HOSTS if (match := pattern.search(log))), None)
    return StoreName("", found["host"]) if found else None


def store_in(log: str) -> str | None:
    """The store that *log* names, as a scope; None when it names none."""
    store = store_of(log)
    return store.scope if store else None


def initialised(log: str) -> str | None:
    """The id of the repository that *log* says was made; the last where there are several."""
    made = [found["id"] for found in _CREATED.finditer(log[-_SIZE:])]
    return made[-1] if made else None


def _said(found: re.Match[str]) -> RepositoryAddress | None:
    return parse(f"rclone:{found['remote']}" if found["remote"] else found["at"] or found["below"])


def _requests(log: str) -> Iterator[tuple[RepositoryAddress, bool]]:
    """What the failed requests were for, and whether their path tells the whole repository."""
    for found in _REQUEST.finditer(log):
        host, parts = host_of(found["url"]), split(found["url"])
        if not host or parts is None:
            continue
        path, query = unquote(parts.path), parse_qs(parts.query, keep_blank_values=True)
        listed = "".join(query.get("prefix", ()))
        whole = f"{path.rstrip('/')}/{listed}".rstrip("/") if listed else path
        is_whole = bool(_LAYOUT.search(whole))
        where = _LAYOUT.sub("", whole)
        if _AZURE.fullmatch(host):
            container, _, prefix = where.strip("/").partition("/")
            yield RepositoryAddress(StoreName("azure", host, container), prefix), is_whole
        elif found["method"] == "Post" and is_whole:
            # restic posts to a REST server only; S3 is put to.
            yield RepositoryAddress(StoreName("rest", host), where.strip("/")), True
        elif (is_whole or query.keys() & _OF_S3) and (address := in_bucket(host, where)):
            yield address, is_whole
        else:
            yield RepositoryAddress(StoreName("", host)), False
