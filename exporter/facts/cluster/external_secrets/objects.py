"""External Secrets' objects (external-secrets.io)."""

import re
from datetime import datetime
from typing import Annotated

import msgspec

from exporter.facts.cluster.wire import (
    Condition,
    Items,
    LabelSelector,
    Many,
    Moment,
    Name,
    Object,
    Text,
    Wire,
)

_CREDENTIALS = re.compile(r"(//|s3:).*@")
"""What may be credentials in a URL: up to its last `@`, since a password may hold a slash."""
_ADDRESS = "RESTIC_REPOSITORY"
_LONGEST_ADDRESS = 1024
"""What is longer is no address."""


class StoreReference(Wire):
    """A ClusterSecretStore, or a SecretStore of the same namespace."""

    kind: Name = "SecretStore"
    name: Name = ""

    @property
    def is_clusters(self) -> bool:
        return self.kind == "ClusterSecretStore"


class SourceReference(Wire):
    """Another store than the ExternalSecret's own, or a generator, for one entry of it."""

    store_ref: StoreReference | None = None


class SecretData(Wire):
    source_ref: SourceReference | None = None


class Addresses(Wire):
    """Where a repository is, in Go template text: of a template's keys this one alone is kept.

    A template may hold secrets in the clear, so nothing else of it is, and credentials in a URL are masked.
    """

    restic: str | None = msgspec.field(default=None, name=_ADDRESS)

    def __post_init__(self) -> None:
        if self.restic is not None:
            msgspec.structs.force_setattr(self, "restic", _masked(self.restic))


class TemplateFrom(Wire):
    """A template that is rendered to several keys; of its literal only the repository's address is kept."""

    restic: str | None = msgspec.field(default=None, name="literal")

    def __post_init__(self) -> None:
        if self.restic is not None:
            found = (_split(line) for line in self.restic.splitlines() if ":" in line)
            text = next((text for key, text in found if key == _ADDRESS), "")
            msgspec.structs.force_setattr(self, "restic", _masked(text))


class SecretTemplate(Wire):
    data: Addresses | None = None
    template_from: Items[TemplateFrom] | None = None


class TargetManifest(Wire):
    """What is made in place of a Secret."""

    kind: Name = ""


class SecretTarget(Wire):
    name: Name | None = None
    creation_policy: Text | None = None
    template: SecretTemplate | None = None
    manifest: TargetManifest | None = None


class SyncWindow(Wire):
    """It opens whenever the schedule fires (in UTC), and stays open for its duration."""

    schedule: Text = ""
    duration: Text = ""


class SyncWindows(Wire):
    """When periodic refreshes are allowed, or denied (external-secrets 2.7 and later)."""

    kind: Name = ""
    windows: Items[SyncWindow] | None = None


class ExternalSecretSpec(Wire):
    refresh_interval: Text | None = None
    refresh_policy: Text | None = None
    sync_windows: SyncWindows | None = None
    secret_store_ref: StoreReference | None = None
    target: SecretTarget | None = None
    data: Items[SecretData] | None = None
    data_from: Items[SecretData] | None = None


class ExternalSecretStatus(Wire):
    refresh_time: Moment | None = None
    conditions: Items[Condition] | None = None


class ExternalSecret(Object):
    spec: ExternalSecretSpec = ExternalSecretSpec()
    status: ExternalSecretStatus | None = None

    @property
    def secret(self) -> str:
        """The Secret that it is about."""
        return (self.spec.target.name if self.spec.target else None) or self.name

    @property
    def writes_secret(self) -> bool:
        """Whether it makes that Secret or merges into it: not with a policy of None, or a target of another kind."""
        target = self.spec.target or SecretTarget()
        return target.creation_policy != "None" and (target.manifest is None or target.manifest.kind == "Secret")

    @property
    def stores(self) -> tuple[StoreReference, ...]:
        """The stores that it reads from, each once."""
        entries = (*(self.spec.data or ()), *(self.spec.data_from or ()))
        others = (entry.source_ref.store_ref for entry in entries if entry.source_ref)
        return tuple(dict.fromkeys(one for one in (self.spec.secret_store_ref, *others) if one and one.name))

    @property
    def addresses(self) -> tuple[str, ...]:
        """The templates of a restic repository's address that it holds."""
        template = (self.spec.target.template if self.spec.target else None) or SecretTemplate()
        texts = (template.data.restic if template.data else None, *(one.restic for one in template.template_from or ()))
        return tuple(text for text in texts if text)

    @property
    def ready(self) -> Condition | None:
        """Its `Ready` condition."""
        return _ready(self.status.conditions if self.status else None)

    @property
    def refreshed(self) -> datetime | None:
        """When it last succeeded: the refresh time moves with nothing else."""
        return self.status.refresh_time if self.status else None


class FailedNamespace(Wire):
    namespace: Name
    reason: Text = ""


class ClusterExternalSecretSpec(Wire):
    external_secret_name: Name | None = None
    namespace_selector: LabelSelector | None = None
    namespace_selectors: Items[LabelSelector] | None = None
    namespaces: Many[Text] | None = None
    external_secret_spec: ExternalSecretSpec = ExternalSecretSpec()


class ClusterExternalSecretStatus(Wire):
    provisioned_namespaces: Many[Text] | None = None
    failed_namespaces: Many[FailedNamespace] | None = None
    conditions: Items[Condition] | None = None


class ClusterExternalSecret(Object):
    spec: ClusterExternalSecretSpec = ClusterExternalSecretSpec()
    status: ClusterExternalSecretStatus | None = None

    @property
    def external_secret(self) -> str:
        """The name of the ExternalSecrets that it makes."""
        return self.spec.external_secret_name or self.name

    @property
    def secret(self) -> str:
        """The Secret that these bring."""
        target = self.spec.external_secret_spec.target
        return (target.name if target else None) or self.external_secret


class Provider(Wire):
    """How a provider is reached, of which nothing is kept."""


class SecretStoreSpec(Wire):
    provider: Annotated[dict[Text, Provider], msgspec.Meta(max_length=100)] | None = None


class SecretStoreStatus(Wire):
    conditions: Items[Condition] | None = None


class SecretStore(Object):
    """A SecretStore, or a ClusterSecretStore."""

    spec: SecretStoreSpec = SecretStoreSpec()
    status: SecretStoreStatus | None = None

    @property
    def ready(self) -> Condition | None:
        """Its `Ready` condition."""
        return _ready(self.status.conditions if self.status else None)

    @property
    def provider(self) -> str:
        """The kind of provider: `vault`, `onepassword`."""
        return next(iter(self.spec.provider or {}), "")


def _ready(conditions: tuple[Condition, ...] | None) -> Condition | None:
    return next((condition for condition in conditions or () if condition.type == "Ready"), None)


def _split(line: str) -> tuple[str, str]:
    """A line of YAML as key and text, without their quotes."""
    key, _, text = line.partition(":")
    return key.strip().strip("\"'"), text.strip().strip("\"'")


def _masked(text: str) -> str | None:
    return _CREDENTIALS.sub(r"\1***@", text) if len(text) <= _LONGEST_ADDRESS else None
