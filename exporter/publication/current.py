"""What is being published now: the one object that the server shares with whoever reaches verdicts."""

from datetime import datetime
from functools import cached_property
from typing import Protocol

import msgspec

from exporter.chain.verdict import Verdict
from exporter.chain.writing import written_out
from exporter.publication.families import Telemetry
from exporter.publication.render import Rendered


class Published(msgspec.Struct, frozen=True, dict=True):
    """A verdict and its rendering, swapped as one."""

    reached: Verdict
    """The verdict as it was reached: ages stay open in its texts."""
    rendered: Rendered

    @cached_property
    def verdict(self) -> Verdict:
        """The verdict with its texts written out, once somebody wants to read them."""
        return written_out(self.reached)


class Current(Protocol):
    """What the server asks at each request."""

    @property
    def published(self) -> Published | None:
        """None before the first verdict."""

    @property
    def ready(self) -> bool:
        """Whether there is a verdict: on all that can be read, or on what could be in the time that a start has."""

    @property
    def alive(self) -> bool:
        """Whether reading and judging still go round; a source that fails does not count."""

    def telemetry(self) -> Telemetry:
        """What the exporter knows of itself at this moment."""

    def now(self) -> datetime:
        """The moment that ages are reckoned at."""
