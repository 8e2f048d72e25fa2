"""After the first list a poll asks for what changed since, and comes to what a list would say."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from exporter.facts.cluster.changes import is_before
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.server import cached_list, discovery, transport
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.model import Read, SourceRead
from exporter.facts.reading import Reading, Source
from exporter.settings import Settings
from tests.apiserver import faults
from tests.apiserver.faults import Fault, How
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import AT, MOVER, Json, MakeReader, obj, small_cluster

SOURCES = [source for source in Source if source.is_of_cluster]


@pytest.fixture(autouse=True)
def _follow_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also lists that are so small that they would be read in full."""
    monkeypatch.setattr(cached_list, "SMALL", 0)


@pytest.fixture
def reader(server: ApiServer, reader_of: MakeReader) -> ClusterReader:
    return reader_of(server)


class Polls:
    """Reads of the claims, a minute apart."""

    def __init__(self, reader: ClusterReader, source: Source = Source.KUBERNETES, field: str = "core.claims") -> None:
        self._reader, self._source, self._field, self._at = reader, source, field, AT
        self.last = SourceRead(reader.read(source, AT).report)

    def read(self) -> ObjectList[Any]:
        self._at += timedelta(minutes=1)
        self.last = self._reader.read(self._source, self._at)
        assert self.last.report.up, self.last.report.detail
        listing: ObjectList[Any] = self.last.lists[self._field]
        assert listing.read_at == self._at
        return listing

    def why(self, kind: str = "PersistentVolumeClaim") -> str:
        """Why the kind was listed; `none` where its changes were read."""
        (count,) = [one for one in self.last.report.reads if one.kind == kind]
        assert (count.reason == "none") is (count.read is Read.CHANGES)
        return count.reason


@pytest.fixture
def polls(reader: ClusterReader) -> Polls:
    return Polls(reader)


def claim(name: str, space: str = "media", **spec: Any) -> Json:
    return obj("v1", "PersistentVolumeClaim", name, space, spec=spec)


def names(listing: ObjectList[Any]) -> list[str]:
    return [f"{item.namespace}/{item.name}" for item in listing]


# --- what stays the same ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_watched", [True, False])
def test_a_list_in_which_nothing_changed_is_the_same_list_at_a_later_time(
    server: ApiServer, reader_of: MakeReader, is_watched: bool
) -> None:
    """Whoever keeps something by the list's identity need not look at it again, however it was read."""
    if not is_watched:
        for resource in server.resources:
            server.fail(resource.plural, Fault(How.STATUS, status=403, verb="watch"))
    reader = reader_of(server, secrets="metadata")
    first = {source: reader.read(source, AT) for source in SOURCES}
    server.pass_time()
    later = AT + timedelta(minutes=1)
    for source in SOURCES:
        read = reader.read(source, later)
        reasons = {count.reason for count in read.report.reads}
        assert reasons == ({"none"} if is_watched else {"forbidden"})
        for field, listing in read.lists.items():
            assert listing is first[source].lists[field], field
            assert listing.read_at == later
            assert listing.items


@pytest.mark.parametrize("is_watched", [True, False])
def test_in_a_list_that_changed_all_that_did_not_are_the_same_objects(
    server: ApiServer, polls: Polls, is_watched: bool
) -> None:
    before = polls.read()
    server.add(claim("films", volumeName="pv-films"))
    server.add(claim("aaa"))
    server.remove("persistentvolumeclaims", "library", "books")
    if not is_watched:
        server.compact()
    after = polls.read()
    assert polls.why() == ("none" if is_watched else "expired")
    assert after is not before
    assert names(after) == ["kube-system/etcd", "media/aaa", "media/films", "media/music"]
    assert after.get("films", "media").spec.volume_name == "pv-films"
    for name, space in (("etcd", "kube-system"), ("music", "media")):
        assert after.get(name, space) is before.get(name, space)


def test_a_change_of_what_nobody_reads_is_none(server: ApiServer, polls: Polls) -> None:
    before = polls.read()
    again = next(one for one in small_cluster() if one["kind"] == "PersistentVolumeClaim")
    again["metadata"]["managedFields"] = [{"manager": "somebody"}]
    server.add(again)
    assert polls.read() is before
    assert polls.why() == "none"


def test_the_same_is_true_of_an_api_that_is_not_there(reader_of: MakeReader) -> None:
    with ApiServer(small_cluster(), without=["longhorn.io"]) as server:
        reader = reader_of(server)
        first, second = (reader.read(Source.LONGHORN, AT + timedelta(minutes=n)).lists for n in (0, 1))
    assert first["longhorn.volumes"] is second["longhorn.volumes"]
    assert second["longhorn.volumes"].reading is Reading.NOT_SERVED


def test_a_list_that_could_not_be_read_for_once_is_still_the_same(server: ApiServer, polls: Polls) -> None:
    before = polls.read()
    server.fail("persistentvolumeclaims", faults.status(500, times=2))
    with pytest.raises(AssertionError, match="500"):
        polls.read()
    assert polls.read() is before


# --- what a poll asks for ---------------------------------------------------------------------------------------


def test_a_poll_asks_once_for_each_list_and_for_nothing_that_it_has(server: ApiServer, reader: ClusterReader) -> None:
    for source in SOURCES:
        reader.read(source, AT)
    server.pass_time()
    server.requests.clear()
    for source in SOURCES:
        reader.read(source, AT)
    assert {(one.verb, one.status) for one in server.requests} == {("watch", 200)}
    lists = Counter((one.group, one.resource, one.query.get("fieldSelector")) for one in server.requests)
    assert set(lists.values()) == {1}
    assert {one.query["timeoutSeconds"] for one in server.requests} == {"3"}
    assert {one.query["allowWatchBookmarks"] for one in server.requests} == {"true"}
    assert {one.query["resourceVersion"] for one in server.requests} == {str(server.history.version - 1)}


def test_the_watches_of_a_source_stand_open_side_by_side(reader_of: MakeReader) -> None:
    with ApiServer(small_cluster(), watch_second=0.2) as server:
        polls = Polls(reader_of(server))
        polls.read()
        server.pass_time()
        started = time.monotonic()
        polls.read()
    assert polls.why() == "none"
    assert 0.6 <= time.monotonic() - started < 4  # one after the other they would take nine seconds


def test_what_happens_while_a_watch_stands_open_is_part_of_the_poll(reader_of: MakeReader) -> None:
    with ApiServer(small_cluster(), watch_second=0.3) as server:
        polls = Polls(reader_of(server))
        threading.Timer(0.7, lambda: server.add(claim("new"))).start()  # after the bookmark
        assert "media/new" in names(polls.read())


def test_what_leaves_a_selection_is_gone_and_what_enters_it_is_there(server: ApiServer, reader_of: MakeReader) -> None:
    polls = Polls(reader_of(server), field="core.pods")
    before = polls.read()
    server.add(obj("v1", "Pod", "volsync-src-films-backup-x", "media"))
    server.add(obj("v1", "Pod", "jellyfin", "media", metadata=MOVER))
    after = polls.read()
    assert set(names(before)) - set(names(after)) == {"media/volsync-src-films-backup-x"}
    assert set(names(after)) - set(names(before)) == {"media/jellyfin"}
    watched = [one.query["labelSelector"] for one in server.asked("pods") if one.verb == "watch"]
    assert set(watched) == {"app.kubernetes.io/created-by=volsync"}


def test_secrets_are_watched_as_metadata_alone(server: ApiServer, reader_of: MakeReader) -> None:
    polls = Polls(reader_of(server, secrets="metadata"), Source.SECRETS, "core.secrets")
    server.add(obj("v1", "Secret", "new", "media", data={"password": "aHVudGVyMg=="}))
    assert "media/new" in names(polls.read())
    assert polls.why("Secret") == "none"
    accepted = {one.headers["accept"] for one in server.asked("secrets") if one.verb == "watch"}
    assert accepted == {"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}


def test_namespaces_that_are_named_are_followed_each(server: ApiServer, reader_of: MakeReader) -> None:
    polls = Polls(reader_of(server, claims={"namespaces": "media,books"}, cluster_scoped=False))
    server.add(claim("new", "books"))
    server.add(claim("new", "kube-system"))
    assert names(polls.read()) == ["media/films", "media/music", "books/library", "books/new"]
    watched = [one.namespace for one in server.asked("persistentvolumeclaims") if one.verb == "watch"]
    assert sorted(watched) == ["books", "media"]


def test_of_very_many_lists_the_longest_are_followed(
    server: ApiServer, reader_of: MakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_list, "MOST_FOLLOWED", 1)
    polls = Polls(reader_of(server))
    for number in range(9):
        server.add(claim(f"new-{number}"))
    polls.read()
    polls.read()
    assert polls.why() == "none"
    assert polls.why("PersistentVolume") == "many"


def test_polls_that_come_every_few_seconds_do_not_wait_for_changes(server: ApiServer) -> None:
    polls = Polls(ClusterReader(Settings.model_validate({"poll": {"cluster": 5}}), server.client()))
    before = polls.read()
    assert polls.read() is before
    assert polls.why() == "frequent"
    assert {one.verb for one in server.requests} == {"discovery", "list"}


def test_a_list_that_is_as_short_as_its_changes_is_read_in_full(
    server: ApiServer, polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_list, "SMALL", 16 << 10)
    server.pass_time()
    server.compact()
    before = polls.read()
    assert polls.read() is before
    assert polls.why() == "small"
    assert polls.why("Pod") == "none"  # the server may look through a thousand pods for these


# --- where only a list will do ----------------------------------------------------------------------------------


def expired_by_status(server: ApiServer) -> None:
    server.fail("persistentvolumeclaims", Fault(How.STATUS, status=410, verb="watch"))


def expired_by_event(server: ApiServer) -> None:
    server.compact()


def forbidden(server: ApiServer) -> None:
    server.fail("persistentvolumeclaims", Fault(How.STATUS, status=403, verb="watch"))


def cut(server: ApiServer) -> None:
    server.fail("persistentvolumeclaims", faults.cut_watch())


def stalled(server: ApiServer) -> None:
    server.fail("persistentvolumeclaims", Fault(How.STALL, verb="watch"))


def html(server: ApiServer) -> None:
    page = Fault(How.BODY, body=b"<html>\n<p>please wait</p>\n", content_type="text/html", verb="watch")
    server.fail("persistentvolumeclaims", page)


def endless(server: ApiServer) -> None:
    server.fail("persistentvolumeclaims", Fault(How.BODY, body=b"[" * 40_000, verb="watch"))


def refused(server: ApiServer) -> None:
    error = {"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": "etcdserver: no leader"}}
    server.fail("persistentvolumeclaims", Fault(How.BODY, body=json.dumps(error).encode() + b"\n", verb="watch"))


def another_kind(server: ApiServer) -> None:
    event = {"type": "ADDED", "object": {"kind": "Pod", "metadata": {"name": "p", "resourceVersion": "9999"}}}
    server.fail("persistentvolumeclaims", Fault(How.BODY, body=json.dumps(event).encode() + b"\n", verb="watch"))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (expired_by_status, "expired"),
        (expired_by_event, "expired"),
        (forbidden, "forbidden"),
        (cut, "broken"),
        (stalled, "broken"),
        (html, "unusable"),
        (endless, "broken"),
        (refused, "unusable"),
        (another_kind, "unusable"),
    ],
)
def test_where_changes_cannot_be_had_the_list_is_read_in_full(
    server: ApiServer,
    reader_of: MakeReader,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[ApiServer], None],
    reason: str,
) -> None:
    monkeypatch.setattr(cached_list, "OPEN_SECONDS", 0)
    monkeypatch.setattr(transport, "LONGEST_EVENT", 30_000)
    polls = Polls(reader_of(server, timeout=0.8))
    server.add(claim("one"))
    server.add(claim("two"))
    spoil(server)
    listing = polls.read()
    assert {"media/one", "media/two"} <= set(names(listing))
    assert polls.why() == reason
    server.heal()
    server.remove("persistentvolumeclaims", "one", "media")
    assert "media/one" not in names(polls.read())
    assert polls.why() == "none"


def test_a_proxy_that_holds_watches_back_until_they_end_does_no_harm(server: ApiServer, polls: Polls) -> None:
    server.fail("persistentvolumeclaims", faults.buffered_watch())
    server.add(claim("new"))
    assert "media/new" in names(polls.read())
    assert polls.why() == "none"


def test_a_watch_without_a_bookmark_goes_on_until_it_brings_nothing(server: ApiServer, polls: Polls) -> None:
    server.fail("persistentvolumeclaims", faults.short_watch(times=1))
    for number in range(4):
        server.add(claim(f"new-{number}"))
    server.requests.clear()
    assert len(names(polls.read())) == 8
    assert polls.why() == "none"
    assert [one.verb for one in server.asked("persistentvolumeclaims")] == ["watch", "watch"]


def test_a_server_that_always_has_more_is_listed(server: ApiServer, polls: Polls) -> None:
    server.fail("persistentvolumeclaims", faults.short_watch())
    for number in range(30):
        server.add(claim(f"new-{number}"))
    assert len(names(polls.read())) == 34
    assert polls.why() == "behind"


def test_a_store_that_was_put_back_is_noticed(server: ApiServer, polls: Polls) -> None:
    """A watch of a resourceVersion that is not there yet says nothing at all, for as long as it takes."""
    backup = server.back_up()
    server.add(claim("new"))
    assert "media/new" in names(polls.read())
    server.restore(backup)
    assert "media/new" not in names(polls.read())
    assert polls.why() == "reset"


def test_an_api_that_was_away_is_listed(
    server: ApiServer, reader_of: MakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "_LOST_SECONDS", 0.0)
    reader = reader_of(server)
    polls = Polls(reader, Source.LONGHORN, "longhorn.volumes")
    server.stop_serving("longhorn.io")
    for _ in range(2):  # the first finds that it is gone, and asks what is served
        away = reader.read(Source.LONGHORN, AT).lists["longhorn.volumes"]
    assert away.reading is Reading.NOT_SERVED
    server.remove("volumes", "pv-films", "longhorn-system", "longhorn.io")
    server.serve("longhorn.io")
    assert names(polls.read()) == []
    assert polls.why("Volume") == "first"


def test_another_version_of_an_api_is_listed(
    server: ApiServer, reader_of: MakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "_KEPT_SECONDS", 0.0)
    polls = Polls(reader_of(server), Source.KYVERNO, "kyverno.generating_policies")
    server.versions = {"policies.kyverno.io": ["v1beta1"]}
    server.serve("policies.kyverno.io")
    polls.read()
    assert polls.why("GeneratingPolicy") == "replaced"


def test_a_server_without_its_store_is_not_believed(server: ApiServer, polls: Polls) -> None:
    """It goes on to answer watches from memory, as if nothing happened."""
    server.fail("persistentvolumeclaims", Fault(How.STATUS, status=500, verb="list"))
    with pytest.raises(AssertionError, match="500"):
        polls.read()


def test_a_server_without_bookmarks_is_listed_now_and_then(
    server: ApiServer, polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.bookmarks = False
    now = 1000.0  # an exact number, so that ten minutes are ten minutes
    reasons = []
    for minute in range(13):
        monkeypatch.setattr(cached_list, "now", lambda minute=minute: now + 60 * minute)
        server.pass_time()
        polls.read()
        reasons.append(polls.why())
    assert reasons[1:] == ["none"] * 9 + ["unproven", "none", "none"]


def test_with_bookmarks_no_list_is_needed_for_hours(
    server: ApiServer, polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0  # an exact number, so that ten minutes are ten minutes
    reasons = Counter()
    for minute in range(0, 7 * 60, 10):
        monkeypatch.setattr(cached_list, "now", lambda minute=minute: now + 60 * minute)
        server.pass_time()
        polls.read()
        reasons[polls.why()] += 1
    assert reasons == {"none": 41, "resync": 1}


def test_an_object_that_cannot_be_understood_costs_itself_and_comes_back(server: ApiServer, polls: Polls) -> None:
    server.add(obj("v1", "PersistentVolumeClaim", "films", "media", spec=7))
    listing = polls.read()
    assert polls.why() == "none"
    assert names(listing) == ["books/library", "kube-system/etcd", "media/music"]
    assert [(one.namespace, one.name) for one in listing.malformed] == [("media", "films")]
    assert polls.read() is listing
    server.add(claim("films"))
    assert (polls.why(), polls.read().malformed) == ("none", ())
    server.add(obj("v1", "PersistentVolumeClaim", "music", "media", spec=7))
    server.remove("persistentvolumeclaims", "music", "media")
    listing = polls.read()
    assert (names(listing), listing.malformed) == (["books/library", "kube-system/etcd", "media/films"], ())


def test_a_volume_that_cannot_be_understood_is_known_by_its_own_name(server: ApiServer, reader: ClusterReader) -> None:
    """Of a malformed volume the namespace is told that its claim has."""
    claimed = {"claimRef": {"namespace": "media", "name": "films"}, "csi": 7}
    polls = Polls(reader, field="core.volumes")
    server.add(obj("v1", "PersistentVolume", "pv-films", spec=claimed))
    assert [(one.namespace, one.claim) for one in polls.read().malformed] == [("media", "films")]
    server.remove("persistentvolumes", "pv-films")
    assert polls.read().malformed == ()


def test_being_told_to_stop_ends_the_watches(reader_of: MakeReader) -> None:
    with ApiServer(small_cluster(), watch_second=5.0) as server:
        reader, stop = reader_of(server), threading.Event()
        reader.read(Source.KUBERNETES, AT)
        threading.Timer(0.3, stop.set).start()
        started = time.monotonic()
        read = reader.read(Source.KUBERNETES, AT, stop)
    assert time.monotonic() - started < 5
    assert read.report.reading is Reading.PENDING


@pytest.mark.parametrize(
    ("version", "other", "is_older"),
    [
        ("9", "10", True),
        ("10", "9", False),
        ("10", "10", False),
        ("9" * 60, "1" + "0" * 60, True),
        ("b", "c", False),
        ("9", "c", False),
        ("", "1", False),
    ],
)
def test_versions_are_compared_where_that_means_something(version: str, other: str, is_older: bool) -> None:
    assert is_before(version, other) is is_older


@pytest.mark.parametrize("version", ["", "9" * 5000, "1 0\n", "\u0661"])
def test_a_version_that_no_server_gives_is_not_sent_back(server: ApiServer, polls: Polls, version: str) -> None:
    event = {"type": "BOOKMARK", "object": {"kind": "PersistentVolumeClaim", "metadata": {"resourceVersion": version}}}
    server.fail("persistentvolumeclaims", Fault(How.BODY, body=json.dumps(event).encode() + b"\n", verb="watch"))
    polls.read()
    assert polls.why() == "unusable"


def test_a_list_does_not_grow_beyond_what_may_be_read(
    server: ApiServer, polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_list, "MOST_OBJECTS", 5)
    polls.read()
    for number in range(3):
        server.add(claim(f"new-{number}"))
    polls.read()
    assert polls.why() == "behind"
