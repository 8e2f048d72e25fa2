"""When an ExternalSecret should have been refreshed: by its policy, its interval and its sync windows."""

from datetime import timedelta
from functools import lru_cache

from exporter.chain.schedule import interval_of
from exporter.durations import parse_duration
from exporter.facts.cluster.external_secrets.objects import ExternalSecretSpec, SyncWindow, SyncWindows

_DEFAULT = "1h"
"""Of `spec.refreshInterval` (external-secrets `externalsecret_types.go`)."""
_NOT_PERIODIC = ("CreatedOnce", "OnChange")


def patience_of(spec: ExternalSecretSpec) -> timedelta | None:
    """The age at which the last refresh shows that refreshing has stopped: two intervals, and the time between windows.

    None where nothing is refreshed by the clock, or where it cannot be told how often.
    """
    interval, closed = _interval(spec), longest_closed(spec.sync_windows)
    return None if interval is None or closed is None else 2 * interval + closed


def slack_of(spec: ExternalSecretSpec, most: timedelta) -> timedelta:
    """The age of the last refresh from which any other refresh shows that the controller is at work."""
    interval = _interval(spec) or timedelta(0)
    return interval + (longest_closed(spec.sync_windows) or timedelta(0)) + min(interval / 2, most)


def longest_closed(windows: SyncWindows | None) -> timedelta | None:
    """The longest time for which the sync windows may forbid a refresh, or more; None: for ever.

    A window whose schedule cannot be read is never open (external-secrets `isPeriodicRefreshAllowedByWindows`, 2.7).
    """
    if windows is None or not windows.windows:
        return timedelta(0)
    if windows.kind == "allow":
        return min((gap for window in windows.windows if (gap := _gap(window)) is not None), default=None)
    closed = timedelta(0)
    for window in windows.windows:
        gap, duration = _gap(window), _duration(window.duration)
        if gap is None:
            continue
        if duration is None or duration >= gap:
            return None
        closed += duration
    return closed


def _interval(spec: ExternalSecretSpec) -> timedelta | None:
    if spec.refresh_policy in _NOT_PERIODIC:
        return None
    interval = _duration(spec.refresh_interval or _DEFAULT)
    return interval or None


def _gap(window: SyncWindow) -> timedelta | None:
    """The longest time between two openings."""
    try:
        return interval_of(window.schedule)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _duration(text: str) -> timedelta | None:
    try:
        return parse_duration(text)
    except ValueError:
        return None
