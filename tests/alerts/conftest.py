from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from tests.alerts.runs import Told, carry_out_all
from tests.alerts.stack import missing_tools
from tests.sharing import await_published, is_first, publish, shared_folder
from tests.tools import lacking

END_TO_END = "test_end_to_end.py"
_PATIENCE = 280.0
"""Seconds; a test has 300."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The end-to-end runs mostly wait: they begin first, and are asked last."""
    items.sort(key=lambda item: item.path.name == END_TO_END)


@pytest.fixture(scope="session", autouse=True)
def end_to_end(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where what was told in each run will stand. They are under way in the background where a test will ask."""
    folder = shared_folder(tmp_path_factory)
    result = folder / "told.json"
    asked = any(item.path.name == END_TO_END for item in request.session.items)
    if not asked or missing_tools() or not is_first(folder / "told.begun"):
        yield result
        return

    def carry_out() -> None:
        told: dict[str, Told] = {}
        try:
            told = carry_out_all(tmp_path_factory.mktemp("alerts"))
        finally:
            publish(result, msgspec.json.encode(told))  # without them, so that a failure keeps nobody waiting

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(carry_out)
        yield result
        future.result()


@pytest.fixture(scope="session")
def tool() -> None:
    """Prometheus' and Alertmanager's own programs."""
    if missing := missing_tools():
        lacking(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def told(tool: None, end_to_end: Path) -> dict[str, Told]:
    """What a person was told in each run."""
    return msgspec.json.decode(await_published(end_to_end, _PATIENCE), type=dict[str, Told])
