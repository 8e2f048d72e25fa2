"""What changed in a list since it was read: the events of a watch, and the list with them.

An event's object is decoded as those of a list are, so that a malformed one costs itself. What was not touched stays
the very object that it was, and a list in which nothing changed that is looked at stays the very list.
"""

from collections.abc import Iterable, Mapping

import msgspec

from exporter.facts.cluster.decode import decode_bytes
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.object_list import Key, MalformedObject
from exporter.facts.cluster.wire import Object

Changed = Object | MalformedObject | None
"""What became of an object; None: it is gone, or no longer selected."""
_METADATA_KIND = "PartialObjectMetadata"
_GONE = 410
_LONGEST_VERSION = 64
"""The API server's have up to twenty digits."""


class ExpiredError(Exception):
    """The server does not know any longer what changed since."""


class UnusableEventError(Exception):
    """An event that cannot be followed. Its text is one line for a person, and quotes no value."""


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Metadata(msgspec.Struct):
    version: str = msgspec.field(default="", name="resourceVersion")
    name: str = ""
    namespace: str = ""


class _Touched(msgspec.Struct):
    kind: str
    metadata: _Metadata


class _Status(msgspec.Struct):
    code: int = 0


_EVENT = msgspec.json.Decoder(_Event)
_TOUCHED = msgspec.json.Decoder(_Touched)
_STATUS = msgspec.json.Decoder(_Status)


class Changes:
    """What the events of one watch since resourceVersion *version* amount to."""

    def __init__(self, kind: Kind, version: str) -> None:
        self._kind = kind
        self._wanted = _METADATA_KIND if kind.metadata_only else kind.kind
        self.version = version
        """Everything up to here has been told."""
        self.objects: dict[Key, Changed] = {}
        """What became of each object that an event was about."""
        self.is_bookmarked = False
        """Whether the server has said itself that all was told."""

    def take(self, line: bytes) -> None:
        """Take in one event.

        Raises:
            ExpiredError: it says that what changed since is not known any longer.
            UnusableEventError: it is none, is about something else, or does not follow on the last one.
        """
        if not line.strip():
            return
        try:
            event = _EVENT.decode(line)
            if event.type == "ERROR":
                raise _refusal(_STATUS.decode(event.object).code)
            touched = _TOUCHED.decode(event.object)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UnusableEventError(f"an event cannot be read: {error}") from None
        if touched.kind != self._wanted:
            raise UnusableEventError(f"an event is about a {touched.kind[:60]!r}, not about a {self._wanted}")
        self._move_to(touched.metadata.version)
        match event.type:
            case "BOOKMARK":
                self.is_bookmarked = True
            case "ADDED" | "MODIFIED" | "DELETED":
                if not touched.metadata.name:
                    raise UnusableEventError("an event does not say which object it is about")
                key = (touched.metadata.namespace, touched.metadata.name)
                self.objects[key] = None if event.type == "DELETED" else decode_bytes(self._kind, bytes(event.object))
            case other:
                raise UnusableEventError(f"an event is a {other[:60]!r}")

    def _move_to(self, version: str) -> None:
        if not is_version(version):
            raise UnusableEventError("an event has no resourceVersion")
        if is_before(version, self.version):
            raise UnusableEventError("an event is older than what was told before it")
        self.version = version


def is_version(version: str) -> bool:
    """Whether *version* can be a resourceVersion, and be sent back."""
    return 0 < len(version) <= _LONGEST_VERSION and version.isascii() and version.isprintable()


def is_before(version: str, other: str) -> bool:
    """Whether resourceVersion *version* is known to be older than *other*.

    They are opaque to clients but for this (Kubernetes KEP-5504): both are decimal, and of one resource.
    """
    if not (version.isdecimal() and other.isdecimal()):
        return False
    return (len(version), version) < (len(other), other)


def _refusal(code: int) -> Exception:
    return ExpiredError() if code == _GONE else UnusableEventError(f"the server ended the watch with an error ({code})")


def with_changes(items: tuple[Object, ...], changes: Mapping[Key, Changed]) -> tuple[Object, ...]:
    """*items* with *changes*, in the server's own order; *items* itself where they amount to nothing."""
    if not changes:
        return items
    by_key = {item.key: item for item in items}
    is_new = is_changed = False
    for key, one in changes.items():
        old = by_key.get(key)
        if isinstance(one, Object):
            is_new |= old is None
            if old is None or one != old:
                by_key[key] = one
                is_changed = True
        elif old is not None:
            del by_key[key]
            is_changed = True
    if not is_changed:
        return items
    return tuple(sorted(by_key.values(), key=_path) if is_new else by_key.values())


def malformed_with(
    malformed: tuple[MalformedObject, ...], changes: Mapping[Key, Changed]
) -> tuple[MalformedObject, ...]:
    """*malformed* with *changes*; itself where they amount to nothing."""
    if not changes:
        return malformed
    left = [one for one in malformed if one.key not in changes]
    new = [one for one in changes.values() if isinstance(one, MalformedObject)]
    result = tuple(sorted((*left, *new), key=lambda one: "/".join(one.key or ())))
    return malformed if result == malformed else result


def kept(old: tuple[Object, ...], new: tuple[Object, ...]) -> tuple[Object, ...]:
    """*new* with the objects of *old* in place of equal ones; *old* itself where all are."""
    if new == old:
        return old
    by_key = {item.key: item for item in old}
    return tuple(_older(by_key.get(item.key), item) for item in new)


def _older(old: Object | None, new: Object) -> Object:
    return old if old is not None and old == new else new


def _path(item: Object) -> str:
    """As the store sorts: by the path of the object's key."""
    return f"{item.namespace}/{item.name}"


def names_all(malformed: Iterable[MalformedObject]) -> bool:
    """Whether of each it is known which object it is, so that a later change of it can be told."""
    return all(one.key is not None for one in malformed)
