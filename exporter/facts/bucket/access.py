"""What the exporter's key may do in each bucket, and what reading it costs."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from exporter.durations import format_duration
from exporter.facts.bucket.client import Client
from exporter.facts.bucket.failure import BucketError
from exporter.facts.bucket.faults import one_line
from exporter.facts.bucket.look import AFTER_DATA, folder_of
from exporter.facts.bucket.model import ObjectType
from exporter.facts.bucket.paging import DatedPage
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.bucket.sweep import Sweep
from exporter.facts.model import Check
from exporter.facts.reading import Reason, Source

_SKEW = timedelta(minutes=5)
"""S3 refuses requests whose time is further off than 15 minutes; at a third of that someone should look."""

_MEND = {
    Reason.NO_CREDENTIALS: "give the exporter AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
    Reason.WRONG_KEY: "compare the key with the store's, and the region with the bucket's",
    Reason.EXPIRED_KEY: "renew the key",
    Reason.CLOCK_SKEW: "set the clock of the node or of the store",
    Reason.FORBIDDEN: "grant s3:ListBucket on the bucket, and check that the bucket exists",
    Reason.NO_SUCH_BUCKET: "correct the bucket's name, or create the bucket",
    Reason.TLS: "set ca_file to the CA of the store's certificate",
    Reason.CONNECTION: "correct the endpoint, and check that the exporter can reach it over the network",
    Reason.TIMEOUT: "check that the store responds, or raise poll.timeout",
}


def check_access(reader: BucketReader) -> tuple[Check, ...]:
    """Try each bucket of *reader* with the requests that a read makes, and those that it would like to make."""
    if not reader.sweeps:
        return (_check("bucket", "no bucket is configured", fix="set buckets, or RESTIC_REPOSITORY_BASE"),)
    if not any(sweep.states for sweep in reader.sweeps):
        reader.read(datetime.now(UTC))
    return tuple(check for sweep in reader.sweeps for check in _checks(sweep))


def _checks(sweep: Sweep) -> list[Check]:
    """The checks of one bucket; whatever it does, they end with a line."""
    found: list[Check] = []
    try:
        found.extend(_try(sweep))
    except Exception as error:  # noqa: BLE001  # a check tells what is wrong, and never fails itself
        detail = f"the check failed: {one_line(f'{type(error).__name__}: {error}')}"
        found.append(_check(f"check s3://{sweep.address.bucket}", detail, ok=False))
    return found


def _try(sweep: Sweep) -> Iterator[Check]:
    address = sweep.address
    where = f"s3://{address.bucket}/{folder_of(address.prefix)}"
    try:
        client = sweep.client()
        client.list(folder_of(address.prefix), delimiter="/")
    except BucketError as failure:
        yield _check(f"list {where}", str(failure), ok=False, fix=_MEND.get(failure.reason, ""))
        return
    yield _check(f"list {where}", f"allowed, at {address.endpoint or 'AWS'}", ok=True)
    yield from _optional_rights(sweep, client, where)
    yield _clock(client, where)
    yield _cost(sweep, where)
    if sweep.settings.scrub.enabled:
        yield _scrubbing(sweep, where)


def _optional_rights(sweep: Sweep, client: Client, where: str) -> Iterator[Check]:
    """HEAD and GET, tried on an object that is there: a store may hide what is not from whom may not look."""
    key = _some_key(sweep, client)
    for right, ask in (("head", client.head), ("get", client.get)):
        if key is None:
            yield _check(f"{right} {where}", "not tried: no repository was found")
        else:
            is_needed = right == "get" and sweep.settings.scrub.enabled
            yield _optional(right, where, key, ask, is_needed=is_needed)


def _optional(right: str, where: str, key: str, ask: Callable[[str], object], *, is_needed: bool) -> Check:
    try:
        ask(key)
    except BucketError as failure:
        if is_needed:
            fix = "grant s3:GetObject on the bucket's objects, or set scrub.enabled to false"
            return _check(f"{right} {where}", f"not allowed ({failure})", ok=False, fix=fix)
        return _check(f"{right} {where}", f"not allowed, and not needed ({failure})")
    return _check(f"{right} {where}", "allowed" if is_needed else "allowed, and not needed", ok=True)


def _some_key(sweep: Sweep, client: Client) -> str | None:
    for prefix in sorted(sweep.states):
        base = folder_of(prefix)
        try:
            answer: DatedPage = client.list(base, start_after=f"{base}{AFTER_DATA}")
        except BucketError:
            continue
        return next(iter(answer.page.keys), None)
    return None


def _clock(client: Client, where: str) -> Check:
    what = f"clock of {where}"
    if client.skew is None:
        return _check(what, "the store does not report its time")
    distance = abs(client.skew)
    direction = "ahead of" if client.skew > timedelta(0) else "behind"
    detail = f"{format_duration(distance)} {direction} the exporter's" if distance else "the same as the exporter's"
    ok = distance < _SKEW
    return _check(what, detail, ok=ok, fix="" if ok else _MEND[Reason.CLOCK_SKEW])


def _cost(sweep: Sweep, where: str) -> Check:
    """What a read in which nothing is new costs."""
    known, rate = len(sweep.states), sweep.pace.rate
    lasts = format_duration(timedelta(seconds=round(known / rate)))
    detail = (
        f"at most {_counted(known, 'request', 'requests')} for {_counted(known, 'repository', 'repositories')} "
        f"({lasts} at the {rate:.0f} per second that are allowed now), and one for each namespace every other read; "
        "a full listing takes one for each 1,000 objects"
    )
    return _check(f"cost of {where}", detail, ok=True)


def _scrubbing(sweep: Sweep, where: str) -> Check:
    """Whether all packs can be read within the period."""
    scrub = sweep.settings.scrub
    data = sum(
        totals.bytes
        for one in sweep.bucket.repositories
        for kind, totals in one.totals.items()
        if kind is ObjectType.DATA
    )
    needed = data / scrub.period.total_seconds()
    detail = f"{data >> 20} MiB of packs in {format_duration(scrub.period)}: {needed / 2**20:.3g} MiB per second"
    ok = needed <= scrub.rate
    fix = "" if ok else f"raise scrub.bytes_per_second ({scrub.bytes_per_second}), or scrub.period"
    return _check(f"scrub {where}", detail, ok=ok, fix=fix)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _check(what: str, detail: str, *, ok: bool | None = None, fix: str = "") -> Check:
    return Check(Source.S3, what, ok, detail, fix)
