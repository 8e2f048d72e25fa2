"""From the bytes of a list to structs of one kind.

A page is decoded in one pass, straight from its bytes into structs that keep only what a verdict rests on. Against
the official client's own models over the same bytes that takes a small fraction of the CPU (`python -m bench.poll`
prints both, and the budget is a twentieth), which is why the client is used for transport alone.

Only where that pass fails are the items taken one by one, so that a malformed object costs itself and nothing else.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from exporter.facts.body import Body
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.object_list import MalformedObject
from exporter.facts.cluster.wire import LONGEST_NAME, LONGEST_TEXT, Object

T = TypeVar("T")
_METADATA_LIST = "PartialObjectMetadataList"
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on bytes that are not what was expected. None of their messages quotes a value."""
_TOO_LONG = "of length <="
"""What msgspec says of a string, a tuple or a dict that is longer than its type allows."""
_CLAIM_PATHS: dict[str, tuple[str, ...]] = {
    "PersistentVolume": ("spec", "claimRef", "name"),
    "ReplicationSource": ("spec", "sourcePVC"),
    "VolumeSnapshot": ("spec", "source", "persistentVolumeClaimName"),
}


class MalformedPageError(ValueError):
    """The bytes are not a list of the kind that was asked for."""


class ListPage(msgspec.Struct, frozen=True):
    """One page of a list."""

    items: tuple[Object, ...]
    malformed: tuple[MalformedObject, ...]
    next: str
    """The continue token; empty on the last page."""
    version: str = ""
    """The resourceVersion that the list is of."""
    size: int = 0
    """Bytes of the answer."""


class _ListMeta(msgspec.Struct):
    next: str = msgspec.field(default="", name="continue")
    version: str = msgspec.field(default="", name="resourceVersion")


class _List(msgspec.Struct, Generic[T]):
    """`items` has no default: an answer without it is no list, and must not be read as an empty one."""

    kind: str
    items: tuple[T, ...] | None
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


class _Listed(msgspec.Struct):
    """A list, but for its items."""

    metadata: _ListMeta


class _ObjectName(msgspec.Struct):
    name: Any = None
    namespace: Any = None


class _Parts(msgspec.Struct):
    metadata: msgspec.Raw = msgspec.Raw()
    spec: msgspec.Raw = msgspec.Raw()


def decode_page(kind: Kind, body: Body) -> ListPage:
    """Decode *body*, one page of a list of *kind* as the API server gives it.

    Raises:
        MalformedPageError: *body* is not such a list (cut off, another kind, a page of HTML).
    """
    wanted = _METADATA_LIST if kind.metadata_only else f"{kind.kind}List"
    try:
        page: _List[Any] = _list_decoder(kind.struct).decode(body)
    except _UNDECODABLE:
        return _decode_one_by_one(kind, body, wanted)
    _expect(page.kind, wanted)
    return ListPage(page.items or (), (), page.metadata.next, page.metadata.version)


def decode_version(body: Body) -> str:
    """The resourceVersion that a list is of.

    Raises:
        MalformedPageError: *body* is no list.
    """
    try:
        return msgspec.json.decode(body, type=_Listed).metadata.version
    except _UNDECODABLE as error:
        raise MalformedPageError(f"the answer is no list: {error}") from None


def _decode_one_by_one(kind: Kind, body: Body, wanted: str) -> ListPage:
    try:
        page: _List[msgspec.Raw] = _raw_list_decoder().decode(body)
    except _UNDECODABLE as error:
        raise MalformedPageError(f"the answer is no {wanted}: {error}") from None
    _expect(page.kind, wanted)
    items: list[Object] = []
    malformed: list[MalformedObject] = []
    for raw in page.items or ():
        one = decode_bytes(kind, bytes(raw))
        if isinstance(one, MalformedObject):
            malformed.append(one)
        else:
            items.append(one)
    return ListPage(tuple(items), tuple(malformed), page.metadata.next, page.metadata.version)


def decode_bytes(kind: Kind, body: Body) -> Object | MalformedObject:
    """Decode the JSON of one object of *kind*, or say what is wrong with it."""
    try:
        return _object_decoder(kind.struct).decode(body)
    except _UNDECODABLE as error:
        whole = _tolerant(body, dict[str, Any]) if _TOO_LONG in str(error) else None
        if whole is not None:
            return convert(kind, whole)
        return _malformed(kind, _readable_parts(body), str(error))


def convert(kind: Kind, document: Mapping[str, Any]) -> Object | MalformedObject:
    """Take one object of *kind* from a parsed *document*, or say what is wrong with it.

    A long text is cut; a name, or a set of labels, that is longer than the API server would admit is wrong.
    """
    try:
        try:
            return msgspec.convert(document, kind.struct)
        except msgspec.ValidationError as error:
            if _TOO_LONG not in str(error):
                raise
            return msgspec.convert(_shortened(document), kind.struct)
    except (msgspec.ValidationError, RecursionError) as error:
        return _malformed(kind, document, str(error))


def _shortened(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    """*value* with the middle of its long strings cut out; they stay longer than a name may be."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"{value[:1000]} … {value[-(LONGEST_TEXT - 1003) :]}"
    if isinstance(value, Mapping):
        return {key: _shortened(one) for key, one in value.items()}
    return [_shortened(one) for one in value] if isinstance(value, list) else value


def describe(malformed: Sequence[MalformedObject]) -> str:
    """One line about objects that could not be understood; empty when there are none."""
    if not malformed:
        return ""
    first = malformed[0]
    name = "/".join(filter(None, (first.namespace, first.name)))
    return f"{len(malformed)} malformed: {first.kind} {name}: {first.error}"


def _expect(kind: str, wanted: str) -> None:
    if kind != wanted:
        raise MalformedPageError(f"the answer is a {kind[:60]!r} where a {wanted} was asked for")


def _malformed(kind: Kind, document: Mapping[str, Any], error: str) -> MalformedObject:
    namespace, name, claim = (_text(document, path) for path in _identity_paths(kind))
    own = _text(document, ("metadata", "namespace"))
    return MalformedObject(kind.kind, namespace, name, error, claim or None, (own, name) if name else None)


def _identity_paths(kind: Kind) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Where the object says its namespace (a volume: that of its claim), its name, and the PVC that it is about."""
    namespace: tuple[str, ...] = ("metadata", "namespace")
    name = ("metadata", "name")
    if kind.kind == "PersistentVolume":
        namespace = ("spec", "claimRef", "namespace")
    claim = name if kind.kind == "PersistentVolumeClaim" else _CLAIM_PATHS.get(kind.kind, ("",))
    return namespace, name, claim


def _text(document: object, path: tuple[str, ...]) -> str:
    for part in path:
        document = document.get(part) if isinstance(document, Mapping) else None
    text = document if isinstance(document, str) else ""
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"


def _readable_parts(body: Body) -> dict[str, Any]:
    """The object's name and as much of its spec as can be read; nothing else is looked at."""
    try:
        parts = msgspec.json.decode(body, type=_Parts)
    except _UNDECODABLE:
        return {}
    name = _tolerant(parts.metadata, _ObjectName)
    return {"metadata": msgspec.to_builtins(name), "spec": _tolerant(parts.spec, dict[str, Any])}


def _tolerant(raw: msgspec.Raw | Body, shape: type[T]) -> T | None:
    try:
        return msgspec.json.decode(raw, type=shape)
    except _UNDECODABLE:
        return None


@cache
def _list_decoder(struct: type[Object]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_List[struct])  # type: ignore[valid-type]


@cache
def _raw_list_decoder() -> msgspec.json.Decoder[_List[msgspec.Raw]]:
    return msgspec.json.Decoder(_List[msgspec.Raw])


@cache
def _object_decoder(struct: type[Object]) -> msgspec.json.Decoder[Object]:
    return msgspec.json.Decoder(struct)
