"""The loop, driven by readers made here."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any

import msgspec
import pytest
import structlog.testing

from exporter import settings
from exporter.chain import judge as judging
from exporter.chain.causes import Link
from exporter.chain.inventory import Inventory
from exporter.chain.verdict import ClaimState, ClaimVerdict, LinkState, Verdict
from exporter.facts.cluster.core.objects import ClaimMetadata, PersistentVolumeClaim
from exporter.facts.cluster.object_list import MalformedObject, ObjectList
from exporter.facts.cluster.volsync.objects import (
    MoverSpec,
    PlaceMetadata,
    ReplicationSource,
    ReplicationSourceSpec,
    ReplicationSourceStatus,
)
from exporter.facts.model import Facts, SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.polling import poller as polling
from exporter.polling.clock import Clock
from exporter.polling.poller import Poller, Read, pending
from exporter.publication.current import Published
from exporter.settings import ClaimSettings, PollSettings, Settings

Start = Callable[..., Poller]

AT = datetime(2026, 1, 18, 14, 0, tzinfo=UTC)
SETTINGS = Settings(
    claims=ClaimSettings(label="backup"), poll=PollSettings(cluster=timedelta(seconds=1), jitter=timedelta(0))
)
PVC = PersistentVolumeClaim(metadata=ClaimMetadata(name="data", namespace="n8n", labels={"backup": "hourly"}))


def kubernetes(at: datetime, _stop: threading.Event) -> SourceRead:
    report = SourceReport(Source.KUBERNETES, Reading.READ, last_success=at, duration=timedelta(milliseconds=3))
    return SourceRead(report, {"core.claims": ObjectList((PVC,), Reading.READ, read_at=at)})


def volsync(at: datetime, _stop: threading.Event) -> SourceRead:
    report = SourceReport(Source.VOLSYNC, Reading.READ, last_success=at)
    empty = ObjectList((), Reading.READ, read_at=at)
    return SourceRead(report, {"volsync.sources": empty, "volsync.destinations": empty})


def broken(_at: datetime, _stop: threading.Event) -> SourceRead:
    raise RuntimeError("the reader has a fault")


SYNCED = AT - timedelta(minutes=12)


def backed_up(at: datetime, _stop: threading.Event) -> SourceRead:
    source = ReplicationSource(
        metadata=PlaceMetadata(name="data-backup", namespace="n8n"),
        spec=ReplicationSourceSpec(source_pvc="data", restic=MoverSpec()),
        status=ReplicationSourceStatus(last_sync_time=SYNCED, last_sync_duration="1m0s"),
    )
    report = SourceReport(Source.VOLSYNC, Reading.READ, last_success=at)
    return SourceRead(report, {"volsync.sources": ObjectList((source,), Reading.READ, read_at=at)})


ENDED = threading.Event()
"""Set at the end of a test, so that what never ends does not outlive it."""


def endless(at: datetime, stop: threading.Event) -> SourceRead:
    """Never answer, whatever it is told."""
    ENDED.wait(120)
    return volsync(at, stop)


@pytest.fixture(autouse=True)
def _end() -> Iterator[None]:
    ENDED.clear()
    yield
    ENDED.set()


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Start:
    """Starts a poller and stops it."""

    def start(readers: Mapping[Source, Read], settings: Settings = SETTINGS, facts: Facts | None = None) -> Poller:
        poller = Poller(readers, settings, Clock(), facts)
        request.addfinalizer(poller.stop)
        poller.start()
        return poller

    return start


class Verdicts:
    """Lets a test wait for verdicts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.changed = threading.Condition()
        self.number = 0
        judge = polling.Judge.verdict

        def counting(*args: Any) -> Verdict:
            verdict = judge(*args)
            with self.changed:
                self.number += 1
                self.changed.notify_all()
            return verdict

        monkeypatch.setattr(polling.Judge, "verdict", counting)

    def wait_for(self, number: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.number >= number, timeout=30)


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> Verdicts:
    return Verdicts(monkeypatch)


def published(poller: Poller) -> Published:
    """What is published, once it is: a verdict is swapped in just after it was reached."""
    for _ in range(1000):
        if poller.published:
            return poller.published
        threading.Event().wait(0.01)
    pytest.fail("nothing was published")


def test_sources_are_read_at_once_and_again_at_their_interval(running: Start, verdicts: Verdicts) -> None:
    again = threading.Semaphore(0)

    def counted(at: datetime, stop: threading.Event) -> SourceRead:
        again.release()
        return kubernetes(at, stop)

    poller = running({Source.KUBERNETES: counted, Source.VOLSYNC: volsync})
    for _ in range(3):
        assert again.acquire(timeout=30)
    verdicts.wait_for(1)
    assert [claim.key for claim in published(poller).verdict.claims] == ["n8n/data"]
    assert poller.ready
    assert poller.alive


def test_the_first_verdict_waits_until_every_source_was_tried(running: Start, verdicts: Verdicts) -> None:
    go_on = threading.Event()
    began = threading.Event()

    def slow(at: datetime, stop: threading.Event) -> SourceRead:
        began.set()
        go_on.wait(30)
        return volsync(at, stop)

    poller = running({Source.KUBERNETES: kubernetes, Source.VOLSYNC: slow})
    assert began.wait(30)
    assert not poller.ready
    assert poller.published is None
    go_on.set()
    verdicts.wait_for(1)
    assert published(poller).verdict.claims


def test_the_first_verdict_does_not_wait_for_ever(
    running: Start, verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "FIRST_VERDICT", timedelta(0))
    release = threading.Event()

    def endless(at: datetime, stop: threading.Event) -> SourceRead:
        release.wait(60)
        return volsync(at, stop)

    poller = running({Source.KUBERNETES: kubernetes, Source.VOLSYNC: endless})
    try:
        verdicts.wait_for(1)
        assert published(poller)
    finally:
        release.set()


def test_a_store_that_does_not_answer_holds_nothing_up(
    running: Start, verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "FIRST_LOOK_AT_STORES", timedelta(0))
    poller = running({Source.KUBERNETES: kubernetes, Source.VOLSYNC: backed_up, Source.S3: endless})
    verdicts.wait_for(1)
    (claim,) = published(poller).verdict.claims
    assert claim.recovery_point == SYNCED - timedelta(minutes=1)  # as VolSync reports it
    assert Link.REPOSITORY not in {link.link for link in claim.links if link.state is LinkState.BROKEN}
    assert poller.ready
    assert {report.source: report.reading for report in poller.facts.sources}[Source.S3] is Reading.PENDING


def test_a_scrub_holds_no_verdict_up_and_is_no_part_of_the_cluster(running: Start, verdicts: Verdicts) -> None:
    poller = running({Source.KUBERNETES: kubernetes, Source.VOLSYNC: backed_up, Source.SCRUB: endless})
    verdicts.wait_for(1)
    assert published(poller).verdict.claims
    assert poller.ready
    assert poller.interval(Source.SCRUB) == SETTINGS.poll.bucket


def test_the_cluster_is_awaited_longer_than_stores(running: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "FIRST_LOOK_AT_STORES", timedelta(0))
    tried = threading.Semaphore(0)

    def told(at: datetime, stop: threading.Event) -> SourceRead:
        tried.release()
        return kubernetes(at, stop)

    poller = running({Source.KUBERNETES: told, Source.VOLSYNC: endless})
    for _ in range(3):
        assert tried.acquire(timeout=30)
    assert not poller.ready


def test_a_read_that_does_not_end_is_a_source_that_timed_out_and_others_go_on(
    running: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "_LONGEST_READ", timedelta(seconds=0.1))
    monkeypatch.setattr(polling, "_COMING_BACK", timedelta(0))
    tried, told = threading.Semaphore(0), threading.Event()

    def counted(at: datetime, stop: threading.Event) -> SourceRead:
        tried.release()
        return kubernetes(at, stop)

    def stubborn(at: datetime, stop: threading.Event) -> SourceRead:
        if stop.wait(60):
            told.set()
        return endless(at, threading.Event())

    poller = running({Source.KUBERNETES: counted, Source.VOLSYNC: stubborn})
    assert published(poller)
    assert told.wait(30)
    report = next(report for report in poller.telemetry().reports if report.source is Source.VOLSYNC)
    assert (report.up, report.reason) == (False, Reason.TIMEOUT)
    assert poller.telemetry().errors[Source.VOLSYNC, Reason.TIMEOUT] == 1
    for _ in range(3):
        assert tried.acquire(timeout=30)


def test_what_a_read_brings_after_its_time_is_not_taken(running: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_LONGEST_READ", timedelta(seconds=0.1))
    monkeypatch.setattr(polling, "_COMING_BACK", timedelta(0))
    ended = threading.Semaphore(0)

    def late(at: datetime, stop: threading.Event) -> SourceRead:
        stop.wait(60)
        ended.release()
        return volsync(at, stop)

    poller = running({Source.KUBERNETES: kubernetes, Source.VOLSYNC: late})
    for _ in range(2):  # it is asked again once it has ended
        assert ended.acquire(timeout=30)
    report = next(report for report in poller.facts.sources if report.source is Source.VOLSYNC)
    assert report.reason is Reason.TIMEOUT


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_step_of_the_clock_stops_no_polls(running: Start, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    monkeypatch.setattr(polling, "TICK", timedelta(milliseconds=20))
    step = timedelta()

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + step

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Stepped)
    monkeypatch.setattr(polling, "datetime", Stepped)
    monkeypatch.setattr(polling, "time", lambda: Stepped.now(UTC).timestamp())
    tried = threading.Semaphore(0)

    def counted(at: datetime, stop: threading.Event) -> SourceRead:
        tried.release()
        return kubernetes(at, stop)

    poller = running({Source.KUBERNETES: counted})
    assert tried.acquire(timeout=30)
    assert published(poller)
    step = timedelta(hours=hours)
    for _ in range(4):
        assert tried.acquire(timeout=30)


def test_verdicts_follow_the_clock_when_no_facts_come(
    running: Start, verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "TICK", timedelta(milliseconds=20))
    running({}, facts=pending({}))
    verdicts.wait_for(3)


def test_a_verdict_that_waited_for_the_processor_is_renewed_at_once_and_one_that_used_it_is_not(
    running: Start, verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "TICK", timedelta(milliseconds=20))
    judge, ended, work = polling.Judge.verdict, [], iter([time.sleep, time.sleep, _use])

    def slow(*args: Any) -> Verdict:
        next(work, time.sleep)(0.3)
        ended.append(time.monotonic())
        return judge(*args)

    monkeypatch.setattr(polling.Judge, "verdict", slow)
    running({Source.KUBERNETES: kubernetes, Source.VOLSYNC: volsync})
    verdicts.wait_for(4)
    waited, _, used = (later - earlier for earlier, later in pairwise(ended[:4]))
    assert waited < 2
    assert used > 9 * 0.3


def _use(seconds: float) -> None:
    """Take so much of the processor's time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_reader_with_a_fault_is_a_source_that_failed_and_is_asked_again(running: Start, verdicts: Verdicts) -> None:
    asked = threading.Semaphore(0)

    def faulty(at: datetime, stop: threading.Event) -> SourceRead:
        asked.release()
        return broken(at, stop)

    poller = running({Source.KUBERNETES: kubernetes, Source.VOLSYNC: faulty})
    for _ in range(2):
        assert asked.acquire(timeout=30)
    verdicts.wait_for(1)
    report = next(report for report in poller.telemetry().reports if report.source is Source.VOLSYNC)
    assert (report.up, report.reason) == (False, Reason.OTHER)
    assert poller.telemetry().errors[Source.VOLSYNC, Reason.OTHER] >= 1
    assert poller.alive


def test_a_judge_with_a_fault_does_not_end_the_loop(running: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "TICK", timedelta(milliseconds=20))
    judge, failures = polling.Judge.verdict, iter([True, True])

    def faulty(*args: Any) -> Verdict:
        if next(failures, False):
            raise RuntimeError("the judge has a fault")
        return judge(*args)

    monkeypatch.setattr(polling.Judge, "verdict", faulty)
    assert published(running({Source.KUBERNETES: kubernetes, Source.VOLSYNC: volsync}))


def test_errors_add_up_and_a_failed_read_without_any_counts_as_one() -> None:
    reads = iter(
        [
            SourceReport(Source.S3, Reading.READ, errors={Reason.THROTTLED: 2}),
            SourceReport(Source.S3, Reading.UNREADABLE, Reason.TIMEOUT),
            SourceReport(Source.S3, Reading.UNREADABLE, Reason.TIMEOUT, errors={Reason.TIMEOUT: 3}),
        ]
    )
    poller = Poller({Source.S3: lambda _at, _stop: SourceRead(next(reads))}, SETTINGS, Clock())
    for _ in range(3):
        poller.poll(Source.S3)
    assert poller.telemetry().errors == {(Source.S3, Reason.THROTTLED): 2, (Source.S3, Reason.TIMEOUT): 4}


def test_a_read_that_was_told_to_give_up_says_nothing_about_its_source() -> None:
    poller = Poller({}, SETTINGS, Clock())

    def interrupted(_at: datetime, stop: threading.Event) -> SourceRead:
        poller.stop()
        assert stop.is_set()
        return SourceRead(SourceReport(Source.VOLSYNC, Reading.UNREADABLE, Reason.OTHER))

    poller._readers[Source.VOLSYNC] = interrupted
    before = poller.facts
    poller.poll(Source.VOLSYNC)
    assert poller.facts is before


def test_before_the_first_read_sources_are_pending_and_others_do_not_apply() -> None:
    facts = Poller({Source.KUBERNETES: kubernetes}, SETTINGS, Clock()).facts
    assert facts.cluster.core.claims.reading is Reading.PENDING
    assert facts.cluster.longhorn.volumes.reading is Reading.NOT_SERVED
    assert {report.source: report.up for report in facts.sources} == {
        source: source is not Source.KUBERNETES for source in Source
    }


def test_facts_serve_until_the_next_read_is_due_and_the_grace_after_it() -> None:
    settings = Settings(poll=PollSettings(bucket=timedelta(hours=1), keep_facts=timedelta(minutes=10)))
    poller = Poller({}, settings, Clock())
    assert poller.serves(Source.S3) == timedelta(hours=1, minutes=10, seconds=10)
    assert poller.serves(Source.VOLSYNC) == timedelta(minutes=11, seconds=10)


def test_only_a_wedged_loop_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(polling, "monotonic", lambda: now)
    poller = Poller({Source.S3: broken}, SETTINGS, Clock())
    assert poller.alive
    now += 3000.0
    assert not poller.alive  # the judge has not come round
    poller._turned = now
    assert poller.alive
    poller._under_way[Source.S3] = polling._UnderWay(now, threading.Event())
    now += 3500.0
    poller._turned = now
    assert poller.alive  # a long sweep is work
    now += 101.0
    assert not poller.alive


def test_a_given_moment_runs_on() -> None:
    clock = Clock(AT)
    first = clock.now()
    assert timedelta(0) <= first - AT < timedelta(seconds=5)
    assert clock.now() >= first


def test_malformed_objects_are_counted_by_kind() -> None:
    bad = tuple(MalformedObject("ReplicationSource", "n8n", name, "spec: should be an object") for name in "ab")

    def reader(at: datetime, _stop: threading.Event) -> SourceRead:
        listing = ObjectList((), Reading.READ, read_at=at, malformed=bad)
        return SourceRead(SourceReport(Source.VOLSYNC, Reading.READ), {"volsync.sources": listing})

    poller = Poller({Source.VOLSYNC: reader}, SETTINGS, Clock())
    poller.poll(Source.VOLSYNC)
    assert poller.telemetry().malformed == {"ReplicationSource": 2}


def judged_once(readers: Mapping[Source, Read]) -> Poller:
    poller = Poller(readers, SETTINGS, Clock())
    poller.read_once()
    poller.judge()
    return poller


def test_a_verdict_that_cannot_be_renewed_stands_and_the_exporter_is_no_longer_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poller = judged_once({Source.KUBERNETES: kubernetes, Source.VOLSYNC: volsync})
    assert poller.ready
    last = poller.published
    monkeypatch.setattr(polling.Judge, "verdict", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        poller.judge()
    monkeypatch.setattr(polling, "monotonic", lambda: time.monotonic() + 3600)
    assert not poller.ready
    assert poller.published is last


def test_a_claim_that_cannot_be_judged_costs_itself_is_counted_and_is_logged_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge_claim = judging._judge_claim

    def odd(inventory: Inventory, key: tuple[str, str], at: datetime) -> ClaimVerdict:
        return judge_claim(inventory, key, at) if key == ("n8n", "data") else timedelta.max * 2  # type: ignore[return-value]

    def two(at: datetime, stop: threading.Event) -> SourceRead:
        read = backed_up(at, stop)
        (good,) = read.lists["volsync.sources"].items
        assert isinstance(good, ReplicationSource)
        bad = msgspec.structs.replace(
            good,
            metadata=PlaceMetadata(name="odd-backup", namespace="n8n"),
            spec=msgspec.structs.replace(good.spec, source_pvc="odd"),
        )
        return SourceRead(read.report, {"volsync.sources": ObjectList((good, bad), Reading.READ, read_at=at)})

    monkeypatch.setattr(judging, "_judge_claim", odd)
    with structlog.testing.capture_logs() as logged:
        poller = judged_once({Source.KUBERNETES: kubernetes, Source.VOLSYNC: two})
        poller.judge()
    states = {claim.pvc: claim.state for claim in published(poller).verdict.claims}
    assert states["odd"] is ClaimState.UNKNOWN
    assert states["data"] is not ClaimState.UNKNOWN
    assert poller.telemetry().unjudged == {"OverflowError": 1}
    (told,) = [line for line in logged if line["event"] == "claim not judged"]
    assert (told["claim"], told["error"]) == ("n8n/odd", "OverflowError")


def not_served(_at: datetime, _stop: threading.Event) -> SourceRead:
    absent: ObjectList[Any] = ObjectList(reading=Reading.NOT_SERVED)
    report = SourceReport(Source.VOLSYNC, Reading.NOT_SERVED)
    return SourceRead(report, {"volsync.sources": absent, "volsync.destinations": absent})


def test_an_api_group_that_is_away_for_a_moment_accuses_nobody() -> None:
    reads = iter((backed_up, not_served, backed_up))

    def passing(at: datetime, stop: threading.Event) -> SourceRead:
        return next(reads)(at, stop)

    poller = judged_once({Source.KUBERNETES: kubernetes, Source.VOLSYNC: passing})
    before = published(poller).verdict.claims[0]
    told = [(root.cause, root.scope) for root in published(poller).verdict.root_causes]
    poller.poll(Source.VOLSYNC)
    poller.judge()
    after = published(poller).verdict.claims[0]
    assert (after.state, after.last_sync, after.problem) == (before.state, before.last_sync, before.problem)
    assert after.last_sync is not None
    assert [(root.cause, root.scope) for root in published(poller).verdict.root_causes] == told
