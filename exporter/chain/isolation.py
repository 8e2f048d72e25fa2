"""One object costs one claim: what is computed with its values may raise, and then counts as not known."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


class JudgingFailure(msgspec.Struct, frozen=True, order=True):
    """A claim that could not be judged as a whole, because of something in its own objects."""

    claim: str
    error: str
    """The kind of error; its text may quote what must not be shown."""
    where: str
    """The line of the program that raised it."""


class Isolation:
    """Computes with the values of one claim at a time, and keeps what went wrong."""

    def __init__(self) -> None:
        self.failures: list[JudgingFailure] = []

    def attempt(self, claim: str, function: Callable[[], T], default: Callable[[JudgingFailure], T]) -> T:
        """What *function* makes of the objects of *claim*; where it raises, what *default* makes of the failure."""
        try:
            return function()
        except Exception as error:  # noqa: BLE001 - what comes from outside can break any line
            last = traceback.extract_tb(error.__traceback__)[-1]
            failure = JudgingFailure(claim, type(error).__name__, f"{Path(last.filename).name}:{last.lineno}")
            self.failures.append(failure)
            return default(failure)
