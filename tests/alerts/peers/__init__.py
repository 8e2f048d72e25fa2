"""Rules that others watch their backups with, and the series that they would have of a life."""

from collections.abc import Iterator
from pathlib import Path

from tests.alerts.lives.cluster import Claim, Cluster, Trouble
from tests.alerts.lives.watch import Samples, series

RULES = sorted(Path(__file__).parent.glob("*.rules.yaml"))
_STORE = (Trouble.STORE, Trouble.PASSWORD)
"""What kopiur's own look at the repository finds out, so that it holds the backups back."""


def lived(cluster: Cluster, minutes: int, name: str) -> Samples:
    """The series of a life of so many minutes, of VolSync's own gauge and of kopiur in VolSync's place."""
    samples: Samples = {}
    for minute in range(minutes):
        cluster.step(minute)
        for family, labels, value in _of_cluster(cluster, minute):
            samples.setdefault(series(family, {**labels, "cluster": name}), {})[minute] = value
    return samples


def _of_cluster(cluster: Cluster, minute: int) -> Iterator[tuple[str, dict[str, str], float]]:
    claims = [claim for claim in cluster.claims if claim.born <= minute]
    if not any(claim.trouble is Trouble.OPERATOR for claim in claims):
        yield "up", {"job": "volsync-metrics"}, 1
    is_degraded = any(claim.trouble in _STORE for claim in claims)
    if is_degraded:
        yield "kopiur_resource_phase", {"kind": "ClusterRepository", "name": "all", "phase": "Degraded"}, 1
    for claim in claims:
        if claim.trouble is not Trouble.OPERATOR and (claim.is_made or claim.trouble is not Trouble.POLICY):
            labels = {"obj_namespace": claim.namespace, "obj_name": "data", "role": "source"}
            yield "volsync_volume_out_of_sync", labels, float(is_out_of_sync(claim, minute))
        own = {"namespace": claim.namespace, "policy": "data"}
        if claim.last_sync is not None:
            yield "kopiur_policy_last_backup_success_timestamp_seconds", own, 60.0 * claim.last_sync
            yield "kopiur_snapshotpolicy_last_backup_success", own, 1
        if is_degraded and claim.began is not None:
            yield "kopiur_snapshot_gated", own, 1


def is_out_of_sync(claim: Claim, minute: int) -> bool:
    """Until the first sync, and once the schedule has come due twice since the last one.

    That is how VolSync v0.13 to v0.16 sets its gauge (`internal/controller/statemachine`).
    """
    return claim.last_sync is None or claim.due(claim.due(claim.last_sync)) < minute
