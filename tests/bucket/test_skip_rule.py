"""When a repository's data is worth listing again, and when the last listing still serves."""

from datetime import UTC, datetime, timedelta

import pytest

from exporter.facts.bucket.listing import ListingPage
from exporter.facts.bucket.model import ObjectType, Totals
from exporter.facts.bucket.paging import DatedPage
from exporter.facts.bucket.repository import Contents, ContentsBuilder
from exporter.facts.bucket.state import ListingUnderWay, RepositoryState
from exporter.facts.reading import Reason
from exporter.settings import PollSettings, Settings
from tests.bucket.standin import name

SETTINGS = Settings(poll=PollSettings(full_listing=timedelta(hours=24)))
STALE = SETTINGS.grace.stale_lock
T0 = datetime(2026, 1, 18, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def contents(index: str = "i", lock: datetime | None = None, key: str = "k", *, full: bool = False) -> Contents:
    """A repository with one file in each folder: all of it, or what a look sees."""
    builder = ContentsBuilder("r")
    files = {f"r/index/{name(index)}": T0, f"r/keys/{name(key)}": T0}
    if full:
        files |= {"r/config": T0, f"r/data/{name('p')[:2]}/{name('p')}": T0}
    if lock:
        files[f"r/locks/{name('l')}"] = lock
    builder.add(ListingPage(list(files), [10] * len(files), [moment.isoformat() for moment in files.values()]))
    return builder.contents()


def look(state: RepositoryState, at: datetime, **what: object) -> RepositoryState:
    state.believe(contents(**what), at, at, STALE)
    return state


def measured(at: datetime = T0, *, settled: bool = True, **what: object) -> RepositoryState:
    """A repository whose data was listed in full, and which was looked at, at *at*."""
    state = look(RepositoryState("r"), at, **what)
    state.tried_at = at
    state.believe_data(
        contents(**what, full=True),
        ListingUnderWay(iter(()), ContentsBuilder("r"), contents(**what), at),
        settled=settled,
        stale=STALE,
    )
    return state


def test_what_was_never_listed_is_due() -> None:
    assert look(RepositoryState("r"), T0).is_due(SETTINGS)


def test_nothing_new_is_not_due() -> None:
    assert not look(measured(), T0 + 5 * MINUTE).is_due(SETTINGS)


def test_another_index_is_due() -> None:
    assert look(measured(), T0 + 5 * MINUTE, index="j").is_due(SETTINGS)


def test_a_listing_grows_old_and_not_for_all_at_once() -> None:
    ages = set()
    for number in range(100):
        state = measured()
        state.prefix = f"shop/claim{number}"
        ages.add(next(hours for hours in range(1, 30) if look(state, T0 + timedelta(hours=hours)).is_due(SETTINGS)))
    assert min(ages) >= 18
    assert max(ages) <= 24
    assert len(ages) > 3


def test_a_lock_that_came_and_went_is_due() -> None:
    state = measured()
    look(state, T0 + 5 * MINUTE, lock=T0 + 4 * MINUTE)
    assert not state.is_due(SETTINGS), "a client is at work: its end is waited for"
    assert look(state, T0 + 10 * MINUTE).is_due(SETTINGS)


def test_a_client_that_stays_at_work_is_measured_now_and_then() -> None:
    state = measured()
    due = [m for m in range(5, 40, 5) if look(state, T0 + m * MINUTE, lock=T0 + (m - 2) * MINUTE).is_due(SETTINGS)]
    assert due == [30, 35]


def test_a_lock_that_died_after_the_listing_is_due_once() -> None:
    state = look(measured(), T0 + 40 * MINUTE, lock=T0 + MINUTE)
    assert state.is_due(SETTINGS)
    state = measured(T0 + 45 * MINUTE, lock=T0 + MINUTE)
    assert not look(state, T0 + 50 * MINUTE, lock=T0 + MINUTE).is_due(SETTINGS)


def test_a_listing_during_which_something_changed_is_due_again() -> None:
    assert look(measured(settled=False), T0 + 5 * MINUTE).is_due(SETTINGS)


def test_a_listing_beside_a_living_lock_is_due_again() -> None:
    assert look(measured(lock=T0 - MINUTE), T0 + 5 * MINUTE).is_due(SETTINGS)


def test_other_keys_are_another_repository() -> None:
    state = look(measured(), T0 + 5 * MINUTE, key="new")
    assert state.is_due(SETTINGS)
    assert measured().config_known


def test_a_listing_that_failed_is_tried_again_after_a_while() -> None:
    state = look(RepositoryState("r"), T0)
    state.tried_at, state.data_doubt = T0, Reason.INCOMPLETE
    assert not look(state, T0 + 5 * MINUTE).is_due(SETTINGS)
    assert look(state, T0 + 30 * MINUTE).is_due(SETTINGS)


def test_what_could_not_be_looked_at_is_not_due() -> None:
    state = look(RepositoryState("r"), T0)
    state.doubt = Reason.CONTRADICTED
    assert not state.is_due(SETTINGS)


def test_a_listing_under_way_is_gone_on_with() -> None:
    state = measured()
    state.listing = ListingUnderWay(
        iter([DatedPage(ListingPage([], [], []), T0)]), ContentsBuilder("r"), contents(), T0
    )
    assert look(state, T0 + MINUTE).is_due(SETTINGS)


@pytest.mark.parametrize("measured_yet", [True, False])
def test_sizes_that_were_not_measured_are_left_out(measured_yet: bool) -> None:
    state = measured() if measured_yet else look(RepositoryState("r"), T0)
    repository = state.repository("b", T0, SETTINGS)
    assert (ObjectType.DATA in repository.totals) is measured_yet
    assert repository.totals[ObjectType.INDEX] == Totals(1, 10)
    assert repository.data_measured_at == (T0 if measured_yet else None)
