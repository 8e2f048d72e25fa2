"""Lists through the real client: nothing lost, nothing twice, nothing that was not asked for."""

import threading
from datetime import datetime
from typing import Any

import pytest

from exporter import __version__
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.reading import Reading, Reason, Source
from tests.apiserver import faults
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import MakeReader, obj, small_cluster

CLUSTER_SOURCES = [source for source in Source if source.is_of_cluster and source is not Source.SECRETS]


def names(listing: ObjectList[Any]) -> list[str]:
    return sorted(item.name for item in listing)


@pytest.mark.parametrize("source", CLUSTER_SOURCES)
def test_each_source_reads_every_list_of_its_kinds(
    server: ApiServer, reader_of: MakeReader, at: datetime, source: Source
) -> None:
    read = reader_of(server).read(source, at)
    assert set(read.lists) == {kind.field for kind in KINDS if kind.source is source}
    for listing in read.lists.values():
        assert listing.reading is Reading.READ
        assert listing.items
        assert listing.read_at == at
    assert read.report.reading is Reading.READ
    assert read.report.last_success == at
    assert read.report.duration is not None
    assert read.report.errors == {}
    assert server.forbidden() == []


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages_of_any_size_make_the_same_list(
    server: ApiServer, reader_of: MakeReader, at: datetime, size: int
) -> None:
    read = reader_of(server, page_size=size).read(Source.KUBERNETES, at)
    claims = read.lists["core.claims"]
    assert [claim.key for claim in claims] == [
        ("books", "library"), ("kube-system", "etcd"), ("media", "films"), ("media", "music")
    ]  # fmt: skip
    assert len(server.asked("persistentvolumeclaims")) == -(-4 // size)


def test_a_server_that_gives_less_than_a_page_is_asked_for_the_rest(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer(small_cluster(), page_size=1) as server:
        read = reader_of(server).read(Source.VOLSYNC, at)
    assert len(read.lists["volsync.sources"].items) == 4


def test_a_list_that_changes_while_it_is_read_is_the_one_it_was_at_its_first_page(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    """The continue token holds the list's moment: nothing comes twice and nothing is skipped."""
    reader = reader_of(server, page_size=2)
    server.fail("persistentvolumeclaims", faults.status(503, times=1, continued=True, headers={"Retry-After": "1"}))
    result = []
    thread = threading.Thread(target=lambda: result.append(reader.read(Source.KUBERNETES, at)))
    thread.start()
    while not any(one.status == 503 for one in server.requests):
        thread.join(0.01)
    server.remove("persistentvolumeclaims", "library", "books")
    server.add(obj("v1", "PersistentVolumeClaim", "aaa", "books"))
    thread.join()
    assert names(result[0].lists["core.claims"]) == ["etcd", "films", "library", "music"]


def test_only_what_volsync_made_is_asked_of_pods_jobs_and_snapshots(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    read = reader_of(server).read(Source.KUBERNETES, at)
    assert "jellyfin" not in names(read.lists["core.pods"])
    assert len(read.lists["core.pods"].items) == 4
    for plural in ("pods", "jobs", "volumesnapshots"):
        assert [one.query["labelSelector"] for one in server.asked(plural)] == ["app.kubernetes.io/created-by=volsync"]


def test_events_are_asked_for_by_reason(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    reader = reader_of(server)
    assert names(reader.read(Source.KUBERNETES, at).lists["core.mount_events"]) == ["e1", "e2"]
    assert names(reader.read(Source.KUBERNETES, at).lists["core.claim_events"]) == ["e7"]
    assert names(reader.read(Source.KYVERNO, at).lists["kyverno.events"]) == ["e4"]


def test_of_what_could_not_be_created_only_the_pods_of_jobs_are_asked_for(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    assert names(reader_of(server).read(Source.KUBERNETES, at).lists["core.job_events"]) == ["e5"]


def test_namespaces_that_are_left_out_are_not_even_sent(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    reader = reader_of(server, claims={"exclude_namespaces": "kube-system"})
    read = reader.read(Source.KUBERNETES, at)
    assert names(read.lists["core.claims"]) == ["films", "library", "music"]
    assert names(read.lists["core.namespaces"]) == ["books", "media"]
    assert server.asked("persistentvolumeclaims")[0].query["fieldSelector"] == "metadata.namespace!=kube-system"
    assert "fieldSelector" not in server.asked("persistentvolumes")[0].query
    assert names(reader.read(Source.VOLSYNC, at).lists["volsync.sources"]) == [
        "films-backup", "library-backup", "music-backup"
    ]  # fmt: skip


def test_every_request_says_who_asks_and_brings_the_token(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    reader = reader_of(server)
    for source in CLUSTER_SOURCES:
        reader.read(source, at)
    assert {one.headers["user-agent"] for one in server.requests} == {f"volsync-exporter/{__version__}"}
    assert {one.headers["authorization"] for one in server.requests} == {"Bearer standin-token"}
    assert all("resourceVersion" not in one.query and "watch" not in one.query for one in server.requests)


def test_one_source_reads_on_one_connection_at_a_time(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    """Two readers at work share nothing but the client; each of them asks one thing after the other."""
    reader = reader_of(server, page_size=1)
    reads = []
    threads = [
        threading.Thread(target=lambda source=source: reads.append(reader.read(source, at)))
        for source in CLUSTER_SOURCES
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {read.report.reading for read in reads} == {Reading.READ}


def test_a_continue_token_that_expires_restarts_its_list_alone(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    server.fail("persistentvolumeclaims", faults.expired(times=2))
    read = reader_of(server, page_size=3).read(Source.KUBERNETES, at)
    assert names(read.lists["core.claims"]) == ["etcd", "films", "library", "music"]
    first_pages = [one for one in server.asked("persistentvolumeclaims") if "continue" not in one.query]
    assert len(first_pages) == 3
    assert len(server.asked("jobs")) == 2
    assert read.report.reading is Reading.READ


def test_a_list_that_always_expires_is_given_up(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    server.fail("persistentvolumeclaims", faults.expired(times=None))
    read = reader_of(server, page_size=3).read(Source.KUBERNETES, at)
    assert read.lists["core.claims"].reading is Reading.UNREADABLE
    assert read.lists["core.claims"].reason is Reason.EXPIRED
    assert len(server.asked("persistentvolumeclaims")) == 8


def test_tokens_that_expire_on_the_server_are_survived(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    reader = reader_of(server, page_size=3)
    fault = faults.status(503, times=1, continued=True, headers={"Retry-After": "1"})
    server.fail("replicationsources", fault)
    result = []
    thread = threading.Thread(target=lambda: result.append(reader.read(Source.VOLSYNC, at)))
    thread.start()
    while not fault.struck:
        thread.join(0.01)
    server.expire_tokens()
    thread.join()
    assert len(result[0].lists["volsync.sources"].items) == 4


def test_a_server_that_repeats_a_token_does_not_hold_the_reader_for_ever(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    endless = b'{"kind":"PersistentVolumeClaimList","metadata":{"continue":"again"},"items":[]}'
    server.fail("persistentvolumeclaims", faults.body(endless))
    listing = reader_of(server).read(Source.KUBERNETES, at).lists["core.claims"]
    assert listing.reason is Reason.REPEATED_TOKEN
    assert len(server.asked("persistentvolumeclaims")) == 2


def test_being_told_to_stop_ends_the_read_between_two_pages(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    stop = threading.Event()
    stop.set()
    read = reader_of(server).read(Source.KUBERNETES, at, stop)
    assert read.report.reading is Reading.PENDING
    assert {listing.reading for listing in read.lists.values()} == {Reading.PENDING}
    assert server.requests == []


def test_being_told_to_stop_ends_a_wait_that_the_server_asked_for(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    stop = threading.Event()
    fault = server.fail("persistentvolumeclaims", faults.throttled(20))
    reader = reader_of(server, timeout=30)
    result = []
    thread = threading.Thread(target=lambda: result.append(reader.read(Source.KUBERNETES, at, stop)))
    thread.start()
    while not fault.struck:
        thread.join(0.01)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert result[0].report.reading is Reading.PENDING
