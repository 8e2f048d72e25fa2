"""What a kind of object is to the readers: where the API serves it, what is asked of it, and what is kept."""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from exporter.facts.cluster.object_list import MalformedObject
from exporter.facts.cluster.wire import Object
from exporter.facts.reading import Source
from exporter.settings import Settings

VOLSYNC_OBJECTS = "app.kubernetes.io/created-by=volsync"
"""The label of everything that VolSync's movers make (volsync `internal/controller/utils/labels.go`)."""


class Reach(StrEnum):
    """Where the objects of a kind are looked for."""

    CLUSTER = "cluster"
    """Cluster-scoped objects."""
    CLAIMS = "claims"
    """The namespaces in which claims are judged: all of them, or those that the settings name."""
    ONE = "one"
    """One namespace that the settings name, where an operator keeps its own objects."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of object."""

    field: str
    """Where its list stands in `ClusterFacts`: the API's folder and the list's name, dotted."""
    source: Source
    group: str
    """The API group; empty for the core group."""
    versions: tuple[str, ...]
    """The versions that can be decoded, the preferred one first; discovery picks the first that is served."""
    plural: str
    kind: str
    struct: type[Object]
    reach: Reach
    label_selector: str = ""
    field_selectors: tuple[str, ...] = ("",)
    """One list is asked for each."""
    metadata_only: bool = False
    namespace: Callable[[Settings], str] | None = None
    """Reach.ONE: the namespace."""
    about: tuple[str, ...] = ()
    """Groups whose objects these tell of: where none of them is served, there is nothing to read."""


def is_of_shard(kind: Kind, one: Object | MalformedObject, settings: Settings) -> bool:
    """Whether an object of *kind* is left to no other exporter: by its namespace, or of a volume by its claim's.

    VolSync's own objects never are: they show together whether the operator works, and which layout a store follows.
    """
    is_kept = kind.reach is Reach.ONE or kind.source is Source.VOLSYNC or not one.home
    return is_kept or settings.claims.is_of_shard(one.home)
