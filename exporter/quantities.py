"""Quantities as Kubernetes writes them: `10Gi`, `500M`, `1e9`."""

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3}|[numkMGTPE]|[KMGTPE]i|)")
_POWERS = {
    **{prefix: Decimal(1000) ** power for prefix, power in zip("numkMGTPE", (-3, -2, -1, *range(1, 7)), strict=True)},
    **{f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTPE", 1)},
    "": Decimal(1),
}


def parse_quantity(text: str) -> Decimal:
    """The number that *text* means (apimachinery `pkg/api/resource`).

    Raises:
        ValueError: *text* is no quantity.
    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no quantity like 10Gi")
    number, unit = found.groups()
    return Decimal(number) * (_POWERS[unit] if unit in _POWERS else Decimal(f"1{unit}"))
