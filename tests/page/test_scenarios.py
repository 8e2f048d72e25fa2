"""The pages of one scenario for each cause, and of the whole days: well-formed, and saying what was judged."""

from html.parser import HTMLParser

import pytest

from exporter.chain.causes import Cause
from exporter.chain.judge import judge
from exporter.publication.page import respond
from exporter.publication.page.words import STATES
from exporter.settings import Settings
from tests.corpus import NAMES, facts, scenario
from tests.page.verdicts import telemetry

WHOLE_DAYS = {"bad-day", "bad-day-healed", "sound"}
SCENARIOS = [name for name in NAMES if name in WHOLE_DAYS | set(Cause)]
VOID = {"br", "link", "meta", "input", "img", "hr"}


class Outline(HTMLParser):
    """Fails where a tag is closed that was not open; keeps ids, and addresses within the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in {"href", "aria-labelledby"} and value and (name != "href" or value.startswith("#")):
                self.anchors.add(value.removeprefix("#"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(path: str, verdict: object) -> str:
    answer = respond(path, {}, verdict, telemetry())
    assert answer is not None
    assert answer.status == 200
    body = answer.body.decode()
    outline = Outline(body)
    assert len(set(outline.ids)) == len(outline.ids)
    assert outline.anchors <= set(outline.ids)
    return body


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_can_be_looked_at(name: str) -> None:
    verdict = judge(facts(name), Settings(), scenario(name).at)
    overview = page("/", verdict)
    assert overview.count('class="c-claim"') == len(verdict.claims)
    for claim in verdict.claims:
        body = page(f"/claims/{claim.namespace}/{claim.pvc}", verdict)
        assert f'<span class="is">{STATES[claim.state].word}</span></h1>' in body
        assert body.count("the chain breaks here") == (claim.problem is not None)
