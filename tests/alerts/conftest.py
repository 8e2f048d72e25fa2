from pathlib import Path

import pytest

from tests.alerts.runs import Told, carry_out_all
from tests.alerts.stack import missing_tools
from tests.tools import lacking


@pytest.fixture(scope="session")
def tool() -> None:
    """Prometheus' and Alertmanager's own programs."""
    if missing := missing_tools():
        lacking(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def told(tool: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """What a person was told in each run."""
    folder: Path = tmp_path_factory.mktemp("alerts")
    return carry_out_all(folder)
