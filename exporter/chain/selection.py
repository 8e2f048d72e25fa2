"""Which PVCs are judged: those that ask for a backup, those that have one, and those that the settings take in."""

import operator
import re
from collections.abc import Callable, Collection

import msgspec

from exporter.chain.kyverno.generated import TRIGGER_UID, maker_of
from exporter.chain.kyverno.policies import Policies
from exporter.chain.kyverno.trigger import TriggerResource
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kind import VOLSYNC_OBJECTS
from exporter.facts.cluster.object_list import Key, ObjectList
from exporter.facts.cluster.volsync.objects import ReplicationSource
from exporter.facts.dependencies import Table, apart, shared
from exporter.quantities import parse_quantity
from exporter.settings import Selecting, Settings

LABEL = "backup"
"""The label that asks for a backup where the settings name no other one."""
_PRIME = re.compile(r"prime-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A PVC that a volume populator fills in place of another (kubernetes-csi/lib-volume-populator, CDI)."""
_VOLSYNC_OWNERS = ("ReplicationSource", "ReplicationDestination")


class Uncovered(msgspec.Struct, frozen=True, order=True):
    """A PVC that nobody backs up, as far as VolSync has to do with it."""

    namespace: str
    pvc: str
    storage_class: str = ""
    requested: str = ""
    """How much was asked for, as Kubernetes writes it."""


_Asked = tuple[tuple[object, ...], Table[Key, bool]]
"""What was looked at, and what each PVC asks for."""


class Selection:
    """The PVCs of a cluster as the settings look at them."""

    def __init__(
        self,
        cluster: ClusterFacts,
        settings: Settings,
        policies: Policies,
        with_repository: Callable[[], Collection[Key]] = tuple,
        before: "Selection | None" = None,
    ) -> None:
        """*with_repository* gives the PVCs that a repository is known of, where that is asked for.

        What PVCs ask for is taken over from the selection *before*, where that looked at the very same ones.
        """
        self._asked_before: _Asked | None = before.__dict__.get("_asked") if before else None
        self._settings = settings.claims
        self._policies = policies
        self._is_policy_named = bool(settings.chain.policy)
        self.look_at(cluster, with_repository)

    def look_at(self, cluster: ClusterFacts, with_repository: Callable[[], Collection[Key]]) -> None:
        """Look at other facts, of which all that is looked at is the same: the earlier ones can be let go of."""
        self._cluster = cluster
        self._with_repository = with_repository

    @property
    def label(self) -> str:
        """The label that asks for a backup."""
        return self._settings.label or LABEL

    @apart
    def claims(self) -> tuple[Key, ...]:
        """The PVCs that are judged, sorted."""
        core, volsync = self._cluster.core, self._cluster.volsync
        asking = {pvc.key for pvc in core.pvcs.values() if self.asks(pvc) or self._is_taken(pvc)}
        malformed = {(bad.namespace, bad.name) for bad in core.claims.malformed}
        sourced = {key for key, sources in volsync.sources_of.items() if not self._is_over(key, sources)}
        sourced |= {(bad.namespace, bad.claim) for bad in volsync.sources.malformed if bad.claim is not None}
        return tuple(sorted(key for key in asking | malformed | sourced if self.is_looked_at(key[0])))

    @apart
    def uncovered(self) -> tuple[Uncovered, ...]:
        """The PVCs that are not judged, so that nobody tells whether they are backed up; sorted."""
        claims = set(self.claims)
        return tuple(sorted(_uncovered(pvc) for pvc in self._cluster.core.pvcs.values() if self._is_left(pvc, claims)))

    def asks(self, pvc: PersistentVolumeClaim) -> bool:
        """Whether the PVC itself asks for a backup: by the label, or by another one that a policy matches."""
        return self.asking[pvc.key]

    @apart
    def asking(self) -> Table[Key, bool]:
        """Whether each PVC asks for a backup."""
        return self._asked[1]

    @apart
    def _asked(self) -> _Asked:
        core = self._cluster.core
        of = (core.claims, core.namespaces, self._policies, self.is_label_known)
        if self._asked_before and all(map(operator.is_, of, self._asked_before[0])):
            return self._asked_before
        return of, Table("asking", {key: self._asks(pvc) for key, pvc in core.pvcs.items()})

    def opts_out(self, pvc: PersistentVolumeClaim) -> bool:
        """Whether the PVC has the label with a value that asks for no backup."""
        value = (pvc.metadata.labels or {}).get(self.label)
        return value is not None and value.lower() in {word.lower() for word in self._settings.opt_out}

    def is_looked_at(self, namespace: str) -> bool:
        """Whether the settings leave claims of *namespace* in."""
        return self._settings.cover(namespace)

    @shared
    def is_label_known(self) -> bool:
        """Whether it is known that the label asks for a backup by VolSync, and not for something else.

        The settings say so, or a policy that reads it, or a PVC that has it and what a policy generated for it, or a
        repository.
        """
        if self._settings.label or self._is_policy_named or self._policies.reading(self.label):
            return True
        labelled = [pvc for pvc in self._cluster.core.pvcs.values() if self.label in (pvc.metadata.labels or {})]
        if not labelled:
            return False
        volsync = self._cluster.volsync
        made = [item for item in (*volsync.sources, *volsync.destinations) if maker_of(item.metadata.labels)]
        uids = {(item.metadata.labels or {}).get(TRIGGER_UID) for item in made} - {None, ""}
        keys = {
            (source.namespace, source.spec.source_pvc) for source in volsync.sources if maker_of(source.metadata.labels)
        }
        if any(pvc.metadata.uid in uids or pvc.key in keys for pvc in labelled):
            return True
        with_repository = self._with_repository()
        return any(pvc.key in with_repository for pvc in labelled)

    def trigger_of(self, pvc: PersistentVolumeClaim) -> TriggerResource:
        """The PVC as a policy looks at it."""
        return TriggerResource(pvc, self._cluster.core.namespaces.get(pvc.namespace))

    def _asks(self, pvc: PersistentVolumeClaim) -> bool:
        value = (pvc.metadata.labels or {}).get(self.label)
        if _is_helper(pvc) or self.opts_out(pvc):
            return False
        is_labelled = value is not None and bool(self.is_label_known or self._policies.unread)
        if not self._policies.all:
            return is_labelled
        trigger = self.trigger_of(pvc)
        if is_labelled:
            return not any(policy.is_excepted(trigger) for policy in self._policies.all)
        return any(policy.asks_for_a_label() and policy.covers(trigger) for policy in self._policies.all)

    def _is_taken(self, pvc: PersistentVolumeClaim) -> bool:
        """Whether the settings take in every PVC, and do not leave this one out. One without a volume holds nothing."""
        return (
            self._settings.select is Selecting.ALL
            and pvc.status.phase != "Pending"
            and not _is_helper(pvc)
            and not self.opts_out(pvc)
            and not self._is_excluded(pvc)
        )

    def _is_excluded(self, pvc: PersistentVolumeClaim) -> bool:
        settings = self._settings
        return (
            (pvc.spec.storage_class_name or "") in settings.exclude_storage_classes
            or any(owner.kind in settings.exclude_owners for owner in pvc.metadata.owner_references or ())
            or any(_has(pvc, label) for label in settings.exclude_labels)
            or self._has_excluded_size(pvc)
        )

    def _has_excluded_size(self, pvc: PersistentVolumeClaim) -> bool:
        smallest, largest = self._settings.exclude_smaller_than, self._settings.exclude_larger_than
        try:
            size = parse_quantity(pvc.spec.requested)
        except ValueError:
            return False
        return bool(smallest and size < parse_quantity(smallest)) or bool(largest and size > parse_quantity(largest))

    def _is_over(self, key: Key, sources: tuple[ReplicationSource, ...]) -> bool:
        """Whether all that was asked for is done, and the PVC gone: OADP and others leave such sources behind."""
        claims = self._cluster.core.claims
        is_gone = claims.known and key not in self._cluster.core.pvcs and not claims.malformed_in(*key)
        return is_gone and all(is_done(source) for source in sources)

    def _is_left(self, pvc: PersistentVolumeClaim, claims: set[Key]) -> bool:
        return (
            pvc.key not in claims
            and self.is_looked_at(pvc.namespace)
            and not _is_helper(pvc)
            and not self.opts_out(pvc)
            and not self._is_excluded(pvc)
        )


def is_done(source: ReplicationSource) -> bool:
    """Whether the source was to run once, by its manual trigger, and has."""
    trigger, status = source.spec.trigger, source.status
    if trigger is None or not trigger.manual or trigger.schedule or status is None:
        return False
    return status.last_manual_sync == trigger.manual


def done_among(sources: ObjectList[ReplicationSource]) -> tuple[int, ...]:
    """The places in the list of *sources* of those that are done: nothing else of a status tells what is judged."""
    return tuple(place for place in sources.made_of_written(_to_run_once) if is_done(sources.items[place]))


def _to_run_once(sources: ObjectList[ReplicationSource]) -> tuple[int, ...]:
    triggers = (source.spec.trigger for source in sources.items)
    return tuple(place for place, trigger in enumerate(triggers) if trigger and trigger.manual and not trigger.schedule)


def _is_helper(pvc: PersistentVolumeClaim) -> bool:
    """Whether the PVC is a cache or a copy of VolSync's, which may inherit labels, or one that a populator fills."""
    key, _, value = VOLSYNC_OBJECTS.partition("=")
    owners = pvc.metadata.owner_references or ()
    return (
        any(owner.kind in _VOLSYNC_OWNERS for owner in owners)
        or (pvc.metadata.labels or {}).get(key) == value
        or _PRIME.fullmatch(pvc.name) is not None
    )


def _has(pvc: PersistentVolumeClaim, label: str) -> bool:
    """Whether the PVC has *label*: `key`, or `key=value`."""
    key, _, value = label.partition("=")
    found = (pvc.metadata.labels or {}).get(key)
    return found is not None and (value in ("", found))


def _uncovered(pvc: PersistentVolumeClaim) -> Uncovered:
    return Uncovered(pvc.namespace, pvc.name, pvc.spec.storage_class_name or "", pvc.spec.requested)
