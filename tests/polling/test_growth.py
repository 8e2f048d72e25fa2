"""Hours of polls in which everything changes leave no more behind than minutes of them."""

import gc
import json
import sys
import threading
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from exporter.chain import mover_log
from exporter.chain.mover_log.remembered import Remembered
from exporter.facts.bucket.model import Bucket, Repository
from exporter.facts.cluster.decode import decode_page
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.model import SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.polling.clock import Clock
from exporter.polling.poller import Poller
from exporter.publication.http import Request
from exporter.publication.site import Site
from exporter.settings import Settings

CLAIMS = 5
BY_FIELD = {kind.field: kind for kind in KINDS}


class World:
    """A cluster and its store, in which every text that can change is another one at each poll."""

    def __init__(self) -> None:
        self.turn = 0

    def read(self, source: Source, at: datetime, _stop: threading.Event) -> SourceRead:
        if source is Source.S3:
            if self.turn % 7 == 0:
                report = SourceReport(source, Reading.UNREADABLE, Reason.TIMEOUT, f"no answer in turn {self.turn}")
                return SourceRead(report)
            found = (Repository("s3://b", f"n{n}/data", at, present=True, newest_snapshot=at) for n in range(CLAIMS))
            bucket = Bucket("s3://b", reading=Reading.READ, read_at=at, repositories=tuple(found))
            return SourceRead(SourceReport(source, Reading.READ, last_success=at), {}, (bucket,))
        lists: dict[str, ObjectList[Any]] = {}
        for field, items in self.objects(at).items():
            kind = BY_FIELD[field]
            if kind.source is source:
                page = decode_page(kind, json.dumps({"kind": f"{kind.kind}List", "items": items}).encode())
                lists[field] = ObjectList(page.items, Reading.READ, read_at=at, malformed=page.malformed)
        return SourceRead(SourceReport(source, Reading.READ, last_success=at), lists)

    def objects(self, at: datetime) -> dict[str, list[dict[str, Any]]]:
        """The objects of each list; some of them are malformed, each time in another way."""
        found: dict[str, list[dict[str, Any]]] = {
            field: [] for field in ("core.claims", "core.jobs", "core.pods", "core.mount_events", "volsync.sources")
        }
        turn, ago = self.turn, f"{at - timedelta(minutes=3):%Y-%m-%dT%H:%M:%SZ}"
        for n in range(CLAIMS):
            metadata = {"namespace": f"n{n}", "uid": f"{n}-{turn}", "creationTimestamp": ago}
            owner = [{"kind": "ReplicationSource", "name": "data", "uid": f"{n}-{turn}"}]
            mover = {"labels": {"app.kubernetes.io/created-by": "volsync"}, "ownerReferences": owner}
            failed = {"result": "Failed", "logs": f"Fatal: unable to open config in turn {turn}: connection refused"}
            status = {"latestMoverStatus": failed, "lastSyncTime": ago, "lastSyncDuration": f"{turn}.{n}s"}
            spec = {"sourcePVC": "data", "trigger": {"schedule": f"{turn % 10} {n} * * *"}, "restic": {}}
            about = {"kind": "Pod", "namespace": f"n{n}", "name": f"volsync-src-data-{turn}"}
            odd = {"paused": f"perhaps {turn}"} if n == turn % CLAIMS else {}
            found["core.claims"].append({"metadata": {**metadata, "name": "data"}, "spec": {}})
            found["core.jobs"].append({"metadata": {**metadata, **mover, "name": f"volsync-src-data-{turn}"}})
            found["core.pods"].append({"metadata": {**metadata, **mover, "name": f"volsync-src-data-{turn}"}})
            found["core.mount_events"].append(
                {
                    "metadata": {**metadata, "name": f"e{turn}"},
                    "reason": "FailedMount",
                    "message": f"mount {turn}",
                    "involvedObject": about,
                    "lastTimestamp": ago,
                }
            )
            found["volsync.sources"].append(
                {"metadata": {**metadata, "name": "data"}, "spec": {**spec, **odd}, "status": status}
            )
        return found


def test_polls_in_which_everything_changes_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mover_log, "_read", Remembered(mover_log._reading_of, most=50))
    world, sources = World(), (Source.KUBERNETES, Source.VOLSYNC, Source.S3)
    poller = Poller({source: partial(world.read, source) for source in sources}, Settings(), Clock())
    site = Site(poller, "https://runbooks.example")

    def live(turns: int) -> int:
        """How many blocks of memory are in use after so many polls, with everything that is served made each time."""
        for _ in range(turns):
            world.turn += 1
            for source in sources:
                poller.poll(source)
            poller.judge()
            for path in ("/metrics", "/", "/api/v1/status"):
                assert site.answer(Request(path)).status == 200
        gc.collect()
        return sys.getallocatedblocks()

    live(180)  # what is remembered on purpose has filled up, msgspec's own table of short strings too
    early = live(1)
    late = live(60)
    assert late - early < 2 * 60, "less than a block of memory for each claim and turn"


def test_of_a_text_no_more_is_remembered_than_what_was_made_of_it() -> None:
    made: list[str] = []

    def length(text: str) -> int:
        made.append(text)
        return len(text)

    remembered = Remembered(length, most=100)
    assert [remembered("x" * 1000 + str(n)) for n in range(300) for _ in range(3)] == [
        1000 + len(str(n)) for n in range(300) for _ in range(3)
    ]
    assert len(made) == 300
    assert len(remembered) == 100
    assert sum(sys.getsizeof(key) for key in remembered._known) < 100 * 64
    assert remembered("half \ud800 a pair") == 13
