"""What buckets are called: by their name, unless several stores have one of it."""

import msgspec
import pytest

from exporter.facts.bucket.model import Bucket
from exporter.facts.model import Facts
from exporter.publication.bucket_names import names_of
from exporter.publication.families import VERDICT_FAMILIES
from exporter.publication.render import render
from tests.publication.verdicts import claim, every_fact, verdict

NEAR = Bucket("backups", "https://near.example:9000")
FAR = Bucket("backups", "https://far.example")
OTHER = Bucket("archive", "https://far.example")
FOLDER = Bucket("backups", "https://far.example", prefix="home")


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ([NEAR, OTHER], ["backups", "archive"]),
        ([NEAR, FAR, OTHER], ["near.example:9000/backups", "far.example/backups", "archive"]),
        ([FAR, FOLDER], ["far.example/backups", "far.example/backups/home"]),
        ([NEAR, FAR, FOLDER], ["near.example:9000/backups", "far.example/backups", "far.example/backups/home"]),
    ],
    ids=["unlike", "two-stores", "two-prefixes", "both"],
)
def test_a_bucket_has_its_own_name_and_more_only_where_that_is_shared(
    buckets: list[Bucket], expected: list[str]
) -> None:
    names = names_of(buckets)
    assert [names[bucket.identity] for bucket in buckets] == expected


def test_two_stores_with_one_bucket_name_have_their_own_series() -> None:
    (bucket,) = every_fact().buckets
    other = msgspec.structs.replace(bucket, endpoint="https://far.example", capacity_bytes=1)
    rendered = render(verdict(claim(), facts=Facts(buckets=(bucket, other))))
    assert rendered.duplicates == 0
    of_buckets = [f for f in VERDICT_FAMILIES if "bucket" in f.labels and f.name != "volsync_repository_suspect"]
    assert len(of_buckets) > 10
    shown = verdict(claim(), facts=Facts(buckets=(bucket, other)))
    for family in of_buckets:
        position = family.labels.index("bucket")
        found = {labels[position] for labels, _ in family.samples(shown)}
        assert found == {"192.168.10.133:30292/volsync-backup", "far.example/volsync-backup"}, family.name
