"""Selectors are evaluated as the API server and Kyverno do."""

import pytest

from exporter.chain.selectors import matches
from exporter.facts.cluster.wire import LabelSelector, LabelSelectorRequirement


@pytest.mark.parametrize(
    ("selector", "labels", "expected"),
    [
        (None, {}, True),
        (LabelSelector(), None, True),
        (LabelSelector(match_labels={"backup": "hourly"}), {"backup": "hourly", "app": "x"}, True),
        (LabelSelector(match_labels={"backup": "hourly"}), {"backup": "daily"}, False),
        (LabelSelector(match_labels={"backup": "hourly"}), {}, False),
        (LabelSelector(match_labels={"backup": "*"}), {"backup": "daily"}, True),
        (LabelSelector(match_labels={"backup": "?*"}), {"backup": ""}, False),
        (LabelSelector(match_labels={"backup": "h*y"}), {"backup": "hourly"}, True),
        (
            LabelSelector(match_expressions=(LabelSelectorRequirement("backup", "In", ("hourly", "daily")),)),
            {"backup": "daily"},
            True,
        ),
        (
            LabelSelector(match_expressions=(LabelSelectorRequirement("backup", "NotIn", ("daily",)),)),
            {"backup": "daily"},
            False,
        ),
        (LabelSelector(match_expressions=(LabelSelectorRequirement("backup", "NotIn", ("daily",)),)), {}, True),
        (LabelSelector(match_expressions=(LabelSelectorRequirement("backup", "Exists"),)), {"backup": ""}, True),
        (LabelSelector(match_expressions=(LabelSelectorRequirement("backup", "DoesNotExist"),)), {"backup": ""}, False),
        (
            LabelSelector(match_expressions=(LabelSelectorRequirement("backup", "Resembles", ("x",)),)),
            {"backup": "x"},
            False,
        ),
    ],
)
def test_a_selector_takes_what_it_asks_for(
    selector: LabelSelector | None, labels: dict[str, str] | None, expected: bool
) -> None:
    assert expected is matches(selector, labels)


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("*", "", True),
        ("**", "", True),
        ("?", "", False),
        ("?", "a", True),
        ("?", "ab", False),
        ("?", "é", True),
        ("a?c", "abc", True),
        ("a*c", "ac", True),
        ("a*c", "acb", False),
        ("*a*b", "xaxaxb", True),
        ("?*?", "a", False),
        ("a\nb*", "a\nb\n", True),
        ("[ab]*", "a", False),
        ("[ab]*", "[ab]c", True),
        ("[!a]?", "[!a]b", True),
        ("a.c*", "abc", False),
        ("a\\*", "a\\b", True),
        ("a", "A", False),
    ],
)
def test_a_star_stands_for_any_text_and_a_question_mark_for_one_character(
    pattern: str, value: str, expected: bool
) -> None:
    selector = LabelSelector(match_labels={"backup": pattern})
    assert expected is matches(selector, {"backup": value})


@pytest.mark.parametrize("pattern", ["a*a*a*a*b", "a*" * 5_000 + "b", "*" * 10_000 + "b", "*?" * 5_000 + "b"])
def test_no_pattern_is_tried_again_and_again(pattern: str) -> None:
    """One that is would not end: four stars over 10,000 characters are 10,000⁴ ways."""
    selector = LabelSelector(match_labels={"backup": pattern})
    assert not matches(selector, {"backup": "a" * 10_000})
    assert matches(selector, {"backup": "a" * 10_000 + "b"})
