"""From bytes to structs: fast where all is well, one by one where it is not, and the same either way."""

import contextlib
import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.facts.cluster import decode
from exporter.facts.cluster.core.objects import Event, PersistentVolumeClaim
from exporter.facts.cluster.decode import MalformedPageError, convert, decode_bytes, decode_page
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.kyverno.objects import UpdateRequest
from exporter.facts.cluster.longhorn.objects import LonghornSetting, LonghornVolume
from exporter.facts.cluster.object_list import MalformedObject
from tests.cluster.conftest import Json, obj, small_cluster
from tests.tools import ROOT

BY_FIELD = {kind.field: kind for kind in KINDS}
SOURCES = BY_FIELD["volsync.sources"]


def page_of(kind: Kind, *items: object, **metadata: str) -> bytes:
    return json.dumps({"kind": f"{kind.kind}List", "metadata": metadata, "items": items}).encode()


def test_every_list_of_the_facts_has_its_kind() -> None:
    assert set(BY_FIELD) == {kind.field for kind in KINDS}


def test_objects_share_the_keys_of_their_labels() -> None:
    """A cluster has some hundred thousand labels, and hardly any keys."""
    key = "app.kubernetes.io/managed-by"
    items = [{"metadata": {"name": name, "namespace": "media", "labels": {key: "argocd"}}} for name in "ab"]
    kept = [list(one.metadata.labels) for one in decode_page(SOURCES, page_of(SOURCES, *items)).items]  # type: ignore[attr-defined]
    assert kept == [[key], [key]]
    assert kept[0][0] is kept[1][0]


def test_a_label_whose_key_is_too_long_costs_its_object() -> None:
    items = [
        {"metadata": {"name": f"s{length}", "namespace": "media", "labels": {"k" * length: ""}}}
        for length in (317, 318)
    ]
    page = decode_page(SOURCES, page_of(SOURCES, *items))
    assert [item.name for item in page.items] == ["s317"]
    assert [bad.name for bad in page.malformed] == ["s318"]
    assert "317" in page.malformed[0].error


def test_of_a_longhorn_volume_the_condition_that_tells_something_is_kept() -> None:
    conditions = [{"type": kind, "status": "False"} for kind in ("Restore", "Scheduled", "TooManySnapshots")]
    volume = {"metadata": {"name": "v", "namespace": "l"}, "status": {"conditions": conditions}}
    decoded = decode_bytes(BY_FIELD["longhorn.volumes"], json.dumps(volume).encode())
    assert isinstance(decoded, LonghornVolume)
    assert [one.type for one in decoded.status.conditions or ()] == ["Scheduled"]


@pytest.mark.parametrize("field", [field for field in BY_FIELD if field != "core.secrets"])
def test_a_page_decodes_the_same_at_once_and_one_by_one(field: str) -> None:
    kind = BY_FIELD[field]
    items = [one for one in small_cluster() if one["kind"] == kind.kind and one["apiVersion"].startswith(kind.group)]
    assert items
    at_once = decode_page(kind, page_of(kind, *items))
    one_by_one = decode_page(kind, page_of(kind, *items, {"metadata": 1}))
    assert at_once.items == one_by_one.items
    assert len(one_by_one.malformed) == 1
    assert tuple(convert(kind, item) for item in items) == at_once.items
    assert all(type(item) is kind.struct for item in at_once.items)


def test_the_continue_token_is_kept() -> None:
    assert decode_page(SOURCES, page_of(SOURCES, **{"continue": "abc"})).next == "abc"
    assert decode_page(SOURCES, page_of(SOURCES, {"metadata": 1}, **{"continue": "abc"})).next == "abc"
    assert decode_page(SOURCES, page_of(SOURCES)).next == ""


def test_a_list_whose_items_are_null_is_empty() -> None:
    assert decode_page(SOURCES, b'{"kind":"ReplicationSourceList","items":null}').items == ()


WRONG = {
    "a number for a name": {"metadata": {"name": 7, "namespace": "media"}, "spec": {"sourcePVC": "films"}},
    "no metadata": {"spec": {"sourcePVC": "films"}},
    "metadata that is a list": {"metadata": [], "spec": {"sourcePVC": "films"}},
    "a spec that is text": {"metadata": {"name": "n", "namespace": "media"}, "spec": "films"},
    "a flag that is text": {"metadata": {"name": "n"}, "spec": {"sourcePVC": "films", "paused": "yes"}},
    "a time that is none": {
        "metadata": {"name": "n", "creationTimestamp": "yesterday"},
        "spec": {"sourcePVC": "films"},
    },
    "a time without a zone": {"metadata": {"name": "n"}, "status": {"lastSyncTime": "2026-01-01T00:00:00"}},
    "a label that is a flag": {"metadata": {"name": "n", "labels": {"backup": True}}},
    "nothing": {},
    "null": None,
    "text": "films",
    "a number": 5,
    "a list": [],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_malformed_object_costs_itself_and_still_says_what_can_be_read(name: str) -> None:
    good = obj("volsync.backube/v1alpha1", "ReplicationSource", "good", "media", spec={"sourcePVC": "music"})
    wrong = WRONG[name]
    page = decode_page(SOURCES, page_of(SOURCES, good, wrong, good))
    assert [item.name for item in page.items] == ["good", "good"]
    (malformed,) = page.malformed
    assert malformed.error
    assert malformed.kind == "ReplicationSource"
    whole = wrong if isinstance(wrong, dict) else {}
    metadata, spec = (whole.get(part) if isinstance(whole.get(part), dict) else {} for part in ("metadata", "spec"))
    assert malformed.name == (metadata.get("name") if isinstance(metadata.get("name"), str) else "")
    assert malformed.namespace == metadata.get("namespace", "")
    assert malformed.claim == spec.get("sourcePVC")
    if isinstance(wrong, dict):
        assert convert(SOURCES, wrong) == malformed


@pytest.mark.parametrize(
    ("field", "wrong", "told"),
    [
        (
            "core.claims",
            {"metadata": {"name": "films", "namespace": "media", "labels": 1}},
            ("media", "films", "films"),
        ),
        (
            "core.volumes",
            {"metadata": {"name": "pv"}, "spec": {"claimRef": {"name": "films", "namespace": "media"}, "csi": 1}},
            ("media", "pv", "films"),
        ),
        (
            "snapshots.snapshots",
            {
                "metadata": {"name": "s", "namespace": "media"},
                "spec": {"source": {"persistentVolumeClaimName": "films"}},
                "status": 1,
            },
            ("media", "s", "films"),
        ),
        (
            "core.jobs",
            {"metadata": {"name": "j", "namespace": "media"}, "status": {"failed": "1"}},
            ("media", "j", None),
        ),
        ("longhorn.volumes", {"metadata": {"name": "v", "namespace": "l"}, "status": 1}, ("l", "v", None)),
    ],
)
def test_the_claim_that_a_malformed_object_is_about_is_told(
    field: str, wrong: Json, told: tuple[str, str, str | None]
) -> None:
    for found in (decode_bytes(BY_FIELD[field], json.dumps(wrong).encode()), convert(BY_FIELD[field], wrong)):
        assert isinstance(found, MalformedObject)
        assert (found.namespace, found.name, found.claim) == told


def test_text_that_is_not_utf8_costs_one_object() -> None:
    body = page_of(SOURCES, {"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}).replace(b'"b"', b'"\xff"')
    page = decode_page(SOURCES, body)
    assert [item.name for item in page.items] == ["a"]
    assert len(page.malformed) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b"<html>", b'{"kind":"ReplicationSourceList"', b'{"kind":"PodList","items":[]}',
     b'{"kind":"ReplicationSourceList","items":{}}', b'{"items":[]}', b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_such_list_is_refused_and_not_read_as_an_empty_one(body: bytes) -> None:
    with pytest.raises(MalformedPageError):
        decode_page(SOURCES, body)


def test_a_good_page_is_decoded_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "decode_bytes", None)
    good = obj("volsync.backube/v1alpha1", "ReplicationSource", "good", "media", spec={"sourcePVC": "music"})
    assert len(decode_page(SOURCES, page_of(SOURCES, good, good)).items) == 2


def test_only_what_a_verdict_rests_on_is_kept() -> None:
    lean = obj("v1", "PersistentVolumeClaim", "films", "media", spec={"volumeName": "pv"})
    lean["metadata"]["annotations"] = {}
    full = obj("v1", "PersistentVolumeClaim", "films", "media", spec={"volumeName": "pv", "volumeMode": "x" * 100})
    full["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "z" * 1000}
    full["metadata"]["managedFields"] = [{"manager": "y" * 1000}]
    kept, wanted = (decode_bytes(BY_FIELD["core.claims"], json.dumps(claim).encode()) for claim in (full, lean))
    assert kept == wanted
    assert isinstance(kept, PersistentVolumeClaim)


# --- versions in use --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["3", '{"v1":"3","v2":"3"}', "true", ""])
def test_a_longhorn_setting_is_text_whether_scalar_or_json(value: str) -> None:
    setting = decode_bytes(
        BY_FIELD["longhorn.settings"], json.dumps({"metadata": {"name": "s"}, "value": value}).encode()
    )
    assert isinstance(setting, LonghornSetting)
    assert setting.value == value


@pytest.mark.parametrize(
    "spec",
    [
        {"policy": "p", "rule": "r", "resource": {"kind": "PersistentVolumeClaim", "name": "films"}},
        {"policy": "p", "ruleContext": [{"rule": "r", "trigger": {"kind": "PersistentVolumeClaim", "name": "films"}}]},
    ],
)
def test_an_update_request_of_either_age_keeps_its_trigger(spec: Json) -> None:
    request = convert(BY_FIELD["kyverno.update_requests"], {"metadata": {"name": "ur"}, "spec": spec})
    assert isinstance(request, UpdateRequest)
    context = request.spec.rule_context
    trigger = context[0].trigger if context else request.spec.resource
    assert trigger.name == "films"


def test_an_event_of_either_api_says_what_when_and_about_whom() -> None:
    core = {"metadata": {"name": "e"}, "message": "m", "involvedObject": {"name": "o"}, "lastTimestamp": None,
            "eventTime": "2026-01-01T00:00:00.123456Z"}  # fmt: skip
    newer = {
        "metadata": {"name": "e"},
        "note": "m",
        "regarding": {"name": "o"},
        "eventTime": "2026-01-01T00:00:00.123456Z",
    }
    for body in (core, newer):
        event = convert(BY_FIELD["core.mount_events"], body)
        assert isinstance(event, Event)
        assert (event.text, event.about.name) == ("m", "o")
        assert event.at == datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)


GOOD_PAGE = page_of(
    SOURCES,
    obj("volsync.backube/v1alpha1", "ReplicationSource", "good", "media", spec={"sourcePVC": "music", "restic": {}}),
    obj(
        "volsync.backube/v1alpha1", "ReplicationSource", "two", "media", status={"lastSyncTime": "2026-01-01T00:00:00Z"}
    ),
)


@settings(deadline=None, max_examples=300)
@given(at=st.integers(0, len(GOOD_PAGE)), cut=st.integers(0, 12), put=st.binary(max_size=6))
def test_damaged_bytes_are_refused_or_cost_their_own_object(at: int, cut: int, put: bytes) -> None:
    damaged = GOOD_PAGE[:at] + put + GOOD_PAGE[at + cut :]
    with contextlib.suppress(MalformedPageError):
        page = decode_page(SOURCES, damaged)
        assert all(type(item) is SOURCES.struct for item in page.items)
        assert all(type(one) is MalformedObject for one in page.malformed)


THREADS = """
import sys, threading
from exporter.facts.cluster.decode import convert, decode_bytes, decode_page
from exporter.facts.cluster.kinds import KINDS

sys.setswitchinterval(1e-6)
begin = threading.Barrier(8)

def work(number):
    begin.wait()
    for kind in (*KINDS[number:], *KINDS[:number]):
        convert(kind, {"metadata": {"name": "a"}})
        decode_bytes(kind, b'{"metadata": {"name": "a"}}')
        decode_page(kind, b'{"kind": "%b", "items": []}' % (
            b"PartialObjectMetadataList" if kind.metadata_only else f"{kind.kind}List".encode()))

threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_kinds_that_are_decoded_for_the_first_time_by_many_threads_do_not_end_the_process() -> None:
    """Sources are read side by side, and msgspec crashes where two threads use a class first at the same moment."""
    ended = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
