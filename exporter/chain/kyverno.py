"""What a Kyverno policy does for a PVC, and what shows that it fails at it.

Kyverno's own status does not tell: `Ready` means that the policy is in the webhook's configuration, and a rule that
errors leaves an UpdateRequest that is `Completed` (1.13 to 1.17) or gone within seconds, and an event that lasts an
hour (kyverno `pkg/background/generate/controller.go`). What lasts is the gap, and the policy's text.
"""

import re
from collections.abc import Iterator

from exporter.chain.backup import Backup
from exporter.chain.selectors import matches
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.kyverno.objects import (
    ClusterPolicy,
    GeneratingPolicy,
    MatchResources,
    PolicyRule,
    ResourceDescription,
)
from exporter.facts.cluster.wire import LabelSelector

Policy = ClusterPolicy | GeneratingPolicy

_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|`[^`]*`|\"(?:[^\"\\]|\\.)*\"")
_CALL = re.compile(r"\b([a-z_][a-z0-9_]*)\s*\(")

FUNCTIONS = frozenset(
    # JMESPath's own
    "abs avg ceil contains ends_with floor join keys length map max max_by merge min min_by not_null reverse sort "
    "sort_by starts_with sum to_array to_number to_string type values find_first find_last from_items group_by items "
    "lower pad_left pad_right replace split trim trim_left trim_right upper zip let "
    # Kyverno's (`pkg/engine/jmespath/functions.go`)
    "compare equal_fold regex_match regex_replace_all regex_replace_all_literal replace_all to_upper to_lower add "
    "divide modulo multiply subtract round base64_decode base64_encode base64_encode_with_default path_canonicalize "
    "truncate semver_compare parse_json parse_yaml label_match lookup pattern_match random object_from_lists "
    "object_from_list x509_decode image_normalize is_external_url sha256 sha1 md5 to_boolean time_since time_now "
    "time_now_utc time_to_cron time_add time_parse time_utc time_diff time_before time_after time_between "
    "time_truncate".split()
)
"""The functions that a Kyverno expression can call."""


def is_ready(policy: Policy) -> bool:
    """Whether the policy is in force; one without a condition (too new) counts as such."""
    if isinstance(policy, GeneratingPolicy):
        status = policy.status.condition_status if policy.status else None
        return status is None or status.ready is not False
    conditions = (policy.status.conditions if policy.status else None) or ()
    return all(condition.status == "True" for condition in conditions if condition.type == "Ready")


def kind_of(policy: Policy) -> str:
    """The kind as Kubernetes names it."""
    return type(policy).__name__


def covers(policy: Policy, pvc: PersistentVolumeClaim) -> bool | None:
    """Whether the policy generates a ReplicationSource for *pvc* by its labels; None: its text does not tell."""
    if isinstance(policy, GeneratingPolicy):
        constraints = policy.spec.match_constraints
        return matches(constraints.object_selector, pvc.metadata.labels) if constraints else None
    rules = [r for r in policy.spec.rules or () if r.generate and r.generate.kind == "ReplicationSource"]
    return any(_takes(rule, pvc) for rule in rules) if rules else None


def covered_value(policy: Policy, label: str) -> str | None:
    """A value of *label* that the policy matches, if its text names one."""
    for selector in _selectors(policy):
        if value := (selector.match_labels or {}).get(label):
            return value
        for requirement in selector.match_expressions or ():
            if requirement.key == label and requirement.operator == "In" and requirement.values:
                return requirement.values[0]
    return None


def failure(backup: Backup, policy: Policy, missing: str) -> str | None:
    """What shows that the policy fails to generate an object of kind *missing* for the PVC, if anything does."""
    return _failing_request(backup, policy) or _policy_error(backup, policy) or _unknown_function(policy, missing)


def _selectors(policy: Policy) -> Iterator[LabelSelector]:
    if isinstance(policy, GeneratingPolicy):
        if policy.spec.match_constraints and policy.spec.match_constraints.object_selector:
            yield policy.spec.match_constraints.object_selector
        return
    for rule in policy.spec.rules or ():
        for description in _descriptions(rule.match):
            if description.selector:
                yield description.selector


def _descriptions(match: MatchResources | None) -> Iterator[ResourceDescription]:
    if match is None:
        return
    filters = (*(match.any or ()), *(match.all or ()))
    yield from (f.resources for f in filters if f.resources)
    if match.resources:
        yield match.resources


def _takes(rule: PolicyRule, pvc: PersistentVolumeClaim) -> bool:
    return _matches(rule.match, pvc) and not (rule.exclude and _matches(rule.exclude, pvc))


def _matches(match: MatchResources | None, pvc: PersistentVolumeClaim) -> bool:
    if match is None:
        return False
    if match.any:
        return any(_describes(f.resources, pvc) for f in match.any)
    if match.all:
        return all(_describes(f.resources, pvc) for f in match.all)
    return _describes(match.resources, pvc)


def _describes(description: ResourceDescription | None, pvc: PersistentVolumeClaim) -> bool:
    """By kind, namespace and labels; a filter by anything else (users, annotations) is taken to match."""
    if description is None:
        return True
    kinds = [kind.rsplit("/", 1)[-1] for kind in description.kinds or ()]
    return (
        (not kinds or "PersistentVolumeClaim" in kinds or "*" in kinds)
        and (not description.namespaces or pvc.namespace in description.namespaces)
        and matches(description.selector, pvc.metadata.labels)
    )


def _failing_request(backup: Backup, policy: Policy) -> str | None:
    """A request that failed is flipped back to Pending between its attempts, with its message left in place."""
    for request in backup.cluster.kyverno.requests_for(backup.key):
        status = request.status
        if status is None or request.spec.policy.rsplit("/", 1)[-1] != policy.name:
            continue
        if status.state == "Failed" or (status.state == "Pending" and (status.retry_count or status.message)):
            return status.message or f"UpdateRequest {request.name} fails"
    return None


def _policy_error(backup: Backup, policy: Policy) -> str | None:
    events = (e for e in backup.cluster.kyverno.errors_for(backup.key) if e.about.name == policy.name)
    return max((event.text for event in events), default=None)


def _unknown_function(policy: Policy, missing: str) -> str | None:
    """A function that Kyverno does not have in the rule that should have made the missing object.

    It is looked for only where that object is missing, so that a function newer than the list cannot raise it.
    """
    if isinstance(policy, GeneratingPolicy):
        return None
    for rule in policy.spec.rules or ():
        if rule.generate is None or rule.generate.kind != missing:
            continue
        for text in _texts(rule.generate.data):
            for expression in _EXPRESSION.findall(text):
                for function in _CALL.findall(_LITERAL.sub("''", expression)):
                    if function not in FUNCTIONS:
                        return f"rule {rule.name} calls {function}(), which is no function of Kyverno's JMESPath"
    return None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
