"""How long a mover may be kept waiting before that is a fault: the more time the claim has left, the longer."""

from datetime import timedelta

from exporter.chain.backup import Backup

_MOST_URGENT = timedelta(hours=4)
_LONGEST_COPY = timedelta(hours=4)


def has_time(backup: Backup) -> bool:
    """Whether the claim's objective is far: what is slow may go on being so."""
    objective, point = backup.objective, backup.volsync_point or backup.began
    if objective is None or point is None:
        return True
    return backup.at - point <= objective - min(objective / 3, _MOST_URGENT)


def for_a_copy(backup: Backup) -> timedelta:
    """How long a copy may take that shows no error: CephFS clones of big volumes take half an hour (rook#15948)."""
    grace = backup.settings.grace.copy_ready
    if backup.objective is None or not has_time(backup):
        return grace
    return max(grace, min(backup.objective / 4, _LONGEST_COPY))
