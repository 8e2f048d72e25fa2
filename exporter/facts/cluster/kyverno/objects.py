"""Kyverno's objects (kyverno.io and policies.kyverno.io)."""

from typing import Any

from exporter.facts.cluster.wire import (
    Condition,
    Items,
    Labels,
    LabelSelector,
    Many,
    Name,
    Object,
    ObjectReference,
    Text,
    Wire,
)


class ResourceDescription(Wire):
    kinds: Items[Text] | None = None
    name: Name = ""
    names: Items[Text] | None = None
    namespaces: Many[Text] | None = None
    annotations: Labels | None = None
    selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    operations: Items[Text] | None = None


class ResourceFilter(Wire):
    """What is asked of the object, and of who sent it."""

    resources: ResourceDescription | None = None
    roles: Items[Text] | None = None
    cluster_roles: Items[Text] | None = None
    subjects: Items[Any] | None = None


class MatchResources(ResourceFilter):
    """`any` or `all` of several filters, or one filter that stands here itself."""

    any: Items[ResourceFilter] | None = None
    all: Items[ResourceFilter] | None = None


class CloneSource(Wire):
    namespace: Name = ""
    name: Name = ""


class GeneratedResource(Wire):
    kind: Name = ""
    name: Name = ""
    data: Any = None
    """The object to generate, with expressions in its strings."""
    clone: CloneSource | None = None


class EachGeneration(GeneratedResource):
    context: Any = None


class Generation(GeneratedResource):
    synchronize: bool = False
    generate_existing: bool | None = None
    foreach: Items[EachGeneration] | None = None

    @property
    def resources(self) -> tuple[GeneratedResource, ...]:
        """What is generated: one object, or one for each of a list's elements."""
        return (self, *(self.foreach or ()))


class PolicyRule(Wire):
    name: Name
    match: MatchResources | None = None
    exclude: MatchResources | None = None
    context: Any = None
    preconditions: Any = None
    cel_preconditions: Any = None
    generate: Generation | None = None


class RulePolicySpec(Wire):
    rules: Items[PolicyRule] | None = None
    generate_existing: bool | None = None


class RulePolicyStatus(Wire):
    """`ready` is what Kyverno wrote before 1.10; later ones leave it empty and write the condition `Ready`."""

    ready: bool | None = None
    conditions: Items[Condition] | None = None


class ClusterPolicy(Object):
    spec: RulePolicySpec = RulePolicySpec()
    status: RulePolicyStatus | None = None


class Policy(ClusterPolicy):
    """The same for the objects of its own namespace."""


class ResourceRule(Wire):
    api_groups: Items[Text] | None = None
    operations: Items[Text] | None = None
    resources: Items[Text] | None = None
    resource_names: Items[Text] | None = None


class MatchConstraints(Wire):
    object_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    resource_rules: Items[ResourceRule] | None = None
    exclude_resource_rules: Items[ResourceRule] | None = None


class MatchCondition(Wire):
    expression: Text = ""


class Switch(Wire):
    enabled: bool | None = None


class Evaluation(Wire):
    generate_existing: Switch | None = None
    synchronize: Switch | None = None


class GeneratingPolicySpec(Wire):
    match_constraints: MatchConstraints | None = None
    match_conditions: Items[MatchCondition] | None = None
    evaluation: Evaluation | None = None
    variables: Any = None
    generate: Any = None


class ConditionStatus(Wire):
    ready: bool | None = None
    message: Text = ""
    conditions: Items[Condition] | None = None


class GeneratingPolicyStatus(Wire):
    condition_status: ConditionStatus | None = None


class GeneratingPolicy(Object):
    spec: GeneratingPolicySpec = GeneratingPolicySpec()
    status: GeneratingPolicyStatus | None = None


class NamespacedGeneratingPolicy(GeneratingPolicy):
    """The same for the objects of its own namespace."""


class ExceptedRules(Wire):
    policy_name: Text = ""
    rule_names: Items[Text] | None = None


class PolicyExceptionSpec(Wire):
    match: MatchResources | None = None
    conditions: Any = None
    exceptions: Items[ExceptedRules] | None = None


class PolicyException(Object):
    """What keeps rules of ClusterPolicies and Policies away from some objects (kyverno.io)."""

    spec: PolicyExceptionSpec = PolicyExceptionSpec()


class PolicyRef(Wire):
    kind: Name = ""
    name: Name = ""


class CELPolicyExceptionSpec(Wire):
    policy_refs: Items[PolicyRef] | None = None
    match_conditions: Items[MatchCondition] | None = None


class CELPolicyException(Object):
    """The PolicyException of policies.kyverno.io, for GeneratingPolicies."""

    spec: CELPolicyExceptionSpec = CELPolicyExceptionSpec()


class RuleContext(Wire):
    rule: Text = ""
    trigger: ObjectReference | None = None


class UpdateRequestSpec(Wire):
    """From Kyverno 1.13 the triggers stand in `ruleContext`; before, one stands in `rule` and `resource`."""

    policy: Text = ""
    request_type: Text = ""
    rule: Text = ""
    resource: ObjectReference | None = None
    rule_context: Many[RuleContext] | None = None


class UpdateRequestStatus(Wire):
    state: Text = ""
    message: Text = ""
    retry_count: int = 0


class UpdateRequest(Object):
    spec: UpdateRequestSpec = UpdateRequestSpec()
    status: UpdateRequestStatus | None = None
