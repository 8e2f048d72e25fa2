"""Whatever the clock, the repository and the restarts: everything is read in time, and not much more often."""

import itertools
from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.facts.bucket.scrub.rotation import Rotation

rotations = st.builds(
    Rotation,
    st.timedeltas(timedelta(hours=1), timedelta(days=4000)),
    st.floats(0.0, 1.0, exclude_max=True),
    st.sampled_from([4, 16]),
)
moments = st.floats(1e9, 4e9)


class Reader:
    """A process that reads at once what is due."""

    def __init__(self, rotation: Rotation, since: float) -> None:
        self.rotation, self.since = rotation, since
        self.read = [0] * rotation.shards

    def turn(self, at: float) -> list[int]:
        due = self.rotation.due(at, self.since, self.read)
        for shard in due:
            self.read[shard] = int(at) + 1
        return due


few = settings(max_examples=40, deadline=None)


@few
@given(rotations, moments)
def test_a_process_that_begins_reads_the_shard_whose_slot_it_is_and_no_other(rotation: Rotation, at: float) -> None:
    reader = Reader(rotation, at)
    assert reader.turn(at) == [rotation.slot(at) % rotation.shards]
    assert reader.turn(at) == []


@few
@given(rotations, moments, st.lists(st.floats(0.01, 1.5), min_size=1, max_size=40))
def test_half_a_period_after_its_start_everything_was_read(rotation: Rotation, at: float, pauses: list[float]) -> None:
    reader, now = Reader(rotation, at), at
    reader.turn(now)
    for pause in pauses:  # in slots
        now += pause * rotation.length
        reader.turn(now)
    passed = rotation.slot(now) - rotation.slot(at)
    assert sum(1 for moment in reader.read if moment) == min(rotation.shards, 1 + 2 * passed)


@few
@given(rotations, moments, st.lists(st.floats(0.01, 3.0), min_size=10, max_size=10))
def test_in_each_period_after_that_each_shard_is_read_once(rotation: Rotation, at: float, pauses: list[float]) -> None:
    reader, now = Reader(rotation, at), at
    while rotation.slot(now) < rotation.slot(at) + rotation.shards:
        reader.turn(now)
        now += rotation.length
    reader.turn(now)
    end, counts = rotation.slot(now) + rotation.shards, Counter[int]()
    for pause in itertools.cycle(pauses):
        now += pause * rotation.length
        counts.update(reader.turn(now) if rotation.slot(now) <= end else reader.turn(rotation_end(rotation, end)))
        if rotation.slot(now) >= end:
            break
    assert counts == dict.fromkeys(range(rotation.shards), 1)


def rotation_end(rotation: Rotation, slot: int) -> float:
    """A moment in *slot*."""
    return (slot + 0.5) * rotation.length - rotation.offset * rotation.period.total_seconds()


@few
@given(rotations, moments, st.floats(0.0, 5.0), st.floats(0.0, 0.49))
def test_what_was_read_shortly_before_a_restart_is_read_as_shortly_after_it(
    rotation: Rotation, at: float, down: float, ran: float
) -> None:
    """A corrupt pack is found again as long after a restart as it was found before it, plus the time between."""
    shard = rotation.slot(at) % rotation.shards
    restart = at + (ran + down / rotation.shards) * rotation.period.total_seconds()
    ago = rotation.slot(restart) - rotation.slot(at)
    reader, now, slots = Reader(rotation, restart), restart, 0
    while not reader.read[shard]:
        reader.turn(now)
        slots = rotation.slot(now) - rotation.slot(restart)
        now += rotation.length
    assert slots <= min(ago, rotation.shards - ago % rotation.shards)


@few
@given(rotations, moments, st.floats(-2.0, 2.0))
def test_a_clock_that_is_set_leaves_nothing_unread(rotation: Rotation, at: float, step: float) -> None:
    reader = Reader(rotation, at)
    reader.turn(at)
    now = at + step * rotation.period.total_seconds()
    set_at = now
    while rotation.slot(now) <= rotation.slot(set_at) + rotation.shards:
        reader.turn(now)
        now += rotation.length
    assert all(moment > set_at - 60 for moment in reader.read)
