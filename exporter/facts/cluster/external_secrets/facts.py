"""External Secrets' objects, joined: what brings a Secret, and the store that it comes from."""

from collections import defaultdict
from datetime import datetime

import msgspec

from exporter.facts.cluster.external_secrets.objects import (
    ClusterExternalSecret,
    ExternalSecret,
    SecretStore,
    StoreReference,
)
from exporter.facts.cluster.object_list import Key, ObjectList
from exporter.facts.dependencies import Table, apart, shared


class ExternalSecretsFacts(msgspec.Struct, frozen=True, dict=True):
    """The lists of External Secrets' API."""

    cluster_external_secrets: ObjectList[ClusterExternalSecret] = ObjectList()
    external_secrets: ObjectList[ExternalSecret] = ObjectList()
    cluster_secret_stores: ObjectList[SecretStore] = ObjectList()
    secret_stores: ObjectList[SecretStore] = ObjectList()

    def bringing(self, namespace: str, secret: str) -> tuple[ExternalSecret, ...]:
        """The ExternalSecrets that write a Secret, sorted by name: several may have one target."""
        return self._by_secret.get((namespace, secret), ())

    def brings_anywhere(self, secret: str) -> bool:
        """Whether a Secret of that name is brought to any namespace."""
        return secret in self._secrets

    def stores(self, reference: StoreReference) -> ObjectList[SecretStore]:
        """The list in which the store would be."""
        return self.cluster_secret_stores if reference.is_clusters else self.secret_stores

    @shared
    def last_refresh(self) -> datetime | None:
        """When the controller was last seen to refresh anything."""
        return max((secret.refreshed for secret in self.external_secrets if secret.refreshed), default=None)

    @apart
    def _by_secret(self) -> Table[Key, tuple[ExternalSecret, ...]]:
        return self.external_secrets.made(_by_secret)

    @apart
    def _secrets(self) -> Table[str, bool]:
        return Table("brought secrets", {secret: True for _, secret in self._by_secret})


def _by_secret(secrets: ObjectList[ExternalSecret]) -> Table[Key, tuple[ExternalSecret, ...]]:
    found: dict[Key, list[ExternalSecret]] = defaultdict(list)
    for secret in sorted(secrets, key=lambda secret: secret.name):
        if secret.writes_secret:
            found[secret.namespace, secret.secret].append(secret)
    return Table("bringing", {key: tuple(bringing) for key, bringing in found.items()})
