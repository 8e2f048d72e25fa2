"""What happens to a cluster, and what a person is told of it, by real servers."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from exporter.chain.judge import judge
from exporter.facts.cluster.dump.files import read_files
from exporter.settings import Settings
from tests import corpus
from tests.alerts import worlds
from tests.alerts.stack import Notification, Stack, running


class Told(msgspec.Struct, frozen=True):
    """All that one run sent, and what fired at its worst."""

    ours: list[Notification]
    beats: int
    firing: list[dict[str, str]]
    """Our alerts that fired before anything was mended, the watchdog left out."""
    commands: dict[str, str]
    """What the exporter itself says to type, by cause, for the world that was served first."""


class Run:
    """One stack, and a folder for its worlds."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.peak: list[dict[str, str]] = []
        self.commands: dict[str, str] = {}

    def begin(self, world: Path) -> None:
        """Serve *world*, and start to watch it."""
        self.serve(world)
        self.stack.watch()
        at = datetime.now(UTC)
        found = judge(read_files([world], at), Settings(), at).root_causes
        self.commands = {str(root.cause): root.command for root in found}

    def serve(self, world: Path) -> None:
        """Roll out an exporter over *world*."""
        self.stack.serve(world)

    def settle(self, seconds: float) -> None:
        """Wait: each second is a minute, and what should not be sent gets its chance."""
        time.sleep(seconds)

    def note_what_fires(self) -> None:
        self.peak = self.stack.firing()


def storage_fault_and_recovery(run: Run) -> None:
    """Four claims behind one faulted storage; then the storage heals."""
    run.begin(worlds.storage_fault(run.folder / "fault"))
    run.stack.await_told(1)
    run.settle(15)
    run.note_what_fires()
    run.serve(worlds.now("sound", run.folder / "healed"))
    run.stack.await_told(2)
    run.settle(6)


def store_refused_by_all(run: Run) -> None:
    """Twenty claims in twenty namespaces, one store."""
    run.begin(worlds.refused_by_all(run.folder / "refused"))
    run.stack.await_told(1)
    run.settle(20)
    run.note_what_fires()


def bad_day(run: Run) -> None:
    """The storage fault, each of the other four known issues, a lie of VolSync's, and an orphan, all at once."""
    run.begin(worlds.now("bad-day", run.folder / "bad"))
    run.stack.await_told(6)
    run.settle(20)
    run.note_what_fires()


def sound_cluster(run: Run) -> None:
    """Nothing happens."""
    run.begin(worlds.now("sound", run.folder / "sound"))
    run.settle(40)
    run.note_what_fires()


def exporter_killed(run: Run) -> None:
    """The exporter of a sound cluster is killed, and comes back."""
    sound = worlds.now("sound", run.folder / "sound")
    run.begin(sound)
    run.settle(3)
    run.stack.kill_exporter()
    run.stack.await_told(1)
    run.settle(10)
    run.note_what_fires()
    run.serve(sound)
    run.stack.await_told(2)
    run.settle(12)


def exporter_killed_on_a_bad_day(run: Run) -> None:
    """The exporter is killed for longer than any rule looks back, while the storage is faulted, and comes back."""
    fault = worlds.storage_fault(run.folder / "fault")
    run.begin(fault)
    run.stack.await_told(1)
    run.stack.kill_exporter()
    run.stack.await_told(2)
    run.settle(16)
    run.note_what_fires()
    run.serve(fault)
    run.stack.await_told(3)
    run.settle(12)


RUNS: tuple[Callable[[Run], None], ...] = (
    storage_fault_and_recovery,
    store_refused_by_all,
    bad_day,
    sound_cluster,
    exporter_killed,
    exporter_killed_on_a_bad_day,
)


def carry_out(what: Callable[[Run], None], folder: Path) -> Told:
    """Let *what* happen, and say what was told."""
    with running(folder / "stack") as stack:
        run = Run(stack, folder)
        what(run)
        firing = [labels for labels in run.peak if labels["alertname"] != "VolSyncWatchdog"]
        return Told(
            ours=stack.desk.told,
            beats=stack.desk.beats,
            firing=firing,
            commands=run.commands,
        )


def carry_out_all(folder: Path) -> dict[str, Told]:
    """Every run, by its name, side by side: they mostly wait."""
    for scenario in ("sound", "bad-day", "repository_unreachable"):
        corpus.files(scenario)  # written once, before many ask for it at the same time
    with ThreadPoolExecutor(len(RUNS)) as pool:
        pending = {what.__name__: pool.submit(carry_out, what, folder / what.__name__) for what in RUNS}
        return {name: future.result() for name, future in pending.items()}
