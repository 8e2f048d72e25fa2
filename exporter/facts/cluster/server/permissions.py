"""The permissions that the reader uses, no more and no less: what the chart grants is compared with it."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.server.targets import ListTarget, Verb, targets
from exporter.settings import Settings


class Rule(msgspec.Struct, frozen=True, order=True):
    """One permission on one resource."""

    namespace: str
    """Where it must be granted, by a Role there; empty: everywhere, by a ClusterRole."""
    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return summed([self])


def rule(kind: Kind, target: ListTarget) -> Rule:
    """The permission to ask for *kind* at *target*."""
    return Rule(target.namespace, kind.group, kind.plural, target.verb.value)


def watch_rule(kind: Kind, target: ListTarget) -> Rule:
    """The permission to ask for what changed of *kind* at *target*. Without it each poll lists in full."""
    return Rule(target.namespace, kind.group, kind.plural, "watch")


def rules(settings: Settings) -> tuple[Rule, ...]:
    """Every permission that reading uses under *settings*, sorted.

    A permission that holds everywhere makes the same one in a namespace needless.
    """
    asked = [(kind, target) for kind in KINDS for target in targets(kind, settings)]
    needed = {rule(*one) for one in asked} | {watch_rule(*one) for one in asked if one[1].verb is Verb.LIST}
    everywhere = {(one.group, one.resource, one.verb) for one in needed if not one.namespace}
    return tuple(
        sorted(one for one in needed if not one.namespace or (one.group, one.resource, one.verb) not in everywhere)
    )


def summed(needed: Iterable[Rule]) -> str:
    """*needed* as the rules of Roles and ClusterRoles, one line for each namespace, group and verb."""
    resources: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in sorted(set(needed)):
        resources[one.namespace, one.group, one.verb].append(f'"{one.resource}"')
    return "\n".join(
        f"{f'Role in namespace {namespace}' if namespace else 'ClusterRole'}: "
        f'{{apiGroups: ["{group}"], resources: [{", ".join(plurals)}], verbs: ["{verb}"]}}'
        for (namespace, group, verb), plurals in resources.items()
    )
