"""Kyverno's objects (kyverno.io and policies.kyverno.io)."""

from typing import Any

from exporter.facts.cluster.wire import Condition, LabelSelector, Object, ObjectReference, Wire


class ResourceDescription(Wire):
    kinds: tuple[str, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None


class ResourceFilter(Wire):
    resources: ResourceDescription | None = None


class MatchResources(Wire):
    any: tuple[ResourceFilter, ...] | None = None
    all: tuple[ResourceFilter, ...] | None = None
    resources: ResourceDescription | None = None


class Generation(Wire):
    kind: str = ""
    name: str = ""
    data: Any = None
    """The object to generate, with expressions in its strings."""


class PolicyRule(Wire):
    name: str
    match: MatchResources | None = None
    exclude: MatchResources | None = None
    generate: Generation | None = None


class ClusterPolicySpec(Wire):
    rules: tuple[PolicyRule, ...] | None = None


class PolicyStatus(Wire):
    conditions: tuple[Condition, ...] | None = None


class ClusterPolicy(Object):
    spec: ClusterPolicySpec = ClusterPolicySpec()
    status: PolicyStatus | None = None


class MatchConstraints(Wire):
    object_selector: LabelSelector | None = None


class GeneratingPolicySpec(Wire):
    match_constraints: MatchConstraints | None = None
    generate: tuple[Any, ...] | None = None


class ConditionStatus(Wire):
    ready: bool | None = None
    message: str = ""
    conditions: tuple[Condition, ...] | None = None


class GeneratingPolicyStatus(Wire):
    condition_status: ConditionStatus | None = None


class GeneratingPolicy(Object):
    spec: GeneratingPolicySpec = GeneratingPolicySpec()
    status: GeneratingPolicyStatus | None = None


class RuleContext(Wire):
    rule: str = ""
    trigger: ObjectReference | None = None


class UpdateRequestSpec(Wire):
    """From Kyverno 1.13 the triggers stand in `ruleContext`; before, one stands in `rule` and `resource`."""

    policy: str = ""
    request_type: str = ""
    rule: str = ""
    resource: ObjectReference | None = None
    rule_context: tuple[RuleContext, ...] | None = None


class UpdateRequestStatus(Wire):
    state: str = ""
    message: str = ""
    retry_count: int = 0


class UpdateRequest(Object):
    spec: UpdateRequestSpec = UpdateRequestSpec()
    status: UpdateRequestStatus | None = None
