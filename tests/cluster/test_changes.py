"""After the first list a poll asks for what changed since, and comes to what a list would say."""

from datetime import timedelta
from typing import Any

import pytest

from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.server import standing
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.model import Read, SourceRead
from exporter.facts.reading import Reading, Source
from tests.apiserver import faults
from tests.apiserver.faults import Fault, How
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import AT, Json, MakeReader, obj, small_cluster

SOURCES = [source for source in Source if source is not Source.S3]


@pytest.fixture(autouse=True)
def _follow_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also lists that are so small that they would be read in full."""
    monkeypatch.setattr(standing, "SMALL", 0)


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
