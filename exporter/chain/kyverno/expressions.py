"""What the strings of a policy say: the functions they call, and the Secrets they read.

Every scan here takes time in proportion to the text: a policy is anybody's to write.
"""

import re
from collections.abc import Iterator, Mapping

from exporter.chain.kyverno.functions import FUNCTIONS

_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*+(?:'|\Z|\\\Z)|`[^`]*+`?|\"(?:[^\"\\]|\\.)*+(?:\"|\Z|\\\Z)", re.DOTALL)
"""A quoted text, also one that is never closed: no quotation mark is looked at twice."""
_CALL = re.compile(r"(?<![\w.])([a-z_][a-z0-9_]*+)\s*+\(")
_GETS_SECRET = re.compile(
    r"resource\.Get\(\s{0,9}[\"']v1[\"']\s{0,9},\s{0,9}[\"']secrets[\"']\s{0,9},\s{0,9}"
    r"(?P<namespace>[^,\"']{1,99})\s{0,9},\s{0,9}[\"'](?P<name>[a-z0-9.-]{1,253})[\"']"
)
"""CEL that reads a Secret by its name from a namespace that is no literal."""
_SECRETS_PATH = ("", "api", "v1", "namespaces")


def texts(value: object) -> Iterator[str]:
    """Every string in a JSON value, however deep."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting.extend(reversed(list(value.values())))
        elif isinstance(value, list | tuple):
            waiting.extend(reversed(value))


def expressions(text: str) -> Iterator[str]:
    """What stands between `{{` and the next `}}`."""
    start = text.find("{{")
    while start >= 0:
        end = text.find("}}", start)
        if end < 0:
            return
        yield text[start + 2 : end]
        start = text.find("{{", end)


def unknown_function(value: object) -> str | None:
    """The first function that the expressions in *value* call and no version of Kyverno has."""
    for text in texts(value):
        for expression in expressions(text):
            for function in _CALL.findall(_LITERAL.sub("''", expression)):
                if function not in FUNCTIONS:
                    return str(function)
    return None


def secret_variables(context: object) -> Mapping[str, str | None]:
    """The variables of a rule's context that hold a Secret of the PVC's own namespace, with the Secret's name.

    The name is None where it is itself an expression, or where the Secret lies in another namespace.
    """
    found: dict[str, str | None] = {}
    for entry in context if isinstance(context, list | tuple) else ():
        variable, call = (entry.get("name"), entry.get("apiCall")) if isinstance(entry, Mapping) else (None, None)
        path = call.get("urlPath") if isinstance(call, Mapping) else None
        if isinstance(variable, str) and isinstance(path, str) and "/secrets/" in path:
            found[variable] = _secret_of(path)
    return found


def _secret_of(path: str) -> str | None:
    """The Secret that `/api/v1/namespaces/{{…}}/secrets/NAME` names."""
    *before, namespace, secrets, name = path.strip().split("/")
    if tuple(before) != _SECRETS_PATH or secrets != "secrets" or not is_expression(namespace) or is_expression(name):
        return None
    return name


def is_expression(text: str) -> bool:
    """Whether *text* is no literal."""
    return "{{" in text


def secrets_in_cel(text: str) -> Iterator[str]:
    """The Secrets of the PVC's own namespace that CEL reads by name."""
    yield from (found["name"] for found in _GETS_SECRET.finditer(text))
