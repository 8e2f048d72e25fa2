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
