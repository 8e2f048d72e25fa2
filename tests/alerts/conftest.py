from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.alerts.runs import Told, carry_out_all
from tests.alerts.stack import missing_tools
from tests.tools import lacking

END_TO_END = "test_end_to_end.py"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The end-to-end runs mostly wait: they begin first, and are asked last."""
    items.sort(key=lambda item: item.path.name == END_TO_END)


@pytest.fixture(scope="session", autouse=True)
def end_to_end(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Future[dict[str, Told]] | None]:
    """The runs, under way in the background where a test will ask for them."""
    asked = any(item.path.name == END_TO_END for item in request.session.items)
    if not asked or missing_tools():
        yield None
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(carry_out_all, tmp_path_factory.mktemp("alerts"))


@pytest.fixture(scope="session")
def tool() -> None:
    """Prometheus' and Alertmanager's own programs."""
    if missing := missing_tools():
        lacking(f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="session")
def told(tool: None, end_to_end: Future[dict[str, Told]]) -> dict[str, Told]:
    """What a person was told in each run."""
    return end_to_end.result()
