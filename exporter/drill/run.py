"""Going through the sources, one restore at a time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from exporter.chain.backup import duration_of, synchronizing
from exporter.chain.mover_log import last_words, restored_in, says_nothing_restored
from exporter.drill.manifest import manifest
from exporter.drill.plan import Candidate, Limits, is_done, reason_to_wait, unfinished
from exporter.durations import format_duration
from exporter.facts.cluster.server.transport import ReadError, one_line
from exporter.facts.cluster.volsync.objects import ReplicationDestination, ReplicationSource
from exporter.masking import masked

_LOOK = 5.0
"""Seconds between two looks at a restore."""
_REST = 15.0
"""Seconds to wait where every source is busy."""
_PATIENCE = timedelta(minutes=2)
"""For an error of VolSync's reconciler, which may pass: its conflicts with other writers do within seconds."""


class Server(Protocol):
    def source(self, namespace: str, name: str) -> Mapping[str, Any]: ...
    def destination(self, namespace: str, name: str) -> Mapping[str, Any]: ...
    def destinations(self) -> list[Mapping[str, Any]]: ...
    def apply(self, manifest: Mapping[str, Any]) -> None: ...


class Time(Protocol):
    def now(self) -> datetime: ...
    def sleep(self, seconds: float) -> None: ...


class Outcome(StrEnum):
    RESTORED = "restored"
    """Something came back."""
    UNTOLD = "untold"
    """VolSync says Successful and keeps no log that tells what came back."""
    FAILED = "failed"
    """It failed, did not end in time, or brought nothing back."""
    LEFT = "left"
    """It was not begun."""


class Result(msgspec.Struct, frozen=True):
    claim: str
    outcome: Outcome
    text: str


def drill(server: Server, candidates: Sequence[Candidate], limits: Limits, time: Time) -> Iterator[Result]:
    """Drill each of *candidates*, and say how it went as soon as that is known.

    No restore begins while as many as `limits.unfinished` have not ended, whoever began them.
    """
    waiting = [one for one in candidates if one.drill is None or is_done(one.drill)]
    yield from (_unended(one) for one in candidates if one not in waiting)
    since = time.now()
    while waiting:
        if len(behind := _behind(server)) >= limits.unfinished:
            reason = f"not begun: {', '.join(behind)} has not ended"
            yield from (Result(one.claim, Outcome.LEFT, reason) for one in waiting)
            return
        chosen, hindrances = _chosen(server, waiting, limits, time.now())
        if chosen is None:
            if time.now() - since > limits.timeout:
                yield from (
                    Result(one.claim, Outcome.LEFT, f"not begun: {why}")
                    for one, why in zip(waiting, hindrances, strict=True)
                )
                return
            time.sleep(_REST)
            continue
        waiting.remove(chosen)
        yield _drilled(server, chosen, limits, time)
        since = time.now()


def _unended(one: Candidate) -> Result:
    told = _failure(one.drill) if one.drill else ""
    return Result(one.claim, Outcome.FAILED, f"the last restore has not ended{f': {told}' if told else ''}")


def _behind(server: Server) -> list[str]:
    return ["/".join(key) for key in unfinished(server.destinations())]


def _chosen(
    server: Server, waiting: Sequence[Candidate], limits: Limits, at: datetime
) -> tuple[Candidate | None, list[str]]:
    """The first whose backup a restore would not hinder now; else why each would."""
    hindrances = []
    for one in waiting:
        try:
            source = msgspec.convert(server.source(*one.source.key), ReplicationSource)
        except (ReadError, msgspec.ValidationError) as error:
            hindrances.append(one_line(error))
            continue
        if not (why := reason_to_wait(one, source, limits, at)):
            return one, []
        hindrances.append(why)
    return None, hindrances


def _drilled(server: Server, one: Candidate, limits: Limits, time: Time) -> Result:
    trigger = f"{time.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    wanted = manifest(one.raw, one.capacity, one.storage_class, trigger)
    try:
        server.apply(wanted)
    except ReadError as error:
        return Result(one.claim, Outcome.FAILED, f"the restore could not be asked for: {error}")
    key = (wanted["metadata"]["namespace"], wanted["metadata"]["name"])
    begun = time.now()
    erring: datetime | None = None
    while time.now() - begun <= limits.timeout:
        time.sleep(_LOOK)
        try:
            found = msgspec.convert(server.destination(*key), ReplicationDestination)
        except (ReadError, msgspec.ValidationError):
            continue  # a server that is away is no failed restore; the time-out ends this
        if is_done(found):
            return _ended(one.claim, found)
        if failed := _failure(found):
            return Result(one.claim, Outcome.FAILED, f"{failed}; VolSync goes on trying")
        told = _error(found)
        erring = (erring or time.now()) if told else None
        if erring and time.now() - erring > _PATIENCE:
            return Result(one.claim, Outcome.FAILED, f"VolSync on {key[1]}: {told}")
    return Result(
        one.claim, Outcome.FAILED, f"has not ended in {format_duration(limits.timeout)}; VolSync goes on with {key[1]}"
    )


def _ended(claim: str, found: ReplicationDestination) -> Result:
    status = found.status
    log = status.latest_mover_status.logs if status and status.latest_mover_status else ""
    took = duration_of(status) if status else None
    spent = f" in {format_duration(took)}" if took is not None else ""
    if says_nothing_restored(log):
        return Result(claim, Outcome.FAILED, f"brought nothing back: {_line(log)}")
    restored = restored_in(log)
    if restored is None:
        return Result(claim, Outcome.UNTOLD, f"succeeded{spent}, and no log tells what came back")
    of = f" of {restored.taken.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}" if restored.taken else ""
    amount = f" ({restored.amount})" if restored.amount else ""
    return Result(claim, Outcome.RESTORED, f"restored snapshot {restored.snapshot}{of}{amount}{spent}")


def _failure(found: ReplicationDestination) -> str:
    """What VolSync says of the run, once it has failed; the status of the run before is a success."""
    status = found.status
    if status is None or status.latest_mover_status is None or status.latest_mover_status.result != "Failed":
        return ""
    return f"failed: {_line(status.latest_mover_status.logs)}"


def _error(found: ReplicationDestination) -> str:
    condition = synchronizing(found.status) if found.status else None
    return one_line(masked(condition.message)) if condition and condition.reason == "Error" else ""


def _line(log: str) -> str:
    return one_line(masked(last_words(log)))
