"""The permissions that the reader needs, no more and no less: what the chart grants is compared with it."""

import msgspec

from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.server.targets import ListTarget, targets
from exporter.settings import Settings


class Rule(msgspec.Struct, frozen=True, order=True):
    """One permission on one resource."""

    namespace: str
    """Where it must be granted, by a Role there; empty: everywhere, by a ClusterRole."""
    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        holder = f"Role in namespace {self.namespace}" if self.namespace else "ClusterRole"
        return f'{holder}: {{apiGroups: ["{self.group}"], resources: ["{self.resource}"], verbs: ["{self.verb}"]}}'


def rule(kind: Kind, target: ListTarget) -> Rule:
    """The permission to ask for *kind* at *target*."""
    return Rule(target.namespace, kind.group, kind.plural, target.verb.value)


def rules(settings: Settings) -> tuple[Rule, ...]:
    """Every permission that reading needs under *settings*, sorted.

    A permission that holds everywhere makes the same one in a namespace needless.
    """
    needed = {rule(kind, target) for kind in KINDS for target in targets(kind, settings)}
    everywhere = {(one.group, one.resource, one.verb) for one in needed if not one.namespace}
    return tuple(
        sorted(one for one in needed if not one.namespace or (one.group, one.resource, one.verb) not in everywhere)
    )
