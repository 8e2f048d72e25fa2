"""A mover's pod that has no node: whose fault that is, and when it is none, because movers take turns."""

import re
from datetime import timedelta

from exporter.chain import nodes, scope
from exporter.chain.backup import Backup, claims_of, created
from exporter.chain.causes import Cause
from exporter.chain.mover import patience
from exporter.chain.scope import Scope, ScopeKind
from exporter.chain.text import one_line, sign_of
from exporter.chain.verdict import Problem
from exporter.durations import format_duration
from exporter.facts.cluster.core.objects import PersistentVolumeClaim, Pod

_TURNS = re.compile(r"anti-affinity|topology spread|scheduling gates")
_NO_ROOM = re.compile(
    r"insufficient |too many pods|enough free storage|max volume count|available persistent volumes", re.IGNORECASE
)
_STORAGE_ROOM = re.compile(r"enough free storage|max volume count|available persistent volumes", re.IGNORECASE)
_CLAIMS_OWN = re.compile(r"volume node affinity conflict|didn't match pod affinity rules")
"""Where the claim's volume lies, and whom its mover has to be beside."""
_NODES_OWN = re.compile(r"node\.kubernetes\.io/(?:unreachable|not-ready|unschedulable)|were unschedulable")
"""A node that is lost or cordoned, where it is the only one that would do."""


def scheduler_message(pod: Pod) -> str:
    """What the scheduler says of the pod; empty when it says nothing."""
    conditions = pod.status.conditions or ()
    return next((c.message for c in conditions if c.type == "PodScheduled" and c.status == "False"), "")


def problem_of(backup: Backup, pod: Pod) -> Problem | None:
    """Why no node takes the pod, which has waited for long enough; None while it waits for its turn."""
    node, told = _home(backup, pod), scheduler_message(pod)
    made = created(pod)
    waited = format_duration(backup.at - made if made else timedelta(0))
    if nodes.is_lost(backup.cluster.core, node):
        return backup.problem(
            Cause.MOVER_STUCK,
            f"Mover pod {pod.name} has to run on {node}, which does not answer.",
            scopes=(scope.node(node),),
            since=created(pod),
            variant="node",
            names={"node": node},
        )
    if (unbound := _unbound(backup, pod)) is not None:
        return _without_volume(backup, pod, unbound)
    if _takes_turns(backup, pod, told):
        return None
    return backup.problem(
        Cause.MOVER_UNSCHEDULABLE,
        f"Mover pod {pod.name} is not scheduled: {one_line(told) or f'no node was found for {waited}'}.",
        scopes=_scopes(backup, pod, told),
        sign=_sign(told),
        since=created(pod),
        names={"node": node},
    )


def _takes_turns(backup: Backup, pod: Pod, told: str) -> bool:
    """Whether the pod waits for other movers, which run and end: where one of a kind runs at a time, it queues."""
    if not patience.has_time(backup):
        return False
    core, last = backup.cluster.core, backup.cluster.volsync.last_success
    others_end = last is not None and backup.at - last < backup.settings.grace.mover_start
    if _TURNS.search(told):
        return core.runs_a_mover or others_end
    return bool(_NO_ROOM.search(told)) and not _home(backup, pod) and core.runs_a_mover and others_end


# --- whose fault


def _scopes(backup: Backup, pod: Pod, told: str) -> tuple[Scope, ...]:
    """Pinned to a node (VolSync pins a Direct copy to the node of the volume's user), that node is what is short."""
    home = _home(backup, pod)
    if nodes.node_of_pod(pod) or (home and (nodes.is_cordoned(backup.cluster.core, home) or _NODES_OWN.search(told))):
        return (scope.node(home),)
    reasons = _reasons(told)
    if told and (not reasons or all(_CLAIMS_OWN.search(reason) for reason in reasons)):
        return (backup.scope,)
    on_node = (scope.node(home),) if home else ()
    if on_node and _STORAGE_ROOM.search(told):
        return (backup.scope, *on_node)
    return (backup.scope, *on_node, Scope(ScopeKind.SCHEDULER, pod.spec.scheduler_name))


def _home(backup: Backup, pod: Pod) -> str:
    """The one node that the pod can run on: the one it asks for, or where one of its local volumes lies."""
    core = backup.cluster.core
    mounted = [pvc for name in claims_of(pod) if (pvc := core.pvcs.get((pod.namespace, name)))]
    chosen = (pvc.metadata.annotations.selected_node for pvc in mounted if pvc.metadata.annotations)
    bound = (nodes.node_of_volume(core.volumes.get(pvc.spec.volume_name)) for pvc in mounted)
    return next((node for node in (nodes.node_of_pod(pod), *bound, *chosen) if node), "")


def _reasons(told: str) -> tuple[str, ...]:
    """Why each node will not do: `0/4 nodes are available: 1 Insufficient memory, 3 node(s) …. preemption: …`."""
    if "nodes are available" not in told:
        return (told,) if told.startswith(("no nodes available", "Scheduling is blocked")) else ()
    listed = told.partition("available: ")[2].partition(" preemption:")[0]
    return tuple(reason.strip().rstrip(".") for reason in listed.split(", ") if reason.strip())


def _sign(told: str) -> str:
    """What is short, if anything is; else every reason. How many nodes it is changes from pod to pod."""
    reasons = [reason for reason in _reasons(told) if not _CLAIMS_OWN.search(reason)]
    short = [reason for reason in reasons if _NO_ROOM.search(reason)]
    return ", ".join(sorted({sign_of(reason) for reason in short or reasons}))


# --- a volume that was never made


def _unbound(backup: Backup, pod: Pod) -> PersistentVolumeClaim | None:
    """A PVC of the pod that is not bound, where that is what the pod waits for."""
    core = backup.cluster.core
    mounted = (core.pvcs.get((pod.namespace, name)) for name in claims_of(pod))
    pending = [pvc for pvc in mounted if pvc is not None and pvc.status.phase == "Pending"]
    complained_of = [pvc for pvc in pending if core.complaints_about_claim(pvc)]
    if complained_of or "unbound immediate" in scheduler_message(pod):
        return next(iter((*complained_of, *pending)), None)
    return None


def _without_volume(backup: Backup, pod: Pod, pvc: PersistentVolumeClaim) -> Problem:
    core = backup.cluster.core
    complaints, driver = core.complaints_about_claim(pvc), core.driver_of(pvc)
    words = complaints[-1].text if complaints else ""
    return backup.problem(
        Cause.MOVER_UNSCHEDULABLE,
        f"Mover pod {pod.name} is not scheduled: its PVC {pvc.name} is not bound"
        + (f": {one_line(words)}." if words else f", and {driver or 'nobody'} has made no volume for it."),
        scopes=(backup.scope, scope.storage(driver)) if driver else (backup.scope,),
        sign=sign_of(words, backup.namespace, backup.pvc_name, backup.source_name, pvc.name),
        since=created(pod),
        variant="pvc",
        names={"unbound": pvc.name},
    )
