"""The facts, joined: who owns what, which PVC is behind which volume, and which PVCs are claims.

Objects are joined by owner references, by `spec.sourcePVC` and by a PV's volume handle. A name is used only where
the API itself joins by name.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Generic, TypeVar

import msgspec

from exporter.chain import movers
from exporter.chain.causes import Cause
from exporter.facts.bucket.model import Bucket, Repository
from exporter.facts.model import ClusterFacts, Facts, Listing, Reading
from exporter.facts.objects import (
    ClusterExternalSecret,
    ClusterPolicy,
    Condition,
    Event,
    ExternalSecret,
    GeneratingPolicy,
    Job,
    LonghornVolume,
    Namespace,
    Object,
    ObjectReference,
    OwnerReference,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    ReplicationDestination,
    ReplicationSource,
    SecretTarget,
    UpdateRequest,
    VolumeAttachment,
    VolumeSnapshot,
)
from exporter.settings import Settings

Key = tuple[str, str]
"""Namespace and name."""

GENERATED_BY = "generate.kyverno.io/policy-name"
GENERATED_FOR = "generate.kyverno.io/trigger-uid"
"""Labels of what Kyverno generates (kyverno `pkg/background/common/labels.go`, 1.11 and later)."""

AnyObject = TypeVar("AnyObject", bound=Object)
AnyKey = TypeVar("AnyKey")
Item = TypeVar("Item")


class World:
    """One state of the facts, with its indexes. They are made when first used."""

    def __init__(self, facts: Facts, settings: Settings) -> None:
        self.facts = facts
        self.settings = settings

    @cached_property
    def cluster(self) -> ClusterFacts:
        """The cluster's objects, without those that could not be read for too long.

        Claims and sources stay, so that a claim does not vanish when it becomes unknown.
        """
        cluster = self.facts.cluster
        unbelieved = {
            field: msgspec.structs.replace(listing, items=())
            for field in cluster.__struct_fields__
            if field not in ("claims", "replication_sources")
            and (listing := getattr(cluster, field)).reading is Reading.UNREADABLE
        }
        return msgspec.structs.replace(cluster, **unbelieved)

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        return self.facts.buckets

    # --- which PVCs are claims

    @cached_property
    def claims(self) -> tuple[Key, ...]:
        """The PVCs that ask for a backup, sorted: by their label, or because a ReplicationSource names them."""
        labelled = {pvc.key for pvc in self.cluster.claims if self.asks_for_backup(pvc)}
        malformed = {(bad.namespace, bad.name) for bad in self.cluster.claims.malformed}
        sourced = set(self.sources_of)
        sourced |= {
            (bad.namespace, bad.claim) for bad in self.cluster.replication_sources.malformed if bad.claim is not None
        }
        return tuple(sorted(key for key in labelled | malformed | sourced if self.is_looked_at(key[0])))

    def asks_for_backup(self, pvc: PersistentVolumeClaim) -> bool:
        """Whether the PVC bears the backup label with any value but an opt-out."""
        value = (pvc.metadata.labels or {}).get(self.settings.claims.label)
        if value is None or value.lower() in {word.lower() for word in self.settings.claims.opt_out}:
            return False
        return not _is_volsyncs(pvc)

    def is_looked_at(self, namespace: str) -> bool:
        """Whether the settings leave claims of *namespace* in."""
        claims = self.settings.claims
        return namespace not in claims.exclude_namespaces and (not claims.namespaces or namespace in claims.namespaces)

    # --- by name

    @cached_property
    def pvcs(self) -> Mapping[Key, PersistentVolumeClaim]:
        return _by_key(self.cluster.claims)

    @cached_property
    def persistent_volumes(self) -> Mapping[str, PersistentVolume]:
        return _by_name(self.cluster.volumes)

    @cached_property
    def namespaces(self) -> Mapping[str, Namespace]:
        return _by_name(self.cluster.namespaces)

    @cached_property
    def longhorn_volumes(self) -> Mapping[str, LonghornVolume]:
        return _by_name(self.cluster.longhorn_volumes)

    @cached_property
    def secrets(self) -> frozenset[Key]:
        """Those that are there; one that could not be understood is, too."""
        malformed = ((bad.namespace, bad.name) for bad in self.cluster.secrets.malformed)
        return frozenset((*(secret.key for secret in self.cluster.secrets), *malformed))

    @cached_property
    def attachments(self) -> Mapping[str, tuple[VolumeAttachment, ...]]:
        """VolumeAttachments by the PersistentVolume that they attach."""
        found: dict[str, list[VolumeAttachment]] = defaultdict(list)
        for attachment in self.cluster.attachments:
            if attachment.spec.source.persistent_volume_name:
                found[attachment.spec.source.persistent_volume_name].append(attachment)
        return _frozen(found)

    # --- VolSync's objects

    @cached_property
    def sources_of(self) -> Mapping[Key, tuple[ReplicationSource, ...]]:
        """ReplicationSources by the PVC that they back up, sorted by name."""
        found: dict[Key, list[ReplicationSource]] = defaultdict(list)
        for source in sorted(self.cluster.replication_sources, key=lambda source: source.key):
            if source.spec.source_pvc:
                found[source.namespace, source.spec.source_pvc].append(source)
        return _frozen(found)

    @cached_property
    def _destinations(self) -> Mapping[str, tuple[ReplicationDestination, ...]]:
        found: dict[str, list[ReplicationDestination]] = defaultdict(list)
        for destination in sorted(self.cluster.replication_destinations, key=lambda destination: destination.key):
            found[destination.namespace].append(destination)
        return _frozen(found)

    @cached_property
    def _writers_of(self) -> Mapping[Key, Key]:
        """The claim that writes to the repository of a Secret; of several that share it, the first."""
        writers: dict[Key, Key] = {}
        for key, sources in sorted(self.sources_of.items()):
            for source in sources:
                writers.setdefault((key[0], source.spec.mover.repository or ""), key)
        return writers

    def destinations_of(
        self, key: Key, pvc: PersistentVolumeClaim | None, sources: Iterable[ReplicationSource]
    ) -> tuple[ReplicationDestination, ...]:
        """The ReplicationDestinations that restore what a claim backs up."""
        namespace, name = key
        secrets = {
            secret
            for source in sources
            if (secret := source.spec.mover.repository) and self._writers_of[namespace, secret] == key
        }
        populated_by = pvc.spec.data_source_ref if pvc else None
        uid = pvc.metadata.uid if pvc else ""

        def restores(destination: ReplicationDestination) -> bool:
            mover = destination.spec.mover
            return (
                mover.destination_pvc == name
                or mover.repository in secrets
                or (uid != "" and (destination.metadata.labels or {}).get(GENERATED_FOR) == uid)
                or (
                    populated_by is not None
                    and populated_by.kind == "ReplicationDestination"
                    and populated_by.name == destination.name
                )
            )

        return tuple(d for d in self._destinations.get(namespace, ()) if restores(d))

    @cached_property
    def last_activity(self) -> datetime | None:
        """When VolSync last began or ended a sync of any source."""
        statuses = (source.status for source in self.cluster.replication_sources if source.status)
        moments = (moment for status in statuses for moment in (status.last_sync_time, status.last_sync_start_time))
        return max((moment for moment in moments if moment), default=None)

    @cached_property
    def wrong_passwords(self) -> int:
        """How many sources' movers were refused their password: more than one, and it is not a claim's own fault."""
        ends = (source.status.latest_mover_status for source in self.cluster.replication_sources if source.status)
        logs = (end.logs for end in ends if end and end.result == "Failed")
        return sum(1 for log in logs if movers.cause_of_log(log) is Cause.REPOSITORY_PASSWORD)

    @cached_property
    def unready_copies(self) -> Counter[str]:
        """Snapshots that are not ready, by the storage class of the PVC that they are of."""
        unready = (s for s in self.cluster.snapshots if s.status is None or not s.status.ready_to_use)
        of = (self.pvcs.get((s.namespace, s.spec.source.persistent_volume_claim_name or "")) for s in unready)
        return Counter(pvc.spec.storage_class_name or "" for pvc in of if pvc)

    # --- by owner

    @cached_property
    def _jobs(self) -> "Owned[Job]":
        return Owned(self.cluster.jobs)

    @cached_property
    def _pods(self) -> "Owned[Pod]":
        return Owned(self.cluster.pods)

    @cached_property
    def _snapshots(self) -> "Owned[VolumeSnapshot]":
        return Owned(self.cluster.snapshots)

    @cached_property
    def _owned_pvcs(self) -> "Owned[PersistentVolumeClaim]":
        return Owned(self.cluster.claims)

    def job_of(self, owner: Object, kind: str) -> Job | None:
        """The newest Job of a ReplicationSource or ReplicationDestination."""
        jobs = self._jobs.of(owner, kind)
        return max(jobs, key=lambda job: (_created(job), job.name), default=None)

    def pods_of(self, job: Job) -> tuple[Pod, ...]:
        """A Job's pods, the newest first."""
        return tuple(sorted(self._pods.of(job, "Job"), key=lambda pod: (_created(pod), pod.name), reverse=True))

    def snapshots_of(self, owner: Object, kind: str) -> tuple[VolumeSnapshot, ...]:
        return self._snapshots.of(owner, kind)

    def pvcs_of(self, owner: Object, kind: str) -> tuple[PersistentVolumeClaim, ...]:
        """The cache and the copy of a ReplicationSource; the cache and the target of a ReplicationDestination."""
        return self._owned_pvcs.of(owner, kind)

    @cached_property
    def mount_events(self) -> Mapping[Key, tuple[Event, ...]]:
        """What the kubelet and the attacher complain of, by pod, the newest last."""
        found: dict[Key, list[Event]] = defaultdict(list)
        for event in sorted(self.cluster.mount_events, key=_when):
            found[event.about.namespace, event.about.name].append(event)
        return _frozen(found)

    # --- the buckets

    @cached_property
    def repositories(self) -> Mapping[tuple[str, str], Repository]:
        """Repositories by bucket and prefix."""
        return {
            (repository.bucket, repository.prefix): repository
            for bucket in self.buckets
            for repository in bucket.repositories
        }

    # --- Kyverno

    @cached_property
    def policy(self) -> ClusterPolicy | GeneratingPolicy | None:
        """The policy of that name, or else the first one that generates ReplicationSources."""
        everything: tuple[ClusterPolicy | GeneratingPolicy, ...] = (
            *self.cluster.cluster_policies,
            *self.cluster.generating_policies,
        )
        policies = sorted(everything, key=lambda policy: policy.name)
        named = next((policy for policy in policies if policy.name == self.settings.chain.policy), None)
        return named or next((policy for policy in policies if _generates_sources(policy)), None)

    @cached_property
    def policy_errors(self) -> Mapping[Key, tuple[Event, ...]]:
        """Events of a policy's rule that failed, by the PVC that it failed for."""
        found: dict[Key, list[Event]] = defaultdict(list)
        for event in self.cluster.policy_events:
            if event.reason == "PolicyError" and (key := _claim_key(event.related)):
                found[key].append(event)
        return _frozen(found)

    @cached_property
    def update_requests(self) -> Mapping[Key, tuple[UpdateRequest, ...]]:
        """Kyverno's requests by the PVC that triggered them (`ruleContext` from 1.13, `resource` before)."""
        found: dict[Key, list[UpdateRequest]] = defaultdict(list)
        for request in sorted(self.cluster.update_requests, key=lambda request: request.key):
            triggers = (request.spec.resource, *(context.trigger for context in request.spec.rule_context or ()))
            for key in {key for trigger in triggers if (key := _claim_key(trigger))}:
                found[key].append(request)
        return _frozen(found)

    # --- External Secrets

    @cached_property
    def cluster_external_secrets(self) -> tuple[ClusterExternalSecret, ...]:
        """Those that bring the base Secret."""
        base = self.settings.chain.base_secret
        return tuple(
            secret
            for secret in self.cluster.cluster_external_secrets
            if base
            in (secret.spec.external_secret_name or secret.name, _target(secret.spec.external_secret_spec.target))
        )

    @cached_property
    def external_secrets(self) -> Mapping[str, ExternalSecret]:
        """Those that bring the base Secret, by namespace."""
        base = self.settings.chain.base_secret
        return {
            secret.namespace: secret
            for secret in self.cluster.external_secrets
            if base == (_target(secret.spec.target) or secret.name)
        }

    @cached_property
    def namespaces_without_base_secret(self) -> frozenset[str]:
        """The namespaces in which External Secrets cannot bring the base Secret up to date."""
        by_condition = {
            namespace
            for namespace, secret in self.external_secrets.items()
            if (ready := ready_condition(secret)) is not None and ready.status == "False"
        }
        by_cluster = {
            failed.namespace
            for secret in self.cluster_external_secrets
            for failed in (secret.status.failed_namespaces if secret.status else None) or ()
        }
        return frozenset(by_condition | by_cluster)


class Owned(Generic[AnyObject]):
    """Objects by their owner: its kind and name, and its UID wherever both sides tell it."""

    def __init__(self, listing: Iterable[AnyObject]) -> None:
        self._by_owner: dict[tuple[str, str, str], list[tuple[OwnerReference, AnyObject]]] = defaultdict(list)
        for owned in listing:
            for reference in owned.metadata.owner_references or ():
                self._by_owner[owned.namespace, reference.kind, reference.name].append((reference, owned))

    def of(self, owner: Object, kind: str) -> tuple[AnyObject, ...]:
        uid = owner.metadata.uid
        return tuple(
            owned
            for reference, owned in self._by_owner.get((owner.namespace, kind, owner.name), ())
            if not uid or not reference.uid or reference.uid == uid
        )


def _by_key(listing: Iterable[AnyObject]) -> Mapping[Key, AnyObject]:
    return {item.key: item for item in listing}


def _by_name(listing: Iterable[AnyObject]) -> Mapping[str, AnyObject]:
    return {item.name: item for item in listing}


def _frozen(lists: Mapping[AnyKey, list[Item]]) -> Mapping[AnyKey, tuple[Item, ...]]:
    return {key: tuple(items) for key, items in lists.items()}


def _created(item: Object) -> float:
    return item.metadata.creation_timestamp.timestamp() if item.metadata.creation_timestamp else 0.0


def _is_volsyncs(pvc: PersistentVolumeClaim) -> bool:
    """Whether VolSync made the PVC: caches and copies may inherit labels."""
    owners = pvc.metadata.owner_references or ()
    return any(owner.kind in ("ReplicationSource", "ReplicationDestination") for owner in owners)


def _when(event: Event) -> tuple[float, str]:
    return (event.at.timestamp() if event.at else 0.0), event.text


def ready_condition(secret: ExternalSecret | None) -> Condition | None:
    """The ExternalSecret's `Ready` condition."""
    conditions = (secret.status.conditions if secret and secret.status else None) or ()
    return next((condition for condition in conditions if condition.type == "Ready"), None)


def _claim_key(reference: ObjectReference | None) -> Key | None:
    """The PVC that *reference* names; None when it names another kind of thing."""
    if reference is None or reference.kind != "PersistentVolumeClaim":
        return None
    return reference.namespace, reference.name


def _target(target: SecretTarget | None) -> str | None:
    return target.name if target else None


def _generates_sources(policy: ClusterPolicy | GeneratingPolicy) -> bool:
    return isinstance(policy, ClusterPolicy) and any(
        rule.generate is not None and rule.generate.kind == "ReplicationSource" for rule in policy.spec.rules or ()
    )


def unread(*listings: Listing[Object]) -> Listing[Object] | None:
    """The first of *listings* that could not be read, if any."""
    return next((listing for listing in listings if listing.applies and not listing.known), None)
