"""The garbage collector rests for as long as it is asked to, and no longer."""

import gc
from collections.abc import Iterator

import pytest

from exporter.collector import at_rest


@pytest.fixture(autouse=True)
def _enabled() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_it_rests_and_goes_on_again() -> None:
    with at_rest():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_a_fault() -> None:
    with pytest.raises(ZeroDivisionError), at_rest():
        _ = 1 / 0
    assert gc.isenabled()


def test_it_goes_on_once_the_first_of_several_is_done_and_rests_no_longer() -> None:
    """As two threads do that overlap: the one that found it at work sets it to work again."""
    first, second = at_rest(), at_rest()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()


def test_where_it_was_off_it_stays_off() -> None:
    gc.disable()
    with at_rest():
        pass
    assert not gc.isenabled()
