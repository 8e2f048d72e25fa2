"""All policies that generate what VolSync backs up with, and what is known of those that are gone."""

from collections.abc import Iterable, Iterator

from exporter.chain.kyverno.cel_policy import CelPolicy
from exporter.chain.kyverno.generated import PolicyReference
from exporter.chain.kyverno.policy import SECRET, SOURCE, BackupPolicy
from exporter.chain.kyverno.rule_policy import RulePolicy
from exporter.chain.kyverno.trigger import TriggerResource
from exporter.facts.cluster.kyverno.facts import KyvernoFacts
from exporter.facts.cluster.object_list import first_unread


class Policies:
    """The cluster's policies, as far as they have to do with backups."""

    def __init__(self, facts: KyvernoFacts, makers: Iterable[PolicyReference] = ()) -> None:
        """*makers* are known to generate ReplicationSources, whatever can be read of their text."""
        self._facts = facts
        known = frozenset(PolicyReference(maker.name, maker.namespace) for maker in makers)
        everything = sorted(_policies(facts, known), key=lambda policy: (policy.name, policy.namespace, policy.kind))
        self.all = tuple(policy for policy in everything if policy.makes(SOURCE) or policy.makes(SECRET))

    @property
    def apply(self) -> bool:
        """Whether there can be any."""
        return any(listing.applies for listing in self._facts.policy_lists)

    @property
    def unread(self) -> str:
        """Why some policies are not known, for a person; empty when all are."""
        if failed := first_unread(*self._facts.policy_lists):
            return f"Kyverno's policies could not be read: {failed.unread}"
        bad = next((bad for listing in self._facts.policy_lists for bad in listing.malformed), None)
        return f"Policy {bad.name} could not be understood" if bad else ""

    @property
    def exceptions_unread(self) -> str:
        """Why some exceptions to policies are not known, for a person; empty when all are."""
        failed = first_unread(self._facts.exceptions, self._facts.cel_exceptions)
        return f"Exceptions to Kyverno's policies could not be read: {failed.unread}" if failed else ""

    def covering(self, trigger: TriggerResource, kind: str = "") -> tuple[BackupPolicy, ...]:
        """Those that generate an object of *kind* (empty: of any) for the PVC."""
        return tuple(policy for policy in self.all if policy.covers(trigger, kind))

    def reading(self, label: str) -> tuple[BackupPolicy, ...]:
        """Those that ask a PVC for the label."""
        return tuple(policy for policy in self.all if policy.reads_label(label))

    def named(self, reference: PolicyReference) -> BackupPolicy | None:
        """The policy of that name, if it is one of them."""
        return next((policy for policy in self.all if _is(policy.name, policy.namespace, reference)), None)

    def lack(self, reference: PolicyReference) -> bool:
        """Whether no policy of any kind has that name, as far as can be known."""
        if self.unread or not self.apply:
            return False
        keys = (item.key for listing in self._facts.policy_lists for item in listing)
        return not any(_is(name, namespace, reference) for namespace, name in keys)


def _is(name: str, namespace: str, reference: PolicyReference) -> bool:
    return name == reference.name and (not reference.namespace or namespace == reference.namespace)


def _policies(facts: KyvernoFacts, known: frozenset[PolicyReference]) -> Iterator[BackupPolicy]:
    exceptions, cel_exceptions = tuple(facts.exceptions), tuple(facts.cel_exceptions)
    for listing in (facts.cluster_policies, facts.policies):
        yield from (RulePolicy(policy, exceptions) for policy in listing)
    for generating in (facts.generating_policies, facts.namespaced_generating_policies):
        for policy in generating:
            is_known = any(_is(policy.name, policy.namespace, maker) for maker in known)
            yield CelPolicy(policy, cel_exceptions, is_known=is_known)


def absent(policies: Policies, references: Iterable[PolicyReference]) -> tuple[PolicyReference, ...]:
    """Those of *references* that are known not to be there, without their rules, sorted."""
    return tuple(sorted({PolicyReference(r.name, r.namespace) for r in references if policies.lack(r)}))
