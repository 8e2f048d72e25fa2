"""Where each kind is asked for, as the settings say. The reader, `doctor` and the permissions follow from it alone."""

from enum import StrEnum

import msgspec

from exporter.facts.cluster.kind import Kind, Reach
from exporter.facts.reading import Source
from exporter.settings import SecretReading, Settings


class Verb(StrEnum):
    """What is asked of the API: all that is ever asked."""

    LIST = "list"
    GET = "get"


class ListTarget(msgspec.Struct, frozen=True):
    """One place to ask for the objects of a kind."""

    verb: Verb
    namespace: str = ""
    """Empty: the whole cluster."""

    def __str__(self) -> str:
        return f" in {self.namespace}" if self.namespace else ""


class Ask(msgspec.Struct, frozen=True):
    """One list, or one object, that is asked for."""

    target: ListTarget
    selector: str
    """The kind's field selector."""


EVERYWHERE = ListTarget(Verb.LIST)


def targets(kind: Kind, settings: Settings) -> tuple[ListTarget, ...]:
    """Where *kind* is asked for; empty when it is not read at all."""
    if not is_wanted(kind.source, settings):
        return ()
    if kind.reach is Reach.ONE:
        namespace = kind.namespace(settings) if kind.namespace else ""
        return (ListTarget(Verb.LIST, namespace),) if namespace else ()
    # One Namespace after the other can be got by a Role in each; their list is the cluster's.
    one_by_one = kind.plural == "namespaces"
    if kind.reach is Reach.CLUSTER and not (one_by_one and settings.claims.namespaces):
        return (EVERYWHERE,) if settings.cluster_scoped else ()
    if not settings.claims.namespaces:
        return (EVERYWHERE,)
    verb = Verb.GET if one_by_one else Verb.LIST
    return tuple(ListTarget(verb, name) for name in named_namespaces(settings))


def asks(kind: Kind, settings: Settings) -> tuple[Ask, ...]:
    """Everything that is asked for to have all objects of *kind*; empty when it is not read at all."""
    return tuple(
        Ask(target, selector)
        for target in targets(kind, settings)
        for selector in (kind.field_selectors if target.verb is Verb.LIST else ("",))
    )


def is_wanted(source: Source, settings: Settings) -> bool:
    """Whether the settings ask for anything of *source*."""
    if source is Source.SECRETS:
        return settings.secrets is SecretReading.METADATA
    return source.value in settings.sources


def named_namespaces(settings: Settings) -> tuple[str, ...]:
    """The namespaces that the settings name, without those that they leave out, or to another exporter."""
    claims = settings.claims
    return tuple(dict.fromkeys(name for name in claims.namespaces if claims.cover(name)))


def field_selector(kind: Kind, selector: str, target: ListTarget, settings: Settings) -> str:
    """*selector*, and that the namespaces which the settings leave out are not wanted."""
    if target.namespace or kind.reach is Reach.ONE or (kind.reach is Reach.CLUSTER and kind.plural != "namespaces"):
        return selector
    field = "metadata.name" if kind.plural == "namespaces" else "metadata.namespace"
    return ",".join(filter(None, (selector, *(f"{field}!={name}" for name in settings.claims.exclude_namespaces))))
