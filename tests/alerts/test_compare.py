"""The other sets of rules are told fairly: each fires on what it looks for, and is quiet where nothing happens."""

import pytest

from tests.alerts import peers
from tests.alerts.compare import HEAD, PAGE, by_rules
from tests.alerts.lives.cluster import Trouble
from tests.alerts.lives.table import LIVES, Life, between, together

DOWN = Life("down", between(Trouble.STORE, 60, 360), together(3), minutes=400)
STOPPED = Life("stopped", between(Trouble.OPERATOR, 60, 360), together(3), minutes=400)
SOUND = Life("sound", between(Trouble.STORE, 60, 60), together(3), minutes=400)


@pytest.fixture(scope="module")
def alerts(tool: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The alerts that the others raise in each life, by their names."""
    found = by_rules(peers.RULES, [DOWN, STOPPED, SOUND], tmp_path_factory.mktemp("peers"))
    return {
        name: sorted(dict(alert)["alertname"] for alert in set().union(*timeline)) for name, timeline in found.items()
    }


def test_a_store_that_is_down_is_an_alert_for_each_claim(alerts: dict[str, list[str]]) -> None:
    assert alerts["down"] == [
        "KopiurRepositoryBreakerOpen",
        "KopiurRepositoryNotReady",
        *["KopiurSnapshotsGated"] * 3,
        *["VolSyncVolumeOutOfSync"] * 3,
    ]


def test_an_operator_that_is_gone_is_told_by_its_absence(alerts: dict[str, list[str]]) -> None:
    assert alerts["stopped"] == ["VolSyncComponentAbsent"]


def test_a_sound_cluster_is_silent(alerts: dict[str, list[str]]) -> None:
    assert alerts["sound"] == []


def test_the_page_has_a_row_for_each_life() -> None:
    rows = PAGE.read_text().partition(HEAD)[2].partition("\n\n")[0].splitlines()
    assert [row.split(" | ")[0].removeprefix("| ").lower() for row in rows] == [
        life.name.lower() for life in LIVES if not life.is_long
    ]
