"""Whether a rule's preconditions let a PVC through, as far as they ask for what is known of it.

A precondition is an expression over the admission request and over what the rule's context brings. Those that ask for
the PVC's name, namespace, labels or storage class are evaluated; one that asks whether the base Secret could be read
is that Secret's own link's to judge; any other one leaves the answer open.
"""

import re
from collections.abc import Mapping, Sequence

from exporter.chain.kyverno.answer import Answer, every, no, some
from exporter.chain.kyverno.trigger import TriggerResource
from exporter.chain.selectors import same

_EXPRESSION = re.compile(
    r"\{\{\s*+(?P<path>[\w.\"'/-]++)\s*+(?:\|\|\s*+(?P<quote>['`])(?P<default>[^'`]*+)(?P=quote)\s*+)?\}\}"
)
"""One path, with what stands for it where it is not there."""
_LABEL = re.compile(r"labels\.(?:\"(?P<quoted>[^\"]++)\"|(?P<plain>\w++))")
_OBJECT = "request.object."
_SENT = ("CREATE", "UPDATE")


def holds(preconditions: object, trigger: TriggerResource, secrets: frozenset[str]) -> Answer:
    """Whether *preconditions* hold for the PVC; *secrets* are the context's variables that hold a Secret's data."""
    if not preconditions:
        return True
    if isinstance(preconditions, Mapping):
        sides = [
            combine(_condition(one, trigger, secrets) for one in _list(preconditions.get(word)))
            for word, combine in (("all", every), ("any", some))
            if preconditions.get(word)
        ]
        return every(sides)
    return every(_condition(one, trigger, secrets) for one in _list(preconditions))


def _condition(condition: object, trigger: TriggerResource, secrets: frozenset[str]) -> Answer:
    if not isinstance(condition, Mapping):
        return None
    if "all" in condition or "any" in condition:
        return holds(condition, trigger, secrets)
    key, operator, value = condition.get("key"), condition.get("operator"), condition.get("value")
    found = _EXPRESSION.fullmatch(key.strip()) if isinstance(key, str) else None
    if found is None or not isinstance(operator, str):
        return None
    if found["path"].partition(".")[0] in secrets:
        return True
    wanted = value if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(one, str) and "{{" not in one for one in wanted):
        return None
    if found["path"] == "request.operation":
        return some(_compare(operator, sent, wanted) for sent in _SENT)
    text = _value(found["path"], trigger)
    if text is _UNKNOWN:
        return None
    text = found["default"] if text is None else text
    return None if text is None else _compare(operator, text, wanted)


_UNKNOWN = "\0"
"""No value of an object."""


def _value(path: str, trigger: TriggerResource) -> str | None:
    """What stands at *path* of the PVC; None: nothing."""
    if path in ("request.namespace", f"{_OBJECT}metadata.namespace"):
        return trigger.namespace
    if path in ("request.name", f"{_OBJECT}metadata.name"):
        return trigger.name
    if path == f"{_OBJECT}spec.storageClassName":
        return trigger.pvc.spec.storage_class_name
    if path.startswith(f"{_OBJECT}metadata.") and (label := _LABEL.fullmatch(path.removeprefix(f"{_OBJECT}metadata."))):
        return trigger.labels.get(label["quoted"] or label["plain"])
    return _UNKNOWN


def _compare(operator: str, text: str, wanted: Sequence[str]) -> Answer:
    """Kyverno's operators for one string (kyverno `pkg/engine/variables/operator`)."""
    is_there = any(same(text, pattern) for pattern in wanted)
    match operator:
        case "Equals" | "Equal" | "In" | "AnyIn" | "AllIn":
            return is_there
        case "NotEquals" | "NotEqual" | "NotIn" | "AnyNotIn" | "AllNotIn":
            return no(is_there)
        case _:
            return None


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
