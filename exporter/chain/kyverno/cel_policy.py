"""Policies written in CEL: GeneratingPolicy, and NamespacedGeneratingPolicy for one namespace (policies.kyverno.io)."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from exporter.chain.kyverno import cel, expressions, matching
from exporter.chain.kyverno.answer import Answer, every, no, some
from exporter.chain.kyverno.policy import SECRET, SOURCE, BackupPolicy
from exporter.chain.kyverno.trigger import RESOURCE, TriggerResource
from exporter.chain.selectors import matches
from exporter.facts.cluster.kyverno.objects import CELPolicyException, GeneratingPolicy, MatchConstraints, ResourceRule
from exporter.facts.cluster.wire import LabelSelector

_QUOTED = re.compile(r"[\"'](Secret|ReplicationSource|ReplicationDestination)[\"']")
"""A kind as CEL, and a template of an object, names it."""
_PLAIN = re.compile(r"^\s{0,40}kind:\s{0,9}(Secret|ReplicationSource|ReplicationDestination)\s{0,9}$", re.MULTILINE)


class CelPolicy(BackupPolicy):
    """A GeneratingPolicy or a NamespacedGeneratingPolicy, with the exceptions to it."""

    def __init__(
        self, policy: GeneratingPolicy, exceptions: Sequence[CELPolicyException] = (), *, is_known: bool = False
    ) -> None:
        """*is_known* says that ReplicationSources are there which it made."""
        super().__init__(policy)
        self._is_known = is_known
        self._spec = policy.spec
        self._exceptions = [
            exception
            for exception in exceptions
            for reference in exception.spec.policy_refs or ()
            if reference.name == policy.name and reference.kind in ("", type(policy).__name__)
        ]

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        return tuple(expressions.texts([self._spec.variables, self._spec.generate]))

    @cached_property
    def _kinds(self) -> frozenset[str]:
        constraints = self._spec.match_constraints
        if constraints and constraints.resource_rules and not any(map(_is_for_claims, constraints.resource_rules)):
            return frozenset()
        found = {kind for text in self._texts for pattern in (_QUOTED, _PLAIN) for kind in pattern.findall(text)}
        found |= {text for text in self._texts if text in (SOURCE, SECRET)}
        if self._is_known:
            return frozenset((*found, SOURCE))
        is_of_volsync = any(kind != SECRET for kind in found) or self.names_text("RESTIC_") or self.names_text("KOPIA_")
        return frozenset(found) if is_of_volsync else frozenset()

    def makes(self, kind: str) -> bool:
        return kind in self._kinds

    def covers(self, trigger: TriggerResource, kind: str = "") -> Answer:
        if (kind and kind not in self._kinds) or not self._kinds:
            return False
        return every((self._takes(trigger), no(self._excepts(trigger))))

    def is_excepted(self, trigger: TriggerResource) -> bool:
        return self._takes(trigger) is not False and self._excepts(trigger) is not False

    def wanted_namespace_labels(self, trigger: TriggerResource) -> LabelSelector | None:
        constraints = self._spec.match_constraints
        if constraints is None or matching.selects_namespace(constraints.namespace_selector, trigger) is not False:
            return None
        return constraints.namespace_selector if _constrains(constraints, trigger) else None

    def selectors(self) -> Iterator[LabelSelector]:
        constraints = self._spec.match_constraints
        if constraints and constraints.object_selector:
            yield constraints.object_selector

    def base_secrets(self) -> frozenset[str]:
        return frozenset(name for text in self._texts for name in expressions.secrets_in_cel(text))

    def names_text(self, text: str) -> bool:
        return any(text in one for one in self._texts)

    def is_synchronised(self, rule: str) -> bool:  # noqa: ARG002 - such a policy has no rules
        evaluation = self._spec.evaluation
        return bool(evaluation and evaluation.synchronize and evaluation.synchronize.enabled)

    def takes_existing(self, kind: str) -> bool:  # noqa: ARG002 - all or nothing
        evaluation = self._spec.evaluation
        return bool(evaluation and evaluation.generate_existing and evaluation.generate_existing.enabled)

    def fault(self, kind: str) -> str | None:  # noqa: ARG002 - the API server refuses CEL that does not compile
        return None

    def _takes(self, trigger: TriggerResource) -> Answer:
        if self.namespace and self.namespace != trigger.namespace:
            return False
        constraints = self._spec.match_constraints or MatchConstraints()
        return every(
            (
                _constrains(constraints, trigger),
                matching.selects_namespace(constraints.namespace_selector, trigger),
                *(cel.holds(condition.expression, trigger) for condition in self._spec.match_conditions or ()),
            )
        )

    def _excepts(self, trigger: TriggerResource) -> Answer:
        return some(
            every(cel.holds(condition.expression, trigger) for condition in exception.spec.match_conditions or ())
            for exception in self._exceptions
        )


def _constrains(constraints: MatchConstraints, trigger: TriggerResource) -> Answer:
    """Whether the PVC itself satisfies the constraints, its namespace's labels apart."""
    return every(
        (
            matches(constraints.object_selector, trigger.labels),
            not constraints.resource_rules or some(_takes(rule, trigger) for rule in constraints.resource_rules),
            no(some(_takes(rule, trigger) for rule in constraints.exclude_resource_rules or ())),
        )
    )


def _takes(rule: ResourceRule, trigger: TriggerResource) -> Answer:
    if not _is_for_claims(rule) or (rule.resource_names and trigger.name not in rule.resource_names):
        return False
    operations = rule.operations or ("*",)
    if "*" in operations or "CREATE" in operations:
        return True
    return None if "UPDATE" in operations else False


def _is_for_claims(rule: ResourceRule) -> bool:
    return any(resource in (RESOURCE, "*", "*/*") for resource in rule.resources or ())
