"""The scenarios, disturbed: objects missing, fields replaced, lists unread, the clock anywhere."""

import random
from datetime import datetime, timedelta
from typing import Any, get_type_hints

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from exporter.chain.judge import judge
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.model import Facts
from tests.corpus import NAMES, facts, scenario, settings
from tests.properties.strategies import SEEDS, RandomFacts
from tests.properties.test_judge import MANY, assert_promises
from tests.properties.test_unread import FORBIDDEN


def disturbed(whole: Facts, seed: int) -> Facts:
    """*whole* with one object in five missing and a field replaced in one of three."""
    made = RandomFacts(seed)
    cluster = {}
    for field in (kind.field for kind in KINDS):
        listing = whole.cluster.list_of(field)
        kept = [item for item in listing.items if made.random.random() < 0.8]
        items = tuple(scratched(item, made) if made.random.random() < 0.3 else item for item in kept)
        cluster[field] = msgspec.structs.replace(listing, items=items)
    return msgspec.structs.replace(whole, cluster=ClusterFacts().with_lists(cluster))


def scratched(item: Any, made: RandomFacts) -> Any:
    """*item*, a struct, with one field anywhere in it replaced by anything of its type."""
    field = made.random.choice(msgspec.structs.fields(item))
    value = getattr(item, field.name)
    if field.name == "metadata" or (isinstance(value, msgspec.Struct) and made.random.random() < 0.8):
        return (
            item if field.name == "metadata" else msgspec.structs.replace(item, **{field.name: scratched(value, made)})
        )
    hint = get_type_hints(type(item))[field.name]
    return msgspec.structs.replace(item, **{field.name: made.value(hint, field.encode_name)})


@MANY
@given(name=st.sampled_from(NAMES), seed=SEEDS, unread=st.sets(st.sampled_from([kind.field for kind in KINDS])))
def test_a_disturbed_cluster_is_judged_like_any_other(name: str, seed: int, unread: set[str]) -> None:
    whole = disturbed(facts(name), seed)
    blinded = whole.cluster.with_lists(dict.fromkeys(unread, FORBIDDEN))
    assert_promises(judge(msgspec.structs.replace(whole, cluster=blinded), settings(name), scenario(name).at))


@MANY
@given(name=st.sampled_from(NAMES), later=st.timedeltas(timedelta(days=-40), timedelta(days=4000)))
def test_a_scenario_is_judged_at_any_time(name: str, later: timedelta) -> None:
    at: datetime = scenario(name).at + later
    assert_promises(judge(facts(name), settings(name), at))


def test_disturbance_disturbs() -> None:
    name = "bad-day"
    changed = [disturbed(facts(name), random.Random(number).randrange(2**32)) != facts(name) for number in range(5)]
    assert all(changed)
