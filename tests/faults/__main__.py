"""Put every fault into the running process, and write what came of it to docs/faults.md.

python -m tests.faults [--only WORD…] [--claims 10000] [--print]
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.faults import load
from tests.faults.catalogue import CASES, CLOCK, HANGS
from tests.faults.ends import SIGNALS, End, ends
from tests.faults.run import Outcome, run
from tests.faults.world import POLLS, TIMEOUT, running

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
_FRESH = 240.0
"""Seconds after which a cluster in which nothing moves is no longer sound: its next syncs are due."""
_LOAD = "| under the chart's limits | |\n"
_BEGIN, _END = "<!-- measured -->\n", "<!-- /measured -->\n"


def main() -> int:
    """Run, write the page, and return how many faults cost what they should not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="faults whose names hold one of these words")
    parser.add_argument("--claims", type=int, default=load.CLAIMS, help="under the chart's limits; 0: leave that out")
    parser.add_argument("--print", action="store_true", help="leave the page as it is")
    options = parser.parse_args()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` ignores it, and so would the processes that this starts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outcomes, ended, peak = _put_in(folder, options.only)
        under_load = load.run(folder, options.claims) if options.claims else []
    text = "\n".join(_text(outcomes, ended, peak, under_load))
    if options.print or options.only:
        print(text)
    else:
        before, rest = PAGE.read_text().split(_BEGIN)
        measured, _, after = rest.partition(_END)
        if not options.claims:  # what was measured before stands
            text += "\n\n" + _LOAD + measured.partition(_LOAD)[2].rstrip("\n")
        PAGE.write_text(f"{before}{_BEGIN}\n{text}\n\n{_END}{after}")
    return sum(bool(outcome.wrong) for outcome in outcomes) + sum(not end.is_well for end in ended)


def _put_in(folder: Path, only: Sequence[str]) -> tuple[list[Outcome], list[End], int]:
    """Every fault that is wanted; where one wrecks the process, the next are put into another one."""
    waiting = [case for case in CASES if not only or any(word in case.name for word in only)]
    hangs = [case for case in HANGS if case in waiting]
    outcomes: list[Outcome] = []
    ended: list[End] = []
    peak = 0
    while waiting:
        sets_the_clock = waiting[0].where == CLOCK
        with running(_made(folder / str(len(waiting))), with_clock=sets_the_clock) as world:
            end = time.monotonic() + _FRESH
            while waiting and time.monotonic() < end and (waiting[0].where == CLOCK) is sets_the_clock:
                case = waiting.pop(0)
                if sets_the_clock and world.clock is None:
                    continue
                try:
                    outcomes.append(_told(run(world, case)))
                except AssertionError as error:
                    outcomes.append(_told(Outcome(case, wrong=[str(error)[:200]])))
                    break
            peak = max(peak, world.process.peak_mebibytes if world.process.runs else 0)
    if hangs:
        with running(_made(folder / "ends")) as world:
            chance = random.Random(1)
            ended = [end for case in hangs for end in ends(world, case, SIGNALS, chance)]
    return outcomes, ended, peak


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _told(outcome: Outcome) -> Outcome:
    print(
        f"{outcome.case.where}, {outcome.case.name}: {'; '.join(outcome.wrong) or 'well'}", file=sys.stderr, flush=True
    )
    return outcome


def _text(outcomes: list[Outcome], ended: list[End], peak: int, under_load: Iterable[load.Row]) -> Iterator[str]:
    well = sum(not outcome.wrong for outcome in outcomes)
    slowest = max((outcome.slowest for outcome in outcomes), default=0.0)
    yield f"{len(outcomes)} faults, one after another, with `{' '.join(POLLS)}`"
    yield f"and `{TIMEOUT}`: {well} were survived, affected nothing else, caused no false report, and recovered"
    yield f"after they ended. The slowest scrape took {slowest:.1f} s, and the peak memory was {peak} MiB.\n"
    yield "| where | fault | reported after | reason | affected nothing else | recovered after |"
    yield "| --- | --- | ---: | --- | --- | ---: |"
    for one in outcomes:
        shown = f"{one.shown:.1f} s" if one.shown is not None else "not needed"
        healed = f"{one.healed:.1f} s" if one.healed is not None else "no"
        reasons = ", ".join(f"`{reason}`" for reason in one.reasons[:2])
        beside = "; ".join(one.wrong) or "yes"
        yield f"| {one.case.where} | {one.case.name} | {shown} | {reasons} | {beside} | {healed} |"
    if ended:
        bad = [end for end in ended if not end.is_well]
        names = ", ".join(number.name for number in SIGNALS)
        yield f"\n{names} at a random moment in each of {len({end.case for end in ended})} hangs stopped the process"
        yield f"within {max(end.seconds for end in ended):.1f} s, {len(ended) - len(bad)} times of {len(ended)}."
    rows = [f"| {what} | {figure} |" for what, figure in under_load]
    if rows:
        yield f"\n{_LOAD}| --- | ---: |"
        yield from rows


if __name__ == "__main__":
    raise SystemExit(1 if main() else 0)
