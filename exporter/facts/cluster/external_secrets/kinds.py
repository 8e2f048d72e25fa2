"""The kinds of this API that are read."""

from exporter.facts.cluster.external_secrets import objects
from exporter.facts.cluster.kind import Kind, Reach
from exporter.facts.reading import Source

KINDS: tuple[Kind, ...] = (
    Kind(
        field="external_secrets.cluster_external_secrets",
        source=Source.EXTERNAL_SECRETS,
        group="external-secrets.io",
        versions=("v1", "v1beta1"),
        plural="clusterexternalsecrets",
        kind="ClusterExternalSecret",
        struct=objects.ClusterExternalSecret,
        reach=Reach.CLUSTER,
    ),
    Kind(
        field="external_secrets.external_secrets",
        source=Source.EXTERNAL_SECRETS,
        group="external-secrets.io",
        versions=("v1", "v1beta1"),
        plural="externalsecrets",
        kind="ExternalSecret",
        struct=objects.ExternalSecret,
        reach=Reach.CLAIMS,
    ),
    Kind(
        field="external_secrets.cluster_secret_stores",
        source=Source.EXTERNAL_SECRETS,
        group="external-secrets.io",
        versions=("v1", "v1beta1"),
        plural="clustersecretstores",
        kind="ClusterSecretStore",
        struct=objects.SecretStore,
        reach=Reach.CLUSTER,
    ),
    Kind(
        field="external_secrets.secret_stores",
        source=Source.EXTERNAL_SECRETS,
        group="external-secrets.io",
        versions=("v1", "v1beta1"),
        plural="secretstores",
        kind="SecretStore",
        struct=objects.SecretStore,
        reach=Reach.CLAIMS,
    ),
)
