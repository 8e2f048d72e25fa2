"""External Secrets' objects (external-secrets.io)."""

import msgspec

from exporter.facts.cluster.wire import Condition, LabelSelector, Moment, Object, Wire


class TemplateData(Wire):
    """Of a template's keys only the repository's address: others can hold secrets in the clear."""

    restic_repository: str | None = msgspec.field(default=None, name="RESTIC_REPOSITORY")


class SecretTemplate(Wire):
    data: TemplateData | None = None


class SecretTarget(Wire):
    name: str | None = None
    template: SecretTemplate | None = None


class ExternalSecretSpec(Wire):
    refresh_interval: str | None = None
    refresh_policy: str | None = None
    target: SecretTarget | None = None


class ExternalSecretStatus(Wire):
    refresh_time: Moment | None = None
    conditions: tuple[Condition, ...] | None = None


class ExternalSecret(Object):
    spec: ExternalSecretSpec = ExternalSecretSpec()
    status: ExternalSecretStatus | None = None


class FailedNamespace(Wire):
    namespace: str
    reason: str = ""


class ClusterExternalSecretSpec(Wire):
    external_secret_name: str | None = None
    namespace_selector: LabelSelector | None = None
    namespace_selectors: tuple[LabelSelector, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    external_secret_spec: ExternalSecretSpec = ExternalSecretSpec()


class ClusterExternalSecretStatus(Wire):
    provisioned_namespaces: tuple[str, ...] | None = None
    failed_namespaces: tuple[FailedNamespace, ...] | None = None
    conditions: tuple[Condition, ...] | None = None


class ClusterExternalSecret(Object):
    spec: ClusterExternalSecretSpec = ClusterExternalSecretSpec()
    status: ClusterExternalSecretStatus | None = None
