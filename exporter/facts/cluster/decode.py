"""From the bytes of a list to structs of one kind.

A page is decoded in one pass, straight from its bytes into structs that keep only what a verdict rests on. Against
the official client's own models over the same bytes that takes a small fraction of the CPU (`python -m bench.poll`
prints both, and the budget is a twentieth), which is why the client is used for transport alone.

Only where that pass fails are the items taken one by one, so that a malformed object costs itself and nothing else. So
are those of a page that would take many times its bytes, and objects that may hold anything (Kyverno's policies hold
what they generate): an object of more parts than `MOST_PARTS` is malformed before it is decoded.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect

from exporter.facts.body import Body
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.object_list import MalformedObject
from exporter.facts.cluster.wire import LONGEST_NAME, LONGEST_TEXT, Object
from exporter.facts.decoding import converted, decoder_of
from exporter.facts.nesting import shallow

T = TypeVar("T")
MOST_PARTS = 200_000
"""Maps, lists and values of one object. An UpdateRequest for each of 10,000 PVCs has half as many, and other objects
hardly a thousandth."""
MOST_FREE_PARTS = 20_000
"""The same of an object of which everything is kept; a long policy has some 3,000."""
_MOST_OF_PAGE = 500_000
"""The same of a page that is decoded in one pass: each takes some 60 bytes, and three of the page."""
_METADATA_LIST = "PartialObjectMetadataList"
_BYTES = (bytes, bytearray, msgspec.Raw)
_TOO_DEEP = "it is nested too deeply"
_CUT = '"\\uf8ffnested too deeply\\uf8ff"'
"""Stands, in JSON, for what is nested too deeply. Whoever writes it himself has written what is not decoded."""
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


class _Single(msgspec.Struct):
    """A list of one object, whatever that is."""

    kind: str
    items: tuple[msgspec.Raw]
    metadata: _ListMeta = msgspec.field(default_factory=_ListMeta)


def decode_page(kind: Kind, body: Body) -> ListPage:
    """Decode *body*, one page of a list of *kind* as the API server gives it.

    Raises:
        MalformedPageError: *body* is not such a list (cut off, another kind, a page of HTML).
    """
    wanted = _METADATA_LIST if kind.metadata_only else f"{kind.kind}List"
    if is_dense(body) or _holds_anything(kind.struct):
        return _decode_one_by_one(kind, body, wanted)
    try:
        page: _List[Any] = decoder_of(_List[kind.struct]).decode(body)  # type: ignore[name-defined]
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
        return decoder_of(_Listed).decode(body).metadata.version
    except _UNDECODABLE as error:
        raise MalformedPageError(f"the answer is no list: {error}") from None


def is_dense(body: Body) -> bool:
    """Whether *body* has so many parts that decoded it would take many times its bytes."""
    return len(body) > _MOST_OF_PAGE and _parts(body) > _MOST_OF_PAGE


def _parts(body: Body) -> int:
    """At least as many as there are maps, lists and values in *body*."""
    return body.count(b"{") + body.count(b"[") + body.count(b",") + 1


def _decode_one_by_one(kind: Kind, body: Body, wanted: str) -> ListPage:
    try:
        page = _raw_items(body)
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


def _raw_items(body: Body) -> _List[msgspec.Raw] | _Single:
    """The list *body* with its items still as bytes: each takes some 80, so that a dense one may have one alone.

    What is nested too deeply costs the object that it stands in.
    """
    decoder = decoder_of(_Single) if is_dense(body) else decoder_of(_List[msgspec.Raw])
    try:
        return decoder.decode(body)
    except RecursionError:
        found = shallow(body.decode(errors="replace"), 0, _CUT)
        if found is None:
            raise
        return decoder.decode(found[0].encode())


def decode_bytes(kind: Kind, body: Body) -> Object | MalformedObject:
    """Decode the JSON of one object of *kind*, or say what is wrong with it."""
    is_free = _holds_anything(kind.struct)
    most = MOST_FREE_PARTS if is_free else MOST_PARTS
    if len(body) > most and _parts(body) > most:
        return _malformed(kind, body, f"it has more than {most:,} parts")
    if _CUT.encode() in body:
        return _malformed(kind, body, _TOO_DEEP)
    try:
        if is_free:
            return convert(kind, _shortened(decoder_of(dict[str, Any]).decode(body)))
        return decoder_of(kind.struct).decode(body)
    except _UNDECODABLE as error:
        whole = _tolerant(body, dict[str, Any]) if _TOO_LONG in str(error) else None
        if whole is not None:
            return convert(kind, whole)
        return _malformed(kind, body, _told(error))


def convert(kind: Kind, document: Mapping[str, Any]) -> Object | MalformedObject:
    """Take one object of *kind* from a parsed *document*, or say what is wrong with it.

    A long text is cut; a name, or a set of labels, that is longer than the API server would admit is wrong.
    """
    try:
        try:
            return converted(document, kind.struct)
        except msgspec.ValidationError as error:
            if _TOO_LONG not in str(error):
                raise
            return converted(_shortened(document), kind.struct)
    except (msgspec.ValidationError, RecursionError) as error:
        return _malformed(kind, document, _told(error))


def _told(error: Exception) -> str:
    """What is wrong. Where the decoder takes deep nesting, as with Python 3.13, the first that walks it raises."""
    return _TOO_DEEP if isinstance(error, RecursionError) else str(error)


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


def _malformed(kind: Kind, document: Mapping[str, Any] | Body, error: str) -> MalformedObject:
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
    """The text at *path* in *document*, of which nothing else is looked at; empty where there is none."""
    for part in path:
        if isinstance(document, Mapping):
            document = document.get(part)
        else:
            found = _tolerant(document, _with(part)) if isinstance(document, _BYTES) else None
            document = found.value if found is not None else None
    if isinstance(document, _BYTES):
        document = _tolerant(document, str)
    text = document if isinstance(document, str) else ""
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"


def _tolerant(raw: msgspec.Raw | Body, shape: type[T]) -> T | None:
    try:
        return decoder_of(shape).decode(raw)
    except _UNDECODABLE:
        return None


@cache
def _with(field: str) -> type[Any]:
    """A map of which *field* alone is taken, as bytes."""
    value = msgspec.field(default=msgspec.Raw(b"null"), name=field)
    return msgspec.defstruct("With", [("value", msgspec.Raw, value)])


@cache
def _holds_anything(struct: type[Object]) -> bool:
    """Whether objects of *struct* keep fields that may be anything."""
    seen: set[type] = set()

    def is_free(kept: inspect.Type) -> bool:
        match kept:
            case inspect.AnyType():
                return True
            case inspect.StructType() if kept.cls not in seen:
                seen.add(kept.cls)
                return any(is_free(field.type) for field in kept.fields)
            case inspect.UnionType():
                return any(is_free(one) for one in kept.types)
            case inspect.VarTupleType():
                return is_free(kept.item_type)
            case inspect.DictType():
                return is_free(kept.value_type)
        return False

    return is_free(inspect.type_info(struct))
