"""A PVC that was never bound: nothing can be backed up, and everything that waits for it waits for ever."""

from datetime import timedelta

from exporter.chain import scope
from exporter.chain.backup import DESTINATION, Backup, created
from exporter.chain.causes import Cause
from exporter.chain.scope import Scope
from exporter.chain.text import one_line, sign_of
from exporter.chain.verdict import Problem
from exporter.durations import format_duration
from exporter.facts.cluster.core.objects import PersistentVolumeClaim

_IMMEDIATE = "Immediate"


def problem_of(backup: Backup) -> Problem | None:
    """Why the claim's PVC is not bound, once its source waits for it and it should be.

    A PVC whose class waits for its first consumer is well as long as nothing uses it: there is nothing to back up.
    """
    pvc = backup.pvc
    if pvc is None or pvc.status.phase != "Pending" or backup.source is None:
        return None
    since = created(pvc)
    if since is None or backup.at - since <= backup.settings.grace.mover_start:
        return None
    return _unpopulated(backup, pvc) or _class_missing(backup, pvc) or _unprovisioned(backup, pvc)


def _reason(backup: Backup, pvc: PersistentVolumeClaim, why: str) -> str:
    made = created(pvc)
    age = format_duration(backup.at - made if made else timedelta(0))
    return f"PVC {pvc.name} has not been bound for {age}: {why}."


def _unpopulated(backup: Backup, pvc: PersistentVolumeClaim) -> Problem | None:
    """It is to be filled from a restore that is not there, or that has nothing to give."""
    reference = pvc.spec.data_source_ref
    if reference is None or reference.kind != DESTINATION:
        return None
    destinations = backup.cluster.volsync.destinations
    destination = destinations.get(reference.name, pvc.namespace)
    if destination is None:
        if not destinations.lacks(reference.name, pvc.namespace, wanted_since=created(pvc)):
            return None
        why = f"{DESTINATION} {reference.name}, which it is to be filled from, does not exist"
    elif destination.status and (destination.status.latest_image or destination.status.last_sync_start_time):
        return None
    else:
        why = f"{DESTINATION} {reference.name}, which it is to be filled from, has restored nothing yet"
    names = {"destination": reference.name}
    return backup.problem(
        Cause.CLAIM_UNBOUND,
        _reason(backup, pvc, why),
        since=created(pvc),
        variant="populator" if destination else "no_populator",
        names=names,
    )


def _class_missing(backup: Backup, pvc: PersistentVolumeClaim) -> Problem | None:
    """Its storage class is not there."""
    classes, name = backup.cluster.core.storage_classes, pvc.spec.storage_class_name
    # Without any class, the list was not granted, or not dumped.
    if not name or classes.is_empty or not classes.lacks(name, wanted_since=created(pvc)):
        return None
    why = f"its StorageClass {name} does not exist"
    return backup.problem(
        Cause.CLAIM_UNBOUND,
        _reason(backup, pvc, why),
        scopes=(backup.scope, scope.storage(name)),
        sign="no class",
        since=created(pvc),
        variant="class",
    )


def _unprovisioned(backup: Backup, pvc: PersistentVolumeClaim) -> Problem | None:
    """Its driver says why it made no volume, or says nothing though it should have made one at once."""
    core = backup.cluster.core
    complaints = core.complaints_about_claim(pvc)
    storage_class = core.storage_classes.get(pvc.spec.storage_class_name or "")
    is_placed = pvc.metadata.annotations is not None and bool(pvc.metadata.annotations.selected_node)
    is_due = is_placed or (storage_class is not None and storage_class.volume_binding_mode == _IMMEDIATE)
    if not complaints and not is_due:
        return None
    words = complaints[-1].text if complaints else ""
    return backup.problem(
        Cause.CLAIM_UNBOUND,
        _reason(backup, pvc, one_line(words) or f"{core.driver_of(pvc)} has made no volume"),
        scopes=_scopes(backup, core.driver_of(pvc)),
        sign=sign_of(words, backup.namespace, pvc.name),
        since=created(pvc),
    )


def _scopes(backup: Backup, driver: str) -> tuple[Scope, ...]:
    return (backup.scope, scope.storage(driver)) if driver else (backup.scope,)
