"""External Secrets' objects."""

import msgspec

from exporter.facts.cluster.external_secrets.objects import ClusterExternalSecret, ExternalSecret
from exporter.facts.cluster.object_list import ObjectList


class ExternalSecretsFacts(msgspec.Struct, frozen=True, dict=True):
    """The lists of External Secrets' API."""

    cluster_external_secrets: ObjectList[ClusterExternalSecret] = ObjectList()
    external_secrets: ObjectList[ExternalSecret] = ObjectList()
