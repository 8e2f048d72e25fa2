"""A layout: the template by which a repository's path tells its claim, and a claim its path.

Nothing says that the repositories of a store follow one: whether a layout holds is for its user to prove.
"""

import re
from collections.abc import Callable
from functools import cache

import msgspec

CUSTOMARY = ("{namespace}/{pvc}", "{pvc}", "{source}", "{namespace}/{source}", "backup-{pvc}", "{namespace}-{pvc}")
"""Layouts that public clusters use, the plainer ones first."""

_FIELD = re.compile(r"\{(namespace|pvc|source)\}")
# Kubernetes' names (RFC 1123): a namespace is a label; a PVC and a ReplicationSource are subdomains.
_LABEL = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_NAMES = {"namespace": _LABEL, "pvc": rf"{_LABEL}(?:\.{_LABEL})*", "source": rf"{_LABEL}(?:\.{_LABEL})*"}
# Two fields of one segment with nothing between them that no name can hold.
_AMBIGUOUS = re.compile(r"\}[a-z0-9.-]*\{")


class Owner(msgspec.Struct, frozen=True):
    """Whose a repository is, as far as its path tells."""

    namespace: str | None = None
    pvc: str | None = None
    source: str | None = None


def prefix_of(layout: str, namespace: str, pvc: str, source: str) -> str:
    """The path that *layout* gives the repository of one claim and source, without the bucket's own prefix."""
    values = {"namespace": namespace, "pvc": pvc, "source": source}
    return _FIELD.sub(lambda field: values[field[1]], layout).strip("/")


def read(layout: str, path: str) -> Owner:
    """Whose repository stands at *path*, read by *layout*; nobody's where that would be a guess.

    A template like `{namespace}-{pvc}` is ambiguous, for a name may hold the text between the two: by such a
    template nothing is read.
    """
    pattern = _pattern(layout)
    match = pattern.fullmatch(path) if pattern else None
    return Owner(**match.groupdict()) if match else Owner()


def namespace_at(layout: str, path: str) -> str | None:
    """The namespace whose repositories stand at *path* or below; None where *layout* does not tell."""
    where = layout.strip("/").split("/")
    index = where.index("{namespace}") if "{namespace}" in where else None
    parts = path.strip("/").split("/")
    return parts[index] if index is not None and index < len(parts) else None


def depth_of(layout: str) -> int:
    """How many segments a repository's path has."""
    return layout.strip("/").count("/") + 1


@cache
def _pattern(layout: str) -> re.Pattern[str] | None:
    if _AMBIGUOUS.search(layout):
        return None
    seen: set[str] = set()

    def group(field: str) -> str:
        if field in seen:
            return f"(?P={field})"
        seen.add(field)
        return f"(?P<{field}>{_NAMES[field]})"

    return re.compile(_fill(layout.strip("/"), group))


def _fill(template: str, expression: Callable[[str], str]) -> str:
    """*template* as a regular expression: its text literally, its fields by *expression*."""
    parts = _FIELD.split(template)
    return "".join(expression(part) if i % 2 else re.escape(part) for i, part in enumerate(parts))
