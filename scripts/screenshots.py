"""Take the pictures in docs/images: the status page by day and by night, a claim's chain, the terminal's table.

They show the bad day of `tests/scenarios`, so that they change only when the product does. Needs Debian's chromium and
chromium-driver.
"""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from compose import write
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from exporter import __version__
from exporter.chain.causes import Cause
from exporter.chain.judge import judge
from exporter.chain.verdict import Verdict
from exporter.facts.cluster.dump.files import read_files
from exporter.facts.reading import Source
from exporter.publication.current import Published
from exporter.publication.families import Telemetry
from exporter.publication.render import NOTHING
from exporter.publication.server import Server, open_socket
from exporter.publication.site import Site
from exporter.publication.tables import show_status
from exporter.publication.web_config import Authenticator
from exporter.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SCENARIO = "bad-day"
AT = datetime(2026, 1, 18, 14, 20, tzinfo=UTC)

_FLAGS = (
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
_COLOURS = TerminalTheme(
    (22, 25, 29),
    (215, 220, 226),
    [
        (60, 66, 73),
        (255, 138, 87),
        (60, 203, 152),
        (240, 176, 58),
        (108, 191, 242),
        (226, 159, 205),
        (90, 200, 210),
        (215, 220, 226),
    ],
)
"""The page's colours by night, as a terminal's."""
_TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 18px 22px; background: #16191d; color: #d7dce2; }
pre { margin: 0; font: 13px/1.45 "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
</style><pre>$ volsync-exporter status
%s</pre>"""


def main() -> None:
    """Take them all."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    verdict = bad_day()
    with tempfile.TemporaryDirectory() as folder, served(verdict) as url, browser(folder) as chrome:
        stuck = next(claim for claim in verdict.claims if claim.problem and claim.problem.cause is Cause.VOLUME_FAULTED)
        shoot(chrome, url, "page-light", "light", 1100, 860)
        shoot(chrome, url, "page-dark", "dark", 1100, 860)
        shoot(chrome, f"{url}claims/{stuck.namespace}/{stuck.pvc}", "claim", "light", 1100, 1000)
        shoot(chrome, f"{url}#claims", "claims", "light", 1100, 860)
        shoot(chrome, url, "page-phone", "dark", 390, 860)
        terminal = Path(folder) / "terminal.html"
        terminal.write_text(_TERMINAL % table(verdict), "utf-8")
        shoot(chrome, terminal.as_uri(), "terminal", "dark", 1100, None)


def bad_day() -> Verdict:
    """The bad day, judged at its own time: the whole cluster, with an empty list of each kind that it has none of."""
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder, SCENARIO)
        write(SCENARIO, dump)
        return judge(read_files([dump], AT), Settings(), AT)


def table(verdict: Verdict) -> str:
    """What `status` prints on a terminal, as HTML."""
    console = Console(
        file=io.StringIO(),
        record=True,
        force_terminal=True,
        color_system="standard",
        width=100,
        highlight=False,
        markup=False,
        emoji=False,
    )
    show_status(console, verdict)
    return console.export_html(theme=_COLOURS, inline_styles=True, code_format="{code}")


class _Still:
    """A verdict that is published and does not change."""

    ready = alive = True

    def __init__(self, verdict: Verdict) -> None:
        self.published = Published(verdict, NOTHING)

    def now(self) -> datetime:
        return self.published.verdict.at

    def telemetry(self) -> Telemetry:
        at = self.now()
        minute = timedelta(minutes=1)
        reports = self.published.verdict.facts.sources
        return Telemetry(__version__, at, reports, {}, dict.fromkeys(Source, minute), at, None, {})


@contextmanager
def served(verdict: Verdict) -> Iterator[str]:
    """The exporter's server on a port of its own; yields its address."""
    server = Server(open_socket("127.0.0.1:0"), Site(_Still(verdict), Settings().web.runbook_base), Authenticator(None))
    server.start()
    try:
        yield f"http://127.0.0.1:{server.port}/"
    finally:
        server.stop(1)


@contextmanager
def browser(folder: str) -> Iterator[Chrome]:
    """A headless Chromium with a profile in *folder*."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*_FLAGS, f"--user-data-dir={folder}/profile"):
        options.add_argument(flag)
    chrome = Chrome(options, Service("/usr/bin/chromedriver"))
    try:
        yield chrome
    finally:
        chrome.quit()


def shoot(chrome: Chrome, url: str, name: str, appearance: str, width: int, height: int | None) -> None:
    """Save *url* as `<name>.png`; without a *height* the whole of it."""
    chrome.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": appearance}]}
    )
    size = {"width": width, "deviceScaleFactor": 1.25, "mobile": width < 500}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "height": height or 100})
    chrome.get(url)
    if height is None:
        tall = chrome.execute_script("return document.documentElement.scrollHeight")
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "height": tall})
    path = IMAGES / f"{name}.png"
    chrome.save_screenshot(str(path))
    print(f"wrote {path.relative_to(ROOT)} ({path.stat().st_size // 1024} KiB)")


if __name__ == "__main__":
    main()
