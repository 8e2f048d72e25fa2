"""Every kind that is read. This one table drives the readers, `doctor` and the chart's RBAC.

Each API has a folder of its own beside this file: its structs (`objects`), its kinds, and its lists with the joins
among them (`facts`). A new API is a new folder, a line here and a line in `ClusterFacts`.
"""

from exporter.facts.cluster.core.kinds import KINDS as CORE
from exporter.facts.cluster.external_secrets.kinds import KINDS as EXTERNAL_SECRETS
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.kyverno.kinds import KINDS as KYVERNO
from exporter.facts.cluster.longhorn.kinds import KINDS as LONGHORN
from exporter.facts.cluster.snapshots.kinds import KINDS as SNAPSHOTS
from exporter.facts.cluster.volsync.kinds import KINDS as VOLSYNC

KINDS: tuple[Kind, ...] = (*CORE, *SNAPSHOTS, *VOLSYNC, *LONGHORN, *KYVERNO, *EXTERNAL_SECRETS)
