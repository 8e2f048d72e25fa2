"""A signal at any moment of any hang ends the process at once."""

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.catalogue import Case
from tests.faults.world import World

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LONGEST = 5.0
"""Seconds that the end may take, on a machine that is busy."""
_LATEST = 4.0
"""Seconds after its start until which a process is told to end."""


@dataclass(frozen=True)
class End:
    """How a process ended."""

    case: Case
    number: signal.Signals
    after: float
    status: int
    seconds: float

    @property
    def is_well(self) -> bool:
        return self.status == 0 and self.seconds < LONGEST


def ends(world: World, case: Case, numbers: tuple[signal.Signals, ...], chance: random.Random) -> Iterator[End]:
    """End a process by each signal, some time after it began to read a world in which *case* hangs."""
    case.inject(world)
    try:
        for number in numbers:
            with world.another() as process:
                after = chance.uniform(0, _LATEST)
                time.sleep(after)
                yield End(case, number, after, *process.end(number))
    finally:
        world.heal()
