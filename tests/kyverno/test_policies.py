"""Which PVCs a policy takes, whatever its kind, and what stays open."""

from typing import Any

import msgspec
import pytest

from exporter.chain.kyverno.answer import Answer
from exporter.chain.kyverno.cel_policy import CelPolicy
from exporter.chain.kyverno.rule_policy import RulePolicy
from exporter.chain.kyverno.trigger import TriggerResource
from exporter.facts.cluster.core.objects import Namespace, PersistentVolumeClaim
from exporter.facts.cluster.kyverno import objects

PVC = msgspec.convert(
    {
        "metadata": {"name": "films", "namespace": "media", "labels": {"backup": "hourly", "tier": "gold"}},
        "spec": {"storageClassName": "ceph"},
    },
    PersistentVolumeClaim,
)
MEDIA = msgspec.convert({"metadata": {"name": "media", "labels": {"backups": "on"}}}, Namespace)
TRIGGER = TriggerResource(PVC, MEDIA)
KINDS = ["PersistentVolumeClaim"]
SOURCE = {"kind": "ReplicationSource", "name": "x", "data": {}}


def rule(**parts: Any) -> dict[str, Any]:
    return {"name": "make", "match": {"any": [{"resources": {"kinds": KINDS}}]}, "generate": SOURCE, **parts}


def policy(*rules: dict[str, Any], **spec: Any) -> objects.ClusterPolicy:
    body = {"metadata": {"name": "backups"}, "spec": {"rules": list(rules), **spec}}
    return msgspec.convert(body, objects.ClusterPolicy)


def resources(**asked: Any) -> dict[str, Any]:
    return {"any": [{"resources": {"kinds": KINDS, **asked}}]}


@pytest.mark.parametrize(
    ("parts", "covers"),
    [
        ({}, True),
        ({"match": resources(selector={"matchLabels": {"backup": "hourly"}})}, True),
        ({"match": resources(selector={"matchLabels": {"backup": "daily"}})}, False),
        ({"match": {"any": [{"resources": {"kinds": ["v1/PersistentVolumeClaim"]}}]}}, True),
        ({"match": resources(namespaces=["med*"])}, True),
        ({"match": resources(names=["shows"])}, False),
        ({"match": resources(namespaceSelector={"matchLabels": {"backups": "on"}})}, True),
        ({"match": resources(namespaceSelector={"matchLabels": {"backups": "off"}})}, False),
        ({"match": resources(annotations={"skip": "no"})}, None),
        ({"match": resources(operations=["DELETE"])}, False),
        ({"match": {"any": [{"resources": {"kinds": KINDS}, "subjects": [{"kind": "User", "name": "me"}]}]}}, None),
        ({"exclude": resources(namespaces=["media"])}, False),
        ({"exclude": resources(annotations={"skip": "yes"})}, None),
        ({"exclude": {"any": [{"subjects": [{"kind": "User", "name": "me"}]}]}}, None),
        ({"preconditions": [{"key": "{{request.operation}}", "operator": "In", "value": ["CREATE", "UPDATE"]}]}, True),
        ({"preconditions": {"all": [{"key": "{{ request.object.metadata.labels.tier || '' }}", "operator": "Equals",
                                     "value": "gold"}]}}, True),
        ({"preconditions": {"all": [{"key": "{{ request.object.metadata.labels.tier || '' }}", "operator": "NotEquals",
                                     "value": "gold"}]}}, False),
        ({"preconditions": {"any": [{"key": "{{ request.object.spec.storageClassName }}", "operator": "AnyIn",
                                     "value": ["longhorn", "local"]}]}}, False),
        ({"preconditions": {"all": [{"key": "{{ length(points) }}", "operator": "Equals", "value": "0"}]}}, None),
        ({"celPreconditions": [{"name": "x", "expression": "true"}]}, None),
    ],
)  # fmt: skip
def test_a_rule_takes_a_claim_by_what_it_asks_of_it(parts: dict[str, Any], covers: Answer) -> None:
    assert RulePolicy(policy(rule(**parts))).covers(TRIGGER) is covers


@pytest.mark.parametrize(
    ("spec", "excepted"),
    [
        ({"match": resources(names=["films"]), "exceptions": [{"policyName": "backups", "ruleNames": ["make"]}]}, True),
        ({"match": resources(names=["films"]), "exceptions": [{"policyName": "other", "ruleNames": ["*"]}]}, False),
        ({"match": resources(names=["shows"]), "exceptions": [{"policyName": "backups", "ruleNames": ["*"]}]}, False),
        ({"match": resources(names=["films"]), "exceptions": [{"policyName": "backups", "ruleNames": ["o*"]}]}, False),
    ],
)
def test_an_exception_keeps_a_rule_from_what_it_matches(spec: dict[str, Any], excepted: bool) -> None:
    exception = msgspec.convert({"metadata": {"name": "e", "namespace": "k"}, "spec": spec}, objects.PolicyException)
    found = RulePolicy(policy(rule()), [exception])
    assert found.is_excepted(TRIGGER) is excepted
    assert found.covers(TRIGGER) is not excepted


RULES = [{"apiGroups": [""], "operations": ["CREATE"], "resources": ["persistentvolumeclaims"]}]
TEXT = '[{"kind": dyn("ReplicationSource")}]'


@pytest.mark.parametrize(
    ("spec", "covers"),
    [
        ({"matchConstraints": {"resourceRules": RULES}}, True),
        ({"matchConstraints": {"resourceRules": RULES, "objectSelector": {"matchLabels": {"backup": "daily"}}}}, False),
        ({"matchConstraints": {"resourceRules": RULES, "namespaceSelector": {"matchLabels": {"a": "b"}}}}, False),
        ({"matchConstraints": {"resourceRules": [{"resources": ["pods"]}]}}, False),
        ({"matchConstraints": {"resourceRules": RULES, "excludeResourceRules": [{"resources": ["*"]}]}}, False),
        ({"matchConditions": [{"name": "n", "expression": "object.metadata.namespace != 'kube-system'"}]}, True),
        ({"matchConditions": [{"name": "n", "expression": "object.metadata.name == 'shows'"}]}, False),
        ({"matchConditions": [{"name": "n", "expression": "size(object.spec.accessModes) > 1"}]}, None),
    ],
)
def test_a_policy_in_cel_takes_a_claim_by_what_it_asks_of_it(spec: dict[str, Any], covers: Answer) -> None:
    body = {"metadata": {"name": "backups"}, "spec": {"generate": [{"expression": TEXT}], **spec}}
    assert CelPolicy(msgspec.convert(body, objects.GeneratingPolicy)).covers(TRIGGER) is covers


def test_a_policy_that_makes_secrets_for_other_things_has_nothing_to_do_with_backups() -> None:
    registry = {"kind": "Secret", "name": "registry", "clone": {"namespace": "default", "name": "registry"}}
    assert RulePolicy(policy(rule(generate=registry))).covers(TRIGGER) is False


def test_the_base_secret_is_what_the_rule_for_the_secret_reads() -> None:
    call = {"urlPath": "/api/v1/namespaces/{{ request.namespace }}/secrets/store"}
    secret = {"kind": "Secret", "name": "x", "data": {"stringData": {"RESTIC_PASSWORD": "{{ base.P }}"}}}
    found = RulePolicy(policy(rule(generate=secret, context=[{"name": "base", "apiCall": call}])))
    assert found.base_secrets() == frozenset({"store"})


@pytest.mark.parametrize("synchronize", [True, False])
def test_what_a_rule_keeps_as_it_made_it_is_known(synchronize: bool) -> None:
    found = RulePolicy(policy(rule(generate={**SOURCE, "synchronize": synchronize})))
    assert found.is_synchronised("make") is synchronize
