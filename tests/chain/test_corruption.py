"""An object whose bytes are not those of its name: what is told of it, and what is not."""

from datetime import timedelta

import msgspec
import pytest

from exporter.chain.causes import Cause, Impact, Link, Severity
from exporter.chain.judge import judge
from exporter.chain.verdict import ClaimState, LinkState, Verdict
from exporter.facts.bucket.model import Bucket, CorruptObject, Repository, Scrub
from tests import corpus

NAME = "repository_damaged-near-miss-second-key"
"""A scenario in which everything is sound, and two claims have their repositories in one bucket."""
CLAIM = "karakeep/data-pvc"
AT = corpus.scenario(NAME).at


def scrub(*names: str) -> Scrub:
    found = tuple(CorruptObject(name, 400, "0" * 64, AT - timedelta(hours=1)) for name in names)
    return Scrub(corrupt=found, corrupt_objects=len(found))


def judged(found: Scrub, *others: Bucket, **changes: object) -> Verdict:
    """The verdict where the claim's repository has *found*."""
    facts = corpus.facts(NAME)

    def changed(repository: Repository) -> Repository:
        if repository.prefix != CLAIM:
            return repository
        return msgspec.structs.replace(repository, scrub=found, **changes)

    (bucket,) = facts.buckets
    bucket = msgspec.structs.replace(bucket, repositories=tuple(map(changed, bucket.repositories)))
    return judge(msgspec.structs.replace(facts, buckets=(bucket, *others)), corpus.settings(NAME), AT)


PACK = f"data/ab/ab{'c' * 62}"
SNAPSHOT = f"snapshots/{'d' * 64}"
KEY = f"keys/{'e' * 64}"


@pytest.mark.parametrize("name", [PACK, SNAPSHOT, KEY, f"index/{'f' * 64}"])
def test_one_corrupt_object_is_one_root_cause_that_names_it(name: str) -> None:
    verdict = judged(scrub(name))
    assert [(cause.cause, str(cause.scope)) for cause in verdict.root_causes] == [
        (Cause.REPOSITORY_DAMAGED, f"claim/{CLAIM}")
    ]
    claim = verdict.claim(*CLAIM.split("/"))
    assert claim.state is ClaimState.UNPROTECTED
    assert claim.recovery_point is None
    problem = claim.problem
    assert (problem.impact, verdict.root_causes[0].severity) == (Impact.BLOCKING, Severity.CRITICAL)
    assert name in problem.reason
    assert problem.command == f"aws s3 cp s3://volsync-backup/{CLAIM}/{name} - | sha256sum"
    others = [other for other in verdict.claims if other.key != CLAIM]
    assert others
    assert all(other.problem is None for other in others)


def test_of_several_the_worst_is_named_and_the_rest_counted() -> None:
    reason = judged(scrub(PACK, SNAPSHOT, KEY)).claim(*CLAIM.split("/")).problem.reason
    assert f"{KEY} is corrupt" in reason
    assert "2 more objects are corrupt" in reason


def test_the_listings_own_finding_is_the_same_cause_and_not_a_second_one() -> None:
    verdict = judged(scrub(PACK), truncated=1, truncated_names=(PACK,))
    assert [cause.cause for cause in verdict.root_causes] == [Cause.REPOSITORY_DAMAGED]


def test_a_mirror_of_the_repository_is_told_where_its_own_object_is_sound() -> None:
    facts = corpus.facts(NAME)
    (bucket,) = facts.buckets

    def mirror(**changes: object) -> Bucket:
        (mirrored,) = (one for one in bucket.repositories if one.prefix == CLAIM)
        mirrored = msgspec.structs.replace(mirrored, prefix="moved/here", **changes)
        return msgspec.structs.replace(bucket, name="mirror", repositories=(mirrored,))

    def reason(*others: Bucket) -> str:
        return judged(scrub(PACK), *others).claim(*CLAIM.split("/")).problem.reason

    assert "mirror/moved/here" in reason(mirror())
    assert "mirror" not in reason(mirror(scrub=scrub(PACK)))
    assert "mirror" not in reason(mirror(index_generation="other"))
    assert "mirror" not in reason()


@pytest.mark.parametrize("found", [Scrub(), Scrub(corrupt_objects=0), Scrub(unread=7)])
def test_what_was_not_read_or_is_sound_accuses_nobody(found: Scrub) -> None:
    verdict = judged(found)
    assert verdict.root_causes == ()
    (link,) = (link for link in verdict.claim(*CLAIM.split("/")).links if link.link is Link.REPOSITORY)
    assert link.state is LinkState.OK
