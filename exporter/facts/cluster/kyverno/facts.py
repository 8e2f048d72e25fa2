"""Kyverno's policies, joined with what they did for which PVC."""

from collections import defaultdict

import msgspec

from exporter.facts.cluster.core.objects import Event
from exporter.facts.cluster.kyverno.objects import (
    CELPolicyException,
    ClusterPolicy,
    GeneratingPolicy,
    NamespacedGeneratingPolicy,
    Policy,
    PolicyException,
    UpdateRequest,
)
from exporter.facts.cluster.object_list import Key, ObjectList
from exporter.facts.cluster.wire import ObjectReference
from exporter.facts.dependencies import Table, apart


class KyvernoFacts(msgspec.Struct, frozen=True, dict=True):
    """The lists of Kyverno's API."""

    cluster_policies: ObjectList[ClusterPolicy] = ObjectList()
    policies: ObjectList[Policy] = ObjectList()
    generating_policies: ObjectList[GeneratingPolicy] = ObjectList()
    namespaced_generating_policies: ObjectList[NamespacedGeneratingPolicy] = ObjectList()
    exceptions: ObjectList[PolicyException] = ObjectList()
    cel_exceptions: ObjectList[CELPolicyException] = ObjectList()
    update_requests: ObjectList[UpdateRequest] = ObjectList()
    events: ObjectList[Event] = ObjectList()

    @property
    def policy_lists(self) -> tuple[ObjectList[ClusterPolicy] | ObjectList[GeneratingPolicy], ...]:
        """The lists of every kind of policy that can generate."""
        return (
            self.cluster_policies,
            self.policies,
            self.generating_policies,
            self.namespaced_generating_policies,
        )

    def errors_for(self, claim: Key) -> tuple[Event, ...]:
        """Events of a policy's rule that failed for a PVC."""
        return self._errors.get(claim, ())

    def requests_for(self, claim: Key) -> tuple[UpdateRequest, ...]:
        """The requests that a PVC triggered (`ruleContext` from 1.13, `resource` before)."""
        return self._requests.get(claim, ())

    @apart
    def _errors(self) -> Table[Key, tuple[Event, ...]]:
        return self.events.made(_errors)

    @apart
    def _requests(self) -> Table[Key, tuple[UpdateRequest, ...]]:
        return self.update_requests.made(_requests)


def _errors(events: ObjectList[Event]) -> Table[Key, tuple[Event, ...]]:
    found: dict[Key, list[Event]] = defaultdict(list)
    for event in events:
        if event.reason == "PolicyError" and (key := _claim_key(event.related)):
            found[key].append(event)
    return Table("policy errors", {key: tuple(told) for key, told in found.items()})


def _requests(requests: ObjectList[UpdateRequest]) -> Table[Key, tuple[UpdateRequest, ...]]:
    found: dict[Key, list[UpdateRequest]] = defaultdict(list)
    for request in sorted(requests, key=lambda request: request.key):
        triggers = (request.spec.resource, *(context.trigger for context in request.spec.rule_context or ()))
        for key in {key for trigger in triggers if (key := _claim_key(trigger))}:
            found[key].append(request)
    return Table("update requests", {key: tuple(triggered) for key, triggered in found.items()})


def _claim_key(reference: ObjectReference | None) -> Key | None:
    """The PVC that *reference* names; None when it names another kind of thing."""
    if reference is None or reference.kind != "PersistentVolumeClaim":
        return None
    return reference.namespace, reference.name
