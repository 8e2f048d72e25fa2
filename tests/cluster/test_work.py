"""What a poll costs, counted: no clock and no machine has a part in it. `python -m bench.idle` measures it."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from exporter.facts.body import Body
from exporter.facts.cluster import changes
from exporter.facts.cluster.decode import ListPage, decode_bytes, decode_page
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import MalformedObject
from exporter.facts.cluster.server import api, lists
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.cluster.server.targets import asks
from exporter.facts.cluster.wire import Object
from exporter.facts.reading import Source
from exporter.settings import Settings
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import AT, obj, small_cluster
from tests.cluster.direct import DirectTransport

CLAIMS = 1500
SOURCES = [source for source in Source if source.is_of_cluster and source is not Source.SECRETS]
ASKED = sum(len(asks(kind, Settings())) for kind in KINDS if kind.source in SOURCES)


class Polls:
    """A reader whose work is counted."""

    def __init__(self) -> None:
        bulk = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x" * 1000}}
        claims = [obj("v1", "PersistentVolumeClaim", f"c{n:04}", "media", metadata=bulk) for n in range(CLAIMS)]
        self.server = ApiServer([*small_cluster(), *claims])
        self.transport = DirectTransport(self.server)
        self.reader = ClusterReader(Settings(), self.transport)
        self.decoded = 0

    def poll(self) -> Counter[str]:
        """The work of one poll of all sources."""
        self.server.requests.clear()
        self.transport.bytes = self.decoded = 0
        for source in SOURCES:
            assert self.reader.read(source, AT + timedelta(minutes=1)).report.up
        verbs = Counter(one.verb for one in self.server.requests)
        return Counter(bytes=self.transport.bytes, objects=self.decoded, requests=sum(verbs.values()), **verbs)

    def page(self, kind: Kind, body: Body) -> ListPage:
        page = decode_page(kind, body)
        self.decoded += len(page.items)
        return page

    def one(self, kind: Kind, body: Body) -> Object | MalformedObject:
        self.decoded += 1
        return decode_bytes(kind, body)


@pytest.fixture(scope="module")
def polls() -> Iterator[Polls]:
    made = Polls()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "Transport", lambda transport, _timeout: transport)
        patch.setattr(lists, "decode_page", made.page)
        patch.setattr(changes, "decode_bytes", made.one)
        yield made


@pytest.fixture
def full(polls: Polls) -> Counter[str]:
    """A poll that has to list everything."""
    polls.server.pass_time()
    polls.server.compact()
    polls.reader = ClusterReader(Settings(), polls.transport)
    return polls.poll()


def test_a_poll_in_which_nothing_changed_asks_once_for_each_list_and_decodes_what_is_as_short_as_its_changes(
    polls: Polls, full: Counter[str]
) -> None:
    polls.server.pass_time()
    idle = polls.poll()
    small = len(small_cluster())
    assert full["objects"] > CLAIMS
    assert idle["objects"] < small
    assert idle["requests"] == ASKED
    assert idle["watch"] > 0
    assert idle["bytes"] - idle["objects"] * 1000 < full["bytes"] / 100


def test_one_object_that_changed_is_one_object_decoded(polls: Polls, full: Counter[str]) -> None:
    polls.server.pass_time()
    idle = polls.poll()
    polls.server.add(obj("v1", "PersistentVolumeClaim", "c0007", "media", spec={"volumeName": "pv"}))
    one = polls.poll()
    assert one["requests"] == idle["requests"]
    assert one["objects"] == idle["objects"] + 1
    assert one["bytes"] - idle["bytes"] < 1000


def test_where_nothing_says_that_the_watch_is_up_to_date_the_proof_is_one_object_for_each_list(
    polls: Polls, full: Counter[str]
) -> None:
    """As on a server without bookmarks, or one in which nothing at all happens."""
    polls.poll()
    still = polls.poll()
    followed = still["watch"]
    assert still["requests"] == ASKED + followed
    assert still["objects"] < len(small_cluster())


def test_the_same_change_is_not_taken_twice(polls: Polls, full: Counter[str]) -> None:
    polls.server.add(obj("v1", "PersistentVolumeClaim", "c0008", "media", spec={"volumeName": "pv"}))
    first, second = polls.poll(), polls.poll()
    assert first["objects"] == second["objects"] + 1
