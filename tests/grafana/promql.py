"""Which labels an expression's series have, inferred from the families that it selects."""

from typing import Any

import promql_parser as promql

from exporter.publication.families import FAMILIES

TARGET = frozenset({"cluster", "instance", "job"})
"""What a scrape adds to every series."""
KNOWN = {family.name: frozenset(family.labels) for family in FAMILIES} | {
    "ALERTS": frozenset({"alertname", "alertstate", "severity", "cause", "scope", "link"}),
    "scope:volsync_root_cause:fault": frozenset({"cause", "scope", "fault", "home", "link"}),
    "claim:volsync_root_cause:hit": frozenset({"namespace", "pvc", "link", "cause", "scope"}),
}
"""Every family that a dashboard may ask for: the exporter's own, Prometheus' of alerts, and what the rules remember."""


class UnknownNameError(AssertionError):
    """An expression names a family or a label that is not published."""


def labels_of(expression: str) -> frozenset[str]:
    """The labels of the series that *expression* yields.

    Raises:
        UnknownNameError: it selects a family that is not in the catalogue, or uses a label that its operand lacks.
    """
    return _labels(promql.parse(expression))


def selectors_of(expression: str) -> list[promql.VectorSelector]:
    """Every selector in *expression*."""
    found: list[promql.VectorSelector] = []
    _labels(promql.parse(expression), found)
    return found


def _labels(node: Any, found: list[promql.VectorSelector] | None = None) -> frozenset[str]:
    match node:
        case promql.VectorSelector():
            return _of_selector(node, found)
        case promql.MatrixSelector():
            return _of_selector(node.vector_selector, found)
        case promql.ParenExpr() | promql.SubqueryExpr() | promql.UnaryExpr():
            return _labels(node.expr, found)
        case promql.AggregateExpr():
            return _of_aggregate(node, found)
        case promql.BinaryExpr():
            return _of_binary(node, found)
        case promql.Call():
            return _of_call(node, found)
        case promql.NumberLiteral() | promql.StringLiteral():
            return frozenset()
        case _:
            raise TypeError(f"{type(node).__name__} is no node whose labels are known")


def _of_selector(node: promql.VectorSelector, found: list[promql.VectorSelector] | None) -> frozenset[str]:
    if found is not None:
        found.append(node)
    if node.name not in KNOWN:
        raise UnknownNameError(f"no such family: {node.name}")
    labels = KNOWN[node.name] | TARGET
    _want({matcher.name for matcher in node.matchers.matchers}, labels, node.name)
    return labels


def _of_aggregate(node: promql.AggregateExpr, found: list[promql.VectorSelector] | None) -> frozenset[str]:
    inner = _labels(node.expr, found)
    if node.modifier is None:
        keeps = "topk" in str(node).split("(", 1)[0] or "bottomk" in str(node).split("(", 1)[0]
        return inner if keeps else frozenset()
    wanted = frozenset(node.modifier.labels)
    _want(wanted, inner, str(node))
    return wanted if "by" in str(node.modifier).lower() else inner - wanted


def _of_binary(node: promql.BinaryExpr, found: list[promql.VectorSelector] | None) -> frozenset[str]:
    left, right = _labels(node.lhs, found), _labels(node.rhs, found)
    if _is_scalar(node.rhs) or str(node.op) == "and":
        joined = left
    elif _is_scalar(node.lhs):
        joined = right
    else:
        joined = left & right
    if node.modifier is not None and node.modifier.matching is not None:
        wanted = frozenset(node.modifier.matching.labels)
        _want(wanted, left & right, str(node))
    elif left and right and str(node.op) != "or" and left != right:
        raise UnknownNameError(f"the sides have different labels, and match nothing: {sorted(left ^ right)} in {node}")
    return joined


def _is_scalar(node: Any) -> bool:
    match node:
        case promql.NumberLiteral():
            return True
        case promql.ParenExpr() | promql.UnaryExpr():
            return _is_scalar(node.expr)
        case promql.BinaryExpr():
            return _is_scalar(node.lhs) and _is_scalar(node.rhs)
        case promql.Call():
            return node.func.name in {"time", "scalar", "pi"}
    return False


def _of_call(node: promql.Call, found: list[promql.VectorSelector] | None) -> frozenset[str]:
    labels = frozenset[str]().union(*(_labels(argument, found) for argument in node.args))
    if node.func.name == "label_join":
        texts = [argument.val for argument in node.args if isinstance(argument, promql.StringLiteral)]
        _want(set(texts[2:]), labels, str(node))
        return labels | {texts[0]}
    return labels


def _want(wanted: set[str] | frozenset[str], labels: frozenset[str], where: str) -> None:
    if missing := set(wanted) - labels:
        raise UnknownNameError(f"no such label: {', '.join(sorted(missing))} in {where}")
