"""The loop: one job per source, and a judge that is woken when facts have come."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic, thread_time, time

import msgspec
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from exporter import __version__
from exporter.chain.incremental import Judge
from exporter.chain.isolation import JudgingFailure
from exporter.chain.verdict import Verdict
from exporter.durations import format_duration
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.model import Facts, ReadCount, SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.masking import masked
from exporter.polling.clock import Clock
from exporter.polling.merge import FIELDS, expire, merge, pending
from exporter.publication.current import Published
from exporter.publication.families import Telemetry
from exporter.publication.render import Renderer
from exporter.settings import Settings

_log = structlog.get_logger()

Read = Callable[[datetime, threading.Event], SourceRead]
"""Reads one source: at which moment, and an event that tells it to give up."""

TICK = timedelta(seconds=15)
"""Verdicts depend on the clock: one is reached this often even when no facts come."""
_SHARE = 10
"""Judging takes a tenth of one processor's time at the most, however many claims there are.

It is measured in CPU seconds. Under a limit of a tenth of a processor the first verdict on 10,000 claims takes a minute
of wall time, and nine more would delay the next one, which has almost nothing to judge.
"""
FIRST_VERDICT = timedelta(minutes=1)
"""The first verdict waits for every source's first read, but no longer than this, …"""
FIRST_LOOK_AT_STORES = timedelta(seconds=10)
"""… and for the stores this long alone: without them recovery points are as VolSync reports them."""
_COMING_BACK = timedelta(seconds=5)
"""A reader ends itself in time, and keeps what it has read by then; one that has not after this hangs somewhere."""
_CLOCK_STEP = 5.0
"""Seconds that the machine's clock may run ahead or behind between two turns before that is a step."""
_WEDGED = timedelta(minutes=5)
"""Without a turn of the judge's loop for this long, the process is of no use."""
_OLD = timedelta(minutes=10)
"""Without a new verdict for this long, or three polls, the exporter is not ready."""
_HUNG = timedelta(hours=1)
"""Nor with a read that has been under way for this long, or ten of its intervals."""


class _UnderWay(msgspec.Struct):
    """A read that has not ended."""

    began: float
    """Monotonic seconds."""
    stop: threading.Event
    """Tells it to give up."""


class Poller:
    """Keeps facts and the verdict on them up to date; all that it publishes is swapped as a whole.

    Args:
        readers: How each source is read; a source without a reader keeps what *facts* say of it.
        settings: The settings.
        clock: The moment that reads are dated and verdicts reached at.
        facts: What is known at the start.
    """

    def __init__(
        self, readers: Mapping[Source, Read], settings: Settings, clock: Clock, facts: Facts | None = None
    ) -> None:
        self._readers = dict(readers)
        self._settings = settings
        self._clock = clock
        self._facts = facts if facts is not None else pending(readers)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._errors: Counter[tuple[Source, Reason]] = Counter()
        self._reads: Counter[ReadCount] = Counter()
        self._untried = set(readers)
        self._under_way: dict[Source, _UnderWay] = {}
        self._started = clock.now()
        self._made = monotonic()
        self._turned = self._made
        self._ahead = time() - self._made
        self._published: Published | None = None
        self._judging_by, self._renderer = Judge(settings), Renderer()
        self._judging: timedelta | None = None
        self._cost = 0.0
        self._judged = self._made
        self._told: frozenset[JudgingFailure] = frozenset()
        self._scheduler = _scheduler(len(readers))
        self._judge = threading.Thread(target=self._judge_on, name="judge", daemon=True)

    # --- what the server asks

    @property
    def published(self) -> Published | None:
        return self._published

    @property
    def ready(self) -> bool:
        """Whether there is a verdict that can be believed to be the picture of now."""
        return self._published is not None and monotonic() - self._judged < self._old_after()

    @property
    def alive(self) -> bool:
        now = monotonic()
        patience = _WEDGED.total_seconds() + _SHARE * (self._judging.total_seconds() if self._judging else 0)
        hung = any(now - read.began > self._patience(source) for source, read in list(self._under_way.items()))
        return now - self._turned < patience and not hung

    def now(self) -> datetime:
        return self._clock.now()

    def telemetry(self) -> Telemetry:
        facts, published = self._facts, self._published
        return Telemetry(
            version=__version__,
            started=self._started,
            reports=facts.sources,
            errors=dict(self._errors),
            reads=dict(self._reads),
            intervals={source: self.interval(source) for source in self._readers},
            verdict_at=published.reached.at if published else None,
            judging=self._judging,
            malformed=_malformed(facts),
            unjudged=Counter(failure.error for failure in published.reached.failures) if published else {},
            duplicates=published.rendered.duplicates if published else 0,
            failed=published.rendered.failed if published else (),
        )

    # --- running

    def start(self) -> None:
        """Read every source at once and then at its interval, in the background."""
        for source in self._readers:
            self._scheduler.add_job(
                self.poll,
                IntervalTrigger(
                    seconds=max(1, int(self.interval(source).total_seconds())),
                    jitter=int(self._settings.poll.jitter.total_seconds()) or None,
                    timezone=UTC,
                ),
                args=(source,),
                id=source,
                next_run_time=datetime.now(UTC),
            )
        self._scheduler.start()
        self._judge.start()

    def stop(self) -> None:
        """Tell every read to give up and schedule no more. Returns at once."""
        self._stop.set()
        self._wake.set()
        for read in list(self._under_way.values()):
            read.stop.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    @property
    def facts(self) -> Facts:
        return self._facts

    def read_once(self) -> None:
        """Read every source once, side by side."""
        threads = [threading.Thread(target=self.poll, args=(source,), daemon=True) for source in self._readers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def poll(self, source: Source) -> None:
        """Read *source* and take in what comes. Whatever goes wrong is a failed read, never an exception."""
        began = monotonic()
        under_way = self._under_way[source] = _UnderWay(began, threading.Event())
        if self._stop.is_set():
            under_way.stop.set()
        at = self._clock.now()
        try:
            read = self._readers[source](at, under_way.stop)
        except Exception as error:  # noqa: BLE001 - a fault of a reader must not end its job
            _log.exception("reader failed", source=source.value)
            read = SourceRead(
                SourceReport(
                    source,
                    Reading.UNREADABLE,
                    Reason.OTHER,
                    masked(f"{type(error).__name__}: {error}"),
                    duration=timedelta(seconds=monotonic() - began),
                )
            )
        finally:
            del self._under_way[source]
        if not under_way.stop.is_set():  # a read that was told to give up says nothing about its source
            self._take_in(read)

    def _take_in(self, read: SourceRead) -> None:
        source = read.report.source
        with self._lock:
            self._facts = merge(self._facts, read, self._clock.now(), self.serves(source))
            self._errors.update(_errors(read.report))
            self._reads.update(read.report.reads)
            self._untried.discard(source)
        _log_read(read)
        self._wake.set()

    def judge(self) -> None:
        """Reach a verdict on the facts as they are now, and publish it."""
        began, spent = monotonic(), thread_time()
        with self._lock:
            self._facts = expire(self._facts, self.now(), {source: self.serves(source) for source in self._readers})
            facts = self._facts
        verdict = self._judging_by.verdict(facts, self.now())
        self._published = Published(_without_objects(verdict), self._renderer.render(verdict))
        self._judged = monotonic()
        self._judging, self._cost = timedelta(seconds=self._judged - began), thread_time() - spent
        self._log_failures(verdict)

    def interval(self, source: Source) -> timedelta:
        """How often *source* is read."""
        return self._settings.poll.cluster if source.is_of_cluster else self._settings.poll.bucket

    def serves(self, source: Source) -> timedelta:
        """How long facts of *source* serve: until the next read is due and has had its time, and the grace."""
        last = next((report.duration for report in self._facts.sources if report.source is source), None)
        return (
            self.interval(source)
            + self._settings.poll.jitter
            + (last or timedelta())
            + (self._settings.poll.keep_facts)
        )

    def deadline(self, source: Source) -> timedelta:
        """How long a read of *source* may take as a whole."""
        return self._settings.poll.longest(self.interval(source)) + _COMING_BACK

    def _judge_on(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            self._turned = monotonic()
            self._wake.wait(TICK.total_seconds() if self._published else 1.0)
            self._wake.clear()
            self._give_up_on_late_reads()
            self._notice_clock_step()
            if self._stop.is_set() or not self._due():
                continue
            try:
                self.judge()
            except Exception:  # noqa: BLE001 - nor one of the judge the loop
                _log.exception("no verdict")
            pause = (_SHARE - 1) * self._cost

    def _due(self) -> bool:
        waited = timedelta(seconds=monotonic() - self._made)
        awaited = self._untried - {Source.SCRUB}
        if waited >= FIRST_LOOK_AT_STORES:
            awaited -= {Source.S3}
        return self._published is not None or not awaited or waited >= FIRST_VERDICT

    def _give_up_on_late_reads(self) -> None:
        """Tell what has taken too long to end, and that its source cannot be read; its thread may never come back."""
        for source, read in list(self._under_way.items()):
            allowed = self.deadline(source)
            if monotonic() - read.began > allowed.total_seconds() and not read.stop.is_set():
                read.stop.set()
                detail = f"the read has not ended within {format_duration(allowed)}"
                self._take_in(SourceRead(SourceReport(source, Reading.UNREADABLE, Reason.TIMEOUT, detail)))

    def _notice_clock_step(self) -> None:
        """Read every source at once after a step of the machine's clock.

        APScheduler 3 waits until a time of that clock: set back by hours, it would read nothing for hours.
        """
        ahead = time() - monotonic()
        step, self._ahead = ahead - self._ahead, ahead
        if abs(step) > _CLOCK_STEP and self._scheduler.running:
            _log.warning("the clock was set", seconds=round(step))
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))

    def _log_failures(self, verdict: Verdict) -> None:
        """Log each claim that could not be judged, once for each error."""
        failures = frozenset(verdict.failures)
        for failure in failures - self._told:
            _log.error("claim not judged", claim=failure.claim, error=failure.error, where=failure.where)
        self._told = failures

    def _old_after(self) -> float:
        """Seconds after which a verdict is none any more: as `VolSyncExporterStale` has it."""
        judging = self._judging or timedelta()
        usual = max(_OLD, 3 * self.interval(Source.KUBERNETES))
        return (usual + judging).total_seconds() + _SHARE * self._cost

    def _patience(self, source: Source) -> float:
        return max(_HUNG, 10 * self.interval(source)).total_seconds()


def _without_objects(verdict: Verdict) -> Verdict:
    """*verdict* without the cluster's objects: they are all decided on, and would be held beside the next ones."""
    return msgspec.structs.replace(verdict, facts=msgspec.structs.replace(verdict.facts, cluster=ClusterFacts()))


def _scheduler(workers: int) -> BackgroundScheduler:
    return BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(max(1, workers))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=UTC,
    )


def _errors(report: SourceReport) -> Counter[tuple[Source, Reason]]:
    errors = dict(report.errors)
    if not report.up and not errors:
        errors = {report.reason or Reason.OTHER: 1}
    return Counter({(report.source, reason): count for reason, count in errors.items()})


def _malformed(facts: Facts) -> dict[str, int]:
    cluster = facts.cluster
    return Counter(
        broken.kind for fields in FIELDS.values() for field in fields for broken in cluster.list_of(field).malformed
    )


def _log_read(read: SourceRead) -> None:
    """The one line about a poll."""
    report = read.report
    listed = sum(len(listing.items) for listing in read.lists.values())
    found = sum(len(bucket.repositories) for bucket in read.buckets)
    (_log.info if report.up else _log.warning)(
        "poll",
        source=report.source.value,
        reading=report.reading.value,
        reason=report.reason.value if report.reason else None,
        seconds=round(report.duration.total_seconds(), 3) if report.duration is not None else None,
        objects=found if report.source is Source.S3 else listed,
        detail=report.detail or None,
    )
