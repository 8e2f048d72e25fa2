"""Whatever the facts are, there is a verdict, and it keeps the design's promises."""

import random
from datetime import datetime
from typing import Any

import msgspec
from hypothesis import given, settings

from exporter.chain.causes import Impact, Link
from exporter.chain.judge import judge
from exporter.chain.verdict import ClaimState, ClaimVerdict, LinkState, Verdict
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.model import Facts
from exporter.publication.document import encode
from exporter.publication.explain import explain
from exporter.publication.families import VERDICT_FAMILIES
from exporter.settings import Settings
from tests.properties.strategies import CLOCKS, FACTS, SEEDS

MANY = settings(max_examples=300, deadline=None)


def assert_promises(verdict: Verdict) -> None:
    """What holds of every verdict."""
    assert verdict.failures == ()
    keys = [claim.key for claim in verdict.claims]
    assert keys == sorted(set(keys), key=lambda key: key.split("/"))
    for claim in verdict.claims:
        assert_claim(claim, verdict.at)


def assert_claim(claim: ClaimVerdict, at: datetime) -> None:
    links = [link.link for link in claim.links]
    assert links == [link for link in Link if link in links]
    assert all(problem.impact is Impact.ADVISORY for problem in claim.advisories)
    broken = [link for link in claim.links if link.state is LinkState.BROKEN]
    blocking = [problem for link in broken for problem in link.problems if problem.impact is Impact.BLOCKING]
    if claim.problem:
        assert claim.problem.impact is Impact.BLOCKING
        assert claim.problem.link is blocking[0].link
        assert not claim.namespace or "<namespace>" not in claim.problem.command
    match claim.state:
        case ClaimState.EXEMPT:
            assert not claim.problems
        case ClaimState.PROTECTED | ClaimState.STARTING:
            assert claim.problem is None
        case ClaimState.AT_RISK:
            assert claim.problem is not None
    if claim.state in (ClaimState.PROTECTED, ClaimState.AT_RISK):
        assert claim.recovery_point is not None
    if claim.state is ClaimState.PROTECTED and len(claim.sources) == 1 and claim.objective is not None:
        assert claim.recovery_point is not None
        assert at - claim.recovery_point <= claim.objective


@MANY
@given(facts=FACTS, at=CLOCKS)
def test_any_facts_give_each_claim_one_state_and_at_most_one_cause(facts: Facts, at: datetime) -> None:
    assert_promises(judge(facts, Settings(), at))


@MANY
@given(facts=FACTS, at=CLOCKS, seed=SEEDS)
def test_the_order_of_objects_does_not_matter(facts: Facts, at: datetime, seed: int) -> None:
    chance = random.Random(seed)

    def shuffle(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(chance.sample(items, len(items)))

    mixed = {
        field: msgspec.structs.replace(listing, items=shuffle(listing.items))
        for field in (kind.field for kind in KINDS)
        if (listing := facts.cluster.list_of(field))
    }
    buckets = tuple(msgspec.structs.replace(b, repositories=shuffle(b.repositories)) for b in facts.buckets)
    one = judge(facts, Settings(), at)
    other = judge(
        msgspec.structs.replace(facts, cluster=ClusterFacts().with_lists(mixed), buckets=buckets), Settings(), at
    )
    assert one.claims == other.claims
    assert sorted(one.orphans, key=str) == sorted(other.orphans, key=str)


@MANY
@given(facts=FACTS, at=CLOCKS)
def test_any_verdict_can_be_published(facts: Facts, at: datetime) -> None:
    verdict = judge(facts, Settings(), at)
    assert encode(verdict)
    for claim in verdict.claims:
        assert claim.key in explain(claim, at).plain
    for family in VERDICT_FAMILIES:
        samples = [labels for labels, _ in family.samples(verdict)]
        assert all(len(labels) == len(family.labels) for labels in samples), family.name
        assert len(samples) == len(set(samples)), family.name
