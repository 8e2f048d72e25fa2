"""Colours that the colour-blind can tell apart (Okabe and Ito, https://jfly.uni-koeln.de/color/), by what they mean."""

from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMappingResult

GOOD = "#009E73"
WARN = "#E69F00"
BAD = "#D55E00"
UNKNOWN = "#CC79A7"
NEW = "#56B4E9"
NEUTRAL = "#8A8F98"
BLUE = "#0072B2"

STATES = {
    "exempt": (0, "Exempt", NEUTRAL),
    "protected": (1, "Protected", GOOD),
    "starting": (2, "Starting", NEW),
    "unknown": (3, "Unknown", UNKNOWN),
    "at_risk": (4, "At risk", WARN),
    "unprotected": (5, "Unprotected", BAD),
}
"""A claim's states: the number that stands for each in a graph, its word and its colour. The worst is the greatest."""

ROBUSTNESS = {"healthy": GOOD, "degraded": WARN, "faulted": BAD, "unknown": NEUTRAL}
"""Longhorn's `unknown` is the normal rest of a detached volume, so it is no alarm."""


def words(*pairs: tuple[float, str, str]) -> ValueMap:
    """Show numbers as words: `(number, word, colour)`."""
    return ValueMap(
        options={
            f"{number:g}": ValueMappingResult(text=text, color=color, index=index)
            for index, (number, text, color) in enumerate(pairs)
        }
    )


def colours(of: dict[str, str]) -> ValueMap:
    """Colour words by what they are."""
    return ValueMap(
        options={
            word: ValueMappingResult(text=word, color=color, index=i) for i, (word, color) in enumerate(of.items())
        }
    )


STATE_WORDS = words(*STATES.values())
SEVERITY_COLOURS = colours({"critical": BAD, "warning": WARN, "info": NEUTRAL})
IMPACT_COLOURS = colours({"blocking": BAD, "advisory": NEUTRAL})
