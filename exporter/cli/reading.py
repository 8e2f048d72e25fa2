"""Facts for a command that answers once: from a dump, or from the cluster and its buckets, each read once."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec

from exporter.chain.judge import judge
from exporter.chain.verdict import Verdict
from exporter.cli.inputs import Failure, Inputs
from exporter.facts.bucket.address import addresses
from exporter.facts.cluster.dump.archive import unpacked
from exporter.facts.cluster.dump.files import read_dump
from exporter.facts.model import Facts, SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source

_FAILED_AS_A_WHOLE = (Reason.CONNECTION, Reason.TLS, Reason.TIMEOUT, Reason.UNAUTHORIZED)
_TOLD = 5
_CHECK_NAMESPACE = ": check -n, or claims.namespaces in the settings"
_ELSEWHERE = "Name a kubeconfig with --kubeconfig or --context, or read a dump with --from."


class Answer(msgspec.Struct, frozen=True):
    """A verdict, and what it was reached on."""

    verdict: Verdict
    where: str
    """The cluster or dump, for a person."""
    settings_from: str
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
    return Answer(judge(facts, inputs.settings, at), where, inputs.settings_from)


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
    return Answer(judge(dump.facts, inputs.settings, dump.at), where, inputs.settings_from, notes)


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
        raise Failure(
            f"{error}\n{_ELSEWHERE}"
        ) from None
    address = str(client.configuration.host)
    readers = readers_of(inputs.settings, lambda: client)
    at = datetime.now(UTC)
    with ThreadPoolExecutor(max(1, len(readers))) as pool:
        reads = list(pool.map(lambda source: _read(source, readers[source], at), readers))
    _demand_an_answer(reads, context, address)
    return _facts(reads), f"{context} ({address})"


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
    detail = first.detail.partition(": ")[2] or first.detail
    name = f"the API server of {context} at {address}"
    match first.reason:
        case Reason.UNAUTHORIZED:
            raise Failure(
                f"{name} does not accept these credentials: {detail}\n"
                "Log in again as for kubectl; an expired token is the usual reason."
            )
        case Reason.TLS:
            raise Failure(
                f"{name} shows a certificate that is not trusted: {detail}\n"
                "Check certificate-authority in the kubeconfig, and the server's name."
            )
        case _:
            raise Failure(
                f"{name} cannot be reached: {_short(detail)}\n"
                "Check that the cluster is up, the context (--context) and the network or VPN."
            )


def _short(detail: str) -> str:
    """What went wrong, without the client's object in front of it and its number."""
    return detail.rpartition("] ")[2] or detail


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
