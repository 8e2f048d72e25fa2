"""Counts what a person is told in the same lives by our rules and by two other sets: `python -m tests.alerts.compare`.

Each set sees the same clusters minute by minute by the series that it would have there (`tests.alerts.lives`,
`tests.alerts.peers`), and is routed by kube-prometheus-stack's default configuration of Alertmanager.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.alerts import peers
from tests.alerts.lives import watch
from tests.alerts.lives.cluster import Cluster
from tests.alerts.lives.notify import notifications
from tests.alerts.lives.table import LIVES, Life
from tests.alerts.lives.watch import Alert, Samples, firing

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "alerts.md"
ROUTES = ROOT / "alerts" / "examples" / "kube-prometheus-stack.yaml"
HEAD = """\
| what happens | claims | ours | messages | VolSync's users | messages | kopiur | messages |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
"""
_TABLE = re.compile(r"(?s)(?<=<!-- comparison -->\n\n).*?(?=\n<!-- /comparison -->)")

Lived = Callable[[Cluster, int, str], Samples]
Timeline = list[set[Alert]]
Counts = tuple[int, int]
"""How many alerts fired at any time, and how many messages were sent of them, resolved ones among them."""


def told(lives: Sequence[Life], lived: Lived, rules: Sequence[Path], folder: Path) -> dict[str, Timeline]:
    """The alerts of each life at each minute by *rules*; each life in a Prometheus of its own, as `absent` needs it."""
    found: dict[str, Timeline] = {}
    for life in lives:
        samples = lived(Cluster(life.plan, life.schedules, life.around, life.born), life.minutes, life.name)
        found[life.name] = firing(samples, life.minutes, folder, rules)
    return found


def counts(routes: Mapping[str, Any], timeline: Timeline) -> Counts:
    alerts = set().union(*timeline)
    messages = [one for one in notifications(routes, timeline) if one.receiver not in ("null", "nobody")]
    return len(alerts), len(messages)


def table(folder: Path) -> str:
    """The page's table."""
    routes = yaml.safe_load(ROUTES.read_text())
    lives = [life for life in LIVES if not life.is_long]
    sets: list[tuple[Lived, Sequence[Path]]] = [(watch.lived, ())]
    sets += [(peers.lived, [rules]) for rules in reversed(peers.RULES)]
    found = [told(lives, lived, rules, folder) for lived, rules in sets]
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
