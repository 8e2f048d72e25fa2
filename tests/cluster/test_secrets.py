"""No byte of a Secret survives: not in a struct, a log, an error, or a request that would fetch it."""

import gc
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter.facts.cluster.decode import convert, decode_bytes, decode_page
from exporter.facts.cluster.dump.files import read_files
from exporter.facts.cluster.dump.refusal import FileError
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import MalformedObject
from exporter.facts.reading import Reading, Reason, Source
from tests.apiserver import faults
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import Json, MakeReader, obj

VALUE = "hunter2-in-plain"
ENCODED = "aHVudGVyMi1pbi1wbGFpbg=="
SECRETS = next(kind for kind in KINDS if kind.field == "core.secrets")
TRACES = (VALUE, ENCODED, "hunter2")


def secret(name: str = "volsync-films", **metadata: Any) -> Json:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"PASSWORD": ENCODED}})}
    metadata = {"annotations": applied, "labels": {"hint": VALUE}, **metadata}
    rest = {"data": {"PASSWORD": ENCODED}, "stringData": {"PASSWORD": VALUE}}
    return obj("v1", "Secret", name, "media", metadata=metadata, **rest)


def traces(*things: Any) -> list[str]:
    """What of the value shows in the things, as text or as JSON."""
    texts = [repr(thing) for thing in things] + [msgspec.json.encode(thing, enc_hook=repr).decode() for thing in things]
    return [trace for trace in TRACES for text in texts if trace in text]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer([secret(), secret("volsync-music")]) as running:
        yield running


def test_by_default_secrets_are_not_asked_for(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    read = reader_of(server).read(Source.SECRETS, at)
    assert read.lists["core.secrets"].reading is Reading.NOT_SERVED
    assert read.report.up
    assert server.requests == []


def test_where_it_is_granted_only_metadata_is_asked_for_and_only_the_name_is_kept(
    server: ApiServer, reader_of: MakeReader, at: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    read = reader_of(server, secrets="metadata").read(Source.SECRETS, at)
    assert [found.key for found in read.lists["core.secrets"]] == [
        ("media", "volsync-films"),
        ("media", "volsync-music"),
    ]
    (asked,) = server.asked("secrets")
    assert asked.headers["accept"] == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    assert traces(read) == []
    assert not any(trace in caplog.text for trace in TRACES)


def test_a_server_that_cannot_give_metadata_alone_is_not_asked_for_more(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer([secret()], metadata_only=False) as server:
        read = reader_of(server, secrets="metadata").read(Source.SECRETS, at)
        assert [one.status for one in server.asked("secrets")] == [406]
    assert read.lists["core.secrets"].reading is Reading.UNREADABLE
    assert read.lists["core.secrets"].reason is Reason.NOT_ACCEPTABLE


def test_whole_secrets_that_come_unasked_are_refused_and_forgotten(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    body = json.dumps({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": [secret()]}).encode()
    server.fail("secrets", faults.body(body))
    read = reader_of(server, secrets="metadata").read(Source.SECRETS, at)
    assert read.lists["core.secrets"].reason is Reason.MALFORMED_ANSWER
    assert read.lists["core.secrets"].items == ()
    assert traces(read) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"ownerReferences": VALUE},
        {"creationTimestamp": VALUE},
        {"deletionTimestamp": {"when": VALUE}},
        {"ownerReferences": [{"kind": VALUE}]},
    ],
)
def test_a_malformed_secret_says_what_is_wrong_without_its_content(
    server: ApiServer, reader_of: MakeReader, at: datetime, broken: Json
) -> None:
    server.add(secret("odd", **broken))
    read = reader_of(server, secrets="metadata").read(Source.SECRETS, at)
    (odd,) = read.lists["core.secrets"].malformed
    assert (odd.namespace, odd.name) == ("media", "odd")
    assert odd.error
    assert traces(read) == []


def test_a_cut_answer_leaves_nothing_behind(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    server.fail("secrets", faults.truncated())
    read = reader_of(server, secrets="metadata").read(Source.SECRETS, at)
    assert read.lists["core.secrets"].reason is Reason.MALFORMED_ANSWER
    assert traces(read) == []


def test_decoding_a_whole_secret_keeps_its_name_alone() -> None:
    """Whatever the bytes hold: the same struct serves the API and the files."""
    page = {
        "kind": "PartialObjectMetadataList",
        "metadata": {},
        "items": [secret(), {"metadata": VALUE, "data": VALUE}],
    }
    found = decode_page(SECRETS, json.dumps(page).encode())
    assert len(found.items) == len(found.malformed) == 1
    kept = [decode_bytes(SECRETS, json.dumps(secret()).encode()), convert(SECRETS, secret())]
    assert not any(isinstance(one, MalformedObject) for one in kept)
    assert traces(found, *kept) == []


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_dump_with_secrets_tells_that_they_are_there_and_nothing_else(
    tmp_path: Path, at: datetime, suffix: str
) -> None:
    items = [secret(), secret("odd", creationTimestamp=VALUE)]
    dump = {"kind": "List", "apiVersion": "v1", "items": items}
    file = tmp_path / f"secrets.{suffix}"
    file.write_text(json.dumps(dump, indent=1) if suffix == "json" else "---\n" + json.dumps(dump, indent=1))
    facts = read_files([file], at)
    assert [found.name for found in facts.cluster.core.secrets] == ["volsync-films"]
    assert [found.name for found in facts.cluster.core.secrets.malformed] == ["odd"]
    assert traces(facts) == []
    gc.collect()
    ours = {id(item["data"]) for item in items}
    dicts = [thing for thing in gc.get_objects() if type(thing) is dict and id(thing) not in ours]
    assert not any(thing.get("PASSWORD") == ENCODED for thing in dicts)


@pytest.mark.parametrize(
    "content",
    [
        f"kind: Secret\ndata:\n  PASSWORD: '{VALUE}\n",
        f"kind: Secret\ndata: *{VALUE}\n",
        f"kind: Secret\ndata: {{PASSWORD: {VALUE}\n",
        f"kind: Secret\ndata: !{VALUE} x\n",
        f'kind: Secret\ndata: "\\q{VALUE}"\n',
        f"kind: Secret\n{VALUE}\nother: x\n",
        f"? [{VALUE}]\n: x\n",
        f'{{"kind": "Secret", "data": {{"PASSWORD": "{VALUE}"',
        f'{{"kind": "Secret", "data": {VALUE}}}',
        f'{{"kind": "List", "items": [{{"kind": "Secret", "data": "\\ud800{VALUE}", "x": {VALUE}}}]}}',
    ],
)
def test_a_broken_file_is_not_quoted(tmp_path: Path, at: datetime, content: str) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text(content)
    with pytest.raises(FileError) as raised:
        read_files([file], at)
    assert str(file) in str(raised.value)
    assert not any(trace in str(raised.value) for trace in TRACES)
    assert raised.value.__cause__ is None
