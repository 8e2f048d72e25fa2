"""Files of objects, as `kubectl get … -o yaml|json` writes them and as people write them by hand."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

STDIN = "-"
_JSON = re.compile(r"\s*(\{\s*[\"}]|\[\s*[{\]])")
"""How JSON begins; YAML's flow style begins alike, and quotes no keys."""
_SUFFIXES = (".yaml", ".yml", ".json")
_DEEP = 1000
_DEEP_BLOCK = re.compile(rf"^[ ?-]{{{_DEEP}}}", re.MULTILINE)
_STRING = "tag:yaml.org,2002:str"
_STRING_MAPS = frozenset({"labels", "annotations", "matchLabels", "nodeSelector"})
"""Mappings whose values are strings in the API whatever they look like."""


class FileError(ValueError):
    """A file cannot be read. The message names it, and the line where there is one; it never quotes the content."""


class Manifest(msgspec.Struct, frozen=True):
    """One object, or one anything else that stood in a file."""

    path: str
    body: dict[str, Any]


class EmptyList(msgspec.Struct, frozen=True):
    """A list without items: it tells that there are none of *kind*, or of what the file's name says."""

    path: str
    api_version: str
    kind: str
    """Without its `List`; empty for the list of anything that kubectl writes."""


class File(msgspec.Struct, frozen=True):
    """One file to read; *named* by the user, or found in a folder."""

    path: str
    named: bool


class Skipped(msgspec.Struct, frozen=True):
    """A file or folder that was passed over, and why."""

    path: str
    why: str


def find_files(paths: Sequence[str | Path]) -> tuple[list[File], list[Skipped]]:
    """The files that *paths* name, and the YAML and JSON files below the folders among them; `-` is the input.

    What else lies in a folder, and what cannot be looked into, is passed over.

    Raises:
        FileError: a path leads to nothing.
    """
    found: list[File] = []
    skipped: list[Skipped] = []
    for path in map(Path, paths):
        if path.is_dir():
            below, others = _below(path)
            found += below
            skipped += others
        elif str(path) == STDIN or path.exists():
            found.append(File(str(path), named=True))
        else:
            raise FileError(f"{path}: there is no such file or folder")
    return found, skipped


def _below(folder: Path) -> tuple[list[File], list[Skipped]]:
    """The files anywhere below *folder*, in the order of their names."""
    found: list[File] = []
    skipped: list[Skipped] = []

    def refused(error: OSError) -> None:
        skipped.append(Skipped(str(error.filename), f"the folder cannot be read: {error.strerror}"))

    # A link to a folder is not followed: it may lead back.
    for place, _, names in os.walk(folder, onerror=refused):
        for path in (Path(place, name) for name in names):
            if path.suffix not in _SUFFIXES:
                skipped.append(Skipped(str(path), f"its name does not end in {', '.join(_SUFFIXES)}"))
            elif path.is_file():
                found.append(File(str(path), named=False))
    return sorted(found, key=lambda file: file.path), sorted(skipped, key=lambda one: one.path)


def read_manifests(path: str) -> Iterator[Manifest | EmptyList]:
    """What stands in the file at *path*, one object after the other; lists are taken apart.

    Raises:
        FileError: it cannot be opened, or is neither YAML nor JSON.
    """
    text = _text(path)
    if _JSON.match(text):
        yield from _json_documents(path, text)
        return
    try:
        for body in _yaml_bodies(path, text):
            yield from _take_apart(path, body)
    except RecursionError:
        raise FileError(f"{path}: it is nested too deeply") from None


def _text(path: str) -> str:
    try:
        content = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    # PowerShell's `>` writes UTF-16.
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(f"{path}, line {line}: the text is not {encoding.removesuffix('-sig').upper()}") from None


# --- lists ------------------------------------------------------------------------------------------------------


def _take_apart(path: str, body: object) -> Iterator[Manifest | EmptyList]:
    """The objects of *body*: an object, a list of them, or a plain sequence."""
    if isinstance(body, list):
        for item in body:
            yield from _take_apart(path, item)
        return
    if not isinstance(body, dict):
        return
    kind, api_version = body.get("kind"), body.get("apiVersion")
    if not (isinstance(kind, str) and kind.endswith("List") and "items" in body):
        yield Manifest(path, _without_values(body))
        return
    kind, api_version = kind.removesuffix("List"), api_version if isinstance(api_version, str) else ""
    items = body["items"]
    if not isinstance(items, list) or not items:
        yield EmptyList(path, api_version, kind)
        return
    for item in items:
        yield from _take_apart(path, _with_type(item, kind, api_version))


def _with_type(item: object, kind: str, api_version: str) -> object:
    """*item* with the kind of its list: items of built-in types carry none."""
    if kind and isinstance(item, dict) and "kind" not in item:
        return {"apiVersion": api_version, "kind": kind, **item}
    return item


def _without_values(body: dict[str, Any]) -> dict[str, Any]:
    """*body*; of a Secret its metadata alone, without annotations, of which one can carry the data."""
    if body.get("kind") != "Secret":
        return body
    metadata = body.get("metadata")
    kept = metadata if isinstance(metadata, Mapping) else {}
    dropped = ("annotations", "managedFields")
    return {
        "apiVersion": body.get("apiVersion"),
        "kind": "Secret",
        "metadata": {name: value for name, value in kept.items() if name not in dropped},
    }


# --- JSON -------------------------------------------------------------------------------------------------------


class _RawList(msgspec.Struct, rename="camel"):
    kind: str
    items: list[msgspec.Raw]
    api_version: str = ""


def _json_documents(path: str, text: str) -> Iterator[Manifest | EmptyList]:
    """The objects of JSON text; a great list is taken apart while it is still bytes, which spares memory."""
    try:
        whole = msgspec.json.decode(text, type=_RawList)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        for body in _json_bodies(path, text):
            yield from _take_apart(path, body)
        return
    if not whole.kind.endswith("List") or not whole.items:
        yield from _take_apart(path, {"kind": whole.kind, "apiVersion": whole.api_version, "items": []})
        return
    for number, raw in enumerate(whole.items, 1):
        try:
            item = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise FileError(f"{path}: item {number} of the list is not valid JSON: {error}") from None
        yield from _take_apart(path, _with_type(item, whole.kind.removesuffix("List"), whole.api_version))


def _json_bodies(path: str, text: str) -> Iterator[object]:
    """One JSON value after the other: two answers of kubectl may stand in one file."""
    decoder, position = json.JSONDecoder(), 0
    while start := _next_value(text, position):
        try:
            _, position = decoder.raw_decode(text, start - 1)
            body = msgspec.json.decode(text[start - 1 : position])
        except json.JSONDecodeError as error:
            raise FileError(f"{path}, line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}") from None
        except msgspec.DecodeError as error:  # it is stricter: half a surrogate pair is no text
            line = text.count("\n", 0, start) + 1
            raise FileError(f"{path}, the JSON that starts in line {line}: {error}") from None
        except RecursionError:
            raise FileError(f"{path}: its JSON is nested too deeply") from None
        yield body


def _next_value(text: str, position: int) -> int:
    """One past the place where the next value starts; 0 at the end."""
    value = re.compile(r"\S").search(text, position)
    return value.end() if value else 0


# --- YAML -------------------------------------------------------------------------------------------------------


class _ApiConstructor(yaml.constructor.SafeConstructor):
    """YAML as the API's JSON has it: times are strings, and so is `yes`; labels are, whatever they look like."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for key, value in node.value:
            if _is_string_map(key, value):
                self.flatten_mapping(value)
                _make_strings(value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def _is_string_map(key: yaml.Node, value: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value in _STRING_MAPS and isinstance(value, yaml.MappingNode)


def _make_strings(node: yaml.MappingNode) -> None:
    for _, value in node.value:
        if isinstance(value, yaml.ScalarNode) and not value.tag.endswith(":null"):
            value.tag = _STRING


class _PatientLoader(_ApiConstructor, yaml.SafeLoader):
    """Reads what the fast one may not be given: libyaml's binding overruns the stack on deep nesting (PyYAML 6)."""


class _FastLoader(_ApiConstructor, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads with libyaml, some four times as fast."""


def _resolve_as_the_api_does(loader: type[yaml.SafeLoader]) -> None:
    loader.yaml_implicit_resolvers = {}
    for tag, pattern, first in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
        ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
        ("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
        ("merge", r"<<", "<"),
    ):
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))


_resolve_as_the_api_does(_PatientLoader)
_resolve_as_the_api_does(_FastLoader)


def _yaml_bodies(path: str, text: str) -> Iterator[object]:
    try:
        yield from yaml.load_all(text, Loader=_PatientLoader if _is_deep(text) else _FastLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise FileError(f"{path}{place}: not valid YAML: {_unquoted(error.problem or error.context)}") from None
    except (yaml.YAMLError, ValueError) as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise FileError(f"{path}, near line {line}: not valid YAML: {type(error).__name__}") from None


def _is_deep(text: str) -> bool:
    """Whether *text* may be nested a thousand levels deep."""
    if _DEEP_BLOCK.search(text):
        return True
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth = depth + 1 if bracket[0] in "[{" else max(depth - 1, 0)
        if depth >= _DEEP:
            return True
    return False


def _unquoted(problem: str | None) -> str:
    """*problem* without what it quotes from the file."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "…", problem or "it breaks off")
