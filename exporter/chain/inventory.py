"""What is looked at: which PVCs ask for a backup, and the objects that the settings or several APIs together name.

Objects are joined by owner references, by `spec.sourcePVC` and by a PV's volume handle. A name is used only where
the API itself joins by name.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import msgspec

from exporter.caching import are_identical
from exporter.chain.binding import Bindings
from exporter.chain.isolation import Isolation, JudgingFailure
from exporter.chain.kyverno import generated
from exporter.chain.kyverno.generated import PolicyReference
from exporter.chain.kyverno.policies import Policies, absent
from exporter.chain.kyverno.policy import SECRET
from exporter.chain.refreshing import patience_of
from exporter.chain.restores.readers import Readers, Restores
from exporter.chain.selection import Selection, done_among
from exporter.facts import layout
from exporter.facts.bucket.model import Bucket
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.external_secrets.objects import ClusterExternalSecret, ExternalSecret
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.object_list import Key, ObjectList
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationSource
from exporter.facts.dependencies import Table, apart, shared
from exporter.facts.model import Facts
from exporter.settings import Settings

T = TypeVar("T")


class _Made(msgspec.Struct, frozen=True):
    """What was made of things."""

    of: tuple[object, ...]
    value: Any


class Inventory:
    """The facts as the settings look at them. What is joined here is made when first used.

    Of the inventory *before* it, of earlier facts, it takes over what would be made of the same things again.
    """

    def __init__(self, facts: Facts, settings: Settings, before: "Inventory | None" = None) -> None:
        self.facts = facts
        self.settings = settings
        self.isolation = Isolation()
        self._before = before._made if before else {}  # noqa: SLF001 - its own class's
        self._made: dict[str, _Made] = {}

    def forget(self) -> None:
        """Let go of what was made before: whatever is made of these facts was made."""
        self._before = {}

    def _once(self, name: str, of: tuple[object, ...], make: Callable[[], T]) -> T:
        """What *make* makes, or has made before of the very same things."""
        before = self._before.get(name)
        value: T = before.value if before is not None and are_identical(before.of, of) else make()
        self._made[name] = _Made(of, value)
        return value

    def _made_before(self, name: str, value: T) -> T:
        """*value*, or the very one that it was before where that is equal."""
        before = self._before.get(name)
        kept: T = before.value if before is not None and before.value == value else value
        self._made[name] = _Made((), kept)
        return kept

    @property
    def failures(self) -> tuple[JudgingFailure, ...]:
        """What could not be computed of things that several claims have in common."""
        return (*self.isolation.failures, *self.bindings.isolation.failures)

    @property
    def cluster(self) -> ClusterFacts:
        return self.facts.cluster

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        return self.facts.buckets

    # --- which PVCs are claims

    @apart
    def selection(self) -> Selection:
        """Which PVCs ask for a backup, and which have none."""
        core, volsync = self.cluster.core, self.cluster.volsync
        before = self._before.get("selection")
        told = (core.claims, core.namespaces, volsync.sources.written, volsync.destinations.written, self.policies)
        layouts = {bucket.identity: self.bindings.layout_of(bucket) for bucket in self.buckets}
        seen = (self._made_before("done", done_among(volsync.sources)), self._made_before("layouts", layouts))

        def with_repository() -> frozenset[Key]:
            return self.claims_with_repository

        selection = self._once(
            "selection",
            (*told, *seen, *self.buckets),
            lambda: Selection(
                self.cluster, self.settings, self.policies, with_repository, before.value if before else None
            ),
        )
        selection.look_at(self.cluster, with_repository)
        return selection

    @property
    def claims(self) -> tuple[Key, ...]:
        """The PVCs that are judged, sorted."""
        return self.selection.claims

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
        found = [*self._destinations.get((namespace, "pvc", name), ())]
        for secret in secrets:
            found += self._destinations.get((namespace, "secret", secret), ())
        if pvc and pvc.metadata.uid:
            found += self._destinations.get((namespace, "uid", pvc.metadata.uid), ())
        if populated_by is not None and populated_by.kind == "ReplicationDestination":
            populator = self.cluster.volsync.destinations.get(populated_by.name, namespace)
            found += [populator] if populator else []
        return tuple(sorted({one.name: one for one in found}.values(), key=lambda one: one.name))

    @apart
    def readers(self) -> Readers:
        """Which ReplicationDestinations restore from where a source writes."""
        volsync, bindings = self.cluster.volsync, self.bindings
        listed = (volsync.sources.written, volsync.destinations)
        restores = self._once("restores", listed, lambda: Restores(volsync))
        rests_on = (restores, bindings.decided if restores.foreign else None)
        readers = self._once("readers", rests_on, lambda: Readers(volsync, bindings, restores))
        readers.look_at(volsync, bindings)
        return readers

    @apart
    def _destinations(self) -> Table[tuple[str, str, str], list[ReplicationDestination]]:
        return self.cluster.volsync.destinations.made(_destinations)

    # --- the buckets

    @apart
    def bindings(self) -> Bindings:
        """Where every source writes."""
        cluster = self.cluster
        told = (cluster.core.claims, cluster.external_secrets.external_secrets, cluster.kyverno.cluster_policies)
        before = self._before.get("bindings")
        return self._once(
            "bindings",
            (cluster.volsync.sources, *told, *self.buckets),
            lambda: Bindings(cluster, self.buckets, before.value if before else None),
        )

    # --- Kyverno

    @shared
    def policies(self) -> Policies:
        """The policies that generate what a backup needs."""
        kyverno = self.cluster.kyverno
        makers = self.cluster.volsync.sources.made_of_written(_makers) | {PolicyReference(self.settings.chain.policy)}
        before = self._made_before("makers", makers)
        texts = (*kyverno.policy_lists, kyverno.exceptions, kyverno.cel_exceptions)
        return self._once("policies", (*texts, before), lambda: Policies(kyverno, makers))

    @shared
    def absent_policies(self) -> tuple[PolicyReference, ...]:
        """Policies that objects of VolSync were generated by, and that are not there; the one of the settings first."""
        volsync = self.cluster.volsync
        makers = (generated.maker_of(item.metadata.labels) for item in (*volsync.sources, *volsync.destinations))
        found = absent(self.policies, (maker for maker in makers if maker))
        wanted = PolicyReference(self.settings.chain.policy)
        if wanted.name and self.policies.lack(wanted):
            return (wanted, *(reference for reference in found if reference.name != wanted.name))
        return found

    @property
    def claims_with_repository(self) -> frozenset[Key]:
        """The PVCs whose repository lies where a bucket's layout has it."""
        found = (
            layout.read(template, repository.prefix.removeprefix(bucket.prefix).strip("/"))
            for bucket in self.buckets
            if (template := self.bindings.layout_of(bucket))
            for repository in bucket.repositories
        )
        return frozenset((owner.namespace, owner.pvc) for owner in found if owner.namespace and owner.pvc)

    def is_synchronised(self, labels: Mapping[str, str] | None) -> bool:
        """Whether Kyverno undoes what is changed of an object with *labels*; it may where that is not known."""
        maker = generated.maker_of(labels)
        if maker is None:
            return False
        policy = self.policies.named(maker)
        return policy.is_synchronised(maker.rule) if policy else bool(self.policies.unread)

    @shared
    def base_secrets(self) -> frozenset[str]:
        """The Secrets that policies copy a store's credentials from, as they lie in the claims' namespaces.

        What the policies read by name counts; where none says a name, what External Secrets bring for VolSync does.
        """
        if self.settings.chain.base_secret:
            return frozenset((self.settings.chain.base_secret,))
        makers = [policy for policy in self.policies.all if policy.makes(SECRET)]
        read = frozenset(name for policy in makers for name in policy.base_secrets())
        if read or not makers:
            return read
        brought = self.cluster.external_secrets
        by_cluster = frozenset(
            name
            for secret in brought.cluster_external_secrets
            if (name := secret.secret) and (_is_for_volsync(secret) or any(p.names_text(name) for p in makers))
        )
        return by_cluster or frozenset(self._brought_alike)

    @property
    def _brought_alike(self) -> Iterator[str]:
        """Secrets for VolSync that are brought under one name to several namespaces, and are no repository's own."""
        own = {source.spec.mover.repository for source in self.cluster.volsync.sources.items}
        names = Counter(secret.secret for secret in self.cluster.external_secrets.external_secrets)
        return (name for name, times in names.items() if times > 1 and name not in own and _speaks_of_volsync(name))

    # --- External Secrets

    @shared
    def cluster_external_secrets(self) -> tuple[ClusterExternalSecret, ...]:
        """Those that bring a base Secret."""
        secrets = self.cluster.external_secrets.cluster_external_secrets
        return tuple(secret for secret in secrets if self.base_secrets & {secret.external_secret, secret.secret})

    @shared
    def failed_namespaces(self) -> Mapping[str, tuple[ClusterExternalSecret, str]]:
        """The namespaces that the base Secret's ExternalSecret could not be put into: by which, and why."""
        return {
            failed.namespace: (secret, failed.reason)
            for secret in self.cluster_external_secrets
            for failed in (secret.status.failed_namespaces if secret.status else None) or ()
        }

    @shared
    def is_base_secret_met(self) -> bool:
        """Whether a Secret of a base Secret's name is in any namespace."""
        return any(secret.name in self.base_secrets for secret in self.cluster.core.secrets)

    @shared
    def external_secrets_silent_from(self) -> datetime | None:
        """From when on all ExternalSecrets together show that their controller has stopped; None when they cannot."""
        secrets = self.cluster.external_secrets.external_secrets
        attempt = self.isolation.attempt
        moments = (
            attempt("/".join(secret.key), partial(_silent_from, secret), lambda _failure: None) for secret in secrets
        )
        return max((moment for moment in moments if moment), default=None)


def _makers(sources: ObjectList[ReplicationSource]) -> frozenset[PolicyReference]:
    made = (generated.maker_of(source.metadata.labels) for source in sources)
    return frozenset(maker for maker in made if maker)


def _destinations(
    destinations: ObjectList[ReplicationDestination],
) -> Table[tuple[str, str, str], list[ReplicationDestination]]:
    """By their namespace and one of: the PVC that they fill, their Secret, the PVC that they were made for."""
    found: dict[tuple[str, str, str], list[ReplicationDestination]] = defaultdict(list)
    for destination in destinations:
        mover = destination.spec.mover
        for kind, name in (
            ("pvc", mover.destination_pvc),
            ("secret", mover.repository),
            ("uid", (destination.metadata.labels or {}).get(generated.TRIGGER_UID)),
        ):
            if name:
                found[destination.namespace, kind, name].append(destination)
    return Table("destinations", dict(found))


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


def _is_for_volsync(secret: ClusterExternalSecret) -> bool:
    """Whether its name, or the label that it selects namespaces by, says that it is VolSync's."""
    selectors = (secret.spec.namespace_selector, *(secret.spec.namespace_selectors or ()))
    keys = (key for selector in selectors if selector for key in selector.match_labels or {})
    return any(_speaks_of_volsync(text) for text in (secret.secret, *keys))


def _speaks_of_volsync(text: str) -> bool:
    return any(word in text.lower() for word in ("volsync", "restic"))
