"""Which claims may go without anyone being told, and who says so."""

import msgspec
import pytest

from exporter.chain.judge import judge
from exporter.chain.vanishing import fault
from exporter.facts.model import Facts
from exporter.publication.families import VERDICT_FAMILIES
from exporter.settings import ClaimSettings, Settings
from tests import corpus

NAME = "healthy-hourly"
(FAMILY,) = (family for family in VERDICT_FAMILIES if family.name == "volsync_backup_may_vanish")


def annotated(on: str, value: str) -> Facts:
    """A sound claim whose PVC (`claims`) or ReplicationSource (`sources`) has the annotation."""
    facts = corpus.facts(NAME)
    field = {"claims": "core.claims", "sources": "volsync.sources"}[on]
    listing = facts.cluster.list_of(field)
    items = []
    for one in listing.items:
        body = msgspec.to_builtins(one)
        body["metadata"].setdefault("annotations", {})
        body["metadata"]["annotations"] = {
            **(body["metadata"]["annotations"] or {}),
            "volsync-exporter.io/may-vanish": value,
        }
        items.append(msgspec.convert(body, type(one), strict=False))
    lists = {field: msgspec.structs.replace(listing, items=tuple(items))}
    return msgspec.structs.replace(facts, cluster=facts.cluster.with_lists(lists))


def may_vanish(facts: Facts, *patterns: str) -> list[tuple[tuple[str, ...], float]]:
    settings = Settings(claims=ClaimSettings(may_vanish=patterns))
    return list(FAMILY.samples(judge(facts, settings, corpus.scenario(NAME).at)))


@pytest.mark.parametrize("on", ["claims", "sources"])
@pytest.mark.parametrize(("value", "is_one"), [("true", True), (" True ", True), ("false", False), ("yes", False)])
def test_an_owner_says_so_on_the_pvc_or_on_its_source(on: str, value: str, is_one: bool) -> None:
    assert may_vanish(annotated(on, value)) == [(("karakeep", "data-pvc"), 1.0)] * is_one


@pytest.mark.parametrize(("pattern", "is_one"), [("kara*", True), ("karakeep", True), ("n8n", False), ("ara*", False)])
def test_a_setting_says_so_of_whole_namespaces(pattern: str, is_one: bool) -> None:
    assert may_vanish(corpus.facts(NAME), "pr-*", pattern) == [(("karakeep", "data-pvc"), 1.0)] * is_one


def test_nothing_is_published_of_other_claims() -> None:
    assert may_vanish(corpus.facts(NAME)) == []


@pytest.mark.parametrize(("value", "wrong"), [("true", False), ("False", False), ("", True), ("1", True)])
def test_what_cannot_be_understood_is_told(value: str, wrong: bool) -> None:
    assert bool(fault(value)) is wrong
    verdict = judge(annotated("claims", value), Settings(), corpus.scenario(NAME).at)
    causes = {problem.cause for claim in verdict.claims for problem in claim.advisories}
    assert ("annotation_invalid" in causes) is wrong
