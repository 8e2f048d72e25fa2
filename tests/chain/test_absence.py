"""Lists are read one after the other: two that were read at different moments prove no absence."""

from datetime import datetime, timedelta

import msgspec
import pytest

from exporter.chain.causes import Cause, Link
from exporter.chain.judge import judge
from exporter.chain.verdict import ClaimVerdict, LinkState
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.reading import Reading, Reason
from exporter.settings import Settings
from tests import corpus

NAME = "starting"
"""A scenario with a claim whose application was just made."""


def judged(claims_read_at: datetime) -> ClaimVerdict:
    """The claim where the list of PVCs, read at that moment, does not show it, and its source is there."""
    facts, at = corpus.facts(NAME), corpus.scenario(NAME).at
    claims: ObjectList[object] = ObjectList((), Reading.READ, read_at=claims_read_at)
    cluster = facts.cluster.with_lists({"core.claims": claims})
    (claim,) = judge(msgspec.structs.replace(facts, cluster=cluster), Settings(), at).claims
    return claim


def source_made_at() -> datetime:
    (source,) = corpus.facts(NAME).cluster.volsync.sources
    made = source.metadata.creation_timestamp
    assert made is not None
    return made


def test_a_list_of_pvcs_that_is_older_than_the_source_does_not_accuse_it() -> None:
    claim = judged(source_made_at() - timedelta(seconds=5))
    assert claim.problem is None


def test_a_list_of_pvcs_that_is_hardly_newer_does_not_either() -> None:
    assert judged(source_made_at() + timedelta(seconds=5)).problem is None


def test_a_pvc_that_a_later_list_does_not_show_is_not_there() -> None:
    claim = judged(source_made_at() + timedelta(minutes=5))
    assert claim.problem is not None
    assert claim.problem.cause is Cause.SOURCE_FAILING


@pytest.mark.parametrize("field", ["core.jobs", "core.pods"])
def test_a_restore_whose_mover_cannot_be_seen_is_unknown_and_not_stuck(field: str) -> None:
    name = "restore_stuck"
    facts, at = corpus.facts(name), corpus.scenario(name).at
    forbidden: ObjectList[object] = ObjectList(reading=Reading.UNREADABLE, reason=Reason.FORBIDDEN)
    cluster = facts.cluster.with_lists({field: forbidden})
    (claim,) = judge(msgspec.structs.replace(facts, cluster=cluster), corpus.settings(name), at).claims
    (restore,) = (link for link in claim.links if link.link is Link.RESTORE)
    assert restore.state is LinkState.UNKNOWN
