"""Exporters that share the namespaces look at each of them once, and come to the same as one that looks at all."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.chain.judge import judge
from exporter.chain.verdict import Verdict
from exporter.facts.bucket.discovery import RepositorySearch
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.cluster.dump.files import read_files
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.layout import Owner, namespace_at
from exporter.facts.reading import Source
from exporter.settings import Settings
from exporter.sharding import Shard, parse_shard
from tests import corpus
from tests.apiserver.server import ApiServer
from tests.bucket.test_together import Listing
from tests.cluster.conftest import small_cluster

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@given(st.text(), st.integers(1, 9))
def test_every_namespace_is_in_one_shard(namespace: str, count: int) -> None:
    assert [Shard(index, count).covers(namespace) for index in range(count)].count(True) == 1


@pytest.mark.parametrize("text", ["3", "3/3", "-1/3", "0/0", "a/b", "1/2/3", " 0/1"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="shard"):
        parse_shard(text)
    with pytest.raises(ValueError, match="shard"):
        Settings.model_validate({"claims": {"shard": text}})


def shards(count: int) -> list[Settings]:
    return [Settings.model_validate({"claims": {"shard": f"{index}/{count}"}}) for index in range(count)]


def verdict_of(settings: Settings) -> Verdict:
    scenario = corpus.scenario("bad-day")
    facts = read_files([corpus.folder("bad-day")], scenario.at, settings)
    return judge(facts, settings, scenario.at)


def test_claims_and_orphans_of_all_shards_are_those_of_one_exporter() -> None:
    whole, parts = verdict_of(Settings()), [verdict_of(settings) for settings in shards(3)]

    def told(verdict: Verdict) -> set[tuple[str, str, object]]:
        return {(claim.key, claim.state, claim.problem and claim.problem.cause) for claim in verdict.claims}

    assert sum(len(part.claims) for part in parts) == len(whole.claims)
    assert set().union(*map(told, parts)) == told(whole)
    assert all(part.claims for part in parts), "a test of shards with nothing in them proves nothing"
    orphans = [(orphan.bucket, orphan.prefix) for part in parts for orphan in part.orphans]
    assert sorted(orphans) == sorted((orphan.bucket, orphan.prefix) for orphan in whole.orphans)


def test_a_shard_holds_no_claim_of_another_ones_namespaces() -> None:
    with ApiServer(small_cluster()) as server:
        held = []
        for settings in shards(2):
            reader = ClusterReader(settings, server.client())
            lists = reader.read(Source.KUBERNETES, AT).lists
            held.append({(item.namespace, item.name) for item in lists["core.claims"]})
    assert held[0]
    assert held[1]
    assert not held[0] & held[1]
    assert len(held[0] | held[1]) == 4


@pytest.mark.parametrize(
    ("layout", "path", "namespace"),
    [
        ("{namespace}/{pvc}", "shop", "shop"),
        ("{namespace}/{pvc}", "shop/cart/data", "shop"),
        ("eu/{namespace}/{pvc}", "eu", None),
        ("eu/{namespace}/{pvc}", "eu/shop", "shop"),
        ("{namespace}-{pvc}", "shop-cart", None),
        ("{pvc}", "cart", None),
        ("", "shop/cart", None),
    ],
)
def test_a_layout_tells_the_namespace_of_a_folder(layout: str, path: str, namespace: str | None) -> None:
    assert namespace_at(layout, path) == namespace


def test_repositories_of_another_shard_are_not_looked_for() -> None:
    keys = [f"{space}/claim/config" for space in ("media", "books", "shop")]
    asked: list[str] = []

    class Client(Listing):
        def list(self, prefix: str, *, token: str | None = None, delimiter: str = "", **more: str) -> object:  # type: ignore[override]
            asked.append(prefix)
            return super().list(prefix, token=token, delimiter=delimiter or "\0")

    is_left: Callable[[str], bool] = lambda prefix: prefix.startswith("books")  # noqa: E731
    RepositorySearch(Client(keys, 1000), "", {}, lambda *_, **__: None, is_left=is_left).run(  # type: ignore[arg-type, return-value]
        lambda function, items: [function(item) for item in items]
    )
    assert {"media/", "shop/"} <= set(asked)
    assert not [prefix for prefix in asked if prefix.startswith("books")]


def test_repositories_of_another_shards_claims_are_not_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    writers = [Owner(f"team-{number}", "claim", "source") for number in range(9)]
    buckets = [{"endpoint": "http://store.example", "bucket": "backups", "layout": "{namespace}/{pvc}"}]
    expected = []
    for settings in shards(2):
        reader = BucketReader(Settings.model_validate({"claims": settings.claims.model_dump(), "buckets": buckets}))
        reader.expect(writers)
        expected.append(reader.sweeps[0].expected())
    assert all(expected)
    assert not expected[0] & expected[1]
    assert expected[0] | expected[1] == {f"{writer.namespace}/claim" for writer in writers}
