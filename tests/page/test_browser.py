"""The page in a real Chromium."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.ui import WebDriverWait

from exporter.chain.judge import judge
from exporter.chain.scope import volume
from exporter.chain.verdict import Verdict
from exporter.facts.cluster.dump.files import read_files
from exporter.facts.reading import Source
from exporter.settings import Settings
from tests.page.conftest import Site
from tests.page.verdicts import AT, FAULTED, bad_day, many, protected, sound, telemetry, with_claims

PAGES = ("", "claims/open-webui/storage", "claims/n8n/data", "claims/nobody/nothing", "?state=at_risk", "uncovered")


@pytest.fixture
def shown(site: Site, browser: Chrome) -> Callable[..., Chrome]:
    """Show a verdict and open a page of it."""

    def show(verdict: Verdict | None, path: str = "") -> Chrome:
        site.verdict, site.own = verdict, telemetry()
        browser.get(site.url + path)
        return browser

    return show


def texts(browser: Chrome, selector: str) -> list[str]:
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(found => found.innerText.trim())", selector
    )


def follow(element: WebElement) -> None:
    """Press a link or a button, and wait for the page that it leads to."""
    page = element.parent.find_element(By.TAG_NAME, "html")
    element.click()
    WebDriverWait(element.parent, 20).until(staleness_of(page))


def violations(browser: Chrome, axe: str) -> list[str]:
    browser.execute_script(axe)
    result = browser.execute_async_script(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        ".then(arguments[0])"
    )
    return [
        f"{found['id']}: {node['html'][:200]} {node['failureSummary']}"
        for found in result["violations"]
        for node in found["nodes"]
    ]


def test_the_bad_day_shows_four_claims_under_one_cause(shown: Callable[..., Chrome]) -> None:
    browser = shown(bad_day())
    assert browser.find_element(By.TAG_NAME, "h1").text == "4 of 11 claims are unprotected"
    first = browser.find_element(By.CSS_SELECTOR, ".cause")
    assert first.find_element(By.TAG_NAME, "h3").text.startswith("Volume faulted")
    assert [link.text for link in first.find_elements(By.CSS_SELECTOR, ".hits a")] == [
        "4 claims",
        *(f"{namespace}/{pvc}" for namespace, pvc in FAULTED),
    ]
    follow(first.find_element(By.CSS_SELECTOR, ".hits a"))
    assert texts(browser, "tbody .c-claim") == [f"{namespace}/{pvc}" for namespace, pvc in FAULTED]


def test_the_reference_clusters_bad_day_reads_as_its_runbook_tells_it(shown: Callable[..., Chrome]) -> None:
    folder = Path(__file__).parent.parent / "scenarios" / "bases" / "bad-day"
    at = datetime(2026, 1, 18, 14, 20, tzinfo=UTC)
    browser = shown(judge(read_files([folder], at), Settings(), at))
    hits = texts(browser, ".cause.blocking .hits")
    assert hits[0] == f"4 claims: {', '.join('/'.join(name) for name in FAULTED)}"
    assert texts(browser, ".cause.blocking h3")[0].startswith("Volume faulted")
    assert len(texts(browser, "tbody .c-claim")) == 11
    follow(browser.find_element(By.CSS_SELECTOR, ".cause.blocking .hits a:nth-of-type(2)"))
    assert texts(browser, ".link.here h3") == ["Volume the chain breaks here"]


def test_filters_narrow_the_table_and_their_view_is_a_link(shown: Callable[..., Chrome], site: Site) -> None:
    browser = shown(bad_day())
    Select(browser.find_element(By.NAME, "namespace")).select_by_value("paperless-ngx")
    follow(browser.find_element(By.CSS_SELECTOR, ".filter button"))
    assert texts(browser, "tbody .c-claim") == ["paperless-ngx/data", "paperless-ngx/media"]
    address = browser.current_url
    browser.get("about:blank")
    browser.get(address)
    assert texts(browser, "tbody .c-claim") == ["paperless-ngx/data", "paperless-ngx/media"]
    follow(browser.find_element(By.LINK_TEXT, "Show all"))
    Select(browser.find_element(By.NAME, "state")).select_by_visible_text("At risk")
    follow(browser.find_element(By.CSS_SELECTOR, ".filter button"))
    assert texts(browser, "tbody .c-claim") == ["khoj/config"]
    assert Select(browser.find_element(By.NAME, "state")).first_selected_option.text == "At risk"


def test_a_claims_chain_shows_where_it_broke(shown: Callable[..., Chrome]) -> None:
    browser = shown(bad_day())
    follow(browser.find_element(By.LINK_TEXT, "open-webui/storage"))
    links = texts(browser, ".chain:not(.beside) h3")
    assert links[4:7] == ["ReplicationSource ok", "Volume the chain breaks here", "Mover unknown"]
    here = browser.find_element(By.CSS_SELECTOR, ".link.here")
    assert "kubectl -n longhorn-system get volumes.longhorn.io" in here.find_element(By.CLASS_NAME, "command").text
    follow(browser.find_element(By.LINK_TEXT, "see them together"))
    assert len(texts(browser, "tbody .c-claim")) == 4


def test_an_object_named_like_a_tag_stays_text(shown: Callable[..., Chrome]) -> None:
    evil = "<img src=x onerror=alert(1)>"
    day = bad_day()
    claim = next(claim for claim in day.claims if claim.problem)
    assert claim.problem is not None
    found = msgspec.structs.replace(
        claim.problem, scopes=(volume(evil),), command=f"echo '{evil}'", reason=f"</p>{evil}"
    )
    hostile = msgspec.structs.replace(
        claim, namespace=evil, pvc='"><script>alert(1)</script>', summary=evil, problem=found, exemption=evil
    )
    browser = shown(with_claims(day, hostile))
    assert evil in browser.find_element(By.CSS_SELECTOR, ".cause").text
    assert browser.find_elements(By.CSS_SELECTOR, "main img, main script, [onerror]") == []
    follow(browser.find_element(By.CSS_SELECTOR, "tbody .c-claim a"))
    assert browser.find_element(By.TAG_NAME, "h1").text.startswith(f'{evil}/"><script>alert(1)</script>')
    assert browser.find_elements(By.CSS_SELECTOR, "main img, main script, [onerror]") == []


@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_axe_finds_no_violation(shown: Callable[..., Chrome], site: Site, axe: str, appearance: str) -> None:
    browser = shown(bad_day())
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": appearance}]}
    )
    site.own = telemetry(down=Source.LONGHORN)
    found = {}
    for page in PAGES:
        browser.get(site.url + page)
        found[page] = violations(browser, axe)
    site.verdict = None
    browser.get(site.url)
    found["waiting"] = violations(browser, axe)
    assert {page: wrong for page, wrong in found.items() if wrong} == {}
    assert len(found) == len(PAGES) + 1


def test_a_phone_needs_no_sideways_scrolling(shown: Callable[..., Chrome], axe: str) -> None:
    browser = shown(bad_day())
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True},
    )
    for page in PAGES:
        shown(bad_day(), page)
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide == browser.execute_script("return document.documentElement.clientWidth") == 360, page
        cells = "[...document.querySelectorAll('.stack td')].filter(cell => cell.offsetParent)"
        shown_cells = browser.execute_script(f"return {cells}.map(cell => cell.innerText.trim())")
        assert [cell for cell in shown_cells if cell == "\u2013"] == [], page
        assert violations(browser, axe) == []


def test_a_keyboard_reaches_the_content_and_a_claim(shown: Callable[..., Chrome]) -> None:
    browser = shown(bad_day())
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    skip = browser.switch_to.active_element
    assert skip.text == "Skip to the content"
    skip.send_keys(Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("id") == "main"
    browser.switch_to.active_element.send_keys(Keys.TAB)
    first = browser.switch_to.active_element
    assert browser.execute_script("return getComputedStyle(arguments[0]).outlineStyle", first) == "solid"


def test_the_page_keeps_itself_up_to_date_and_says_so(shown: Callable[..., Chrome], site: Site) -> None:
    site.verdict = bad_day()
    browser = shown(bad_day())
    site.verdict = sound()
    browser.execute_async_script("refresh().then(arguments[0])")
    assert browser.find_element(By.TAG_NAME, "h1").text == "All is well: 11 claims could be restored now"
    assert "All is well" in browser.find_element(By.ID, "news").get_attribute("textContent")
    assert browser.title.startswith("All is well")
    browser.find_element(By.ID, "refresh").click()
    assert browser.find_element(By.ID, "refresh").text == "Resume refresh"
    browser.find_element(By.ID, "refresh").click()


def test_a_page_whose_exporter_is_gone_says_so_until_it_is_back(shown: Callable[..., Chrome]) -> None:
    browser = shown(sound())
    gone = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    lost = browser.find_element(By.ID, "lost")
    assert not lost.is_displayed()
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {**gone, "offline": True})
    browser.execute_async_script("refresh().then(arguments[0])")
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", {**gone, "offline": False})
    assert lost.text.startswith("The exporter does not answer")
    assert "icon-unknown" in browser.find_element(By.CSS_SELECTOR, "link[rel=icon]").get_attribute("href")
    browser.execute_async_script("refresh().then(arguments[0])")
    assert not lost.is_displayed()
    assert "icon-good" in browser.find_element(By.CSS_SELECTOR, "link[rel=icon]").get_attribute("href")
    browser.get_log("browser")  # the browser's own word about the failed request


def test_a_reader_who_is_choosing_is_not_interrupted(shown: Callable[..., Chrome], site: Site) -> None:
    browser = shown(bad_day())
    Select(browser.find_element(By.NAME, "namespace")).select_by_value("khoj")
    browser.execute_script("document.querySelector('select').focus()")
    site.verdict = sound()
    browser.execute_async_script("refresh().then(arguments[0])")
    assert browser.find_element(By.TAG_NAME, "h1").text == "4 of 11 claims are unprotected"


def test_a_command_is_copied_with_one_press(shown: Callable[..., Chrome], site: Site) -> None:
    browser = shown(bad_day())
    browser.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"origin": site.url.rstrip("/"), "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    button = browser.find_element(By.CSS_SELECTOR, ".cause .copy")
    button.click()
    WebDriverWait(browser, 5).until(lambda _: button.text == "Copied")
    copied = browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == browser.find_element(By.CSS_SELECTOR, ".cause .command").text


def test_it_works_without_javascript(new_browser: Callable[..., Chrome], site: Site) -> None:
    site.verdict, site.own = bad_day(), telemetry()
    browser = new_browser(
        "--window-size=1366,768", preferences={"profile.managed_default_content_settings.javascript": 2}
    )
    browser.get(site.url)
    assert not browser.find_element(By.ID, "refresh").is_displayed()
    Select(browser.find_element(By.NAME, "cause")).select_by_value("volume_faulted")
    follow(browser.find_element(By.CSS_SELECTOR, ".filter button"))
    assert len(texts(browser, "tbody .c-claim")) == 4
    follow(browser.find_element(By.CSS_SELECTOR, "tbody .c-claim a"))
    assert texts(browser, ".link.here h3") == ["Volume the chain breaks here"]


def test_a_thousand_claims_load_and_filter_without_a_pause(shown: Callable[..., Chrome], site: Site) -> None:
    verdict = many(1000)
    browser = shown(sound())
    site.verdict = verdict

    def load() -> float:
        browser.get(site.url)
        assert len(browser.find_elements(By.CSS_SELECTOR, "tbody .c-claim")) == 1000
        return browser.execute_script(
            "const page = performance.getEntriesByType('navigation')[0]; return page.loadEventEnd - page.startTime"
        )

    loaded = min(load() for _ in range(3))  # what else the machine does only ever adds to it
    Select(browser.find_element(By.NAME, "namespace")).select_by_value("namespace-07")
    browser.find_element(By.NAME, "state").find_element(By.XPATH, "//option[text()='Protected']").click()
    started = time.perf_counter()
    follow(browser.find_element(By.CSS_SELECTOR, ".filter button"))
    assert len(texts(browser, "tbody .c-claim")) == 50
    filtered = time.perf_counter() - started
    print(f"1,000 claims: load {loaded:.0f} ms, filter {filtered * 1000:.0f} ms")
    assert loaded < 3000  # about 0.5 s alone on two cores; the suite shares them
    assert filtered < 3


def test_the_page_before_the_first_verdict_says_so(shown: Callable[..., Chrome]) -> None:
    assert shown(None).find_element(By.TAG_NAME, "h1").text == "No verdict yet"


def test_a_protected_claim_reads_as_one(shown: Callable[..., Chrome]) -> None:
    browser = shown(with_claims(sound(), protected("khoj", "config")), "claims/khoj/config")
    assert browser.find_element(By.TAG_NAME, "h1").text == "khoj/config Protected"
    assert AT.strftime("%Y-%m-%d") in browser.find_element(By.CSS_SELECTOR, ".facts").text
    assert len(texts(browser, ".chain .ok")) == 9
