"""Wrong values are refused, and the message says which and why."""

import pytest

from tests.chart.tools import INVALID, template

CASES = sorted(path.stem for path in INVALID.glob("*.yaml"))


@pytest.mark.parametrize("case", CASES)
def test_wrong_values_are_refused_with_a_message_that_names_them(case: str) -> None:
    """Each line of NAME.expect.txt stands in what helm says of NAME.yaml."""
    expected = (INVALID / f"{case}.expect.txt").read_text().splitlines()

    refused = template(INVALID / f"{case}.yaml")

    assert refused.returncode
    assert expected
    for line in expected:
        assert line in refused.stderr


def test_every_case_says_what_it_expects_and_every_expectation_has_a_case() -> None:
    assert CASES
    assert {path.name.removesuffix(".expect.txt") for path in INVALID.glob("*.expect.txt")} == set(CASES)
