"""CEL expressions, as far as they ask for what is known of a PVC: its name, its namespace and its labels."""

import re

from exporter.chain.kyverno.answer import Answer, every, no
from exporter.chain.kyverno.trigger import TriggerResource

_COMPARISON = re.compile(
    r"\s*+object\.metadata\.(?P<field>name|namespace)\s*+(?P<operator>==|!=)\s*+(['\"])(?P<value>[^'\"]*+)\3\s*+"
)
_STARTS = re.compile(
    r"\s*+(?P<no>!?)object\.metadata\.(?P<field>name|namespace)\.(?P<how>startsWith|endsWith)"
    r"\((['\"])(?P<value>[^'\"]*+)\4\)\s*+"
)


def holds(expression: str, trigger: TriggerResource) -> Answer:
    """Whether *expression* is true for the PVC; None: it asks for more than is known here."""
    if "||" in expression or "?" in expression:
        return None
    return every(_term(term, trigger) for term in expression.split("&&"))


def _term(term: str, trigger: TriggerResource) -> Answer:
    if found := _COMPARISON.fullmatch(term):
        is_equal = _field(found["field"], trigger) == found["value"]
        return is_equal if found["operator"] == "==" else not is_equal
    if found := _STARTS.fullmatch(term):
        text, value = _field(found["field"], trigger), found["value"]
        holds_so = text.startswith(value) if found["how"] == "startsWith" else text.endswith(value)
        return no(holds_so) if found["no"] else holds_so
    return None


def _field(name: str, trigger: TriggerResource) -> str:
    return trigger.name if name == "name" else trigger.namespace
