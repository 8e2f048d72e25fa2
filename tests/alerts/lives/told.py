"""What our rules tell of lives that are lived side by side: each is a cluster in one store."""

from collections.abc import Sequence
from pathlib import Path

from tests.alerts.lives.cluster import Cluster
from tests.alerts.lives.table import Life
from tests.alerts.lives.watch import Alert, Samples, firing, lived

Timeline = list[set[Alert]]


def timelines(lives: Sequence[Life], folder: Path) -> dict[str, Timeline]:
    """The alerts of each life at each minute."""
    told: dict[str, Timeline] = {}
    for minutes in sorted({life.minutes for life in lives}):
        alike = [life for life in lives if life.minutes == minutes]
        samples: Samples = {}
        for life in alike:
            samples |= lived(Cluster(life.plan, life.schedules, life.around, life.born), minutes, life.cluster)
        timeline = firing(samples, minutes, folder)
        for life in alike:
            told[life.name] = [{alert for alert in alerts if ("cluster", life.cluster) in alert} for alerts in timeline]
    return told
