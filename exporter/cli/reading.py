"""Facts for a command that answers once: from a dump, or from the cluster and its buckets, each read once."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from exporter.chain.judge import judge
from exporter.chain.verdict import Verdict
from exporter.cli.inputs import Failure, Inputs
from exporter.cli.refused import no_answer, no_cluster
from exporter.durations import format_duration
from exporter.facts.bucket.address import addresses
from exporter.facts.cluster.dump.archive import unpacked
from exporter.facts.cluster.dump.files import read_dump
from exporter.facts.model import Facts, SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.publication.document import Judged

if TYPE_CHECKING:
    from exporter.facts.cluster.server.official import ApiClient

_FAILED_AS_A_WHOLE = (Reason.CONNECTION, Reason.TLS, Reason.TIMEOUT, Reason.UNAUTHORIZED)
_REQUESTS = 4
"""A source of the cluster may take as long as this many requests that are not answered: somebody waits."""
_TOLD = 5
_CHECK_NAMESPACE = ": check -n, or claims.namespaces in the settings"


class Answer(msgspec.Struct, frozen=True):
    """A verdict, and what it was reached on."""

    verdict: Verdict
    judged: Judged
    notes: tuple[str, ...] = ()
    """What was passed over."""


def answer(inputs: Inputs) -> Answer:
    """Read once, and judge.

    Raises:
        Failure: nothing could be read; it says why, and what to do.
    """
    if inputs.files:
        return _from_files(inputs)
    facts, where = read_cluster(inputs)
    at = inputs.at or datetime.now(UTC)
    _demand_namespaces(facts, inputs, where)
    return Answer(judge(facts, inputs.settings, at), Judged(where, inputs.settings_from))


def _from_files(inputs: Inputs) -> Answer:
    try:
        with unpacked(inputs.files) as paths:
            dump = read_dump(paths, inputs.at, inputs.settings)
    except (OSError, ValueError) as error:
        raise Failure(str(error)) from None
    asked = inputs.settings.claims.namespaces
    missing = [name for name in asked if name not in dump.namespaces]
    # A dump without the namespaces themselves may have nothing to tell of one that is there.
    if missing and (dump.facts.cluster.core.namespaces.known or len(missing) == len(asked)):
        raise Failure(f"no object in the dump is in namespace {missing[0]}{_meant(missing[0], dump.namespaces)}")
    where = f"the dump {', '.join(inputs.files)}"
    if dump.manifest and dump.manifest.context:
        where += f" of {dump.manifest.context}"
    skipped = [f"{one.path} was skipped: {one.why}" for one in dump.skipped]
    notes = (*skipped[:_TOLD], *([f"and {len(skipped) - _TOLD} more files"] if len(skipped) > _TOLD else ()))
    return Answer(judge(dump.facts, inputs.settings, dump.at), Judged(where, inputs.settings_from), notes)


def read_cluster(inputs: Inputs) -> tuple[Facts, str]:
    """Every source, read once and side by side; and which cluster that was.

    Raises:
        Failure: the API server cannot be found, reached, or does not take the credentials.
    """
    from exporter.cli.readers import connection, readers_of  # noqa: PLC0415 - slow to import, and files do without
    from exporter.facts.cluster.server.transport import ReadError  # noqa: PLC0415

    try:
        addresses(inputs.settings, os.environ)
    except ValueError as error:
        raise Failure(str(error)) from None
    try:
        context, client = connection(inputs.kubeconfig, inputs.context)
    except ReadError as error:
        raise no_cluster(error) from None
    address = str(client.configuration.host)
    poll = inputs.settings.poll
    readers = readers_of(inputs.settings, lambda: client, _REQUESTS * poll.timeout)
    allowed = {source: poll.longest(poll.bucket if source is Source.S3 else poll.cluster) for source in readers}
    reads = _read_all(readers, datetime.now(UTC), allowed)
    _demand_an_answer(reads, context, address)
    return _facts(reads), cluster_name(context, client)


def cluster_name(context: str, client: "ApiClient") -> str:
    """The cluster behind *client* for a person: its context, and where it is."""
    return f"{context} ({client.configuration.host})"


def _read_all(
    readers: Mapping[Source, Callable[[datetime, threading.Event], SourceRead]],
    at: datetime,
    allowed: Mapping[Source, timedelta],
) -> list[SourceRead]:
    """Every source, read side by side.

    Readers end themselves. One that has not where nothing can end it (in a name server that hangs, for example) is
    overdue after what its source is *allowed*, and its thread keeps neither the answer nor the end of the process.
    """
    began = time.monotonic()
    reads: dict[Source, SourceRead] = {}

    def run(source: Source) -> None:
        reads[source] = _read(source, readers[source], at)

    threads = {source: threading.Thread(target=run, args=(source,), daemon=True) for source in readers}
    for thread in threads.values():
        thread.start()
    for source, thread in threads.items():
        thread.join(max(0.0, began + allowed[source].total_seconds() - time.monotonic()))
    return [reads.get(source) or _overdue(source, allowed[source]) for source in readers]


def _overdue(source: Source, allowed: timedelta) -> SourceRead:
    detail = f"the read has not ended within {format_duration(allowed)}"
    return SourceRead(SourceReport(source, Reading.UNREADABLE, Reason.TIMEOUT, detail))


def _read(source: Source, reader: Callable[[datetime, threading.Event], SourceRead], at: datetime) -> SourceRead:
    try:
        return reader(at, threading.Event())
    except Exception as error:  # noqa: BLE001 - one source that cannot be read is one that is not known
        detail = f"{type(error).__name__}: {error}"
        return SourceRead(SourceReport(source, Reading.UNREADABLE, Reason.OTHER, detail))


def _facts(reads: list[SourceRead]) -> Facts:
    from exporter.polling.merge import merge, pending  # noqa: PLC0415 - files do without

    facts = pending({read.report.source: None for read in reads})
    for read in reads:
        facts = merge(facts, read, datetime.now(UTC), timedelta())
    return facts


def _demand_an_answer(reads: list[SourceRead], context: str, address: str) -> None:
    """One error, once, where the API server gave nothing at all."""
    tried = [read.report for read in reads if read.report.source is not Source.S3]
    tried = [report for report in tried if report.reading is not Reading.NOT_SERVED]
    if not tried or any(report.up or report.reason not in _FAILED_AS_A_WHOLE for report in tried):
        return
    first = tried[0]
    raise no_answer(context, address, first.reason, first.detail)


def _demand_namespaces(facts: Facts, inputs: Inputs, where: str) -> None:
    """A namespace that is not there is a mistake of whoever named it: nothing in it is not the same as all well."""
    known = facts.cluster.core.namespaces
    for name in inputs.settings.claims.namespaces:
        if known.known and known.get(name) is None:
            names = frozenset(namespace.name for namespace in known)
            raise Failure(f"{where} has no namespace {name}{_meant(name, names) or _CHECK_NAMESPACE}")


def _meant(name: str, names: frozenset[str]) -> str:
    import difflib  # noqa: PLC0415

    near = difflib.get_close_matches(name, sorted(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""
