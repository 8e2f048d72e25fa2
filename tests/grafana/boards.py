"""The committed dashboards, as Grafana loads them."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec

import grafana.build

FILES = tuple(sorted(grafana.build.DASHBOARDS.glob("*.json")))
Json = dict[str, Any]


class Query(msgspec.Struct, frozen=True):
    """One query of one panel."""

    board: str
    panel: str
    ref: str
    text: str
    instant: bool
    legend: str

    def filled(self, **variables: str) -> str:
        """The query as Grafana sends it."""
        text = self.text
        for name, value in {"__rate_interval": "4m", "__interval": "1m", "__range": "6h", **variables}.items():
            text = re.sub(rf"\${name}\b|\$\{{{name}(:[^}}]*)?\}}", value.replace("\\", r"\\"), text)
        if "$" in text:
            raise AssertionError(f"a variable was left: {text}")
        return text


def load(path: Path) -> Json:
    return json.loads(path.read_text())


def panels_of(board: Json) -> list[Json]:
    """All panels that show something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries_of(path: Path) -> list[Query]:
    return [
        Query(
            path.stem,
            panel["title"],
            target["refId"],
            target["expr"],
            target.get("instant", False),
            target.get("legendFormat", ""),
        )
        for panel in panels_of(load(path))
        for target in panel["targets"]
    ]


QUERIES = tuple(query for path in FILES for query in queries_of(path))
