"""Whatever happens between polls, and to a poll, each one comes to what a list of that moment says."""

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.server import api, cached_list
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.reading import Source
from exporter.settings import Settings
from tests.apiserver.faults import Fault, How
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import AT, Json, obj
from tests.cluster.direct import BrokenOffError, DirectTransport

FIELDS = ("core.claims", "core.pods", "core.claim_events", "core.secrets")
"""A plain kind, one behind a label, one of two field selectors, and one that is read as metadata alone."""
PLURALS = ("persistentvolumeclaims", "pods", "events", "secrets")
SOURCES = (Source.KUBERNETES, Source.SECRETS)
SETTINGS = {
    "the cluster": {"secrets": "metadata"},
    "but for a namespace": {"secrets": "metadata", "claims": {"exclude_namespaces": "b"}},
    "namespaces": {"secrets": "metadata", "claims": {"namespaces": "a,b"}},
    "a shard": {"secrets": "metadata", "claims": {"shard": "1/4"}},
}

keys = st.tuples(st.sampled_from("ab"), st.sampled_from(("x", "x-y", "z")))
puts = st.tuples(st.just("put"), st.sampled_from(PLURALS), keys, st.integers(0, 4))
deletes = st.tuples(st.just("delete"), st.sampled_from(PLURALS), keys)
touches = st.tuples(st.just("touch"), st.sampled_from(PLURALS))
others = st.sampled_from([("compact",), ("pass_time",), ("bookmarks",), ("restore",)])
polls = st.tuples(st.just("poll"), st.sampled_from(["well", "well", "cut", "lost", "half", "forbidden", "noise"]))
histories = st.lists(st.one_of(puts, puts, puts, deletes, touches, others, polls), min_size=4, max_size=30)


def made(plural: str, key: tuple[str, str], variant: int) -> Json:
    """An object of one of five contents: the third is not selected, and the fourth cannot be understood."""
    space, name = key
    if plural == "events":
        reason = ("ProvisioningFailed", "FailedBinding", "Scheduled")[variant % 3]
        about = {"kind": "PersistentVolumeClaim", "namespace": space, "name": name}
        return obj("v1", "Event", name, space, reason=reason, message=str(variant), involvedObject=about)
    if plural == "pods":
        labels = {"labels": {} if variant == 2 else {"app.kubernetes.io/created-by": "volsync"}}
        phase: object = {"phase": f"P{variant}"} if variant != 3 else ["no"]
        return obj("v1", "Pod", name, space, status=phase, metadata=labels)
    if plural == "secrets":
        stamp = "no time" if variant == 3 else f"2026-02-01T00:00:0{variant}Z"
        return obj("v1", "Secret", name, space, metadata={"creationTimestamp": stamp}, data={"password": "x"})
    spec: object = {"volumeName": f"pv-{variant % 3}"} if variant != 3 else 7
    return obj("v1", "PersistentVolumeClaim", name, space, spec=spec)


class World:
    """A server, and a reader of it that goes on from poll to poll."""

    def __init__(self, chosen: dict[str, Any]) -> None:
        self.settings = Settings.model_validate(chosen)
        self.server = ApiServer()
        self.server.history.kept_since = self.server.history.version
        self.backup = self.server.back_up()
        self.transport = DirectTransport(self.server)
        self.reader = reader_of(self.settings, self.transport)
        self.at = AT
        self.last: dict[str, ObjectList[Any]] = {}

    def step(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("put", plural, key, variant):
                self.server.add(made(plural, key, variant))
            case ("delete", plural, key):
                self.delete(plural, key)
            case ("touch", plural):
                for touched in self.server.objects_of("", plural):
                    self.server.add(touched)
            case ("restore",):
                self.server.restore(self.backup)
                self.poll("well")
            case ("poll", how):
                self.poll(how)
            case (what,):
                getattr(self, what)()

    def delete(self, plural: str, key: tuple[str, str]) -> None:
        there = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in self.server.objects_of("", plural)]
        if key in there:
            self.server.remove(plural, key[1], key[0])

    def compact(self) -> None:
        self.server.compact()
        self.backup = self.server.back_up()

    def pass_time(self) -> None:
        self.server.pass_time()

    def bookmarks(self) -> None:
        self.server.bookmarks = not self.server.bookmarks

    def poll(self, how: str) -> None:
        self.transport.spoil = {"cut": cut, "lost": lost, "half": half, "noise": noise}.get(how, lambda lines: lines)
        if how == "forbidden":
            for plural in PLURALS:
                self.server.fail(plural, Fault(How.STATUS, status=403, verb="watch"))
        self.at += timedelta(minutes=1)
        before = {field: (listing.items, listing.malformed) for field, listing in self.last.items()}
        found = self.read(self.reader)
        self.server.heal()
        self.transport.spoil = lambda lines: lines
        if how == "half":  # an answer that keeps something back and ends in order says no lie, but less
            found = self.read(self.reader)
        fresh = self.read(reader_of(self.settings, DirectTransport(self.server)))
        assert set(found) == set(FIELDS)
        for field, listing in found.items():
            assert listing == fresh[field]
            items, malformed = before.get(field, ((), ()))
            if (items, malformed) == (listing.items, listing.malformed) and field in before:
                assert listing is self.last[field]
            known = {item.key: item for item in items}
            assert all(item is known[item.key] for item in listing.items if known.get(item.key) == item)
        self.last = found

    def read(self, reader: ClusterReader) -> dict[str, ObjectList[Any]]:
        found: dict[str, ObjectList[Any]] = {}
        for source in SOURCES:
            read = reader.read(source, self.at)
            assert read.report.up, read.report.detail
            found.update(read.lists)
        return found


def reader_of(chosen: Settings, transport: DirectTransport) -> ClusterReader:
    return ClusterReader(chosen, transport)


def cut(lines: list[bytes]) -> Iterator[bytes]:
    """The connection is gone after half of the lines."""
    yield from lines[: len(lines) // 2]
    raise BrokenOffError


def lost(lines: list[bytes]) -> Iterator[bytes]:
    """What arrives ends in the middle of an event, and seems to be whole."""
    whole = b"\n".join(lines)
    return iter(whole[: len(whole) * 2 // 3].split(b"\n"))


def half(lines: list[bytes]) -> Iterator[bytes]:
    return iter(lines[: len(lines) // 2])


def noise(lines: list[bytes]) -> Iterator[bytes]:
    """A proxy's page, after the first event."""
    return iter([*lines[:1], b"<html>", *lines[1:]])


@pytest.fixture(autouse=True, scope="module")
def _few_kinds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cached_list, "SMALL", 0)
        patch.setattr(cached_list, "_PAUSE", 0.0)
        patch.setattr(api, "Transport", lambda transport, _timeout: transport)
        patch.setattr(api, "KINDS", tuple(kind for kind in KINDS if kind.field in FIELDS))
        yield


@pytest.mark.parametrize("chosen", SETTINGS)
@given(history=histories)
@settings(max_examples=40, deadline=None)
def test_after_any_history_a_poll_finds_what_a_list_finds(chosen: str, history: list[tuple[Any, ...]]) -> None:
    world = World(copy.deepcopy(SETTINGS[chosen]))
    for step in history:
        world.step(step)
    world.poll("well")
