"""The layout of a bucket: the template that the places which are proven in it follow."""

from collections.abc import Iterable, Mapping
from itertools import product

import msgspec

from exporter.facts.layout import CUSTOMARY, prefix_of

_DEEPEST = 5
"""Paths with more parts are not read."""
_LEAST = 2
"""So many sources must prove a layout before it says anything about another."""
_MOST_HYPHENS = 16


class PathNames(msgspec.Struct, frozen=True):
    """What a layout can make a path of."""

    namespace: str
    pvc: str
    source: str

    def path_by(self, layout: str) -> str:
        """The path that *layout* gives them."""
        return prefix_of(layout, self.namespace, self.pvc, self.source)


class LayoutScore(msgspec.Struct, frozen=True):
    """A layout, and how many of a bucket's proven places it gives."""

    layout: str
    fits: int
    of: int

    @property
    def is_proven(self) -> bool:
        """Whether it speaks for the bucket: several places follow it, and next to none does not."""
        return self.fits >= _LEAST and self.fits >= 0.8 * self.of


def best_layout(scores: Mapping[str, int], of: int) -> LayoutScore | None:
    """The layout that gives most of a bucket's paths: how many each template gives, *of* how many."""
    if not scores:
        return None
    fits = max(scores.values())
    order = {template: place for place, template in enumerate(CUSTOMARY)}
    best = (template for template, times in scores.items() if times == fits)
    return LayoutScore(min(best, key=lambda template: (order.get(template, len(order)), template)), fits, of)


def templates_of(names: PathNames, path: str) -> Iterable[str]:
    """The templates that give *path*: each of its parts as it stands, or by one or two of the names."""
    parts = path.split("/")
    if len(parts) > _DEEPEST:
        return
    for chosen in product(*(_readings(names, part) for part in parts)):
        template = "/".join(chosen)
        if "{pvc}" in template or "{source}" in template:
            yield template


def _readings(names: PathNames, part: str) -> tuple[str, ...]:
    """How one part of a path can be made of the names."""
    readings = {part: None}
    own = (("{namespace}", names.namespace), ("{pvc}", names.pvc), ("{source}", names.source))
    for field, name in own:
        if part == name:
            readings[field] = None
        elif name and part.endswith(f"-{name}"):
            head = part.removesuffix(f"-{name}")
            readings[f"{'{namespace}' if head == names.namespace else head}-{field}"] = None
        elif name and part.startswith(f"{name}-"):
            readings[f"{field}{part.removeprefix(name)}"] = None
    return tuple(readings)


def words_of(part: str) -> set[str]:
    """What stands before or behind a hyphen of *part*: `data` of `backup-data`, `gitea` of `gitea-backup`."""
    cuts = [place for place, character in enumerate(part) if character == "-"][:_MOST_HYPHENS]
    return {word for cut in cuts for word in (part[:cut], part[cut + 1 :])}
