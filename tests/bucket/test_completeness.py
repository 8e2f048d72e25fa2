"""The spread of packs' names tells a listing that lost some from one that did not."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.facts.bucket.completeness import Gap, Spread


def names(count: int, seed: int = 0) -> list[str]:
    return sorted(hashlib.sha256(f"{seed}/{number}".encode()).hexdigest() for number in range(count))


def gap_of(*pages: list[str]) -> Gap:
    spread = Spread()
    for page in pages:
        spread.add(page)
    return spread.result()


@given(st.integers(0, 2000), st.integers(0, 10_000))
def test_all_names_are_believed(count: int, seed: int) -> None:
    assert gap_of(names(count, seed)).is_chance


@given(st.integers(0, 300), st.integers(0, 300))
def test_pages_do_not_matter(cut: int, seed: int) -> None:
    listed = names(300, seed)
    assert gap_of(listed[:cut], listed[cut:]) == gap_of(listed)


# How much may be lost unseen: restic-s3's own figures for one end, P = x^N, and the gaps in between.
@pytest.mark.parametrize(("count", "lost"), [(200, 0.2), (1000, 0.05), (6400, 0.01), (100_000, 0.001)])
@pytest.mark.parametrize("where", ["end", "middle", "beginning"])
def test_a_stretch_of_lost_names_is_not_believed(count: int, lost: float, where: str) -> None:
    listed = names(count)
    size = round(count * lost)
    start = {"beginning": 0, "middle": count // 2, "end": count - size}[where]
    assert not gap_of(listed[:start], listed[start + size :]).is_chance


def test_the_probability_is_that_of_the_gap() -> None:
    assert Gap(200, 0.1).probability == pytest.approx(201 * 0.9**200)
    assert Gap(0, 1.0).probability == 1.0


@given(st.integers(1, 1_000_000), st.floats(0, 1))
def test_a_wider_gap_is_less_likely(count: int, share: float) -> None:
    assert 0.0 <= Gap(count, share).probability <= Gap(count, share / 2).probability <= 1.0


def test_what_is_not_hexadecimal_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Spread().add(["not a name at all"])
