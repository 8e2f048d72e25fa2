"""What objects say in the clear about a repository's address: whole, or in parts.

An ExternalSecret's template and a policy's expression are the address with holes in it; a mover's log names it whole,
or the store alone.
"""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

import msgspec

from exporter.chain import scope
from exporter.chain.mover_log import address as addresses
from exporter.chain.scope import Scope
from exporter.facts.bucket.model import Bucket

HOLE = "\0"
"""What is not known in a text: what a template fills in."""
_TEMPLATE_HOLE = re.compile(r"\{\{[^{}]*\}\}")
_SCHEME = re.compile(r"(?P<scheme>s3|rest|sftp|b2|azure|gs|swift|rclone|local):")
_LONGEST = 2048


class Hint(msgspec.Struct, frozen=True):
    """What is known of an address; what is not is empty or None."""

    says: str
    """Who says so, for a person."""
    protocol: str = ""
    endpoint: str = ""
    """The host, with `*` for a hole in it."""
    bucket: str = ""
    path: str | None = None
    """The whole path in the bucket."""
    tail: str | None = None
    """What the path ends in, where its beginning is not known."""
    base: str = ""
    """What fills the beginning in, as its author wrote it: hints of one base lie in one place."""
    is_one_base: bool = False
    """Whether one value fills it in for all, as a policy's base Secret does; a template may take any."""

    def allows(self, bucket: Bucket) -> bool:
        """Whether the address can lie in *bucket*."""
        if self.protocol not in ("", "s3"):
            return False
        if self.bucket and bucket.is_named and self.bucket != bucket.name:
            return False
        host = urlsplit(bucket.endpoint).netloc.rpartition("@")[2].lower()
        return not host or not self.endpoint or _same_host(self.endpoint.lower(), host)

    def names(self, bucket: Bucket) -> bool:
        """Whether the address says that it lies in *bucket*, not only that it can."""
        return self.allows(bucket) and bool(self.bucket or (self.endpoint and bucket.endpoint))

    @property
    def address(self) -> tuple[str, ...] | None:
        """The whole address, where nothing of it is open; None for a mounted path, which is another in each pod."""
        is_whole = self.path is not None and self.protocol not in ("", "path") and (self.endpoint or self.bucket)
        if not is_whole or "*" in self.endpoint:
            return None
        return self.protocol, self.endpoint.lower(), self.bucket, (self.path or "").strip("/")

    @property
    def store(self) -> Scope | None:
        """The store, where anything of it is known."""
        if self.protocol not in ("", "s3") and not self.endpoint:
            return scope.store(f"{self.protocol}:{self.bucket}")
        if self.endpoint or self.bucket:
            return scope.store(self.endpoint, self.bucket)
        return None


def _same_host(pattern: str, host: str) -> bool:
    """Ports are compared where both sides write one: AWS' and https' own are left out by many."""
    if ":" not in pattern:
        host = host.partition(":")[0]
    elif ":" not in host:
        pattern = pattern.partition(":")[0]
    return fnmatchcase(host, pattern.replace("[", "[[]"))


def of_address(found: addresses.RepositoryAddress | None, says: str) -> Hint | None:
    """The hint that a whole address is."""
    if found is None:
        return None
    return Hint(says, found.store.protocol, found.store.endpoint, found.store.bucket, path=found.prefix)


def of_template(text: str, says: str) -> Hint | None:
    """The hint in a Go template: `{{ .BASE }}/paperless`, `s3:https://{{ .ACCOUNT }}.example.com/volsync/paperless`."""
    return of_text(_TEMPLATE_HOLE.sub(HOLE, text[:_LONGEST]).strip(), says)


def of_text(text: str, says: str) -> Hint | None:
    """The hint in an address with holes; None where it says nothing."""
    if HOLE not in text:
        return of_address(addresses.parse(text), says)
    scheme = _SCHEME.match(text)
    if scheme is None:
        if text.startswith("/"):
            return Hint(says, "path", bucket="/" + text.strip("/").partition("/")[0].replace(HOLE, "*"))
        tail = _tail(text)
        return Hint(says, tail=tail) if tail else None
    protocol, rest = scheme["scheme"], text[scheme.end() :]
    if protocol != "s3":
        return Hint(says, "path" if protocol == "local" else protocol)
    host, _, path = rest.removeprefix("https:").removeprefix("http:").lstrip("/").partition("/")
    if HOLE in host and not host.strip(HOLE).strip("."):
        host = ""
    bucket, _, path = path.partition("/")
    is_whole = HOLE not in path
    return Hint(
        says,
        "s3",
        host.replace(HOLE, "*"),
        "" if HOLE in bucket else bucket,
        path=path.strip("/") if is_whole and bucket else None,
        tail=None if is_whole and bucket else _tail(text),
    )


def _tail(text: str) -> str | None:
    """What stands behind the last hole; a base that is filled in is taken to end with a segment, as bases do."""
    return text.rpartition(HOLE)[2].strip("/") or None


# --- expressions of policies

_KEY = "RESTIC_REPOSITORY"
_EXPRESSION = re.compile(r"\{\{([^{}]*)\}\}")
_JOIN = re.compile(r"join\(\s*'(?P<by>[^']*)'\s*,\s*\[(?P<parts>[^\[\]]*)\]\s*\)")
_OPERAND = re.compile(r"\s*(?:'(?P<literal>[^']*)'|\"(?P<quoted>[^\"]*)\"|(?P<other>[^,+'\"\s][^,+]*))")
_NAMESPACE = re.compile(r"(?:request\.)?(?:object\.metadata\.)?namespace")
_NAME = re.compile(r"(?:request\.)?object\.metadata\.name|request\.name")


def layout_in(data: object) -> str | None:
    """The layout that a policy's Secret gives `RESTIC_REPOSITORY`: fields in braces, holes where it is not known."""
    value = next(_values_of(_KEY, data), None)
    if value is None:
        return None
    return _EXPRESSION.sub(lambda found: _evaluated(found[1]), value[:_LONGEST])


def name_in(template: str) -> str:
    """A generated object's name as a layout: `{pvc}-volsync-secret`."""
    return _EXPRESSION.sub(lambda found: _evaluated(found[1]), template[:_LONGEST])


def _values_of(key: str, data: object) -> Iterator[str]:
    if not isinstance(data, Mapping):
        return
    for part in ("stringData", "data"):
        values = data.get(part)
        if isinstance(values, Mapping) and isinstance(values.get(key), str):
            yield values[key]


def _evaluated(expression: str) -> str:
    """A JMESPath or CEL expression as text: literals, the names of the PVC, and holes."""
    joined = _JOIN.search(expression)
    by, operands = (joined["by"], joined["parts"]) if joined else ("", expression)
    return by.join(_operand(found) for found in _OPERAND.finditer(operands) if found[0].strip())


def _operand(found: re.Match[str]) -> str:
    if found["other"] is None:
        return found["literal"] if found["literal"] is not None else found["quoted"]
    name = found["other"].strip()
    if _NAMESPACE.fullmatch(name):
        return "{namespace}"
    return "{pvc}" if _NAME.fullmatch(name) else HOLE
