"""Files in place of a cluster: what kubectl prints, what people write, and what is said of what neither would."""

import contextlib
import io
import json
import re
import sys
import types
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.facts.bucket.model import Bucket
from exporter.facts.cluster.dump.contents import MANIFEST
from exporter.facts.cluster.dump.files import read_dump, read_files
from exporter.facts.cluster.dump.refusal import FileError
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import Facts
from exporter.facts.reading import Reading, Reason, Source
from exporter.settings import Settings
from tests.apiserver.server import ApiServer, load
from tests.cluster.conftest import AT, MOVER, Json, MakeReader, obj, small_cluster
from tests.corpus import folder

ALWAYS = {
    "core.claims", "core.volumes", "core.pods", "core.jobs", "core.mount_events", "core.attachments",
    "core.job_events", "core.claim_events", "core.nodes", "core.storage_classes",
    "snapshots.snapshots", "volsync.destinations",
}  # fmt: skip
KYVERNO = {kind.field for kind in KINDS if kind.field.startswith("kyverno.")}
LONGHORN = {"longhorn.volumes", "longhorn.settings"}
EXTERNAL_SECRETS = {"external_secrets.cluster_external_secrets", "external_secrets.external_secrets"}


def write(folder: Path, name: str, content: str | list[Any]) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump_all(content))
    return path


def names(listing: ObjectList[Any]) -> list[str]:
    return sorted(item.name for item in listing)


def read_fields(facts: Facts) -> set[str]:
    return {field for field in (kind.field for kind in KINDS) if facts.cluster.list_of(field).reading is Reading.READ}


def shape(facts: Facts) -> dict[str, set[str]]:
    """The objects of every list, without their order."""
    return {field: set(map(repr, facts.cluster.list_of(field))) for field in (kind.field for kind in KINDS)}


# --- the same cluster in every dress ----------------------------------------------------------------------------


def typed_lists(objects: list[Json]) -> list[Json]:
    """As `kubectl get --raw` gives them: the kind stands on the list alone."""
    kinds = {(one["apiVersion"], one["kind"]) for one in objects}
    return [
        {
            "apiVersion": version,
            "kind": f"{kind}List",
            "metadata": {},
            "items": [
                {key: value for key, value in one.items() if key not in ("kind", "apiVersion")}
                for one in objects
                if (one["apiVersion"], one["kind"]) == (version, kind)
            ],
        }
        for version, kind in sorted(kinds)
    ]


def generic_list(objects: list[Json]) -> Json:
    return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": objects}


DRESSES = {
    "yaml documents": lambda objects: ("a.yaml", yaml.safe_dump_all(objects)),
    "a yaml List": lambda objects: ("a.yaml", yaml.safe_dump(generic_list(objects))),
    "typed yaml lists": lambda objects: ("a.yml", yaml.safe_dump_all(typed_lists(objects))),
    "a json List": lambda objects: ("a.json", json.dumps(generic_list(objects), indent=4)),
    "typed json lists, one after the other": lambda objects: (
        "a.json",
        "\n".join(json.dumps(one, indent=2) for one in typed_lists(objects)),
    ),
    "json objects on lines": lambda objects: ("a.json", "\n".join(map(json.dumps, objects))),
    "a json array": lambda objects: ("a.json", json.dumps(objects)),
    "lists in a List": lambda objects: ("a.json", json.dumps(generic_list([generic_list(objects)]))),
}


@pytest.mark.parametrize("dress", DRESSES)
def test_the_same_objects_in_any_dress_are_the_same_facts(tmp_path: Path, at: datetime, dress: str) -> None:
    objects = small_cluster()
    plain = tmp_path / "plain"
    for number, one in enumerate(objects):
        write(plain, f"{number % 3}/{number}.yaml", [one])
    name, content = DRESSES[dress](objects)
    facts = read_files([write(tmp_path, name, content)], at)
    assert shape(facts) == shape(read_files([plain], at))
    assert len(facts.cluster.core.claims.items) == 4
    assert read_fields(facts) == {kind.field for kind in KINDS}


def test_what_the_api_would_not_send_is_left_out(
    server: ApiServer, reader_of: MakeReader, tmp_path: Path, at: datetime
) -> None:
    """The file reader and the API reader make the same facts of the same objects."""
    dumped = read_files([write(tmp_path, "all.yaml", small_cluster())], at)
    reader = reader_of(server, secrets="metadata")
    for source in Source:
        if source.is_of_cluster:
            for field, listing in reader.read(source, at).lists.items():
                assert set(map(repr, listing)) == set(map(repr, dumped.cluster.list_of(field)))


@pytest.mark.parametrize("scenario", ["bad-day", "healthy-several-sources", "healthy-old-versions"])
def test_a_scenario_is_the_same_from_files_and_from_a_server(
    scenario: str, reader_of: MakeReader, at: datetime
) -> None:
    dumped = read_files([folder(scenario)], at)
    with ApiServer([one for one in load(folder(scenario)) if "metadata" in one]) as server:
        reader = reader_of(server, secrets="metadata", page_size=2)
        served = {
            field: set(map(repr, listing))
            for source in Source
            if source.is_of_cluster
            for field, listing in reader.read(source, at).lists.items()
        }
    assert served == shape(dumped)


def test_utf16_of_powershell_and_a_byte_order_mark_are_read(tmp_path: Path, at: datetime) -> None:
    text = yaml.safe_dump_all(small_cluster())
    for encoding in ("utf-16", "utf-8-sig"):
        path = tmp_path / f"{encoding}.yaml"
        path.write_bytes(text.encode(encoding))
        assert len(read_files([path], at).cluster.core.claims.items) == 4


def test_yaml_in_flow_style_is_no_broken_json(tmp_path: Path) -> None:
    flow = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop}}\n"
    path = write(tmp_path, "claim.yaml", flow)

    assert names(read_files([path], AT).cluster.core.claims) == ["data"]


def test_the_input_is_a_file_too(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    text = yaml.safe_dump_all(small_cluster()).encode()
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(text)))
    assert len(read_files(["-"], at).cluster.core.claims.items) == 4


def test_files_and_folders_add_up(tmp_path: Path, at: datetime) -> None:
    objects = small_cluster()
    folder = tmp_path / "dumps"
    write(folder, "deep/er/a.yaml", objects[:10])
    write(folder, "b.yml", objects[10:20])
    write(folder, "notes.txt", "not: read")
    write(folder, "expected.json", '{"claims": [{"state": "protected"}]}')
    rest = write(tmp_path, "rest.json", json.dumps(generic_list(objects[20:])))
    assert shape(read_files([folder, rest], at)) == shape(read_files([write(tmp_path, "all.yaml", objects)], at))


def test_everything_is_dated_with_the_clock_that_was_given(tmp_path: Path, at: datetime) -> None:
    facts = read_files([write(tmp_path, "a.yaml", small_cluster())], at)
    assert facts.cluster.core.claims.read_at == at
    assert {report.last_success for report in facts.sources} == {at}


# --- YAML as the API's JSON would have it -----------------------------------------------------------------------


def test_scalars_are_what_the_api_holds(tmp_path: Path, at: datetime) -> None:
    text = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: films
  namespace: media
  creationTimestamp: 2026-01-01T00:00:00Z
  labels: {backup: yes, a: no, b: on, c: off, d: true, e: 1.10, f: 0x10, g: 012, h: 1:30, i: 2026-01-01, j: ~x}
  annotations:
    volsync-exporter.io/exempt: true
    volsync-exporter.io/exempt-until: 2026-05-01
    volsync-exporter.io/objective: 3
---
apiVersion: volsync.backube/v1alpha1
kind: ReplicationSource
metadata: {name: films, namespace: media}
spec:
  sourcePVC: films
  paused: false
  trigger: {schedule: "0 * * * *", manual: 2026-01-01}
  restic: {pruneIntervalDays: 7, repository: off}
---
apiVersion: longhorn.io/v1beta2
kind: Setting
metadata: {name: a, namespace: longhorn-system}
value: "3"
"""
    facts = read_files([write(tmp_path, "a.yaml", text)], at)
    (claim,) = facts.cluster.core.claims
    assert claim.metadata.labels == {
        "backup": "yes", "a": "no", "b": "on", "c": "off", "d": "true", "e": "1.10", "f": "0x10", "g": "012",
        "h": "1:30", "i": "2026-01-01", "j": "~x",
    }  # fmt: skip
    assert (claim.metadata.annotations.exempt, claim.metadata.annotations.objective) == ("true", "3")
    assert claim.metadata.annotations.exempt_until == "2026-05-01"
    (source,) = facts.cluster.volsync.sources
    assert (source.spec.paused, source.spec.restic.prune_interval_days) == (False, 7)
    assert (source.spec.trigger.manual, source.spec.restic.repository) == ("2026-01-01", "off")
    assert [setting.value for setting in facts.cluster.longhorn.settings] == ["3"]


def test_anchors_and_merges_are_followed(tmp_path: Path, at: datetime) -> None:
    text = """
kind: List
apiVersion: v1
items:
- &one
  apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: {name: films, namespace: media, labels: &labels {backup: yes, tier: 1}}
- <<: *one
  metadata: {name: music, namespace: media, labels: {<<: *labels, tier: 2}}
"""
    facts = read_files([write(tmp_path, "a.yaml", text)], at)
    assert {claim.name: claim.metadata.labels for claim in facts.cluster.core.claims} == {
        "films": {"backup": "yes", "tier": "1"},
        "music": {"backup": "yes", "tier": "2"},
    }


def test_a_bomb_of_aliases_is_not_blown_up(tmp_path: Path, at: datetime) -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))
    text = f"kind: PersistentVolumeClaim\napiVersion: v1\nmetadata: {{name: films}}\na0: &a0 [x]\n{levels}\n"
    with pytest.raises(FileError, match="aliases multiply"):
        read_files([write(tmp_path, "a.yaml", text)], at)


def test_of_an_object_that_comes_twice_the_last_one_counts(tmp_path: Path, at: datetime) -> None:
    def claim(volume: str) -> Json:
        return obj("v1", "PersistentVolumeClaim", "films", "media", spec={"volumeName": volume})

    first, second = write(tmp_path, "1.yaml", [claim("old")]), write(tmp_path, "2.yaml", [claim("new")])
    assert [one.spec.volume_name for one in read_files([first, second], at).cluster.core.claims] == ["new"]
    assert [one.spec.volume_name for one in read_files([second, first], at).cluster.core.claims] == ["old"]


def test_a_malformed_object_costs_itself_alone(tmp_path: Path, at: datetime) -> None:
    wrong = obj(
        "volsync.backube/v1alpha1", "ReplicationSource", "odd", "media", spec={"sourcePVC": "films", "paused": 3}
    )
    facts = read_files([write(tmp_path, "a.yaml", [*small_cluster(), wrong, {**wrong, "metadata": 1}])], at)
    assert len(facts.cluster.volsync.sources.items) == 4
    odd, nameless = facts.cluster.volsync.sources.malformed
    assert (odd.name, odd.claim) == ("odd", "films")
    assert (nameless.name, nameless.claim) == ("", "films")
    report = next(one for one in facts.sources if one.source is Source.VOLSYNC)
    assert report.up
    assert report.errors == {Reason.MALFORMED_OBJECT: 2}


# --- selectors --------------------------------------------------------------------------------------------------


def test_hand_cut_movers_are_known_by_their_owner(tmp_path: Path, at: datetime) -> None:
    def owned(kind: str, by: str, name: str) -> Json:
        return obj(
            "batch/v1" if kind == "Job" else "v1",
            kind,
            name,
            "media",
            metadata={"ownerReferences": [{"kind": by, "name": "x"}]},
        )

    objects = [
        owned("Job", "ReplicationSource", "a"), owned("Job", "ReplicationDestination", "b"), owned("Pod", "Job", "c"),
        owned("Job", "CronJob", "d"), owned("Pod", "ReplicaSet", "e"), obj("v1", "Pod", "f", "media"),
        obj("v1", "Pod", "g", "media", metadata=MOVER),
    ]  # fmt: skip
    cluster = read_files([write(tmp_path, "a.yaml", objects)], at).cluster
    assert names(cluster.core.jobs) == ["a", "b"]
    assert names(cluster.core.pods) == ["c", "g"]


def test_events_are_sorted_by_reason_wherever_they_were(tmp_path: Path, at: datetime) -> None:
    objects = [
        obj("events.k8s.io/v1", "Event", "p", "anywhere", reason="PolicyError", note="n"),
        obj("v1", "Event", "m", "media", reason="FailedMount"),
        obj("v1", "Event", "x", "media", reason="Pulled"),
    ]
    cluster = read_files([write(tmp_path, "a.yaml", objects)], at).cluster
    assert (names(cluster.kyverno.events), names(cluster.core.mount_events)) == (["p"], ["m"])


def test_where_operators_live_does_not_matter_in_a_dump(tmp_path: Path, at: datetime) -> None:
    objects = [
        obj("longhorn.io/v1beta2", "Volume", "v", "storage"),
        obj("kyverno.io/v2", "UpdateRequest", "u", "policy"),
    ]
    cluster = read_files([write(tmp_path, "a.yaml", objects)], at).cluster
    assert (names(cluster.longhorn.volumes), names(cluster.kyverno.update_requests)) == (["v"], ["u"])


@pytest.mark.parametrize("odd", [[], {}, 3, True, None, [{}], [[]]])
def test_odd_values_where_selectors_look_cost_nothing_else(tmp_path: Path, at: datetime, odd: object) -> None:
    """A list cannot be looked up in a set."""
    metadata = {"labels": odd, "ownerReferences": [{"kind": odd}, odd], "namespace": odd}
    objects = [
        obj("v1", "Event", "e", "media", reason=odd),
        obj("v1", "Pod", "p", metadata=metadata),
        obj("v1", "PersistentVolumeClaim", "c", metadata=metadata),
        {"apiVersion": odd, "kind": odd},
        {"apiVersion": "v1", "kind": "CustomResourceDefinition", "spec": {"group": odd, "names": {"kind": odd}}},
        {"apiVersion": "v1", "kind": "CustomResourceDefinition", "spec": odd},
    ]
    facts = read_files([write(tmp_path, "a.yaml", [FILM, *objects])], at)
    assert "films" in names(facts.cluster.core.claims)


def test_the_settings_namespaces_hold_for_files(tmp_path: Path, at: datetime) -> None:
    file = write(tmp_path, "a.yaml", small_cluster())
    some = Settings.model_validate({"claims": {"namespaces": "media,books", "exclude_namespaces": "books"}})
    cluster = read_files([file], at, some).cluster
    assert {claim.namespace for claim in cluster.core.claims} == {"media"}
    assert names(cluster.core.namespaces) == ["media"]
    assert names(cluster.core.volumes) == ["pv-films"]
    without = Settings.model_validate({"sources": "kubernetes,volsync"})
    assert read_files([file], at, without).cluster.kyverno.cluster_policies.reading is Reading.NOT_SERVED


# --- what a dump tells of what is not in it ---------------------------------------------------------------------

FILM = obj("v1", "PersistentVolumeClaim", "films", "media")


@pytest.mark.parametrize(
    ("more", "beside"),
    [
        ([], set()),
        ([obj("v1", "Namespace", "media")], {"core.namespaces"}),
        ([obj("v1", "Secret", "s", "media")], {"core.secrets"}),
        ([{"apiVersion": "v1", "kind": "NamespaceList", "items": []}], {"core.namespaces"}),
        ([{"apiVersion": "v1", "kind": "SecretList", "items": None}], {"core.secrets"}),
        ([obj("longhorn.io/v1beta2", "Node", "n", "longhorn-system")], LONGHORN),
        ([{"apiVersion": "longhorn.io/v1beta2", "kind": "VolumeList", "items": []}], LONGHORN),
        ([obj("kyverno.io/v1", "Policy", "p", "media")], KYVERNO),
        ([obj("policies.kyverno.io/v1", "ValidatingPolicy", "p")], KYVERNO),
        (
            [obj("external-secrets.io/v1", "SecretStore", "s", "media")],
            {*EXTERNAL_SECRETS, "external_secrets.secret_stores"},
        ),
        ([obj("v1", "Event", "e", "default", reason="Pulled")], {"kyverno.events"}),
        ([obj("apps/v1", "Deployment", "d", "media"), {"neither": "kind", "nor": "version"}], set()),
        (
            [
                obj(
                    "apiextensions.k8s.io/v1",
                    "CustomResourceDefinition",
                    "volumes.longhorn.io",
                    spec={"group": "longhorn.io", "names": {"kind": "Volume", "plural": "volumes"}},
                )
            ],
            {"longhorn.volumes"},
        ),
    ],
)
def test_which_lists_count_as_read(tmp_path: Path, at: datetime, more: list[Json], beside: set[str]) -> None:
    facts = read_files([write(tmp_path, "a.yaml", [FILM, *more])], at)
    assert read_fields(facts) == ALWAYS | beside


SOURCE = {
    **obj("volsync.backube/v1alpha1", "ReplicationSource", "films", "media"),
    "spec": {"sourcePVC": "films", "restic": {"copyMethod": "Snapshot"}},
}
RUNNING = {**SOURCE, "status": {"lastSyncStartTime": "2026-01-18T12:00:00Z"}}
_GONE = {"type": "Synchronizing", "status": "False", "message": 'PersistentVolumeClaim "films" not found'}
LOST = {**SOURCE, "status": {"conditions": [_GONE]}}
BOUND = {**FILM, "spec": {"volumeName": "pv-1"}}
LONGHORNS = {
    **obj("v1", "PersistentVolume", "pv-1"),
    "spec": {"csi": {"driver": "driver.longhorn.io", "volumeHandle": "v"}},
}


@pytest.mark.parametrize(
    ("objects", "unread"),
    [
        ([FILM, SOURCE], set()),
        ([SOURCE], {"core.claims"}),
        ([LOST], set()),
        ([FILM], {"volsync.sources"}),
        ([BOUND, SOURCE], {"core.volumes"}),
        ([FILM, RUNNING], {"core.jobs", "core.pods", "core.mount_events", "core.attachments", "snapshots.snapshots"}),
        ([BOUND, SOURCE, LONGHORNS], LONGHORN),
    ],
)
def test_what_must_be_there_and_is_not_in_the_dump_is_unknown(
    tmp_path: Path, objects: list[Json], unread: set[str]
) -> None:
    facts = read_files([write(tmp_path, "a.yaml", objects)], AT)
    readings = {kind.field: facts.cluster.list_of(kind.field).reading for kind in KINDS}
    assert {field for field, reading in readings.items() if reading is Reading.UNREADABLE} == unread


def test_a_dump_that_says_what_it_holds_is_believed(tmp_path: Path) -> None:
    kinds = {
        "core.claims": {"reading": "read"},
        "core.jobs": {"reading": "unreadable", "reason": "forbidden", "detail": "403 jobs is forbidden"},
        "longhorn.volumes": {"reading": "not_served"},
    }
    manifest = {"volsyncExporterDump": 1, "version": "0.1.0", "at": "2026-01-18T14:00:00Z", "kinds": kinds}
    write(tmp_path, MANIFEST, json.dumps(manifest))
    write(tmp_path, "claims.yaml", [FILM])
    dump = read_dump([tmp_path])
    cluster = dump.facts.cluster
    assert cluster.core.claims.read_at == datetime(2026, 1, 18, 14, tzinfo=UTC)
    assert (cluster.core.jobs.reason, cluster.core.jobs.detail) == (Reason.FORBIDDEN, "403 jobs is forbidden")
    assert cluster.longhorn.volumes.reading is Reading.NOT_SERVED
    assert cluster.core.pods.detail == "pods: it is not in the dump"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("clusterpolicies.yaml", "kyverno.cluster_policies"),
        ("clusterpolicy.yaml", "kyverno.cluster_policies"),
        ("ClusterPolicy.yaml", "kyverno.cluster_policies"),
        ("volumes.longhorn.io.yaml", "longhorn.volumes"),
        ("namespaces.json", "core.namespaces"),
        ("secrets.json", "core.secrets"),
    ],
)
def test_an_empty_list_tells_by_its_files_name_what_there_is_none_of(
    tmp_path: Path, at: datetime, name: str, field: str
) -> None:
    """`kubectl get clusterpolicies -o yaml > clusterpolicies.yaml` names no kind when there are none."""
    empty = {"apiVersion": "v1", "kind": "List", "items": [], "metadata": {"resourceVersion": ""}}
    text = json.dumps(empty) if name.endswith("json") else yaml.safe_dump(empty)
    facts = read_files([write(tmp_path, name, text)], at)
    assert read_fields(facts) == (ALWAYS - {"core.claims"}) | {field}
    assert names(facts.cluster.list_of(field)) == []


def test_reports_say_which_sources_the_files_tell_of(tmp_path: Path, at: datetime) -> None:
    file = write(tmp_path, "a.yaml", [FILM, obj("longhorn.io/v1beta2", "Volume", "v", "longhorn-system")])
    readings = {report.source: report.reading for report in read_files([file], at).sources}
    assert set(readings) == set(Source)
    read = {source for source, reading in readings.items() if reading is Reading.READ}
    assert read == {Source.KUBERNETES, Source.LONGHORN}
    assert readings[Source.VOLSYNC] is Reading.UNREADABLE


# --- buckets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listing",
    [
        {},
        {"Contents": [{"Key": "media/films/config", "Size": 155}]},
        {"KeyCount": 0, "Name": "backup", "Prefix": "", "IsTruncated": False, "MaxKeys": 1000},
        {"RequestCharged": None, "Prefix": ""},
    ],
)
def test_a_bucket_listing_is_handed_on(
    tmp_path: Path, at: datetime, monkeypatch: pytest.MonkeyPatch, listing: Json
) -> None:
    handed = []

    def read_listing(documents: list[tuple[str, Json]], settings: Settings, moment: datetime) -> tuple[Bucket, ...]:
        handed.extend(documents)
        return (Bucket("backup", reading=Reading.READ, read_at=moment),)

    monkeypatch.setitem(sys.modules, "exporter.facts.bucket.offline", types.SimpleNamespace(read_listing=read_listing))
    file = write(tmp_path, "backup.json", json.dumps(listing))
    claims = write(tmp_path, "claims.yaml", [FILM])
    facts = read_files([claims, file], at)
    assert handed == [(str(file), listing)]
    assert [bucket.name for bucket in facts.buckets] == ["backup"]
    assert next(report for report in facts.sources if report.source is Source.S3).reading is Reading.READ


def test_without_a_listing_the_bucket_does_not_apply(tmp_path: Path, at: datetime) -> None:
    facts = read_files([write(tmp_path, "a.yaml", [FILM])], at)
    assert facts.buckets == ()
    assert next(report for report in facts.sources if report.source is Source.S3).reading is Reading.NOT_SERVED


# --- what cannot be read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.yaml", "kind: Pod\nmetadata:\n  name: [x\n  other: y\n", "line 4"),
        ("a.yaml", "kind: Pod\n\tmetadata: x\n", "line 2"),
        ("a.yaml", "a: *nowhere\n", "line 1"),
        ("a.yaml", "a: !unknown x\n", "line 1"),
        ("a.yaml", "a: x\n\nb: \x01\n", "line 3"),
        ("a.yaml", "- &a [*a]\n", "multiply"),
        ("a.yaml", "- " * 100_000, "deeply"),
        ("a.yaml", "a: " + "[" * 100_000, "deeply"),
        ("a.json", '{"kind": "Pod",\n "metadata": }', "line 2"),
        ("a.json", '{"kind": "Pod"', "line 1"),
        ("a.json", '{"a": 1} trailing', "line 1"),
        ("a.json", "[" * 100_000, "deeply"),
        ("a.json", '{"kind":"List","items":[{"kind":"Pod","x":"\\ud800"}]}', "item 1 of the list"),
        ("a.yaml", 'kind: Pod\nmetadata: {name: "\\ud800"}\n', "line 2"),
        ("empty.yaml", "", "it is empty"),
        ("notes.yaml", "just: a note\n", "holds no"),
        ("text.yaml", "just text\n", "holds no"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, at: datetime, name: str, content: str, line: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(FileError, match=line) as raised:
        read_files([path], at)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_bytes_that_are_no_text_are_named_with_their_line(tmp_path: Path, at: datetime) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"kind: Pod\nname: \xff\xfa\n")
    with pytest.raises(FileError, match=r"line 2.*not UTF-8"):
        read_files([path], at)


def test_a_path_that_leads_nowhere_is_named(tmp_path: Path, at: datetime) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        read_files([tmp_path / "gone.yaml"], at)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "nothing"),
        ({"notes.txt": "kind: Pod"}, "notes.txt: its name does not end in .yaml, .yml, .json"),
        ({"claims.yaml": ""}, "claims.yaml: it is empty"),
        ({"notes.yaml": "just: a note"}, "notes.yaml: it holds no Kubernetes object"),
        ({"all.yaml": "{apiVersion: v1, kind: List, items: []}"}, "nothing"),
        ({"all.yaml": "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}"}, "nothing"),
    ],
)
def test_a_folder_of_which_nothing_can_be_used_is_refused(tmp_path: Path, files: dict[str, str], told: str) -> None:
    for name, content in files.items():
        write(tmp_path, name, content)
    with pytest.raises(FileError, match=re.escape(told)):
        read_files([tmp_path], AT)


def test_what_is_passed_over_in_a_folder_is_told(tmp_path: Path) -> None:
    write(tmp_path, "claims.yaml", [FILM])
    write(tmp_path, "pods.yaml", "")
    write(tmp_path, "jobs.txt", "kind: Job")
    assert [Path(one.path).name for one in read_dump([tmp_path], AT).skipped] == ["jobs.txt", "pods.yaml"]


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None, max_examples=100)
@given(
    bodies=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "apiVersion": st.sampled_from(["v1", "volsync.backube/v1alpha1", "longhorn.io/v1beta2"]) | JSONISH,
                "kind": st.sampled_from(["PersistentVolumeClaim", "List", "PodList", "Secret", "Volume", "Event"])
                | JSONISH,
                "metadata": st.fixed_dictionaries({}, optional={"name": JSONISH, "labels": JSONISH}) | JSONISH,
                "spec": JSONISH,
                "status": JSONISH,
                "items": JSONISH,
                "reason": JSONISH,
            },
        ),
        max_size=4,
    ),
)
def test_any_documents_make_facts_or_a_clear_refusal(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[Json]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    write(folder, "a.yaml", yaml.safe_dump_all(bodies, allow_unicode=True))
    write(folder, "b.json", json.dumps(bodies))
    with contextlib.suppress(FileError):
        assert isinstance(read_files([folder], AT), Facts)
