"""What holds for every test."""

import os

import structlog
from hypothesis import HealthCheck, settings

# Generated examples take as long as the machine needs, which may be slow or busy.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# structlog's own default draws a box with all local variables for each exception: a second for some of ours.
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.dev.ConsoleRenderer(colors=False)],
)


def pytest_xdist_auto_num_workers() -> int:
    """Half as many processes again as there are processors: tests wait for other programs a third of their time."""
    return max(2, len(os.sched_getaffinity(0)) * 3 // 2)
