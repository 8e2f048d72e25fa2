"""No sound arrangement of policies is accused of anything that blocks a backup."""

import random
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.chain.judge import judge
from exporter.facts.cluster.decode import convert
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import Facts
from exporter.facts.reading import Reading
from exporter.settings import Settings
from tests.properties.strategies import NOON

BY_FIELD = {kind.field: kind for kind in KINDS}
RULED, CEL = ("ClusterPolicy", "Policy"), ("GeneratingPolicy", "NamespacedGeneratingPolicy")
FIELDS = {
    "ClusterPolicy": "kyverno.cluster_policies",
    "Policy": "kyverno.policies",
    "GeneratingPolicy": "kyverno.generating_policies",
    "NamespacedGeneratingPolicy": "kyverno.namespaced_generating_policies",
}
Objects = dict[str, list[dict[str, Any]]]


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Arrangement:
    """A cluster in which every PVC that a policy matches has what the policy makes, and others have what they need."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.objects: Objects = {field: [] for field in BY_FIELD}
        for namespace in ("media", "web"):
            self._namespace(namespace)
        if self.chance.random() < 0.3:
            self._other_policy()
        for number in range(self.chance.choice((0, 1, 1, 2))):
            self._policy_with_claims(f"policy-{number}")
        if not self.objects["kyverno.policies"] or self.chance.random() < 0.5:
            self._claim("web", "by-hand", {}, maker=None)

    def facts(self) -> Facts:
        lists = {
            field: ObjectList(tuple(convert(BY_FIELD[field], body) for body in bodies), Reading.READ, read_at=NOON)
            for field, bodies in self.objects.items()
        }
        return Facts(ClusterFacts().with_lists(lists), (), ())

    def _namespace(self, name: str) -> None:
        self.objects["core.namespaces"].append({"metadata": {"name": name, "labels": {"team": name}}})

    def _other_policy(self) -> None:
        """Kyverno for something else, and PVCs whose label `backup` is another tool's."""
        rule = {"name": "check", "match": {"any": [{"resources": {"kinds": ["Pod"]}}]}}
        self.objects["kyverno.cluster_policies"].append({"metadata": {"name": "check"}, "spec": {"rules": [rule]}})

    def _policy_with_claims(self, name: str) -> None:
        kind = self.chance.choice((*RULED, *CEL))
        namespace = "media" if kind in ("Policy", "NamespacedGeneratingPolicy") else ""
        label = self.chance.choice(("backup", "volsync", "example.org/backups")) + ("" if name[-1] == "0" else "-too")
        value = self.chance.choice(("hourly", "true", "daily"))
        body = self._ruled(label, value) if kind in RULED else self._cel(label, value)
        body["metadata"] = {
            "name": name,
            "namespace": namespace,
            "creationTimestamp": written(NOON - timedelta(days=9)),
        }
        self.objects[FIELDS[kind]].append(body)
        for claim in ("data", "films"):
            self._claim(namespace or "web", f"{claim}-{name}", {label: value}, maker=(name, namespace))
        for other in {"backup", "velero"} - {label}:
            self._pvc("web", f"{other}-{name}", {other: "velero"} if not self._is_read(other) else {})
        if self.chance.random() < 0.3 and kind == "ClusterPolicy":
            self._pvc("media", f"excepted-{name}", {label: value})
            match = {"any": [{"resources": {"kinds": ["PersistentVolumeClaim"], "names": [f"excepted-{name}"]}}]}
            spec = {"match": match, "exceptions": [{"policyName": name, "ruleNames": ["*"]}]}
            self.objects["kyverno.exceptions"].append(
                {"metadata": {"name": name, "namespace": "kyverno"}, "spec": spec}
            )

    def _is_read(self, label: str) -> bool:
        return any(label in str(body) for field in FIELDS.values() for body in self.objects[field])

    def _ruled(self, label: str, value: str) -> dict[str, Any]:
        selector = self.chance.choice(
            (
                {"matchLabels": {label: value}},
                {"matchLabels": {label: "*"}},
                {"matchExpressions": [{"key": label, "operator": "In", "values": [value, "weekly"]}]},
                {"matchExpressions": [{"key": label, "operator": "Exists"}]},
            )
        )
        match = {"any": [{"resources": {"kinds": ["PersistentVolumeClaim"], "selector": selector}}]}
        synchronize = self.chance.random() < 0.5
        rules = [
            {"name": "source", "match": match, "generate": {"kind": "ReplicationSource", "synchronize": synchronize}},
            {
                "name": "secret",
                "match": match,
                "context": [{"name": "base", "apiCall": {"urlPath": "/api/v1/namespaces/{{ns}}/secrets/base"}}]
                if self.chance.random() < 0.3
                else None,
                "generate": {
                    "kind": "Secret",
                    "data": {"stringData": {"RESTIC_PASSWORD": "{{ trim_prefix(x, 'y') }}"}},
                },
            },
        ]
        status = self.chance.choice(
            (
                {"conditions": [{"type": "Ready", "status": "True"}]},
                {"ready": True},
            )
        )
        return {"spec": {"rules": rules}, "status": status}

    def _cel(self, label: str, value: str) -> dict[str, Any]:
        text = '[{"kind": dyn("ReplicationSource")}, {"kind": dyn("Secret"), "data": {"RESTIC_PASSWORD": x}}]'
        rules = [{"resources": ["persistentvolumeclaims"], "operations": ["CREATE", "UPDATE"]}]
        constraints = {"objectSelector": {"matchLabels": {label: value}}, "resourceRules": rules}
        conditions = [
            {"type": "WebhookConfigured", "status": "True"},
            {"type": "RBACPermissionsGranted", "status": self.chance.choice(("True", "False"))},
        ]
        return {
            "spec": {"matchConstraints": constraints, "generate": [{"expression": text}]},
            "status": {"conditionStatus": {"ready": self.chance.random() < 0.5, "conditions": conditions}},
        }

    def _pvc(self, namespace: str, name: str, labels: dict[str, str]) -> None:
        age = self.chance.choice((timedelta(days=99), timedelta(days=2)))
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": name,
            "labels": labels,
            "creationTimestamp": written(NOON - age),
        }
        self.objects["core.claims"].append({"metadata": metadata, "status": {"phase": "Bound"}})

    def _claim(self, namespace: str, name: str, labels: dict[str, str], maker: tuple[str, str] | None) -> None:
        self._pvc(namespace, name, labels)
        keys = ("generate.kyverno.io/policy-name", "generate.kyverno.io/policy-namespace")
        source = {
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": dict(zip(keys, maker or (), strict=False)),
                "creationTimestamp": written(NOON - timedelta(days=1)),
            },
            "spec": {"sourcePVC": name, "trigger": {"schedule": "0 * * * *"}, "restic": {"repository": f"{name}-s"}},
            "status": {
                "lastSyncTime": written(NOON - timedelta(minutes=30)),
                "lastSyncDuration": "40s",
                "nextSyncTime": written(NOON + timedelta(minutes=30)),
            },
        }
        self.objects["volsync.sources"].append(source)
        for secret in (f"{name}-s", "base"):
            self.objects["core.secrets"].append({"metadata": {"name": secret, "namespace": namespace}})


@given(st.integers(0, 10**9))
@settings(max_examples=150, deadline=None)
def test_a_sound_arrangement_of_policies_has_no_problem_that_blocks(seed: int) -> None:
    verdict = judge(Arrangement(seed).facts(), Settings(), NOON)
    assert [(claim.key, claim.problem.reason) for claim in verdict.claims if claim.problem] == []
    assert [claim.key for claim in verdict.claims if claim.state != "protected"] == []
    assert not verdict.failures


@given(st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_what_no_policy_has_to_do_with_is_told_nothing_of_policies(seed: int) -> None:
    verdict = judge(Arrangement(seed).facts(), Settings(), NOON)
    by_hand = verdict.claim("web", "by-hand")
    links = {link.link.value for link in by_hand.links} if by_hand else set()
    assert not links & {"policy", "namespace", "base_secret"}
