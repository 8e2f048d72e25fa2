"""Label selectors, as the API server evaluates them."""

from collections.abc import Mapping

from exporter.facts.cluster.wire import LabelSelector, LabelSelectorRequirement


def matches(selector: LabelSelector | None, labels: Mapping[str, str] | None) -> bool:
    """Whether *labels* satisfy *selector*; an absent or empty selector takes everything."""
    labels = labels or {}
    if selector is None:
        return True
    wanted = selector.match_labels or {}
    return all(_same(labels.get(key), value) for key, value in wanted.items()) and all(
        _satisfies(requirement, labels) for requirement in selector.match_expressions or ()
    )


def _same(value: str | None, pattern: str) -> bool:
    """Kyverno allows `*` and `?` in a selector's values (kyverno `ext/wildcard`); Kubernetes has no such values."""
    if value is None:
        return False
    if "*" in pattern or "?" in pattern:
        return _like(value, pattern)
    return value == pattern


def _like(value: str, pattern: str) -> bool:
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(_like(value[start:], pattern[1:]) for start in range(len(value) + 1))
    return bool(value) and pattern[0] in ("?", value[0]) and _like(value[1:], pattern[1:])


def _satisfies(requirement: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(requirement.key), requirement.values or ()
    match requirement.operator:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False
