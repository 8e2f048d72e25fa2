"""What was found once is found no more, and a short run finds nothing."""

import random
from pathlib import Path

import pytest

from tests.fuzz.damage import damaged, seeds
from tests.fuzz.targets import FINDINGS, TARGETS


@pytest.mark.parametrize("seed", range(20))
def test_damaged_input_is_refused_or_read(seed: int) -> None:
    chance, corpus = random.Random(seed), seeds()
    for _ in range(5):
        content = damaged(chance, corpus)
        for target in TARGETS.values():
            target(content)


@pytest.mark.parametrize("finding", sorted(FINDINGS.glob("*")), ids=lambda path: path.name)
def test_a_finding_stays_fixed(finding: Path) -> None:
    TARGETS[finding.name.partition("-")[0]](finding.read_bytes())
