"""Each fault shows in the report and in the list that it touches, and nowhere else."""

import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.reading import Reading, Reason, Source
from exporter.settings import Settings
from tests.apiserver import faults
from tests.apiserver.exchange import Json, Request
from tests.apiserver.faults import Fault
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import MakeReader, small_cluster

FAULTS = {
    "forbidden": (faults.status(403), Reason.FORBIDDEN),
    "unauthorized": (faults.status(401), Reason.UNAUTHORIZED),
    "not found": (faults.status(404), Reason.NOT_FOUND),
    "not acceptable": (faults.status(406), Reason.NOT_ACCEPTABLE),
    "server error": (faults.status(500), Reason.SERVER_ERROR),
    "unavailable": (faults.status(503), Reason.SERVER_ERROR),
    "gateway timed out": (faults.status(504), Reason.TIMEOUT),
    "bad request": (faults.status(400), Reason.OTHER),
    "redirect": (faults.status(302, headers={"Location": "http://127.0.0.1:9/"}), Reason.OTHER),
    "throttled for longer than the time-out": (faults.throttled(3600), Reason.THROTTLED),
    "stalled": (faults.stalled(), Reason.TIMEOUT),
    "stalled in the body": (faults.stalled_in_body(), Reason.TIMEOUT),
    "trickling": (faults.trickling(), Reason.TIMEOUT),
    "trickling its header": (faults.trickling_headers(), Reason.TIMEOUT),
    "100 Continue without end": (faults.continuing(), Reason.TIMEOUT),
    "a chunk extension without end": (faults.chunk_extension(), Reason.TIMEOUT),
    "a gzip bomb": (faults.bomb(64), Reason.TOO_LARGE),
    "an unknown Content-Encoding": (faults.body(b"x", headers={"Content-Encoding": "zstd"}), Reason.MALFORMED_ANSWER),
    "cut off": (faults.cut(), Reason.CONNECTION),
    "reset": (faults.reset(), Reason.CONNECTION),
    "truncated": (faults.truncated(), Reason.MALFORMED_ANSWER),
    "a page of HTML": (faults.body(b"<html>sign in</html>", "text/html"), Reason.MALFORMED_ANSWER),
    "an empty body": (faults.body(b""), Reason.MALFORMED_ANSWER),
    "an empty object": (faults.body(b"{}"), Reason.MALFORMED_ANSWER),
    "a list of something else": (faults.body(b'{"kind":"PodList","items":[]}'), Reason.MALFORMED_ANSWER),
    "a Status in place of a list": (faults.body(b'{"kind":"Status","status":"Failure"}'), Reason.MALFORMED_ANSWER),
    "no items": (faults.body(b'{"kind":"ReplicationSourceList","metadata":{}}'), Reason.MALFORMED_ANSWER),
    "bytes that are not text": (faults.body(b'{"kind":"\xff\xfe"}'), Reason.MALFORMED_ANSWER),
    "nested without end": (faults.body(b'{"kind":' + b"[" * 100_000), Reason.MALFORMED_ANSWER),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_one_list_touches_that_list_alone(
    server: ApiServer, reader_of: MakeReader, at: datetime, name: str
) -> None:
    fault, reason = FAULTS[name]
    server.fail("replicationsources", fault)
    started = time.monotonic()
    # What is not about time gets enough of it, however busy the machine is.
    timeout = 0.4 if reason in (Reason.TIMEOUT, Reason.THROTTLED) else 2.5
    read = reader_of(server, timeout=timeout).read(Source.VOLSYNC, at)
    assert time.monotonic() - started < 3

    broken = read.lists["volsync.sources"]
    assert broken.reading is Reading.UNREADABLE
    assert broken.reason is reason
    assert broken.items == ()
    assert broken.read_at is None
    assert "replicationsources.volsync.backube: list" in broken.detail
    assert "\n" not in broken.detail

    untouched = read.lists["volsync.destinations"]
    assert untouched.reading is Reading.READ
    assert len(untouched.items) == 4

    assert read.report.reading is Reading.UNREADABLE
    assert not read.report.up
    assert read.report.reason is reason
    assert read.report.detail == broken.detail
    assert read.report.last_success is None
    assert read.report.errors == {reason: 1}


def test_a_fault_of_one_source_touches_no_other(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    server.fail("replicationsources", faults.status(403))
    reader = reader_of(server)
    ups = {source: reader.read(source, at).report.up for source in Source if source.is_of_cluster}
    assert ups == {source: source is not Source.VOLSYNC for source in ups}


def test_a_source_that_heals_is_up_again(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    reader = reader_of(server)
    server.fail("replicationsources", faults.status(500))
    assert not reader.read(Source.VOLSYNC, at).report.up
    server.heal()
    assert reader.read(Source.VOLSYNC, at).report.up


def test_a_page_that_fails_late_leaves_no_half_list(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    server.fail("persistentvolumeclaims", faults.status(500, continued=True))
    listing = reader_of(server, page_size=3).read(Source.KUBERNETES, at).lists["core.claims"]
    assert (listing.reading, listing.items) == (Reading.UNREADABLE, ())


def test_the_servers_own_words_reach_the_report(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    server.fail("replicationsources", faults.status(403))
    detail = reader_of(server).read(Source.VOLSYNC, at).report.detail
    assert "403 the stand-in was told to answer 403" in detail


@pytest.mark.parametrize("fault", [faults.throttled(1, times=2), faults.throttled(None, times=1)])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(
    server: ApiServer, reader_of: MakeReader, at: datetime, fault: Fault
) -> None:
    server.fail("replicationsources", fault)
    read = reader_of(server).read(Source.VOLSYNC, at)
    assert read.report.reading is Reading.READ
    assert len(server.asked("replicationsources")) == fault.struck + 1


def test_a_connection_that_is_closed_once_is_made_anew(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    server.fail("replicationsources", faults.reset(times=1))
    assert reader_of(server).read(Source.VOLSYNC, at).report.up


def test_a_wrong_token_is_refused_for_every_list(at: datetime) -> None:
    with ApiServer(small_cluster()) as server:
        client = server.client()
        client.configuration.api_key["BearerToken"] = "Bearer another"
        client.configuration.refresh_api_key_hook = None
        read = ClusterReader(Settings(), client).read(Source.VOLSYNC, at)
    assert {listing.reason for listing in read.lists.values()} == {Reason.UNAUTHORIZED}
    assert read.report.reason is Reason.UNAUTHORIZED
    assert "another" not in repr(read)


@pytest.mark.parametrize("token", ["abc\ndef", "abc\x00", "schlüssel"])
def test_a_token_that_no_header_can_hold_is_not_repeated(server: ApiServer, at: datetime, token: str) -> None:
    client = server.client()
    client.configuration.api_key["BearerToken"] = token
    client.configuration.refresh_api_key_hook = None
    read = ClusterReader(Settings(), client).read(Source.VOLSYNC, at)
    assert read.report.reason is Reason.UNAUTHORIZED
    assert token not in repr(read)


def test_a_server_that_is_gone_is_not_asked_for_each_kind(at: datetime) -> None:
    with ApiServer() as server:
        client = server.client()
    read = ClusterReader(Settings(), client).read(Source.KUBERNETES, at)
    assert {listing.reason for listing in read.lists.values()} == {Reason.CONNECTION}
    assert read.report.errors == {Reason.CONNECTION: 1}
    assert "refused" in read.report.detail


def test_without_any_configuration_the_report_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, at: datetime
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    read = ClusterReader(Settings()).read(Source.KUBERNETES, at)
    assert read.report.reason is Reason.CONNECTION
    assert "there is no kubeconfig" in read.report.detail


# --- objects ----------------------------------------------------------------------------------------------------


def test_an_object_with_a_wrong_type_costs_itself_alone(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    server.add(
        {
            "apiVersion": "volsync.backube/v1alpha1",
            "kind": "ReplicationSource",
            "metadata": {"name": "odd", "namespace": "media"},
            "spec": {"sourcePVC": "films", "paused": "perhaps"},
        }
    )
    read = reader_of(server).read(Source.VOLSYNC, at)
    listing = read.lists["volsync.sources"]
    assert listing.reading is Reading.READ
    assert len(listing.items) == 4
    (odd,) = listing.malformed
    assert (odd.kind, odd.namespace, odd.name, odd.claim) == ("ReplicationSource", "media", "odd", "films")
    assert "$.spec.paused" in odd.error
    assert read.report.up
    assert read.report.errors == {Reason.MALFORMED_OBJECT: 1}
    assert "1 malformed: ReplicationSource media/odd" in read.report.detail


# --- what is not served -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("aggregated", [True, False])
@pytest.mark.parametrize(
    ("group", "source"),
    [
        ("longhorn.io", Source.LONGHORN),
        ("volsync.backube", Source.VOLSYNC),
        ("external-secrets.io", Source.EXTERNAL_SECRETS),
    ],
)
def test_a_group_that_is_not_served_does_not_apply(
    reader_of: MakeReader, at: datetime, group: str, source: Source, aggregated: bool
) -> None:
    with ApiServer(small_cluster(), without=[group], aggregated=aggregated) as server:
        read = reader_of(server).read(source, at)
        assert {listing.reading for listing in read.lists.values()} == {Reading.NOT_SERVED}
        assert read.report.reading is Reading.NOT_SERVED
        assert read.report.up
        assert all(one.verb == "discovery" for one in server.requests)


def test_one_of_two_groups_of_a_source_may_be_missing(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer(small_cluster(), without=["policies.kyverno.io", "snapshot.storage.k8s.io"]) as server:
        reader = reader_of(server)
        kyverno, kubernetes = reader.read(Source.KYVERNO, at), reader.read(Source.KUBERNETES, at)
    readings = {field: listing.reading for field, listing in kyverno.lists.items()}
    assert readings == {
        "kyverno.cluster_policies": Reading.READ,
        "kyverno.policies": Reading.READ,
        "kyverno.generating_policies": Reading.NOT_SERVED,
        "kyverno.namespaced_generating_policies": Reading.NOT_SERVED,
        "kyverno.exceptions": Reading.READ,
        "kyverno.cel_exceptions": Reading.NOT_SERVED,
        "kyverno.update_requests": Reading.READ,
        "kyverno.events": Reading.READ,
    }
    assert kubernetes.lists["snapshots.snapshots"].reading is Reading.NOT_SERVED
    assert kubernetes.report.reading is Reading.READ


def test_without_kyverno_its_events_are_not_asked_for(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer(small_cluster(), without=["kyverno.io", "policies.kyverno.io"]) as server:
        read = reader_of(server).read(Source.KYVERNO, at)
        assert read.report.reading is Reading.NOT_SERVED
        assert server.asked("events") == []


@pytest.mark.parametrize("aggregated", [True, False])
def test_the_version_that_is_served_is_read(reader_of: MakeReader, at: datetime, aggregated: bool) -> None:
    versions = {"external-secrets.io": ("v1beta1",)}
    with ApiServer(small_cluster(), versions=versions, aggregated=aggregated) as server:
        read = reader_of(server).read(Source.EXTERNAL_SECRETS, at)
        assert read.report.reading is Reading.READ
        assert {one.version for one in server.asked("externalsecrets")} == {"v1beta1"}


def test_a_version_that_nobody_here_can_read_is_unknown_not_absent(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer(small_cluster(), versions={"longhorn.io": ("v7",)}) as server:
        read = reader_of(server).read(Source.LONGHORN, at)
    assert read.lists["longhorn.volumes"].reading is Reading.UNREADABLE
    assert "v7" in read.report.detail


@pytest.mark.parametrize("fault", [faults.status(500), faults.status(403), faults.body(b"<html>"), faults.stalled()])
def test_when_discovery_fails_what_needs_it_is_unknown_and_the_rest_is_read(
    server: ApiServer, reader_of: MakeReader, at: datetime, fault: Fault
) -> None:
    server.fail("discovery", fault)
    reader = reader_of(server, timeout=0.4)
    assert {one.reading for one in reader.read(Source.VOLSYNC, at).lists.values()} == {Reading.UNREADABLE}
    readings = {field: one.reading for field, one in reader.read(Source.KUBERNETES, at).lists.items()}
    assert {field for field, reading in readings.items() if reading is Reading.UNREADABLE} == {
        "core.attachments",
        "core.storage_classes",
        "snapshots.snapshots",
    }
    assert readings["core.claims"] is Reading.READ
    assert readings["core.jobs"] is Reading.READ


def test_discovery_is_asked_once_for_many_reads(server: ApiServer, reader_of: MakeReader, at: datetime) -> None:
    reader = reader_of(server)
    for _ in range(3):
        reader.read(Source.VOLSYNC, at)
        reader.read(Source.LONGHORN, at)
    assert len([one for one in server.requests if one.verb == "discovery"]) == 1


def test_a_group_that_goes_away_is_noticed_at_the_next_read(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    reader = reader_of(server)
    assert reader.read(Source.LONGHORN, at).report.reading is Reading.READ
    server.stop_serving("longhorn.io")
    assert reader.read(Source.LONGHORN, at).report.reading is Reading.NOT_SERVED


def test_a_version_that_goes_away_is_followed(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer(small_cluster()) as server:
        reader = reader_of(server)
        assert reader.read(Source.EXTERNAL_SECRETS, at).report.reading is Reading.READ
        server.versions = {"external-secrets.io": ("v1beta1",)}
        server.serve("external-secrets.io")
        assert reader.read(Source.EXTERNAL_SECRETS, at).report.reading is Reading.READ


def test_a_source_that_the_settings_leave_out_is_not_asked_for(
    server: ApiServer, reader_of: MakeReader, at: datetime
) -> None:
    read = reader_of(server, sources="kubernetes,volsync").read(Source.LONGHORN, at)
    assert {listing.reading for listing in read.lists.values()} == {Reading.NOT_SERVED}
    assert read.report.up
    assert server.requests == []


# --- the time of a source as a whole ---------------------------------------------------------------------------------


def slow(server: ApiServer, seconds: float) -> None:
    """Let every request take *seconds*: none of them is late by itself."""
    answer = server.answer

    def late(request: Request) -> tuple[Json, str]:
        server.closing.wait(seconds)
        return answer(request)

    server.answer = late  # type: ignore[method-assign]


def test_lists_that_are_late_together_keep_what_came_in_time(server: ApiServer, at: datetime) -> None:
    slow(server, 0.2)
    reader = ClusterReader(Settings(), server.client(), longest=timedelta(seconds=1))
    started = time.monotonic()
    read = reader.read(Source.KUBERNETES, at)
    assert time.monotonic() - started < 2

    readings = [listing.reading for listing in read.lists.values()]
    assert {Reading.READ, Reading.UNREADABLE} == set(readings)
    assert sorted(readings) == readings, "what was read stays, and what comes after is late"
    assert {one.reason for one in read.lists.values() if one.reading is Reading.UNREADABLE} == {Reason.TIMEOUT}
    assert (read.report.up, read.report.reason) == (False, Reason.TIMEOUT)
    assert read.report.errors == {Reason.TIMEOUT: 1}
    assert "the source was not read within 1s" in read.report.detail


def test_a_list_without_end_costs_no_more_than_the_time_of_its_source(server: ApiServer, at: datetime) -> None:
    server.fail("replicationsources", faults.endless("ReplicationSourceList"))
    reader = ClusterReader(Settings(), server.client(), longest=timedelta(seconds=0.5))
    started = time.monotonic()
    read = reader.read(Source.VOLSYNC, at)
    assert time.monotonic() - started < 2
    assert read.lists["volsync.sources"].reason is Reason.TIMEOUT


def test_a_read_that_is_told_to_stop_is_not_late(server: ApiServer, at: datetime) -> None:
    stop = threading.Event()
    server.fail("replicationsources", faults.stalled())
    reader = ClusterReader(Settings(), server.client(), longest=timedelta(seconds=60))
    threading.Timer(0.3, stop.set).start()
    read = reader.read(Source.VOLSYNC, at, stop)
    assert read.report.reading is Reading.PENDING
    assert read.report.errors == {}
