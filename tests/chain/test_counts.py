"""A count in a sentence agrees with its noun."""

import msgspec
import pytest

from exporter.chain.causes import Link
from exporter.chain.judge import judge
from exporter.facts.bucket.model import Repository
from tests import corpus

NAME = "repository_damaged-near-miss-second-key"
CLAIM = "karakeep/data-pvc"


@pytest.mark.parametrize(("snapshots", "said"), [(1, "1 snapshot is in "), (2, "2 snapshots are in ")])
def test_one_snapshot_is_and_two_are(snapshots: int, said: str) -> None:
    facts = corpus.facts(NAME)

    def counted(repository: Repository) -> Repository:
        return msgspec.structs.replace(repository, snapshots=snapshots)

    (bucket,) = facts.buckets
    bucket = msgspec.structs.replace(bucket, repositories=tuple(map(counted, bucket.repositories)))
    verdict = judge(msgspec.structs.replace(facts, buckets=(bucket,)), corpus.settings(NAME), corpus.scenario(NAME).at)
    links = {link.link: link for link in verdict.claim(*CLAIM.split("/")).links}
    assert links[Link.REPOSITORY].evidence.startswith(said)
