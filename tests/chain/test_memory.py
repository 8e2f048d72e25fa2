"""How much memory a killed mover is given next."""

import pytest

from exporter.chain.mover.memory import doubled


@pytest.mark.parametrize(
    ("quantity", "twice"),
    [
        ("512Mi", "1Gi"),
        ("768Mi", "1536Mi"),
        ("1.5Gi", "3Gi"),
        ("1G", "2G"),
        ("1073741824", "2147483648"),
        ("1000Ki", "2000Ki"),
    ],
)
def test_a_quantity_is_doubled_as_kubernetes_writes_it(quantity: str, twice: str) -> None:
    assert doubled(quantity) == twice


@pytest.mark.parametrize("quantity", ["", "much", "-1Gi", "1e9", "1Gi'; rm -rf /; '", "9" * 40])
def test_what_is_no_quantity_is_not_doubled(quantity: str) -> None:
    assert doubled(quantity) is None
