"""Label selectors, as the API server evaluates them."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from exporter.facts.cluster.wire import LabelSelector, LabelSelectorRequirement


def matches(selector: LabelSelector | None, labels: Mapping[str, str] | None) -> bool:
    """Whether *labels* satisfy *selector*; an absent or empty selector takes everything."""
    labels = labels or {}
    if selector is None:
        return True
    wanted = selector.match_labels or {}
    return all(same(labels.get(key), value) for key, value in wanted.items()) and all(
        _satisfies(requirement, labels) for requirement in selector.match_expressions or ()
    )


def same(value: str | None, pattern: str) -> bool:
    """Whether *value* is what *pattern* asks for.

    Kyverno allows `*` and `?` in a selector's values (kyverno `ext/wildcard`); Kubernetes has no such values.

    They mean what they mean in the names of files, where alone `[` would mean something too. Python translates every
    star into a group that is not tried again (`fnmatch.translate`), so that no pattern takes more than linear time.
    """
    return value is not None and (value == pattern or fnmatchcase(value, pattern.replace("[", "[[]")))


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
