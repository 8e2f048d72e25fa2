"""JSON as kubectl and others write it: value after value, and of a list that cannot be read each item by itself."""

import json
import re
from collections.abc import Iterator
from typing import Any

from exporter.facts.cluster.dump.refusal import FileError, Refused
from exporter.facts.nesting import shallow

_CUT = "\ud800nested too deeply"
"""Stands for what is nested too deeply. It is no Unicode, so that no sound text can be it."""
_DEEP = "is nested too deeply"


def json_bodies(path: str, text: str) -> Iterator[object]:
    """What each value of *text* holds, lists whose items are not all sound by their items; `Refused` for such an item.

    Raises:
        FileError: a value cannot be read, nor can it be told what it is.
    """
    decoder, position = json.JSONDecoder(), 0
    while start := _next_value(text, position):
        try:
            body, position = decoder.raw_decode(text, start - 1)
        except json.JSONDecodeError as error:
            raise FileError(f"{path}, line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}") from None
        except RecursionError:
            place = f"{path}, the JSON that starts in line {text.count(chr(10), 0, start) + 1}"
            body, position = _cut(place, text, start - 1)
        yield from _sound(path, text.count("\n", 0, start) + 1, body)


def _next_value(text: str, position: int) -> int:
    """One past the place where the next value starts; 0 at the end."""
    value = re.compile(r"\S").search(text, position)
    return value.end() if value else 0


def _cut(place: str, text: str, start: int) -> tuple[object, int]:
    """The value at *start*, with `_CUT` for what is nested too deeply, and the position after it.

    Raises:
        FileError: it does not end, or is no JSON.
    """
    found = shallow(text, start, json.dumps(_CUT))
    if found is None:
        raise FileError(f"{place} {_DEEP}")
    try:
        return json.loads(found[0]), found[1]
    except json.JSONDecodeError as error:
        raise FileError(f"{place}: not valid JSON: {error.msg}") from None


def _sound(path: str, line: int, body: object) -> Iterator[object]:
    """*body*, or its items, without what JSON in Python takes and nothing else does: `NaN`, half a surrogate pair.

    Raises:
        FileError: something has such a value, or is nested too deeply, and it cannot be told what it is.
    """
    error = _unsound(body)
    if error is None:
        yield body
        return
    kind = api_version = ""
    items: Any = body
    if isinstance(body, dict) and isinstance(body.get("items"), list):
        items, kind = body["items"], str(body.get("kind", "")).removesuffix("List")
        api_version = str(body.get("apiVersion", ""))
    if not isinstance(items, list):
        yield _refused(path, f"{path}, the JSON that starts in line {line} {error}", body, "", "")
        return
    for number, item in enumerate(items, 1):
        error = _unsound(item)
        if error is not None:
            yield _refused(path, f"{path}: item {number} of the list {error}", item, api_version, kind)
        elif kind and isinstance(item, dict):
            yield {"apiVersion": api_version, "kind": kind, **item}
        else:
            yield item


def _refused(path: str, reason: str, body: object, api_version: str, kind: str) -> Refused:
    """*body* as an object that cannot be read.

    Raises:
        FileError: nor can it be told what it is.
    """
    one = _map(body)
    metadata, spec = _map(one.get("metadata")), _map(one.get("spec"))
    version, of = str(one.get("apiVersion", api_version)), str(one.get("kind", kind))
    namespace, name = (str(metadata.get(key, "")) for key in ("namespace", "name"))
    if not of or not name or _unsound([version, of, namespace, name]):
        raise FileError(reason)
    claim = spec.get("sourcePVC")
    about = claim if isinstance(claim, str) and not _unsound(claim) else None
    return Refused(path, reason, version, of, namespace, name, about)


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _unsound(value: object) -> str | None:
    """What is wrong with *value*, as the end of a sentence."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        return _DEEP if _CUT in str(error.object) else "is not valid JSON: it has half a surrogate pair"
    except RecursionError:
        return _DEEP
    except ValueError:
        return "is not valid JSON: it has a number that is none"
    return None
