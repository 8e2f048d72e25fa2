"""Files of objects, as `kubectl get … -o yaml|json` writes them and as people write them by hand."""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from exporter.facts.cluster.dump.json_text import json_bodies
from exporter.facts.cluster.dump.refusal import FileError, Refused
from exporter.facts.cluster.dump.yaml_text import yaml_bodies
from exporter.facts.decoding import decoder_of

STDIN = "-"
MOST_BYTES = 1 << 30
"""Of a file: ten times what a cluster of 10,000 claims is as YAML."""
_JSON = re.compile(r"\s*(\{\s*[\"}]|\[\s*[{\]])")
"""How JSON begins; YAML's flow style begins alike, and quotes no keys."""
_SUFFIXES = (".yaml", ".yml", ".json")


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
    """A file that was passed over, or a folder with nothing in it, and why."""

    path: str
    why: str


def find_files(paths: Sequence[str | Path]) -> tuple[list[File], list[Skipped]]:
    """The files that *paths* name, and the YAML and JSON files below the folders among them; `-` is the input.

    What else lies in a folder is passed over.

    Raises:
        FileError: a path leads to nothing, or a folder cannot be looked into.
    """
    found: list[File] = []
    skipped: list[Skipped] = []
    for path in map(Path, paths):
        if path.is_dir():
            below, others = _below(path)
            found += below
            skipped += others or ([] if below else [Skipped(str(path), "there is no file in the folder")])
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
        raise FileError(f"{error.filename}: the folder cannot be read: {error.strerror}")

    # A link to a folder is not followed: it may lead back.
    for place, _, names in os.walk(folder, onerror=refused):
        for path in (Path(place, name) for name in names):
            if path.suffix not in _SUFFIXES:
                skipped.append(Skipped(str(path), f"its name does not end in {', '.join(_SUFFIXES)}"))
            elif path.is_file():
                found.append(File(str(path), named=False))
    return sorted(found, key=lambda file: file.path), sorted(skipped, key=lambda one: one.path)


def read_manifests(path: str) -> Iterator[Manifest | EmptyList | Refused]:
    """What stands in the file at *path*, one object after the other; lists are taken apart.

    Raises:
        FileError: it cannot be opened, is too long, or is neither YAML nor JSON.
    """
    text = _text(path)
    if _JSON.match(text):
        yield from _json_documents(path, text)
        return
    for body in yaml_bodies(path, text):
        if isinstance(body, Refused):
            yield body
        else:
            yield from _take_apart(path, body)


def _content(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(MOST_BYTES + 1)


def _text(path: str) -> str:
    try:
        content = sys.stdin.buffer.read(MOST_BYTES + 1) if path == STDIN else _content(path)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise FileError(f"{path}: it is longer than {MOST_BYTES >> 20} MiB")
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


def _json_documents(path: str, text: str) -> Iterator[Manifest | EmptyList | Refused]:
    """The objects of JSON text; a great list is taken apart while it is still bytes, which spares memory."""
    try:
        whole = decoder_of(_RawList).decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        for body in json_bodies(path, text):
            if isinstance(body, Refused):
                yield body
            else:
                yield from _take_apart(path, body)
        return
    if not whole.kind.endswith("List") or not whole.items:
        yield from _take_apart(path, {"kind": whole.kind, "apiVersion": whole.api_version, "items": []})
        return
    for raw in whole.items:
        item = msgspec.json.decode(raw)
        yield from _take_apart(path, _with_type(item, whole.kind.removesuffix("List"), whole.api_version))
