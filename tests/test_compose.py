"""Scenarios by composition: what a difference makes of its base, and what is said of one that does not fit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scripts import compose
from scripts.compose import Cluster, Composition, ScenarioError, applied, listed, merged
from tests import corpus

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": "n8n"}}
BASE = Cluster({"Pod n8n/one": POD}, {}, {})


def difference(**words: Any) -> Composition:
    return Composition(about="", base="small", **words)


def test_a_merge_patch_sets_removes_and_replaces_lists() -> None:
    target = {"a": {"b": 1, "c": 2}, "list": [1, 2]}
    assert merged(target, {"a": {"b": None, "d": {"e": None, "f": 3}}, "list": [3]}) == {
        "a": {"c": 2, "d": {"f": 3}},
        "list": [3],
    }
    assert target == {"a": {"b": 1, "c": 2}, "list": [1, 2]}


def test_a_list_of_maps_is_patched_by_type_or_name() -> None:
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Gone"}]
    assert merged(conditions, {"Ready": {"status": "False"}, "Gone": None, "New": {"status": "True"}}) == [
        {"type": "Ready", "status": "False"},
        {"type": "New", "status": "True"},
    ]
    assert merged([{"name": "restic", "ready": True}], {"restic": {"ready": False}}) == [
        {"name": "restic", "ready": False}
    ]


@pytest.mark.parametrize("words", [{"change": {"Pod n8n/two": {}}}, {"remove": ["Pod n8n/t*"]}])
def test_an_object_that_is_not_there_is_refused_with_what_is(words: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=r"no 'Pod n8n/t.*' in small; there is: Pod n8n/one"):
        applied(difference(**words), BASE)


def test_an_object_that_is_there_cannot_be_added() -> None:
    with pytest.raises(ScenarioError, match="Pod n8n/one is added, and small has it already"):
        applied(difference(add=[POD]), BASE)


def test_a_claim_that_is_not_there_cannot_be_copied() -> None:
    with pytest.raises(ScenarioError, match="n8n/b cannot be a copy of n8n/a: there is Pod n8n/one"):
        applied(difference(copy={"n8n/b": "n8n/a"}), BASE)


def test_a_copy_is_as_the_claim_is_and_may_differ() -> None:
    source = "ReplicationSource karakeep/data-pvc-backup"
    copied = applied(
        difference(
            change={source: {"spec": {"paused": True}}, "Secret n8n/data-volsync-secret": {"type": "Other"}},
            copy={"n8n/data": "karakeep/data-pvc"},
            remove=["ExternalSecret n8n/*"],
        ),
        compose.compose("hourly-claim"),
    ).objects
    claim, like = copied["PersistentVolumeClaim n8n/data"], copied["PersistentVolumeClaim karakeep/data-pvc"]
    assert copied["ReplicationSource n8n/data-backup"]["spec"]["paused"]
    assert copied["Secret n8n/data-volsync-secret"]["type"] == "Other"
    assert "ExternalSecret n8n/volsync-rustfs-base" not in copied
    assert claim["metadata"]["uid"] != like["metadata"]["uid"]
    assert copied[f"PersistentVolume {claim['spec']['volumeName']}"]["spec"]["claimRef"]["namespace"] == "n8n"


def test_a_listing_has_each_object_once_in_the_order_of_keys() -> None:
    repository = {
        "config": "2026-01-05T09:12:52Z 155",
        "data/": ["2026-01-15T23:00:32Z"],
        "snapshots/": ["2026-01-15T23:00:32Z", "2026-01-15T23:00:32Z", "2026-01-16T22:00:32Z hourly 3"],
    }
    answer = listed("volsync-backup", {"n8n/data": repository, "README.txt": "2026-01-01T00:00:00Z 12"}, {"Name": None})
    keys = [item["Key"] for item in answer["Contents"]]
    assert keys == sorted(set(keys))
    assert answer["KeyCount"] == len(keys) == 8
    assert "Name" not in answer
    newest = max(answer["Contents"], key=lambda item: str(item["LastModified"]))
    assert newest["Key"].startswith("n8n/data/snapshots/")
    assert newest["LastModified"] == "2026-01-17T00:00:32+00:00"


def test_a_base_that_is_kept_whole_is_composed_as_it_stands() -> None:
    (listing,) = (compose.BASES / "bad-day").glob("*.json")
    cluster = compose.compose("bad-day")
    assert listed(listing.stem, cluster.buckets[listing.stem], {}) == json.loads(listing.read_text())


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a scenario `new` in a corpus of its own."""
    monkeypatch.setattr(compose, "SCENARIOS", tmp_path)
    monkeypatch.setattr(corpus, "SCENARIOS", tmp_path)
    return lambda text: (tmp_path / "new.yaml").write_text(text) and None


def test_an_unknown_word_is_refused(write: Callable[[str], None]) -> None:
    write('about: x\nbase: hourly-claim\nat: "2026-01-18T14:20:00Z"\nclaims: {}\nchanges: {}\n')
    with pytest.raises(msgspec.ValidationError, match=r"new\.yaml: .*changes"):
        corpus.scenario("new")


def test_a_scenario_that_does_not_fit_its_base_is_named(write: Callable[[str], None]) -> None:
    write("about: x\nbase: hourly-claim\nremove: [Job karakeep/mover]\n")
    with pytest.raises(ScenarioError, match="new: there is no 'Job karakeep/mover' in hourly-claim; there is: "):
        compose.compose("new")
    with pytest.raises(ScenarioError, match="other is neither a scenario nor a base"):
        compose.compose("other")
