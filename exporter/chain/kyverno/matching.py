"""Whether a rule's `match` or `exclude` takes a PVC, as Kyverno evaluates it (kyverno `pkg/engine/utils/match.go`)."""

from collections.abc import Iterator, Sequence

from exporter.chain.kyverno.answer import Answer, every, some
from exporter.chain.kyverno.trigger import KIND, TriggerResource
from exporter.chain.selectors import matches, same
from exporter.facts.cluster.kyverno.objects import MatchResources, ResourceDescription, ResourceFilter
from exporter.facts.cluster.wire import LabelSelector


def takes(match: MatchResources | None, trigger: TriggerResource) -> Answer:
    """Whether *match* takes the PVC; nothing is taken by none."""
    if match is None:
        return False
    if match.any:
        return some(_filters(one, trigger) for one in match.any)
    if match.all:
        return every(_filters(one, trigger) for one in match.all)
    return _filters(match, trigger)


def takes_apart_from_namespace(match: MatchResources | None, trigger: TriggerResource) -> Answer:
    """The same, with every `namespaceSelector` left out."""
    return takes(_without_namespace_selectors(match), trigger)


def is_for_claims(match: MatchResources | None) -> bool:
    """Whether the filters name the kind of PVCs."""
    return any(_is_kind(kind) for description in descriptions(match) for kind in description.kinds or ())


def descriptions(match: MatchResources | None) -> Iterator[ResourceDescription]:
    """What is asked of the object, filter by filter."""
    if match is None:
        return
    yield from (one.resources for one in (*(match.any or ()), *(match.all or ()), match) if one.resources)


def selectors(match: MatchResources | None) -> Iterator[LabelSelector]:
    """The label selectors for the object itself."""
    yield from (one.selector for one in descriptions(match) if one.selector)


def _filters(one: ResourceFilter, trigger: TriggerResource) -> Answer:
    """Who sent the object is not known any more."""
    is_about_user = bool(one.roles or one.cluster_roles or one.subjects)
    if one.resources is None:
        return None if is_about_user else True
    return every((_describes(one.resources, trigger), None if is_about_user else True))


def _describes(asked: ResourceDescription, trigger: TriggerResource) -> Answer:
    return every(
        (
            not asked.kinds or any(_is_kind(kind) for kind in asked.kinds),
            _is_named(asked.names or ((asked.name,) if asked.name else ()), trigger.name),
            _is_named(asked.namespaces or (), trigger.namespace),
            None if asked.annotations else True,  # those of a PVC are not read
            matches(asked.selector, trigger.labels),
            selects_namespace(asked.namespace_selector, trigger),
            _is_sent(asked.operations),
        )
    )


def selects_namespace(selector: LabelSelector | None, trigger: TriggerResource) -> Answer:
    """Whether the namespace's labels satisfy *selector*."""
    if selector is None:
        return True
    labels = trigger.namespace_labels
    return None if labels is None else matches(selector, labels)


def _is_kind(text: str) -> bool:
    """`Kind`, `version/Kind`, `group/version/Kind`, each with wildcards (kyverno `pkg/utils/kube/kind.go`)."""
    return text.rsplit("/", 1)[-1] in (KIND, "*")


def _is_named(patterns: Sequence[str], name: str) -> bool:
    return not patterns or any(same(name, pattern) for pattern in patterns)


def _is_sent(operations: Sequence[str] | None) -> Answer:
    """A PVC is created once; whether it was updated since is not known."""
    if not operations or "CREATE" in operations:
        return True
    return None if "UPDATE" in operations else False


def _without_namespace_selectors(match: MatchResources | None) -> MatchResources | None:
    if match is None:
        return None
    return MatchResources(
        resources=_without_namespace_selector(match.resources),
        roles=match.roles,
        cluster_roles=match.cluster_roles,
        subjects=match.subjects,
        any=_each_without(match.any),
        all=_each_without(match.all),
    )


def _each_without(filters: tuple[ResourceFilter, ...] | None) -> tuple[ResourceFilter, ...]:
    return tuple(
        ResourceFilter(_without_namespace_selector(one.resources), one.roles, one.cluster_roles, one.subjects)
        for one in filters or ()
    )


def _without_namespace_selector(asked: ResourceDescription | None) -> ResourceDescription | None:
    if asked is None or asked.namespace_selector is None:
        return asked
    return ResourceDescription(
        kinds=asked.kinds,
        name=asked.name,
        names=asked.names,
        namespaces=asked.namespaces,
        annotations=asked.annotations,
        selector=asked.selector,
        operations=asked.operations,
    )
