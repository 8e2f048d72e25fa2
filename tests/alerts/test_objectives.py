"""What is left of the error budget, from its first day to the end of its window; worked out by promtool."""

from collections.abc import Mapping

import pytest
import yaml

from tests.alerts.lives.watch import RULES, Samples, answers

DAY = 24 * 60
WINDOW = 14 * DAY
BUDGET = 0.01 * WINDOW
"""Minutes of a full outage that the target of 99 % allows in fourteen days."""


@pytest.fixture(scope="module")
def left(tool: None, tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, float]:
    """What is left at some minutes: a tenth of the claims is unprotected in the first two hours, and none from then on.

    The exporter is there from the first minute of its Prometheus on, but for the third day, when it is gone.
    """
    folder = tmp_path_factory.mktemp("budget")
    (file,) = (path for path in RULES if path.name == "volsync-objectives.rules.yaml")
    rules = yaml.load(file.read_text(), yaml.CSafeLoader)
    for group in rules["groups"]:
        group["rules"] = [rule for rule in group["rules"] if rule.get("record") in READ]
    (folder / file.name).write_text(yaml.dump(rules))
    ratio = {m: 0.1 if m < 120 else 0.0 for m in range(16 * DAY) if not 2 * DAY <= m < 3 * DAY}
    samples: Samples = {"volsync:volsync_backup_state:unprotected_ratio": ratio}
    at = [30, 120, DAY, 3 * DAY, 13 * DAY, 15 * DAY]
    expression = "volsync:volsync_backup_state:error_budget_ratio"
    told = answers(expression, at, samples, 16 * DAY, folder, [folder / file.name], interval="5m")
    return {minute: value for minute, samples in told.items() for _, value in samples}


READ = {
    "volsync:volsync_backup_state:target_ratio",
    "volsync:volsync_backup_state:unprotected_ratio5m",
    "volsync:volsync_backup_state:error_budget_ratio",
}


@pytest.mark.parametrize(
    ("minute", "spent"), [(30, 3.0), (120, 12.0), (DAY, 12.0), (3 * DAY, 12.0), (13 * DAY, 12.0), (15 * DAY, 0.0)]
)
def test_the_budget_left_is_right_from_the_first_half_hour_to_the_end_of_its_window(
    left: Mapping[int, float], minute: int, spent: float
) -> None:
    """Two hours of a tenth are twelve minutes, on any day of the window; a day without a word spends none."""
    assert left[minute] == pytest.approx(1 - spent / BUDGET, abs=0.6 / BUDGET)
