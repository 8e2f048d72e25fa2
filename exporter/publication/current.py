"""What is being published now: the one object that the server shares with whoever reaches verdicts."""

from datetime import datetime
from typing import Protocol

import msgspec

from exporter.chain.verdict import Verdict
from exporter.publication.families import Telemetry
from exporter.publication.render import Rendered


class Published(msgspec.Struct, frozen=True):
    """A verdict and its rendering, swapped as one."""

    verdict: Verdict
    rendered: Rendered


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
