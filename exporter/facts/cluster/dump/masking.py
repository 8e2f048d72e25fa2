"""Objects as they may be handed to somebody else: without what only their owner needs, and without credentials."""

import re
from functools import cache
from typing import Any, Final, get_args, get_type_hints

import msgspec

from exporter.facts.cluster.wire import Object

_DROPPED: Final = ("managedFields", "annotations")
"""An annotation may hold the whole object as it was last applied, a Secret's data included."""
_URL: Final = re.compile(r"(//|\bs3:)[^/\s?#]*@")
_NAMED: Final = re.compile(
    r"(?i)\b((?:[\w-]{0,40}(?:password|passwd|secret|token|credential|access_?key|api_?key)[\w-]{0,40})"
    r"[\"']?\s*[:=]\s*[\"']?"
    r"|\b(?:bearer|basic)\s+)[^\s,;&\"']{4,}"
)
_KEY_ID: Final = re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")
MASK: Final = "***"


def shareable(body: dict[str, Any], struct: type[Object]) -> dict[str, Any]:
    """*body* for a dump: of a Secret its metadata alone, of a container's environment no literal value.

    Of its annotations those are kept that *struct*, which reads it, has a name for.
    """
    if body.get("kind") == "Secret":
        body = {name: body[name] for name in ("apiVersion", "kind", "metadata") if name in body}
    masked: dict[str, Any] = _masked(body)
    metadata = masked.get("metadata")
    if isinstance(metadata, dict):
        kept = _annotations(metadata, annotations_of(struct))
        masked["metadata"] = {name: value for name, value in metadata.items() if name not in _DROPPED} | kept
    return masked


def _annotations(metadata: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    annotations = metadata.get("annotations")
    found = annotations if isinstance(annotations, dict) else {}
    kept = {name: value for name, value in found.items() if name in names}
    return {"annotations": kept} if kept else {}


@cache
def annotations_of(struct: type[Object]) -> frozenset[str]:
    """The annotations that *struct* has a field for."""
    metadata = get_type_hints(struct)["metadata"]
    found = get_type_hints(metadata).get("annotations")
    structs = [one for one in get_args(found) if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return frozenset(field.encode_name for one in structs for field in msgspec.structs.fields(one))


def _masked(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(one) for one in value]
    if not isinstance(value, dict):
        return value
    masked = {name: _masked(one) for name, one in value.items() if name != "managedFields"}
    if isinstance(env := masked.get("env"), list):
        masked["env"] = [_without_value(one) for one in env]
    return masked


def _without_value(variable: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(variable, dict) and "value" in variable:
        return {**variable, "value": MASK}
    return variable


def mask(text: str) -> str:
    """*text* without what may be credentials: in a URL, after a telling name, or by its form."""
    text = _URL.sub(rf"\1{MASK}@", text)
    text = _NAMED.sub(rf"\1{MASK}", text)
    return _KEY_ID.sub(MASK, text)
