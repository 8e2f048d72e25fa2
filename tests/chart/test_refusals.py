"""Wrong values are refused, and the message says which and why."""

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from tests.chart.tools import INVALID, LOADER, RELEASE, Umbrella, template

CASES = sorted(path.stem for path in INVALID.glob("*.yaml"))


@pytest.mark.parametrize("case", CASES)
def test_wrong_values_are_refused_with_a_message_that_names_them(case: str) -> None:
    """Each line of NAME.expect.txt stands in what helm says of NAME.yaml."""
    expected = (INVALID / f"{case}.expect.txt").read_text().splitlines()

    said = _by_schema().get(case) or _by_templates(case)

    assert expected
    for line in expected:
        assert line in said


@cache
def _by_schema() -> dict[str, str]:
    """What the schema says of each case that it refuses: helm says it of all subcharts at once."""
    with TemporaryDirectory() as folder:
        cases = {case: yaml.load((INVALID / f"{case}.yaml").read_text(), LOADER) for case in CASES}
        umbrella = Umbrella(cases, Path(folder))
        refused = umbrella.run("template", RELEASE)
    assert refused.returncode
    pieces = re.split(r"^(case-\d+):\n", refused.stderr, flags=re.MULTILINE)[1:]
    said = dict(zip(pieces[::2], pieces[1::2], strict=True))
    return {case: said[alias] for case, alias in umbrella.aliases.items() if alias in said}


def _by_templates(case: str) -> str:
    refused = template(INVALID / f"{case}.yaml")
    assert refused.returncode
    return refused.stderr


def test_every_case_says_what_it_expects_and_every_expectation_has_a_case() -> None:
    assert CASES
    assert {path.name.removesuffix(".expect.txt") for path in INVALID.glob("*.expect.txt")} == set(CASES)
