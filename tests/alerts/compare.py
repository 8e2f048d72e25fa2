"""Counts what a person is told in the same lives by our rules and by two other sets: `python -m tests.alerts.compare`.

Each set sees the same clusters minute by minute by the series that it would have there (`tests.alerts.lives`,
`tests.alerts.peers`), and is routed by kube-prometheus-stack's default configuration of Alertmanager.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.alerts import peers
from tests.alerts.lives.cluster import Cluster
from tests.alerts.lives.notify import notifications
from tests.alerts.lives.table import LIVES, Life
from tests.alerts.lives.told import Timeline, timelines
from tests.alerts.lives.watch import firing

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "alerts.md"
ROUTES = ROOT / "alerts" / "examples" / "kube-prometheus-stack.yaml"
HEAD = """\
| what happens | claims | ours | messages | VolSync's users | messages | kopiur | messages |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""
_TABLE = re.compile(r"(?s)(?<=<!-- comparison -->\n\n).*?(?=\n<!-- /comparison -->)")

Counts = tuple[int, int]
"""How many alerts fired at any time, and how many messages were sent of them, resolved ones among them."""


def by_rules(rules: Sequence[Path], lives: Sequence[Life], folder: Path) -> dict[str, Timeline]:
    """The alerts of each life by others' rules; each in a Prometheus of its own, as their `absent` needs it."""
    return {
        life.name: firing(
            peers.lived(Cluster(life.plan, life.schedules, life.around, life.born), life.minutes, life.cluster),
            life.minutes,
            folder,
            rules,
        )
        for life in lives
    }


def counts(routes: Mapping[str, Any], timeline: Timeline) -> Counts:
    messages = [one for one in notifications(routes, timeline) if one.receiver not in ("null", "nobody")]
    return len(set().union(*timeline)), len(messages)


def table(folder: Path) -> str:
    """The page's table."""
    routes = yaml.safe_load(ROUTES.read_text())
    lives = [life for life in LIVES if not life.is_long]
    found = [timelines(lives, folder), *(by_rules([rules], lives, folder) for rules in reversed(peers.RULES))]
    return HEAD + "".join(_row(life, [counts(routes, one[life.name]) for one in found]) for life in lives)


def _row(life: Life, each: list[Counts]) -> str:
    cells: Iterator[int] = (number for pair in each for number in pair)
    return f"| {life.name[0].upper()}{life.name[1:]} | {len(life.schedules)} | {' | '.join(map(str, cells))} |\n"


def main() -> None:
    """Let every life be lived, and put the counts into the page."""
    with tempfile.TemporaryDirectory(prefix="volsync-alerts-") as folder:
        rows = table(Path(folder))
    PAGE.write_text(_TABLE.sub(lambda _: rows, PAGE.read_text()))
    print(rows)


if __name__ == "__main__":
    main()
