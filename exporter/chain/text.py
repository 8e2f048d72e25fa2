"""Texts from outside, made fit to be shown and compared."""

import re

from exporter.masking import masked
from exporter.visible import visible

_NUMBERS = re.compile(r"\d+(?:\.\d+)?")
_IDS = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{8,64}\b")
_QUOTED = re.compile(r"\"[^\"]{0,200}\"|'[^']{0,200}'")
_LONGEST_SIGN = 400


def sign_of(text: str, *names: str) -> str:
    """What *text* says without the names, numbers and ids in it: two claims that show the same share one fault."""
    sign = text[: 4 * _LONGEST_SIGN]
    for name in sorted((name for name in names if name), key=len, reverse=True):
        sign = sign.replace(name, "*")
    for pattern in (_IDS, _QUOTED, _NUMBERS):
        sign = pattern.sub("*", sign)
    return " ".join(sign.split())[:_LONGEST_SIGN]


def one_line(text: str, limit: int = 240) -> str:
    """*text* as one clean line without its full stop; what is longer than *limit* loses its middle.

    A wrapped error says last what went wrong first, so its tail is kept. Credentials are masked.
    """
    line = " ".join(visible(masked(text)).split()).rstrip(".")
    if len(line) <= limit:
        return line
    half = (limit - 3) // 2
    return f"{line[:half].rstrip()} … {line[-half:].lstrip()}"
