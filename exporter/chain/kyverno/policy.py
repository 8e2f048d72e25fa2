"""A policy that generates what VolSync backs up with, whatever its kind."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta

from exporter.chain.kyverno.answer import Answer
from exporter.chain.kyverno.readiness import why_not_ready
from exporter.chain.kyverno.trigger import TriggerResource
from exporter.chain.now import Now
from exporter.chain.scope import Scope
from exporter.chain.scope import policy as policy_scope
from exporter.facts.cluster.kyverno.objects import ClusterPolicy, GeneratingPolicy
from exporter.facts.cluster.wire import LabelSelector

SOURCE, SECRET = "ReplicationSource", "Secret"
"""The kinds of what a backup needs of a policy."""


class BackupPolicy(ABC):
    """What a policy does for PVCs."""

    def __init__(self, policy: ClusterPolicy | GeneratingPolicy) -> None:
        self._policy = policy

    @property
    def name(self) -> str:
        return self._policy.name

    @property
    def namespace(self) -> str:
        """Empty for a policy of the whole cluster."""
        return self._policy.namespace

    @property
    def kind(self) -> str:
        """The kind as Kubernetes names it."""
        return type(self._policy).__name__

    @property
    def resource(self) -> str:
        """The kind as kubectl takes it; `policy` alone may be another API's."""
        return "policy.kyverno.io" if self.kind == "Policy" else self.kind.lower()

    @property
    def scope(self) -> Scope:
        return policy_scope(self.name, self.namespace)

    @property
    def created(self) -> datetime | None:
        return self._policy.metadata.creation_timestamp

    def why_not_ready(self, at: Now, grace: timedelta) -> str | None:
        """What shows that the policy is not in force; None when nothing does."""
        return why_not_ready(self._policy, at, grace)

    @abstractmethod
    def makes(self, kind: str) -> bool:
        """Whether the policy generates objects of *kind* for PVCs."""

    @abstractmethod
    def covers(self, trigger: TriggerResource, kind: str = "") -> Answer:
        """Whether it generates an object of *kind* (empty: of any) for the PVC; None: its text does not tell."""

    @abstractmethod
    def is_excepted(self, trigger: TriggerResource) -> bool:
        """Whether an exception keeps the policy from the PVC."""

    @abstractmethod
    def wanted_namespace_labels(self, trigger: TriggerResource) -> LabelSelector | None:
        """The selector for namespaces that alone keeps the policy from the PVC, if one does."""

    @abstractmethod
    def selectors(self) -> Iterator[LabelSelector]:
        """The selectors for the PVCs' labels."""

    @abstractmethod
    def base_secrets(self) -> frozenset[str]:
        """The Secrets in a PVC's namespace that the policy reads."""

    @abstractmethod
    def names_text(self, text: str) -> bool:
        """Whether *text* stands in the policy."""

    @abstractmethod
    def is_synchronised(self, rule: str) -> bool:
        """Whether Kyverno undoes what is changed of the objects that *rule* generated."""

    @abstractmethod
    def takes_existing(self, kind: str) -> bool:
        """Whether it generates objects of *kind* also for PVCs that are older than the policy."""

    @abstractmethod
    def fault(self, kind: str) -> str | None:
        """What in the policy's text keeps it from generating objects of *kind*, if anything does."""

    def reads_label(self, key: str) -> bool:
        """Whether the policy asks a PVC for the label *key*."""
        return any(
            key in (selector.match_labels or {})
            or any(requirement.key == key for requirement in selector.match_expressions or ())
            for selector in self.selectors()
        )

    def covered_value(self, key: str) -> str | None:
        """A value of the label *key* that the policy matches, if its text names one."""
        for selector in self.selectors():
            if value := (selector.match_labels or {}).get(key):
                return value
            for requirement in selector.match_expressions or ():
                if requirement.key == key and requirement.operator == "In" and requirement.values:
                    return requirement.values[0]
        return None

    def asks_for_a_label(self) -> bool:
        """Whether it matches PVCs by a label that they must have: such a label asks for a backup."""
        return any(
            selector.match_labels or any(r.operator in ("In", "Exists") for r in selector.match_expressions or ())
            for selector in self.selectors()
        )
