"""One bad object of a dump is refused with its file, its place and the reason, and the rest of the dump is read."""

from datetime import datetime
from pathlib import Path

import pytest

from exporter.facts.cluster.dump.files import read_files
from exporter.facts.cluster.dump.refusal import FileError
from exporter.facts.cluster.object_list import ObjectList

GOOD = """apiVersion: volsync.backube/v1alpha1
kind: ReplicationSource
metadata:
  name: good
  namespace: media
spec:
  sourcePVC: films
"""
LAUGHS = "".join(f"  l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 12))
BAD = {
    "aliases that multiply": f"spec:\n  sourcePVC: music\n  l0: &l0 [x]\n{LAUGHS}",
    "an alias of itself": "spec:\n  sourcePVC: music\n  more: &a [*a]\n",
    "an unknown anchor": "spec:\n  sourcePVC: music\n  more: *nothing\n",
    "a tag that runs code": "spec:\n  sourcePVC: music\n  more: !!python/object/apply:os.system [true]\n",
    "a tag that raises": "spec:\n  sourcePVC: music\n  more: !!bool perhaps\n",
    "a number that is none": "spec:\n  sourcePVC: music\n  more: !!int ''\n",
    "a date that is none": "spec:\n  sourcePVC: music\n  more: !!timestamp 2026-13-41\n",
    "nesting without end": f"spec:\n  sourcePVC: music\n  more: {'[' * 5000}{']' * 5000}\n",
    "a flow that does not end": "spec:\n  sourcePVC: music\n  more: {a: [\n",
    "a tab": "spec:\n  sourcePVC: music\n\tmore: 1\n",
}
HEAD = """apiVersion: volsync.backube/v1alpha1
kind: ReplicationSource
metadata:
  labels: {{a: b}}
  name: bad
  namespace: media
{}"""


def sources(path: Path, at: datetime) -> ObjectList:  # type: ignore[type-arg]
    return read_files([path], at).cluster.volsync.sources


def assert_refused(found: ObjectList, path: Path) -> None:  # type: ignore[type-arg]
    assert [item.name for item in found] == ["good"]
    (bad,) = found.malformed
    assert (bad.namespace, bad.name, bad.claim) == ("media", "bad", "music")
    assert str(path) in bad.error
    assert "line" in bad.error


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_costs_itself(tmp_path: Path, at: datetime, name: str) -> None:
    path = tmp_path / "dump.yaml"
    path.write_text(f"{HEAD.format(BAD[name])}---\n{GOOD}")
    assert_refused(sources(path, at), path)


@pytest.mark.parametrize("name", sorted(BAD.keys() - {"a tab"}))
def test_a_bad_item_of_a_list_costs_itself(tmp_path: Path, at: datetime, name: str) -> None:
    path = tmp_path / "dump.yaml"
    items = "".join("- " + text.replace("\n", "\n  ").rstrip(" ") for text in (HEAD.format(BAD[name]), GOOD))
    path.write_text(f"apiVersion: v1\nitems:\n{items}kind: List\nmetadata:\n  resourceVersion: ''\n")
    assert_refused(sources(path, at), path)


def test_a_bad_item_of_a_list_in_json_costs_itself(tmp_path: Path, at: datetime) -> None:
    path = tmp_path / "dump.json"
    body = (
        '{"apiVersion":"volsync.backube/v1alpha1","kind":"ReplicationSource",'
        '"metadata":{"name":"%s","namespace":"media"},"spec":{"sourcePVC":"%s"}}'
    )
    items = ",".join((body % ("good", "films"), body % ("half", r"\ud800")))
    path.write_text(f'{{"apiVersion":"v1","kind":"List","items":[{items}]}}')
    found = sources(path, at)
    assert [item.name for item in found] == ["good"]
    (bad,) = found.malformed
    assert (bad.namespace, bad.name) == ("media", "half")
    assert bad.error.startswith(f"{path}: item 2 of the list is not valid JSON")


IN_JSON = """{"apiVersion": "volsync.backube/v1alpha1", "kind": "ReplicationSource",
    "metadata": {"name": "NAME", "namespace": "media"}, "spec": {"sourcePVC": "CLAIM", "more": MORE}}"""
GOOD_IN_JSON = IN_JSON.replace("NAME", "good").replace("CLAIM", "films").replace("MORE", "1")
WITHOUT_END = "[" * 100_000 + '"]' + "}" * 9 + '\\""' + "]" * 100_000
"""What looks like an end within a string is none."""


@pytest.mark.parametrize("more", [WITHOUT_END, '{"a":' * 50_000 + "1" + "}" * 50_000])
@pytest.mark.parametrize("form", ['{"apiVersion": "v1", "kind": "List", "items": [%s, %s]}', "[%s, %s]", "%s\n%s"])
def test_json_that_is_nested_without_end_costs_its_object(tmp_path: Path, at: datetime, form: str, more: str) -> None:
    path = tmp_path / "dump.json"
    bad = IN_JSON.replace("NAME", "bad").replace("CLAIM", "music").replace("MORE", more)
    path.write_text(form % (bad, GOOD_IN_JSON))
    found = sources(path, at)
    assert [item.name for item in found] == ["good"]
    assert [(bad.namespace, bad.name, bad.claim) for bad in found.malformed] == [("media", "bad", "music")]
    assert str(path) in found.malformed[0].error
    assert "nested too deeply" in found.malformed[0].error


def test_json_that_never_ends_is_refused_with_its_line(tmp_path: Path, at: datetime) -> None:
    path = tmp_path / "dump.json"
    path.write_text(f'{GOOD_IN_JSON}\n\n{{"a": {"[" * 100_000}')
    with pytest.raises(FileError, match="the JSON that starts in line 4 is nested too deeply"):
        read_files([path], at)


def test_a_document_of_which_nothing_is_known_refuses_its_file(tmp_path: Path, at: datetime) -> None:
    path = tmp_path / "dump.yaml"
    path.write_text(f"{GOOD}---\nwhat: [is\n")
    with pytest.raises(FileError, match=r"dump\.yaml, line"):
        read_files([path], at)


def test_a_file_without_end_is_refused(at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.facts.cluster.dump.manifests.MOST_BYTES", 1 << 20)
    with pytest.raises(FileError, match="longer than 1 MiB"):
        read_files(["/dev/zero"], at)


def test_directives_stay_with_their_document(tmp_path: Path, at: datetime) -> None:
    path = tmp_path / "dump.yaml"
    path.write_text(f"# by hand\n%YAML 1.2\n---\n{GOOD}")
    assert [item.name for item in sources(path, at)] == ["good"]
