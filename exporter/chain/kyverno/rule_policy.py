"""Policies made of rules: ClusterPolicy, and Policy for one namespace (kyverno.io)."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from exporter.chain.kyverno import expressions, matching, preconditions
from exporter.chain.kyverno.answer import Answer, every, no, some
from exporter.chain.kyverno.policy import SECRET, SOURCE, BackupPolicy
from exporter.chain.kyverno.trigger import TriggerResource
from exporter.chain.selectors import same
from exporter.facts.cluster.kyverno.objects import (
    ClusterPolicy,
    ExceptedRules,
    GeneratedResource,
    PolicyException,
    PolicyRule,
)
from exporter.facts.cluster.wire import LabelSelector

_OF_VOLSYNC = ("RESTIC_", "KOPIA_", "RCLONE_", "volsync")
"""Words that tell a Secret for VolSync from any other one that a policy generates for PVCs."""


class RulePolicy(BackupPolicy):
    """A ClusterPolicy or a Policy, with the exceptions to it."""

    def __init__(self, policy: ClusterPolicy, exceptions: Sequence[PolicyException] = ()) -> None:
        super().__init__(policy)
        self._spec = policy.spec
        self._exceptions = [
            (exception, excepted)
            for exception in exceptions
            for excepted in exception.spec.exceptions or ()
            if _is_of(excepted, policy)
        ]

    @cached_property
    def _rules(self) -> tuple[tuple[PolicyRule, frozenset[str]], ...]:
        """The rules that generate what a backup needs for PVCs, each with the kinds that it generates."""
        rules = (rule for rule in self._spec.rules or () if matching.is_for_claims(rule.match))
        made = ((rule, frozenset(_kind_of(one) for one in _resources(rule)) - {""}) for rule in rules)
        return tuple((rule, kinds) for rule, kinds in made if kinds)

    def _rules_for(self, kind: str) -> Iterator[PolicyRule]:
        return (rule for rule, kinds in self._rules if not kind or kind in kinds)

    def makes(self, kind: str) -> bool:
        return any(kind in kinds for _, kinds in self._rules)

    def covers(self, trigger: TriggerResource, kind: str = "") -> Answer:
        if self.namespace and self.namespace != trigger.namespace:
            return False
        return some(
            every((self._takes(rule, trigger), no(self._excepts(rule, trigger)))) for rule in self._rules_for(kind)
        )

    def is_excepted(self, trigger: TriggerResource) -> bool:
        return any(
            self._takes(rule, trigger) is not False and self._excepts(rule, trigger) is not False
            for rule in self._rules_for("")
        )

    def wanted_namespace_labels(self, trigger: TriggerResource) -> LabelSelector | None:
        for rule in self._rules_for(""):
            if matching.takes(rule.match, trigger) is False and matching.takes_apart_from_namespace(
                rule.match, trigger
            ):
                asked = (description.namespace_selector for description in matching.descriptions(rule.match))
                return next((one for one in asked if matching.selects_namespace(one, trigger) is False), None)
        return None

    def selectors(self) -> Iterator[LabelSelector]:
        for rule in self._rules_for(""):
            yield from matching.selectors(rule.match)

    def base_secrets(self) -> frozenset[str]:
        return self._base_secrets

    @cached_property
    def _base_secrets(self) -> frozenset[str]:
        named = {
            secret
            for rule in self._rules_for(SECRET)
            for secret in _secret_variables(rule).values()
            if secret is not None
        }
        cloned = {
            resource.clone.name
            for rule in self._rules_for(SECRET)
            for resource in _resources(rule)
            if resource.clone and expressions.is_expression(resource.clone.namespace)
        }
        return frozenset(name for name in named | cloned if name and not expressions.is_expression(name))

    def names_text(self, text: str) -> bool:
        return any(
            text in one
            for rule in self._rules_for("")
            for part in (rule.context, *_data(rule))
            for one in expressions.texts(part)
        )

    def is_synchronised(self, rule: str) -> bool:
        made = [one for one, _ in self._rules]
        named = [one for one in made if one.name == rule] or made
        return any(one.generate is not None and one.generate.synchronize for one in named)

    def takes_existing(self, kind: str) -> bool:
        settings = [rule.generate.generate_existing for rule in self._rules_for(kind) if rule.generate]
        return any(self._spec.generate_existing if one is None else one for one in settings)

    def fault(self, kind: str) -> str | None:
        return self._faults.get(kind)

    @cached_property
    def _faults(self) -> dict[str, str]:
        faults: dict[str, str] = {}
        for rule, kinds in self._rules:
            if function := expressions.unknown_function(list(_data(rule))):
                words = f"rule {rule.name} calls {function}(), which is no function of Kyverno's JMESPath"
                faults.update(dict.fromkeys(kinds, words))
        return faults

    def _takes(self, rule: PolicyRule, trigger: TriggerResource) -> Answer:
        variables = _secret_variables(rule)
        return every(
            (
                matching.takes(rule.match, trigger),
                no(matching.takes(rule.exclude, trigger)) if rule.exclude else True,
                preconditions.holds(rule.preconditions, trigger, frozenset(variables)),
                None if rule.cel_preconditions else True,
            )
        )

    def _excepts(self, rule: PolicyRule, trigger: TriggerResource) -> Answer:
        return some(
            every((matching.takes(exception.spec.match, trigger), None if exception.spec.conditions else True))
            for exception, excepted in self._exceptions
            if any(same(rule.name, pattern) for pattern in excepted.rule_names or ())
        )


def _is_of(excepted: ExceptedRules, policy: ClusterPolicy) -> bool:
    """A Policy is named with its namespace (kyverno `pkg/utils/engine/exceptions.go`)."""
    return excepted.policy_name in ("/".join(part for part in policy.key if part), policy.name)


def _resources(rule: PolicyRule) -> tuple[GeneratedResource, ...]:
    return rule.generate.resources if rule.generate else ()


def _kind_of(resource: GeneratedResource) -> str:
    """The kind, where a backup needs it; else nothing."""
    if resource.kind in (SOURCE, "ReplicationDestination"):
        return resource.kind
    if resource.kind == SECRET:
        words = [resource.name, *expressions.texts(resource.data), *_keys(resource.data)]
        return SECRET if any(word in text for text in words for word in _OF_VOLSYNC) else ""
    return ""


def _keys(data: object) -> Iterator[str]:
    """The keys of a Secret's data."""
    for part in ("data", "stringData"):
        values = data.get(part) if isinstance(data, dict) else None
        yield from (str(key) for key in values) if isinstance(values, dict) else ()


def _data(rule: PolicyRule) -> Iterator[object]:
    for resource in _resources(rule):
        yield resource.data
        yield resource.name


def _secret_variables(rule: PolicyRule) -> dict[str, str | None]:
    """Those of the rule's own context, and of the context for each element of a list."""
    each = rule.generate.foreach if rule.generate else None
    found: dict[str, str | None] = {}
    for context in (rule.context, *(one.context for one in each or ())):
        found.update(expressions.secret_variables(context))
    return found
