"""One fault in the running process: does it show, does it cost anything else, and is it over once it is taken back?"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.faults.catalogue import Case
from tests.faults.process import Look
from tests.faults.world import World

PATIENCE = 90.0
"""Seconds in which a fault has to show, and to be over."""
_PASSING = 10.0
"""Seconds for which another source may be late on a machine that is busy."""
_SURVIVED = 2.5
"""Seconds for which a fault that costs nothing is left in place."""
_SLOW = 5.0
"""Seconds that a scrape of a small cluster never takes."""
_BAD = ("unprotected", "at_risk")


@dataclass
class Outcome:
    """What came of a fault."""

    case: Case
    shown: float | None = None
    """Seconds until every source that it costs was told to be unreadable."""
    reasons: tuple[str, ...] = ()
    healed: float | None = None
    """Seconds after it was taken back until everything was as before."""
    slowest: float = 0.0
    """The slowest scrape meanwhile, in seconds."""
    wrong: list[str] = field(default_factory=list)
    """What should not be."""
    _down: dict[str, float] = field(default_factory=dict)

    def take(self, look: Look, before: Look) -> None:
        """Hold *look*, during the fault, against what was *before*."""
        self.slowest = max(self.slowest, look.seconds)
        now = time.monotonic()
        for source, up in look.up.items():
            if up or source in self.case.costs:
                self._down.pop(source, None)
            elif now - self._down.setdefault(source, now) > _PASSING:
                self._say(f"{source} is lost too")
        if look.seconds > _SLOW:
            self._say("scrapes are slow")
        if self.case.moves_the_clock:
            return
        for cause in sorted(look.causes - before.causes):
            self._say(f"accuses: {cause}")
        for claim, state in look.states.items():
            if state in _BAD and before.states.get(claim) not in _BAD:
                self._say(f"{claim} is {state}")

    def _say(self, what: str) -> None:
        if what not in self.wrong:
            self.wrong.append(what)


def sound(world: World) -> Look:
    """What is published once everything is read.

    Raises:
        AssertionError: it never is.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        look = world.process.look()
        if (
            look.verdict_at
            and all(look.up.values())
            and len(look.buckets) > 1
            and "unknown" not in look.states.values()
        ):
            return look
        assert time.monotonic() < deadline, f"not sound: {look}"
        time.sleep(0.2)


def run(world: World, case: Case) -> Outcome:
    """Put the fault in, watch, take it out, and watch until all is as it was."""
    before, outcome = sound(world), Outcome(case)
    began = time.monotonic()
    case.inject(world)
    while time.monotonic() - began < PATIENCE:
        look = _look(world, outcome, before)
        seconds = time.monotonic() - began
        if outcome.shown is None and case.costs and not any(look.up[source] for source in case.costs):
            outcome.shown = seconds
            outcome.reasons = _reasons(look.errors, before.errors, case.costs)
        is_seen = case.is_seen is None or case.is_seen(look)
        if not case.costs and is_seen and seconds > _SURVIVED + case.hold:
            break
        if outcome.shown is not None and seconds > outcome.shown + case.hold:
            break
    else:
        outcome.wrong.append("it does not show")
    world.heal()
    _heal(world, outcome, before)
    return outcome


def _heal(world: World, outcome: Outcome, before: Look) -> None:
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        look = _look(world, outcome, before)
        is_as_before = look.states == before.states and look.causes == before.causes and look.buckets == before.buckets
        if all(look.up.values()) and is_as_before:
            outcome.healed = time.monotonic() - began
            return
    outcome.wrong.append(f"it does not heal: {'; '.join(_differences(look, before))}")


def _differences(look: Look, before: Look) -> list[str]:
    """What is not as it was *before*."""
    states = look.states.keys() | before.states.keys()
    return [
        *(f"{source} is unreadable" for source, up in look.up.items() if not up),
        *(f"{cause} is told" for cause in sorted(look.causes - before.causes)),
        *(f"{cause} is not told" for cause in sorted(before.causes - look.causes)),
        *(f"{bucket} is not counted" for bucket in sorted(before.buckets - look.buckets)),
        *(f"{bucket} is counted" for bucket in sorted(look.buckets - before.buckets)),
        *(
            f"{claim} is {look.states.get(claim, 'gone')}, and was {before.states.get(claim, 'not there')}"
            for claim in sorted(states)
            if look.states.get(claim) != before.states.get(claim)
        ),
    ]


def _look(world: World, outcome: Outcome, before: Look) -> Look:
    time.sleep(0.2)
    if not world.process.runs:
        raise AssertionError(f"{outcome.case.name}: the process has ended")
    look = world.process.look()
    outcome.take(look, before)
    return look


def _reasons(
    now: Mapping[tuple[str, str], float], before: Mapping[tuple[str, str], float], costs: frozenset[str]
) -> tuple[str, ...]:
    """Why the sources failed since *before*, the most frequent reason first."""
    more: dict[str, float] = {}
    for (source, reason), count in now.items():
        if source in costs and (new := count - before.get((source, reason), 0)):
            more[reason] = more.get(reason, 0) + new
    return tuple(sorted(more, key=lambda reason: (-more[reason], reason)))
