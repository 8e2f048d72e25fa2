"""The page for other dashboards names what is there."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import yaml

from exporter.publication.families import Telemetry
from exporter.publication.summary import Summary, summary
from tests.corpus import verdict

PAGE = (Path(__file__).parents[2] / "docs" / "dashboards.md").read_text()
NOBODY = Telemetry("", datetime.min.replace(tzinfo=UTC), (), {}, {}, None, None, {})


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_summary_that_is_shown_is_that_of_the_bad_day() -> None:
    (shown,) = blocks("json")
    assert json.loads(shown) == msgspec.to_builtins(summary(verdict("bad-day"), NOBODY, None))


def test_widgets_use_fields_that_are_there() -> None:
    homepage, glance = map(yaml.safe_load, blocks("yaml"))
    used = [one["field"] for one in homepage[0]["Storage"][0]["Volume backups"]["widget"]["mappings"]]
    used += re.findall(r'\.JSON\.\w+ "(\w+)"', glance[0]["template"])
    assert set(used) <= set(Summary.__struct_fields__)
