"""What the bindings of a cluster come to: who is bound by what, what is left over, what would help."""

import msgspec

from exporter.chain.binding import Bindings, BindingSummary, summarise
from exporter.chain.binding.layouts import LayoutScore
from exporter.facts.bucket.model import Bucket, Repository
from tests.corpus import facts, scenario


def summary_of(name: str) -> BindingSummary:
    return summarise(Bindings(facts(name).cluster, facts(name).buckets))


def test_a_sound_cluster_is_bound_by_what_its_policy_says_and_nothing_is_left_over() -> None:
    summary = summary_of("sound")
    (bucket,) = summary.buckets
    assert bucket.bound == {"the expression of the policy that creates its Secret": 11}
    assert bucket.layout == LayoutScore("{namespace}/{pvc}", 11, 11)
    assert not bucket.is_set
    assert (bucket.left_over, bucket.unknown, bucket.suggestion) == ((), (), None)
    assert (summary.sources, summary.unknown, summary.elsewhere) == (11, (), {})


def test_a_layout_that_nobody_set_is_told_with_how_many_follow_it() -> None:
    (bucket,) = summary_of("repository_unbound-near-miss").buckets
    assert bucket.bound == {"a repository with its name that was written to during its last sync": 2}
    assert bucket.layout == LayoutScore("{pvc}", 2, 2)
    assert (bucket.left_over, bucket.unknown) == ((), ())


def test_what_nothing_brings_together_is_named_on_both_sides() -> None:
    summary = summary_of("repository_unbound")
    (bucket,) = summary.buckets
    assert bucket.bound == {}
    assert bucket.layout is None
    assert bucket.left_over == ("vault-17",)
    assert bucket.unknown == summary.unknown == ("karakeep/data-pvc-backup", "n8n/data-backup")
    assert bucket.suggestion is None


def with_repositories(*paths: str) -> BindingSummary:
    """The same sources, and a bucket that holds repositories at these paths, written to by nobody that is known."""
    name = "repository_unbound"
    found = tuple(Repository("volsync-backup", path, scenario(name).at, present=True) for path in paths)
    (bucket,) = facts(name).buckets
    bucket = msgspec.structs.replace(bucket, repositories=found)
    return summarise(Bindings(facts(name).cluster, (bucket,)))


def test_a_layout_by_which_names_fit_is_suggested_and_binds_nothing() -> None:
    (bucket,) = with_repositories("home/data", "home/data-pvc", "home/other").buckets
    assert bucket.bound == {}
    assert bucket.left_over == ("home/data", "home/data-pvc", "home/other")
    assert bucket.suggestion == LayoutScore("home/{pvc}", 2, 2)


def test_one_name_that_fits_among_several_is_no_layout() -> None:
    (bucket,) = with_repositories("home/data", "vault-17").buckets
    assert bucket.suggestion is None


def test_a_source_may_write_to_each_bucket_that_nothing_speaks_against() -> None:
    name = "repository_unbound"
    (bucket,) = facts(name).buckets
    summary = summarise(Bindings(facts(name).cluster, (bucket, Bucket("second", "https://far.example"))))
    assert [len(found.unknown) for found in summary.buckets] == [2, 2]


def test_without_buckets_every_source_is_unknown() -> None:
    summary = summarise(Bindings(facts("sound").cluster, ()))
    assert summary.buckets == ()
    assert len(summary.unknown) + sum(summary.elsewhere.values()) == summary.sources == 11
