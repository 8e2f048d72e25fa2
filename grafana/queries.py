"""PromQL that more than one panel needs.

Every selector takes the cluster variable, whose `All` also matches series without a cluster label. Aggregating the
scrape's own labels away leaves one series where two exporters run, or where one was replaced.
"""

from grafana.palette import STATES

CLUSTER = 'cluster=~"$cluster"'
CLAIMS = f'{CLUSTER}, namespace=~"$namespace"'
"""The claims that the overview is about."""
CLAIM = f'{CLUSTER}, namespace="$namespace", pvc="$pvc"'
"""The one claim of its own dashboard."""


def one(family: str, *labels: str, where: str = CLAIMS) -> str:
    """One series for each claim and each combination of *labels*."""
    return f"max by ({', '.join(('cluster', 'namespace', 'pvc', *labels))}) ({family}{{{where}}})"


def of_exporter(family: str, *labels: str) -> str:
    """One series for each combination of *labels* of a family that is about no claim."""
    return f"max by ({', '.join(('cluster', *labels))}) ({family}{{{CLUSTER}}})"


def holding(states: str, where: str = CLAIMS) -> str:
    """How many claims are in one of *states* (a regular expression)."""
    held = one("volsync_backup_state", where=f'{where}, state=~"{states}"')
    return f"sum({held})"


def state_number(where: str = CLAIMS) -> str:
    """The state of each claim as its number in `palette.STATES`."""
    terms = (
        f"{one('volsync_backup_state', 'state', where=f'{where}, {_state(state)}')} * {number}"
        for state, (number, _, _) in STATES.items()
    )
    return f"sum by (cluster, namespace, pvc) ({' or '.join(terms)})"


def _state(state: str) -> str:
    return f'state="{state}"'


def recovery_age(where: str = CLAIMS) -> str:
    """The age of each claim's recovery point, in seconds."""
    return f"time() - {one('volsync_backup_recovery_point_timestamp_seconds', where=where)}"


def objective_used(where: str = CLAIMS) -> str:
    """How much of its objective each recovery point's age has used; above 1 it is too old."""
    return f"({recovery_age(where)}) / {one('volsync_backup_objective_seconds', where=where)}"
