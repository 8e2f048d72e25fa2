"""kubectl's label selectors, as `-l` takes them: `app=x`, `app!=x`, `app in (x, y)`, `app notin (x)`, `app`, `!app`."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from exporter.chain.selectors import matches
from exporter.facts.cluster.wire import LabelSelector, LabelSelectorRequirement

_PART: Final = re.compile(
    r"\s*(?:(?P<absent>!)\s*)?(?P<key>[\w./-]+)"
    r"(?:\s*(?P<equality>==|=|!=)\s*(?P<value>[\w.-]*)|\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?\s*(?:,|$)"
)


class SelectorError(ValueError):
    """The text is no label selector."""


def parse(text: str) -> LabelSelector:
    """*text* as a selector; an empty one takes everything.

    Raises:
        SelectorError: it is none.
    """
    return LabelSelector(match_expressions=tuple(_requirements(text)))


def selects(selector: LabelSelector, labels: Mapping[str, str] | None) -> bool:
    """Whether *labels* satisfy *selector*. An object without the key satisfies `!=` and `notin`, as in kubectl."""
    return matches(selector, labels)


def _requirements(text: str) -> Iterator[LabelSelectorRequirement]:
    position = 0
    while position < len(text):
        found = _PART.match(text, position)
        if found is None or (found["absent"] and (found["equality"] or found["set"])):
            raise SelectorError(
                f"{text!r} is not a label selector: write it like app=photos,tier!=cache or 'app in (a,b)'"
            )
        position = found.end()
        if found["equality"]:
            yield LabelSelectorRequirement(
                found["key"], "NotIn" if found["equality"] == "!=" else "In", (found["value"],)
            )
        elif found["set"]:
            values = tuple(value.strip() for value in found["values"].split(","))
            yield LabelSelectorRequirement(found["key"], "In" if found["set"] == "in" else "NotIn", values)
        else:
            yield LabelSelectorRequirement(found["key"], "DoesNotExist" if found["absent"] else "Exists")
