"""The picture in a few fields, and as a badge."""

import json
from datetime import timedelta
from xml.etree import ElementTree as ET

import msgspec
import pytest

from exporter.chain.verdict import ClaimState, Verdict
from exporter.facts.reading import Reading
from exporter.publication.families import Telemetry
from exporter.publication.http import Request
from exporter.publication.site import Site
from exporter.publication.summary import Summary, badge, summary
from tests.publication.conftest import Now
from tests.publication.verdicts import AT, bad_day, claim, telemetry, verdict

SVG = "{http://www.w3.org/2000/svg}"


def of(shown: Verdict, **changes: object) -> Summary:
    told: Telemetry = msgspec.structs.replace(telemetry(), **changes)
    return summary(shown, told, AT)


def texts(image: str) -> list[str | None]:
    return [one.text for one in ET.fromstring(image).iter(f"{SVG}text")]


def test_the_bad_day_in_one_level_of_fields() -> None:
    day = bad_day()
    found = of(day)
    assert found.claims == len(day.claims)
    states = {state: getattr(found, state.value) for state in ClaimState}
    assert states == {state: sum(one.state is state for one in day.claims) for state in ClaimState}
    assert found.root_causes == found.critical + found.warning == 2
    assert (found.orphans, found.verified) == (1, True)
    assert all(not isinstance(value, (list, dict)) for value in msgspec.to_builtins(found).values())


def test_a_bucket_that_cannot_be_read_verifies_nothing() -> None:
    day = bad_day()
    unread = tuple(msgspec.structs.replace(one, reading=Reading.UNREADABLE) for one in day.facts.buckets)
    assert unread
    facts = msgspec.structs.replace(day.facts, buckets=unread)
    assert not of(msgspec.structs.replace(day, facts=facts)).verified


def test_without_claims_nothing_is_well() -> None:
    found = of(verdict())
    assert (found.state, found.claims, found.oldest_recovery_point) == (ClaimState.UNKNOWN, 0, None)
    assert texts(badge(found))[1] == "unknown"


def test_an_old_verdict_is_unknown() -> None:
    found = summary(bad_day(), telemetry(), AT + timedelta(days=1))
    assert found.state is ClaimState.UNKNOWN
    assert "old" in found.text


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([ClaimState.PROTECTED] * 3, "3 protected"),
        ([ClaimState.PROTECTED] * 2 + [ClaimState.UNPROTECTED], "1 of 3 unprotected"),
        ([ClaimState.PROTECTED, ClaimState.AT_RISK], "1 of 2 at risk"),
        ([ClaimState.STARTING], "1 starting"),
    ],
)
def test_a_badge_says_how_many_are_in_the_worst_state(states: list[ClaimState], expected: str) -> None:
    claims = [msgspec.structs.replace(claim("media", f"b{n}"), state=state) for n, state in enumerate(states)]
    image = badge(of(verdict(*claims)))
    assert texts(image) == ["volume backups", expected]
    assert ET.fromstring(image).get("aria-label") == f"volume backups: {expected}"


def test_before_the_first_verdict_both_say_so_and_ask_to_come_back() -> None:
    site = Site(Now(None), "")
    for path, said in (("/badge.svg", b"no verdict yet"), ("/api/v1/summary", b'"error": "no verdict yet"')):
        answer = site.answer(Request(path))
        assert answer.status == 503
        assert said in answer.body
        assert ("Retry-After", "5") in answer.headers


def test_both_are_made_once_for_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr("exporter.publication.site.summary", lambda *args: made.append(args) or summary(*args))
    site = Site(Now(bad_day()), "")
    for path, type_ in (("/badge.svg", "image/svg+xml"), ("/api/v1/summary", "application/json")):
        made.clear()
        answers = [site.answer(Request(f"{path}?n={number}")) for number in range(5)]
        assert {(answer.status, answer.content_type) for answer in answers} == {(200, type_)}
        assert len({answer.body for answer in answers}) == len(made) == 1
        assert site.kept(Request(path))
    assert json.loads(answers[0].body)["state"] == "unprotected"
