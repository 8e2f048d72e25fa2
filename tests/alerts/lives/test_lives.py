"""One fault, one page, from its first minute to the last claim healed."""

import os

import pytest

from tests import corpus
from tests.alerts.lives.notify import CONFIGURATIONS, Notification, notifications
from tests.alerts.lives.table import LIVES, Life
from tests.alerts.lives.told import Timeline, timelines
from tests.alerts.lives.watch import Samples, firing, scraped

CHOSEN = [life for life in LIVES if not life.is_long or os.environ.get("LIVES")]
"""All of them with `make lives`."""


@pytest.fixture(scope="session")
def told(tool: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Timeline]:
    """The alerts of each life at each minute."""
    return timelines(CHOSEN, tmp_path_factory.mktemp("lives"))


@pytest.mark.parametrize("life", CHOSEN, ids=lambda life: life.name)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_fault_is_told_as_often_as_it_should_be(told: dict[str, Timeline], life: Life, configuration: str) -> None:
    sent = list(notifications(CONFIGURATIONS[configuration], told[life.name]))
    pages, tickets = (news_of(sent, severity) for severity in ("critical", "warning"))

    assert [alert["cause"] for alert in pages] == [life.cause] * life.pages
    assert len(tickets) <= life.tickets, tickets
    assert not told[life.name][-1], "everything is over in the end"


KNOWN = {
    "policy_failing": "critical",
    "volume_faulted": "critical",
    "namespace_unlabelled": "critical",
    "never_synced": "critical",
    "restore_stuck": "warning",
}
"""The known issues of the cluster that all this was made for, by their causes, and how bad they are there."""


@pytest.fixture(scope="module")
def bad_day(tool: None, tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    """The alerts of a day on which all of them stand: a sound hour, three bad ones, and three after the mending."""
    samples: Samples = {}
    for name, when in (("sound", [*range(60), *range(240, 420)]), ("bad-day", range(60, 240))):
        for one, value in scraped(corpus.verdict(name)):
            is_moment = one.startswith("volsync_exporter_verdict_timestamp_seconds")
            samples.setdefault(one, {}).update((minute, 60.0 * minute if is_moment else value) for minute in when)
    return firing(samples, 420, tmp_path_factory.mktemp("bad-day"))


@pytest.mark.parametrize("cause", KNOWN)
@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_each_known_issue_is_told_once_over_its_life(bad_day: Timeline, configuration: str, cause: str) -> None:
    told = list(notifications(CONFIGURATIONS[configuration], bad_day))
    about = [
        alert for severity in ("critical", "warning") for alert in news_of(told, severity) if alert["cause"] == cause
    ]

    assert [alert["severity"] for alert in about] == [KNOWN[cause]]
    assert cause not in {dict(alert).get("cause") for alert in bad_day[-1]}


def news_of(told: list[Notification], severity: str) -> list[dict[str, str]]:
    """What a person was told of for the first time, at this severity."""
    return [
        labels
        for one in told
        if one.receiver not in ("null", "nobody")
        for alert in one.news
        if (labels := {"cause": "", **dict(alert)})["severity"] == severity
    ]
