"""Objects as they may be handed to somebody else: without what only their owner needs, and without credentials."""

from functools import cache
from typing import Any, Final, get_args, get_type_hints

import msgspec

from exporter.facts.cluster.wire import Object
from exporter.masking import MASK, masked

_DROPPED: Final = ("managedFields", "annotations")
"""An annotation may hold the whole object as it was last applied, a Secret's data included."""


def shareable(body: dict[str, Any], struct: type[Object]) -> dict[str, Any]:
    """*body* for a dump: of a Secret its metadata alone, of a container's environment no literal value.

    Of its annotations those are kept that *struct*, which reads it, has a name for.
    """
    if body.get("kind") == "Secret":
        body = {name: body[name] for name in ("apiVersion", "kind", "metadata") if name in body}
    clean: dict[str, Any] = _masked(body)
    metadata = clean.get("metadata")
    if isinstance(metadata, dict):
        kept = _annotations(metadata, annotations_of(struct))
        clean["metadata"] = {name: value for name, value in metadata.items() if name not in _DROPPED} | kept
    return clean


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
        return masked(value)
    if isinstance(value, list):
        return [_masked(one) for one in value]
    if not isinstance(value, dict):
        return value
    clean = {name: _masked(one) for name, one in value.items() if name != "managedFields"}
    if isinstance(env := clean.get("env"), list):
        clean["env"] = [_without_value(one) for one in env]
    return clean


def _without_value(variable: Any) -> Any:  # noqa: ANN401 - as above
    if isinstance(variable, dict) and "value" in variable:
        return {**variable, "value": MASK}
    return variable
