"""What can be broken: the typed things that a root cause can lie in, from one claim to the whole operator."""

from enum import StrEnum

import msgspec


class ScopeKind(StrEnum):
    """The kinds of things, the widest first."""

    OPERATOR = "operator"
    """VolSync's own controller."""
    POLICY = "policy"
    """A policy, or an admission webhook."""
    SECRETSTORE = "secretstore"
    EXTERNALSECRET = "externalsecret"
    """An ExternalSecret, or a ClusterExternalSecret."""
    STORE = "store"
    """Where repositories lie: an endpoint, a bucket of it, or a mounted path."""
    STORAGE = "storage"
    """A CSI driver or a storage class."""
    SCHEDULER = "scheduler"
    """The nodes together, as the scheduler sees them."""
    NODE = "node"
    NAMESPACE = "namespace"
    VOLUME = "volume"
    CLAIM = "claim"


class Scope(msgspec.Struct, frozen=True, order=True, gc=False):
    """One thing. As text it is `kind/name`, or `kind/namespace/name` where the thing lies in another."""

    kind: ScopeKind
    name: str
    inside: str = ""
    """What the thing lies in: its namespace; a bucket's endpoint."""

    @property
    def namespace(self) -> str:
        """The namespace that it lies in, or is; empty where it lies in none."""
        if self.kind is ScopeKind.NAMESPACE:
            return self.name
        return "" if self.kind is ScopeKind.STORE else self.inside

    @property
    def endpoint(self) -> "Scope":
        """The whole endpoint of a store."""
        return Scope(self.kind, self.inside) if self.inside else self

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.inside, self.name) if part)


OPERATOR = Scope(ScopeKind.OPERATOR, "volsync")
EXTERNAL_SECRETS = Scope(ScopeKind.OPERATOR, "external-secrets")


def claim(namespace: str, pvc: str) -> Scope:
    """A claim, the narrowest scope there is."""
    return Scope(ScopeKind.CLAIM, pvc, namespace)


def namespace(name: str) -> Scope:
    """A namespace, which is its own name."""
    return Scope(ScopeKind.NAMESPACE, name)


def policy(name: str, in_namespace: str = "") -> Scope:
    """A policy of the cluster or of a namespace."""
    return Scope(ScopeKind.POLICY, name, in_namespace)


def secret_store(name: str, in_namespace: str = "") -> Scope:
    """A ClusterSecretStore, or a namespace's SecretStore."""
    return Scope(ScopeKind.SECRETSTORE, name, in_namespace)


def external_secret(name: str, in_namespace: str = "") -> Scope:
    """A namespace's ExternalSecret, or a ClusterExternalSecret."""
    return Scope(ScopeKind.EXTERNALSECRET, name, in_namespace)


def storage(driver: str) -> Scope:
    """A CSI driver, or a storage class where the driver is not known."""
    return Scope(ScopeKind.STORAGE, driver)


def node(name: str) -> Scope:
    """A node."""
    return Scope(ScopeKind.NODE, name)


def volume(name: str) -> Scope:
    """A volume of the storage system."""
    return Scope(ScopeKind.VOLUME, name)


def store(endpoint: str, bucket: str = "") -> Scope:
    """A store: its endpoint (`host:port`, a mounted path, `b2:`) and the bucket, as far as they are known."""
    return Scope(ScopeKind.STORE, bucket, endpoint) if bucket else Scope(ScopeKind.STORE, endpoint or "unnamed")
