"""Whatever the server sends, a read ends, and what is kept of it has a bound."""

import json
from datetime import datetime

import pytest
from msgspec import inspect

from exporter.facts.cluster.decode import decode_page
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.server import discovery, lists, transport
from exporter.facts.reading import Reading, Reason, Source
from tests.apiserver import faults
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import Json, MakeReader, obj

REDUCED = {"Addresses.restic", "TemplateFrom.restic"}
"""Strings that the decoder takes as they come, and that are cut down at once."""
CHECKED = {"ClaimMetadata.labels", "NamespaceMetadata.labels", "PlaceMetadata.labels"}
"""Of these the keys' length is looked after once the object is there."""


def source(name: str, **spec: object) -> Json:
    rest = {"trigger": {"schedule": "0 * * * *"}, "restic": {"repository": "r"}}
    return obj(
        "volsync.backube/v1alpha1", "ReplicationSource", name, "media", spec={"sourcePVC": "films", **rest, **spec}
    )


def sources_of(server: ApiServer, make: MakeReader, at: datetime) -> ObjectList:  # type: ignore[type-arg]
    return make(server, timeout=5).read(Source.VOLSYNC, at).lists["volsync.sources"]


def test_pages_that_are_too_long_are_asked_for_in_smaller_ones(
    reader_of: MakeReader, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 100_000)
    bulk = {"annotations": {"bulk": "z" * 30_000}}
    with ApiServer(
        [{**source(f"s{i}"), "metadata": {**source(f"s{i}")["metadata"], **bulk}} for i in range(9)]
    ) as server:
        listing = sources_of(server, reader_of, at)
        sizes = [int(one.query["limit"]) for one in server.asked("replicationsources")]
    assert listing.reading is Reading.READ
    assert len(listing.items) == 9
    assert sizes[0] == 500
    assert sizes[-1] in (2, 3)


def test_pages_grow_again_once_their_objects_are_small(
    reader_of: MakeReader, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 100_000)
    big = source("big")
    big["metadata"]["annotations"] = {"bulk": "z" * 90_000}
    with ApiServer([big, *(source(f"small-{i}") for i in range(60))]) as server:
        reader = reader_of(server, page_size=40)
        assert reader.read(Source.VOLSYNC, at).report.up
        server.remove("replicationsources", "big", "media", "volsync.backube")
        for _ in range(4):
            server.pass_time()
            server.compact()
            assert reader.read(Source.VOLSYNC, at).report.up
        sizes = [int(one.query["limit"]) for one in server.asked("replicationsources") if one.verb == "list"]
    assert min(sizes) < 40
    assert sizes[-1] == 40


def test_an_answer_that_is_too_long_for_one_object_costs_its_list(
    reader_of: MakeReader, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 10_000)
    big = source("big")
    big["metadata"]["annotations"] = {"bulk": "z" * 90_000}
    with ApiServer([big]) as server:
        read = reader_of(server, timeout=5).read(Source.VOLSYNC, at)
    assert read.lists["volsync.sources"].reason is Reason.TOO_LARGE
    assert read.lists["volsync.destinations"].reading is Reading.READ


def test_a_list_without_end_ends(
    server: ApiServer, reader_of: MakeReader, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_MOST_PAGES", 20)
    server.fail("replicationsources", faults.endless("ReplicationSourceList"))
    listing = sources_of(server, reader_of, at)
    assert (listing.reading, listing.reason) == (Reading.UNREADABLE, Reason.ENDLESS_LISTING)


def test_more_objects_than_can_be_kept_are_not_kept(
    reader_of: MakeReader, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_OBJECTS", 5)
    with ApiServer([source(f"s{i}") for i in range(9)]) as server:
        listing = reader_of(server, page_size=3).read(Source.VOLSYNC, at).lists["volsync.sources"]
    assert (listing.reason, listing.items) == (Reason.TOO_LARGE, ())


def test_a_name_that_kubernetes_would_not_admit_costs_its_own_object(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer([source("good"), source("bad", sourcePVC="x" * 1_000_000)]) as server:
        listing = sources_of(server, reader_of, at)
    assert [item.name for item in listing.items] == ["good"]
    (bad,) = listing.malformed
    assert (bad.name, len(bad.claim or "")) == ("bad", 254)
    assert bad.error == "Expected `str` of length <= 253 - at `$.spec.sourcePVC`"


def test_a_long_text_keeps_its_ends(reader_of: MakeReader, at: datetime) -> None:
    long = source("long")
    log = f"begin {'x' * 1_000_000} end"
    long["status"] = {"latestMoverStatus": {"result": "Failed", "logs": log}, "lastSyncTime": "2026-02-28T00:00:00Z"}
    with ApiServer([long]) as server:
        (kept,) = sources_of(server, reader_of, at).items
    logs = kept.status.latest_mover_status.logs
    assert logs.startswith("begin x")
    assert logs.endswith("x end")
    assert len(logs) <= 4096
    assert kept.status.last_sync_time is not None


def test_every_string_and_list_that_is_kept_has_a_greatest_length() -> None:  # noqa: C901 - a branch for each type
    unbounded: set[str] = set()
    free: set[str] = set()
    seen: set[type] = set()

    def look_at(kept: inspect.Type, where: str) -> None:  # noqa: C901
        match kept:
            case inspect.StrType(max_length=None):
                unbounded.add(where)
            case inspect.AnyType():
                free.add(where)
            case inspect.StructType() if kept.cls not in seen:
                seen.add(kept.cls)
                for field in kept.fields:
                    look_at(field.type, f"{kept.cls.__name__}.{field.name}")
            case inspect.UnionType():
                for one in kept.types:
                    look_at(one, where)
            case inspect.VarTupleType():
                if kept.max_length is None:
                    unbounded.add(where)
                look_at(kept.item_type, where)
            case inspect.DictType():
                if kept.max_length is None:
                    unbounded.add(where)
                look_at(kept.key_type, where)
                look_at(kept.value_type, where)

    for kind in KINDS:
        look_at(inspect.type_info(kind.struct), kind.kind)
    assert unbounded == REDUCED | CHECKED
    # What Kyverno's policies say and generate may be anything: of these the object as a whole has a bound.
    assert {where.rpartition(".")[2] for where in free} == {
        "cel_preconditions", "conditions", "context", "data", "generate", "preconditions", "subjects", "variables",
    }  # fmt: skip


def policy(name: str, data: object, **more: object) -> Json:
    generate = {"kind": "ReplicationSource", "name": "x", "data": data}
    rules = [{"name": "r", "generate": generate, **more}]
    return obj("kyverno.io/v1", "Policy", name, "media", spec={"rules": rules})


def policies_of(server: ApiServer, make: MakeReader, at: datetime) -> ObjectList:  # type: ignore[type-arg]
    return make(server, timeout=10).read(Source.KYVERNO, at).lists["kyverno.policies"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("[" + "[]," * 30_000 + "1]", "it has more than 20,000 parts"),
        ("[" * 5000 + "]" * 5000, "it is nested too deeply"),
    ],
    ids=["many parts", "deep"],
)
def test_a_policy_that_is_too_large_to_keep_costs_itself(data: str, told: str) -> None:
    items = [json.dumps(policy(name, "DATA")).replace('"DATA"', data if name == "b" else "1") for name in "abc"]
    (kind,) = (kind for kind in KINDS if kind.field == "kyverno.policies")
    page = decode_page(kind, f'{{"kind": "PolicyList", "items": [{", ".join(items)}]}}'.encode())
    assert [one.name for one in page.items] == ["a", "c"]
    assert [(bad.namespace, bad.name, bad.error) for bad in page.malformed] == [("media", "b", told)]


def test_a_policy_keeps_no_long_text_whole(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer([policy("a", {"deep": ["begin " + "x" * 1_000_000 + " end"]})]) as server:
        (kept,) = policies_of(server, reader_of, at).items
    (text,) = kept.spec.rules[0].generate.data["deep"]
    assert len(text) <= 4096
    assert (text[:6], text[-4:]) == ("begin ", " end")


def test_a_list_within_an_object_that_is_too_long_costs_that_object(reader_of: MakeReader, at: datetime) -> None:
    bad = source("bad")
    bad["status"] = {"conditions": [{"type": "t", "status": "s"}] * 1001}
    with ApiServer([bad, source("good")]) as server:
        listing = sources_of(server, reader_of, at)
    assert [item.name for item in listing.items] == ["good"]
    assert (listing.malformed[0].name, listing.malformed[0].claim) == ("bad", "films")
    assert "of length <= 1000 - at `$.status.conditions`" in listing.malformed[0].error


def test_an_update_request_for_every_claim_of_a_large_cluster_is_kept(reader_of: MakeReader, at: datetime) -> None:
    trigger = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "media", "name": "films"}
    spec = {"policy": "p", "ruleContext": [{"rule": "r", "trigger": trigger}] * 10_000}
    with ApiServer([obj("kyverno.io/v2", "UpdateRequest", "ur-x", "kyverno", spec=spec)]) as server:
        (kept,) = reader_of(server).read(Source.KYVERNO, at).lists["kyverno.update_requests"].items
    assert len(kept.spec.rule_context) == 10_000


def test_a_page_that_would_take_many_times_its_bytes_is_decoded_object_by_object(
    reader_of: MakeReader, at: datetime
) -> None:
    bad = source("bad")
    bad["status"] = {"conditions": [{}] * 300_000}
    with ApiServer([bad, source("good")]) as server:
        listing = sources_of(server, reader_of, at)
        sizes = [int(one.query["limit"]) for one in server.asked("replicationsources")]
    assert [item.name for item in listing.items] == ["good"]
    assert [(one.name, one.claim, one.error) for one in listing.malformed] == [
        ("bad", "films", "it has more than 200,000 parts")
    ]
    assert sizes[-2:] == [1, 2]


def test_an_api_that_comes_back_is_seen_at_the_next_read(
    server: ApiServer, reader_of: MakeReader, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "_LOST_SECONDS", 0.0)
    reader = reader_of(server)
    assert reader.read(Source.VOLSYNC, at).report.reading is Reading.READ
    server.stop_serving("volsync.backube")
    assert reader.read(Source.VOLSYNC, at).report.reading is Reading.NOT_SERVED
    server.serve("volsync.backube")
    assert reader.read(Source.VOLSYNC, at).report.reading is Reading.READ
