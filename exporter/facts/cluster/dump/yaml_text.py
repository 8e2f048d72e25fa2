"""YAML as people and kubectl write it: each document by itself, and of a list that cannot be read each item by itself.

What costs more than it is long is refused: aliases that multiply (a few hundred bytes can stand for gigabytes), and
nesting that overruns the stack.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from exporter.facts.cluster.dump.refusal import FileError, Refused

_DEEP = 1000
_DEEP_BLOCK = re.compile(rf"^[ ?-]{{{_DEEP}}}", re.MULTILINE)
_STRING = "tag:yaml.org,2002:str"
_STRING_MAPS = frozenset({"labels", "annotations", "matchLabels", "nodeSelector"})
"""Mappings whose values are strings in the API whatever they look like."""
_MOST_NODES = 1_000_000
"""Of one document, each alias counted as what it stands for."""
_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_ITEMS = re.compile(r"^items:[ \t]*\n(?=- )", re.MULTILINE)
_ITEM = re.compile(r"^- ", re.MULTILINE)
_UNREADABLE = (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What PyYAML raises: `!!bool x` is a KeyError, a date in month 13 a ValueError."""


def yaml_bodies(path: str, text: str) -> Iterator[object]:
    """What each document of *text* holds; `Refused` for an object that cannot be read.

    Raises:
        FileError: a document cannot be read, nor can it be told what it is.
    """
    for line, document in _documents(text):
        try:
            bodies = _load(document)
        except _UNREADABLE as error:
            yield from _by_items(path, line, document, error)
        else:
            yield from bodies


def _documents(text: str) -> Iterator[tuple[int, str]]:
    """The documents of *text*, each with the number of lines before it; directives stay with the one they are for."""
    starts = [0]
    for found in _DOCUMENT.finditer(text):
        before = text[starts[-1] : found.start()]
        if before.strip() and not all(line[:1] in ("%", "#", "") for line in before.splitlines()):
            starts.append(found.start())
    line = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield line, text[start:end]
        line += text.count("\n", start, end)


def _load(text: str) -> list[object]:
    return list(yaml.load_all(text, Loader=_PatientLoader if _is_deep(text) else _FastLoader))


def _by_items(path: str, line: int, document: str, error: Exception) -> Iterator[object]:
    """The items of a list in the form that kubectl writes, those that cannot be read refused; else the whole."""
    items = _ITEMS.search(document)
    if items is None:
        yield _refused(path, line, document, error)
        return
    starts = [found.start() for found in _ITEM.finditer(document, items.end())]
    ends = [*starts[1:], len(document)]
    rest = re.search(r"^[^\s#-]", document[starts[-1] :], re.MULTILINE)  # kubectl's own `kind: List` stands last
    ends[-1] = starts[-1] + rest.start() if rest else ends[-1]
    for start, end in zip(starts, ends, strict=True):
        item = document[start:end]
        try:
            yield from _load(item)
        except _UNREADABLE as problem:
            own = "  " + item[2:]
            before = line + document.count("\n", 0, start)
            yield _refused(path, before, re.sub(r"^  ", "", own, flags=re.MULTILINE), problem)


def _refused(path: str, line: int, document: str, error: Exception) -> Refused:
    """*document* as an object that cannot be read.

    Raises:
        FileError: nor can it be told what it is.
    """
    reason = _reason(path, line, document, error)
    kind = _scalar("kind", document)
    metadata = re.search(r"^metadata:[ \t]*\n((?: +[^\n]*\n?)*)", document, re.MULTILINE)
    block = re.sub(rf"^{' ' * _indent(metadata[1])}", "", metadata[1], flags=re.MULTILINE) if metadata else ""
    if not kind or not _scalar("name", block):
        raise FileError(reason)
    claim = re.search(r"^ +sourcePVC:[ \t]*[\"']?([^\s\"'#]+)", document, re.MULTILINE)
    return Refused(
        path,
        reason,
        _scalar("apiVersion", document),
        kind,
        _scalar("namespace", block),
        _scalar("name", block),
        claim[1] if claim else None,
    )


def _scalar(key: str, block: str) -> str:
    found = re.search(rf"^{key}:[ \t]*[\"']?([^\s\"'#]+)", block, re.MULTILINE)
    return found[1] if found else ""


def _indent(block: str) -> int:
    return len(block) - len(block.lstrip(" "))


def _reason(path: str, line: int, document: str, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"{path}, near line {line + 1}: it is nested too deeply"
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = f", line {line + mark.line + 1}, column {mark.column + 1}" if mark else f", near line {line + 1}"
        return f"{path}{place}: not valid YAML: {_unquoted(error.problem or error.context)}"
    at = line + document.count("\n", 0, getattr(error, "position", 0)) + 1
    return f"{path}, near line {at}: not valid YAML: {type(error).__name__}"


class _ApiConstructor(yaml.constructor.SafeConstructor):
    """YAML as the API's JSON has it: times are strings, and so is `yes`; labels are, whatever they look like."""

    def construct_document(self, node: yaml.Node) -> Any:  # noqa: ANN401 - whatever the document holds
        if _size(node, {}) > _MOST_NODES:
            raise yaml.constructor.ConstructorError(None, None, "its aliases multiply without bound", node.start_mark)
        return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for key, value in node.value:
            if _is_string_map(key, value):
                self.flatten_mapping(value)
                _make_strings(value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many nodes *node* stands for; one that holds itself stands for more than any number."""
    known = sizes.get(id(node))
    if known is not None:
        return known
    sizes[id(node)] = _MOST_NODES + 1
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        parts = node.value
    sizes[id(node)] = size = min(1 + sum(_size(part, sizes) for part in parts), _MOST_NODES + 1)
    return size


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
