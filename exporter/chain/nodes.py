"""Which nodes are lost, and which node a volume or a pod is tied to."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from exporter.chain.instants import moment_of
from exporter.facts.cluster.core.facts import CoreFacts
from exporter.facts.cluster.core.objects import NodeSelector, NodeSelectorRequirement, PersistentVolume, Pod

_HOST = "kubernetes.io/hostname"


def is_lost(core: CoreFacts, name: str) -> bool:
    """Whether the node of that name is known not to answer, or not to be there any more."""
    node = core.nodes.get(name)
    if node is None:
        # A cluster has nodes: a list without any was not granted, or not dumped.
        return bool(name) and not core.nodes.is_empty and core.nodes.lacks(name, wanted_since=None)
    ready = next((c for c in node.status.conditions or () if c.type == "Ready"), None)
    return ready is not None and ready.status != "True"


def lost_since(core: CoreFacts, name: str) -> datetime | None:
    """When the node ceased to answer, where it is still there to say so."""
    node = core.nodes.get(name)
    conditions = (node.status.conditions if node else None) or ()
    return next((moment_of(c.last_transition_time) for c in conditions if c.type == "Ready"), None)


def is_cordoned(core: CoreFacts, name: str) -> bool:
    """Whether the node takes no new pods, by its owner's word."""
    node = core.nodes.get(name)
    return node is not None and node.spec.unschedulable


def node_of_pod(pod: Pod) -> str:
    """The one node that the pod asks for; empty when several would do."""
    selected = (pod.spec.node_selector or {}).get(_HOST, "")
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    return selected or _only_node(affinity.required if affinity else None)


def node_of_volume(volume: PersistentVolume | None) -> str:
    """The one node that a local volume lies on; empty when it can be reached from several, or that is not known."""
    affinity = volume.spec.node_affinity if volume else None
    return _only_node(affinity.required if affinity else None)


def _only_node(selector: NodeSelector | None) -> str:
    terms = (selector.node_selector_terms if selector else None) or ()
    names = {_node_in((*(term.match_expressions or ()), *(term.match_fields or ()))) for term in terms}
    return names.pop() if len(names) == 1 else ""


def _node_in(requirements: Iterable[NodeSelectorRequirement]) -> str:
    """The single node of a term: by hostname, by name, or by a driver's own key (`topology.topolvm.io/node`)."""
    single: Mapping[str, str] = dict(_single(requirements))
    keys = sorted(single, key=lambda key: (key not in (_HOST, "metadata.name"), key))
    return next((single[key] for key in keys if _names_a_node(key)), "")


def _single(requirements: Iterable[NodeSelectorRequirement]) -> Iterator[tuple[str, str]]:
    for one in requirements:
        if one.operator == "In" and one.values and len(one.values) == 1:
            yield one.key, one.values[0]


def _names_a_node(key: str) -> bool:
    last = key.rpartition("/")[2].lower()
    return key == "metadata.name" or last in ("hostname", "node", "nodename", "nodeid", "node-name", "node-id")
