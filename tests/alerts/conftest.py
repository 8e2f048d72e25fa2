import os
from pathlib import Path

import pytest

from tests.alerts.runs import Told, carry_out_all
from tests.alerts.stack import missing_tools


@pytest.fixture(scope="session")
def tool() -> None:
    """Prometheus' and Alertmanager's own programs."""
    if missing := missing_tools():
        message = f"not installed: {', '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="session")
def told(tool: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """What a person was told in each run."""
    folder: Path = tmp_path_factory.mktemp("alerts")
    return carry_out_all(folder)
