"""What is looked at: which PVCs ask for a backup, and the objects that the settings or several APIs together name.

Objects are joined by owner references, by `spec.sourcePVC` and by a PV's volume handle. A name is used only where
the API itself joins by name.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property

from exporter.chain import mover_log
from exporter.chain.binding import Bindings
from exporter.chain.causes import Cause
from exporter.chain.refreshing import patience_of
from exporter.facts.bucket.model import Bucket
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.external_secrets.objects import ClusterExternalSecret, ExternalSecret
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kyverno.objects import ClusterPolicy, GeneratingPolicy
from exporter.facts.cluster.object_list import Key
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationSource
from exporter.facts.model import Facts
from exporter.settings import Settings

GENERATED_BY = "generate.kyverno.io/policy-name"
GENERATED_FOR = "generate.kyverno.io/trigger-uid"
"""Labels of what Kyverno generates (kyverno `pkg/background/common/labels.go`, 1.11 and later)."""


class Inventory:
    """The facts as the settings look at them. What is joined here is made when first used."""

    def __init__(self, facts: Facts, settings: Settings) -> None:
        self.facts = facts
        self.settings = settings

    @property
    def cluster(self) -> ClusterFacts:
        return self.facts.cluster

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        return self.facts.buckets

    # --- which PVCs are claims

    @cached_property
    def claims(self) -> tuple[Key, ...]:
        """The PVCs that ask for a backup, sorted: by their label, or because a ReplicationSource names them."""
        labelled = {pvc.key for pvc in self.cluster.core.pvcs.values() if self.asks_for_backup(pvc)}
        malformed = {(bad.namespace, bad.name) for bad in self.cluster.core.claims.malformed}
        sourced = set(self.cluster.volsync.sources_of)
        sourced |= {
            (bad.namespace, bad.claim) for bad in self.cluster.volsync.sources.malformed if bad.claim is not None
        }
        return tuple(sorted(key for key in labelled | malformed | sourced if self.is_looked_at(key[0])))

    def asks_for_backup(self, pvc: PersistentVolumeClaim) -> bool:
        """Whether the PVC has the backup label with any value but an opt-out."""
        value = (pvc.metadata.labels or {}).get(self.settings.claims.label)
        if value is None or value.lower() in {word.lower() for word in self.settings.claims.opt_out}:
            return False
        return not _is_volsyncs(pvc)

    def is_looked_at(self, namespace: str) -> bool:
        """Whether the settings leave claims of *namespace* in."""
        claims = self.settings.claims
        return namespace not in claims.exclude_namespaces and (not claims.namespaces or namespace in claims.namespaces)

    # --- VolSync's objects

    def destinations_of(
        self, key: Key, pvc: PersistentVolumeClaim | None, sources: Iterable[ReplicationSource]
    ) -> tuple[ReplicationDestination, ...]:
        """The ReplicationDestinations that restore what a claim backs up."""
        namespace, name = key
        writers = self.cluster.volsync.writers_of
        secrets = {
            secret
            for source in sources
            if (secret := source.spec.mover.repository) and writers[namespace, secret] == key
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

        return tuple(d for d in self.cluster.volsync.destinations.in_namespace(namespace) if restores(d))

    @cached_property
    def wrong_passwords(self) -> int:
        """How many sources' movers were refused their password: more than one, and it is not a claim's own fault."""
        ends = (source.status.latest_mover_status for source in self.cluster.volsync.sources if source.status)
        logs = (end.logs for end in ends if end and end.result == "Failed")
        return sum(1 for log in logs if mover_log.cause_of_log(log) is Cause.REPOSITORY_PASSWORD)

    @cached_property
    def unready_copies(self) -> Counter[str]:
        """Snapshots that are not ready, by the storage class of the PVC that they are of."""
        unready = (s for s in self.cluster.snapshots.snapshots if s.status is None or not s.status.ready_to_use)
        pvcs = self.cluster.core.pvcs
        of = (pvcs.get((s.namespace, s.spec.source.persistent_volume_claim_name or "")) for s in unready)
        return Counter(pvc.spec.storage_class_name or "" for pvc in of if pvc)

    # --- the buckets

    @cached_property
    def bindings(self) -> Bindings:
        """Where every source writes."""
        return Bindings(self.cluster, self.buckets)

    # --- Kyverno

    @cached_property
    def policy(self) -> ClusterPolicy | GeneratingPolicy | None:
        """The policy of that name, or else the first one that generates ReplicationSources."""
        kyverno = self.cluster.kyverno
        everything: tuple[ClusterPolicy | GeneratingPolicy, ...] = (
            *kyverno.cluster_policies,
            *kyverno.generating_policies,
        )
        policies = sorted(everything, key=lambda policy: policy.name)
        named = next((policy for policy in policies if policy.name == self.settings.chain.policy), None)
        return named or next((policy for policy in policies if _generates_sources(policy)), None)

    # --- External Secrets

    @cached_property
    def cluster_external_secrets(self) -> tuple[ClusterExternalSecret, ...]:
        """Those that bring the base Secret."""
        base = self.settings.chain.base_secret
        secrets = self.cluster.external_secrets.cluster_external_secrets
        return tuple(secret for secret in secrets if base in (secret.external_secret, secret.secret))

    @cached_property
    def failed_namespaces(self) -> Mapping[str, tuple[ClusterExternalSecret, str]]:
        """The namespaces that the base Secret's ExternalSecret could not be put into: by which, and why."""
        return {
            failed.namespace: (secret, failed.reason)
            for secret in self.cluster_external_secrets
            for failed in (secret.status.failed_namespaces if secret.status else None) or ()
        }

    @cached_property
    def is_base_secret_met(self) -> bool:
        """Whether a Secret of the base Secret's name is in any namespace."""
        base = self.settings.chain.base_secret
        return any(secret.name == base for secret in self.cluster.core.secrets)

    @cached_property
    def external_secrets_silent_from(self) -> datetime | None:
        """From when on all ExternalSecrets together show that their controller has stopped; None when they cannot."""
        moments = (_silent_from(secret) for secret in self.cluster.external_secrets.external_secrets)
        return max((moment for moment in moments if moment), default=None)


def _silent_from(secret: ExternalSecret) -> datetime | None:
    """When the last refresh is too old; None where that tells nothing: it fails, or is not refreshed by the clock."""
    patience = patience_of(secret.spec)
    is_failing = secret.ready is not None and secret.ready.status == "False"
    if secret.refreshed is None or patience is None or is_failing:
        return None
    try:
        return secret.refreshed + patience
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _is_volsyncs(pvc: PersistentVolumeClaim) -> bool:
    """Whether VolSync made the PVC: caches and copies may inherit labels."""
    owners = pvc.metadata.owner_references or ()
    return any(owner.kind in ("ReplicationSource", "ReplicationDestination") for owner in owners)


def _generates_sources(policy: ClusterPolicy | GeneratingPolicy) -> bool:
    return isinstance(policy, ClusterPolicy) and any(
        rule.generate is not None and rule.generate.kind == "ReplicationSource" for rule in policy.spec.rules or ()
    )
