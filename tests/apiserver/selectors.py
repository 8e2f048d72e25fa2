"""Label and field selectors as the API server reads them (apimachinery `pkg/labels`, `pkg/fields`)."""

import re
from collections.abc import Mapping
from typing import Any

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_REQUIREMENT = re.compile(
    rf"\s*(?:(?P<not>!)\s*(?P<absent>{_NAME})"
    rf"|(?P<key>{_NAME})\s+(?P<set>in|notin)\s*\((?P<values>[^)]*)\)"
    rf"|(?P<key2>{_NAME})\s*(?P<op>==|!=|=)\s*(?P<value>{_VALUE})"
    rf"|(?P<present>{_NAME}))\s*(?:,|$)"
)


class BadSelectorError(Exception):
    """The server answers 400 with this message."""


def matches_labels(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether *labels* satisfy every requirement of *selector*."""
    position, result = 0, True
    while position < len(selector):
        term = _REQUIREMENT.match(selector, position)
        if term is None:
            raise BadSelectorError(f'unable to parse requirement: "{selector[position:]}"')
        result &= _satisfied(term, labels)
        position = term.end()
    return result


def _satisfied(term: re.Match[str], labels: Mapping[str, str]) -> bool:
    if term["absent"]:
        return term["absent"] not in labels
    if term["present"]:
        return term["present"] in labels
    if term["set"]:
        values = {value.strip() for value in term["values"].split(",")}
        return (labels.get(term["key"]) in values) is (term["set"] == "in")
    return (labels.get(term["key2"]) == term["value"]) is not (term["op"] == "!=")


def matches_fields(selector: str, known: Mapping[str, str]) -> bool:
    """Whether the fields of *known* satisfy *selector*; a field that is not among them cannot be selected by."""
    result = True
    for term in filter(None, selector.split(",")):
        parts = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", term)
        if parts is None:
            raise BadSelectorError(f'invalid selector: "{selector}"; can\'t understand "{term}"')
        field, operator, value = parts.groups()
        if field not in known:
            raise BadSelectorError(f"field label not supported: {field}")
        result &= (known[field] == value) is not (operator == "!=")
    return result


def field_value(obj: Mapping[str, Any], path: str) -> str:
    """The value at a dotted *path*, as a selector compares it: empty where there is none."""
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)
