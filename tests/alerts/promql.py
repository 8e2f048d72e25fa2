"""Which labels an expression's result has, told from the catalogue of families and the recording rules."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import promql_parser as promql

Labels = frozenset[str]

SCRAPE: Labels = frozenset({"instance", "job", "namespace", "cluster"})
"""What Prometheus, its operator or its owner adds to every scraped series."""
OWN: Mapping[str, Labels] = {"up": SCRAPE}
"""Metrics of Prometheus itself."""

_SET_OPERATORS = {"and", "unless", "or"}
_TEMPLATE_QUERY = re.compile(r"`([^`]+)`")


class Unemitted(Exception):  # noqa: N818 - a finding, not an error
    """An expression names what nothing emits."""


class Checker:
    """Walks expressions over the series in *known*: each name with its labels."""

    def __init__(self, known: Mapping[str, Labels]) -> None:
        self.known = dict(known)

    def labels(self, expression: str) -> Labels:
        """The labels of the result.

        Raises:
            Unemitted: a metric does not exist, or a label does not at the place where it is named.
        """
        return self._labels(promql.parse(expression))

    def _labels(self, node: Any) -> Labels:
        walk: Callable[[Any], Labels] = getattr(self, f"_{type(node).__name__}")
        return walk(node)

    def _VectorSelector(self, node: Any) -> Labels:  # noqa: N802 - named after the parser's class
        if node.name not in self.known:
            raise Unemitted(f"no such metric: {node.name}")
        for matcher in node.matchers.matchers:
            self._has(self.known[node.name], [matcher.name], f"a matcher of {node.name}")
        return self.known[node.name]

    def _MatrixSelector(self, node: Any) -> Labels:  # noqa: N802
        return self._labels(node.vector_selector)

    def _SubqueryExpr(self, node: Any) -> Labels:  # noqa: N802
        return self._labels(node.expr)

    _ParenExpr = _UnaryExpr = _SubqueryExpr

    def _NumberLiteral(self, _: Any) -> Labels:  # noqa: N802
        return frozenset()

    def _AggregateExpr(self, node: Any) -> Labels:  # noqa: N802
        inner = self._labels(node.expr)
        if str(node.op) in {"topk", "bottomk"}:
            return inner
        if node.modifier is None:
            return frozenset()
        named = node.modifier.labels
        if "Without" in str(node.modifier.type):  # names labels that some scrapes have, and others not
            return inner - frozenset(named)
        self._has(inner, named, f"{node.op} by")
        return frozenset(named)

    def _BinaryExpr(self, node: Any) -> Labels:  # noqa: N802
        left, right = self._labels(node.lhs), self._labels(node.rhs)
        matching = node.modifier.matching if node.modifier else None
        on = list(matching.labels) if matching and "Include" in str(matching.type) else None
        if on is not None:
            self._has(left, on, f"{node.op} on, left")
            self._has(right, on, f"{node.op} on, right")
        if str(node.op) == "or":
            return left & right
        if str(node.op) in _SET_OPERATORS or not right or not left:
            return left or right
        if node.modifier and node.modifier.group_labels is not None:
            return left | frozenset(node.modifier.group_labels)
        if matching is not None and on is None:
            return left - frozenset(matching.labels)
        return frozenset(on) if on is not None else left

    def _Call(self, node: Any) -> Labels:  # noqa: N802
        if node.func.name == "absent":
            self._labels(node.args[0])
            matchers = getattr(node.args[0], "matchers", None)
            return frozenset(m.name for m in matchers.matchers if "Equal" in str(m.op)) if matchers else frozenset()
        if node.func.name == "scalar":
            return self._labels(node.args[0]) and frozenset()
        vectors = [argument for argument in node.args if not isinstance(argument, promql.StringLiteral)]
        labels = self._labels(vectors[0]) if vectors else frozenset()
        for other in vectors[1:]:
            self._labels(other)
        return labels | {node.args[1].val} if node.func.name == "label_replace" else labels

    @staticmethod
    def _has(labels: Labels, named: list[str], where: str) -> None:
        if missing := [label for label in named if label not in labels]:
            raise Unemitted(f"{where}: no label {', '.join(missing)} among {', '.join(sorted(labels)) or 'none'}")


def selectors(expression: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each selector's metric, with its matchers."""
    yield from _selectors(promql.parse(expression))


def _selectors(node: Any) -> Iterator[tuple[str, dict[str, str]]]:
    if isinstance(node, promql.VectorSelector):
        yield node.name, {matcher.name: matcher.value for matcher in node.matchers.matchers}
    for name in ("expr", "lhs", "rhs", "vector_selector"):
        if hasattr(node, name):
            yield from _selectors(getattr(node, name))
    for argument in getattr(node, "args", ()):
        yield from _selectors(argument)


def queries_of(template: str) -> list[str]:
    """The PromQL in a template, with something in place of each `%q`."""
    found = _TEMPLATE_QUERY.findall(template)
    return [query.replace("%q", '"x"') for query in found]


def labels_named_in(template: str) -> set[str]:
    """The labels that a template reads of a query's samples."""
    return {
        *re.findall(r"\.Labels\.(\w+)", template),
        *re.findall(r'(?<!\$)\b(?:label|sortByLabel) "(\w+)"', template),
    }
