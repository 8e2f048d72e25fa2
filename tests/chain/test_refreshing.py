"""When an ExternalSecret is late is told by its policy, its interval and its sync windows."""

from datetime import timedelta

import pytest

from exporter.chain.refreshing import longest_closed, patience_of
from exporter.facts.cluster.external_secrets.objects import ExternalSecretSpec, SyncWindow, SyncWindows

HOUR = timedelta(hours=1)


def windows(kind: str, *pairs: tuple[str, str]) -> SyncWindows:
    return SyncWindows(kind, tuple(SyncWindow(schedule, duration) for schedule, duration in pairs))


@pytest.mark.parametrize(
    ("spec", "patience"),
    [
        (ExternalSecretSpec(), 2 * HOUR),
        (ExternalSecretSpec(refresh_interval="15m", refresh_policy="Periodic"), HOUR / 2),
        (ExternalSecretSpec(refresh_policy="CreatedOnce"), None),
        (ExternalSecretSpec(refresh_policy="OnChange"), None),
        (ExternalSecretSpec(refresh_interval="0"), None),
        (ExternalSecretSpec(refresh_interval="0s"), None),
        (ExternalSecretSpec(refresh_interval="-1h"), None),
        (ExternalSecretSpec(refresh_interval="999999998d"), None),
        (ExternalSecretSpec(refresh_interval="soon"), None),
        (ExternalSecretSpec(sync_windows=windows("allow", ("0 22 * * *", "4h"))), 26 * HOUR),
    ],
)
def test_two_intervals_and_what_the_windows_forbid(spec: ExternalSecretSpec, patience: timedelta | None) -> None:
    assert patience_of(spec) == patience


@pytest.mark.parametrize(
    ("given", "closed"),
    [
        (None, timedelta(0)),
        (SyncWindows("allow", ()), timedelta(0)),
        (windows("allow", ("0 22 * * 1-5", "8h")), 72 * HOUR),
        (windows("allow", ("0 22 * * 1-5", "8h"), ("@hourly", "5m")), HOUR),
        (windows("allow", ("whenever", "8h")), None),
        (windows("deny", ("0 8 * * *", "10h")), 10 * HOUR),
        (windows("deny", ("0 8 * * *", "10h"), ("0 18 * * *", "2h")), 12 * HOUR),
        (windows("deny", ("whenever", "8h")), timedelta(0)),
        (windows("deny", ("@hourly", "2h")), None),
        (windows("deny", ("@hourly", "long")), None),
    ],
)
def test_the_longest_time_that_windows_forbid(given: SyncWindows | None, closed: timedelta | None) -> None:
    assert longest_closed(given) == closed
