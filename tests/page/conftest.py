"""A page that is served, and a browser that opens it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.metadata import distribution
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from exporter.chain.verdict import Verdict
from exporter.publication.current import Published
from exporter.publication.families import Telemetry
from exporter.publication.render import NOTHING
from exporter.publication.server import Server, open_socket
from exporter.publication.site import Site as Pages
from exporter.publication.web_config import Authenticator
from exporter.settings import WebSettings
from tests.page.verdicts import AT, telemetry
from tests.tools import lacking

CHROMEDRIVER = Path("/usr/bin/chromedriver")
_QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",
)


class Site:
    """The exporter's own server on a loopback port. What it publishes is a verdict that a test puts there."""

    def __init__(self) -> None:
        self.verdict: Verdict | None = None
        self.own = telemetry()
        self._server = Server(open_socket("127.0.0.1:0"), Pages(self, WebSettings().runbook_base), Authenticator(None))
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.port}/"

    @property
    def published(self) -> Published | None:
        return Published(self.verdict, NOTHING) if self.verdict else None

    ready = alive = True

    def telemetry(self) -> Telemetry:
        return self.own

    def now(self) -> datetime:
        return AT

    def close(self) -> None:
        self._server.stop(1)


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture(scope="session")
def new_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Chrome]]:
    """Start a headless Chromium of one's own: `new_browser("--flag", …)`."""
    if not CHROMEDRIVER.exists():
        lacking("not installed: chromium-driver")
    browsers: list[Chrome] = []

    def start(*flags: str, preferences: dict[str, object] | None = None) -> Chrome:
        options = ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*_QUIET, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}", *flags):
            options.add_argument(flag)
        options.add_experimental_option("prefs", preferences or {})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        browsers.append(Chrome(options, Service(str(CHROMEDRIVER))))
        return browsers[-1]

    yield start
    for browser in browsers:
        browser.quit()


@pytest.fixture(scope="session")
def _desktop(new_browser: Callable[..., Chrome]) -> Chrome:
    return new_browser("--window-size=1366,768")


@pytest.fixture
def browser(_desktop: Chrome) -> Iterator[Chrome]:
    """A laptop's browser, with its network and appearance as they come; the test fails if the page logs an error."""
    _desktop.get_log("browser")
    yield _desktop
    _desktop.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    _desktop.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    told = ("status of 404", "status of 503")  # pages that are meant to have that status
    messages = [entry["message"] for entry in _desktop.get_log("browser")]
    assert [message for message in messages if not any(status in message for status in told)] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, as axe-playwright-python carries it."""
    place = distribution("axe-playwright-python").locate_file("axe_playwright_python/axe.min.js")
    return Path(str(place)).read_text()
