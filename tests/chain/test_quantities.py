"""Quantities as Kubernetes writes them."""

from decimal import Decimal

import pytest

from exporter.quantities import parse_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [("10Gi", 10 * 2**30), ("1.5Gi", 3 * 2**29), ("500M", 500_000_000), ("1e9", 10**9), ("7", 7), ("2k", 2000),
     (".5Ki", 512), ("250m", Decimal("0.25"))],
)  # fmt: skip
def test_a_quantity_is_a_number(text: str, number: int | Decimal) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "Gi", "10 Gi", "10GB", "ten", "-1", "1" * 40])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        parse_quantity(text)
