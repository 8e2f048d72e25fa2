"""A few of the faults against the real process; `make faults` puts in all of them."""

import random
import signal
from collections.abc import Iterator

import pytest

from tests.faults.catalogue import CASES, HANGS, Case
from tests.faults.ends import ends
from tests.faults.limits import limits
from tests.faults.run import run
from tests.faults.world import World, running

CHEAP = {
    "an object nested 50,000 deep",
    "connections reset in the answer",
    "fifty malformed objects, and a policy of 30,000 lists",
    "an unknown encoding",
    "forbidden",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running(tmp_path_factory.mktemp("faults")) as one:
        yield one


@pytest.mark.parametrize("case", [case for case in CASES if case.name in CHEAP], ids=lambda case: case.name)
def test_a_fault_costs_its_source_accuses_nobody_and_heals(world: World, case: Case) -> None:
    outcome = run(world, case)
    assert outcome.wrong == []
    assert world.process.peak_mebibytes < 250


def test_a_signal_ends_it_while_handshakes_never_come(world: World) -> None:
    (case,) = (case for case in HANGS if case.name.endswith("never come") and case.where == "the store")
    (end,) = ends(world, case, (signal.SIGHUP,), random.Random())
    assert end.is_well, end


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len({(case.where, case.name) for case in CASES}) == len(CASES)


def test_limits_leave_nothing_behind() -> None:
    with limits() as around:
        groups = [group for group in (around.memory, around.cpu) if group]
        assert all(group.is_dir() for group in groups)
    assert not any(group.exists() for group in groups)
