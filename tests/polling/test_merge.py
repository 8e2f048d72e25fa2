"""Old facts serve for a bounded time where a read failed, and are not believed after it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.facts.bucket.model import Bucket, Repository, Scrub
from exporter.facts.cluster.core.objects import Namespace, NamespaceMetadata
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.volsync.objects import ReplicationSource
from exporter.facts.cluster.wire import Metadata
from exporter.facts.model import Facts, RepositoryPlace, SourceRead, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.polling.merge import FIELDS, expire, merge

AT = datetime(2026, 1, 18, 14, 0, tzinfo=UTC)
KEEP = timedelta(minutes=10)
SOON, LATE = AT + KEEP, AT + KEEP + timedelta(seconds=1)
SOURCE = ReplicationSource(metadata=Metadata(name="data-backup", namespace="n8n"))
READ = ObjectList((SOURCE,), Reading.READ, read_at=AT)


def read(reading: Reading, *, reason: Reason | None = None, **listings: ObjectList) -> SourceRead:
    success = AT if reading is Reading.READ else None
    report = SourceReport(Source.VOLSYNC, reading, reason, "as it went", last_success=success)
    return SourceRead(report, {f"volsync.{name}": found for name, found in listings.items()})


def known(listing: ObjectList = READ) -> Facts:
    return merge(Facts(), read(Reading.READ, sources=listing), AT, KEEP)


def failed(reason: Reason = Reason.FORBIDDEN) -> SourceRead:
    listing = ObjectList(reading=Reading.UNREADABLE, reason=reason, detail="list replicationsources: 403")
    return read(Reading.UNREADABLE, reason=reason, sources=listing)


def test_what_was_read_takes_the_place_of_what_was_known() -> None:
    newer = ObjectList((), Reading.READ, read_at=SOON)
    facts = merge(known(), read(Reading.READ, sources=newer), SOON, KEEP)
    assert facts.cluster.volsync.sources is newer


GONE = ObjectList(reading=Reading.NOT_SERVED)


def test_what_is_no_longer_served_is_forgotten_once_the_last_facts_are_too_old() -> None:
    facts = merge(known(), read(Reading.NOT_SERVED, sources=GONE), LATE, KEEP)
    assert facts.cluster.volsync.sources.items == ()
    assert not facts.cluster.volsync.sources.applies
    assert facts.sources[0].up


def test_an_api_that_is_away_for_a_moment_was_not_uninstalled() -> None:
    facts = merge(known(), read(Reading.NOT_SERVED, sources=GONE), SOON, KEEP)
    assert facts.cluster.volsync.sources is READ
    (report,) = facts.sources
    assert (report.up, report.reason, report.last_success) == (False, Reason.NOT_FOUND, AT)


def test_what_was_never_served_does_not_apply() -> None:
    facts = merge(Facts(), read(Reading.NOT_SERVED, sources=GONE), AT, KEEP)
    assert not facts.cluster.volsync.sources.applies
    assert facts.sources[0].up


def test_a_failure_leaves_the_last_facts_in_force_and_shows_in_the_report() -> None:
    facts = merge(known(), failed(), SOON, KEEP)
    assert facts.cluster.volsync.sources is READ
    (report,) = facts.sources
    assert (report.up, report.reason, report.last_success) == (False, Reason.FORBIDDEN, AT)


def test_past_their_time_the_last_facts_are_not_believed_but_stay_with_their_date() -> None:
    listing = merge(known(), failed(), LATE, KEEP).cluster.volsync.sources
    assert not listing.known
    assert (listing.reason, listing.detail) == (Reason.FORBIDDEN, "list replicationsources: 403")
    assert (listing.items, listing.read_at) == ((SOURCE,), AT)


def test_failures_one_after_another_do_not_renew_the_time() -> None:
    facts = known()
    for minutes in range(1, 11):
        facts = merge(facts, failed(), AT + timedelta(minutes=minutes), KEEP)
        assert facts.cluster.volsync.sources.known
    assert not merge(facts, failed(), LATE, KEEP).cluster.volsync.sources.known


def test_a_read_after_a_failure_is_believed_again() -> None:
    facts = merge(merge(known(), failed(), LATE, KEEP), read(Reading.READ, sources=READ), LATE, KEEP)
    assert facts.cluster.volsync.sources.known


def test_a_first_read_that_fails_leaves_nothing_to_believe() -> None:
    listing = merge(Facts(), failed(), AT, KEEP).cluster.volsync.sources
    assert (listing.reading, listing.reason, listing.items) == (Reading.UNREADABLE, Reason.FORBIDDEN, ())


def test_a_read_that_failed_before_it_listed_anything_fails_all_lists_of_its_source() -> None:
    facts = merge(Facts(), read(Reading.UNREADABLE, reason=Reason.CONNECTION), AT, KEEP)
    for field in FIELDS[Source.VOLSYNC]:
        assert facts.cluster.list_of(field).reason is Reason.CONNECTION
    assert facts.cluster.core.claims.reading is Reading.PENDING


def test_one_list_that_fails_does_not_touch_its_siblings() -> None:
    failing = ObjectList(reading=Reading.UNREADABLE, reason=Reason.FORBIDDEN)
    report = SourceReport(Source.VOLSYNC, Reading.UNREADABLE, Reason.FORBIDDEN)
    listings = {"volsync.sources": READ, "volsync.destinations": failing}
    facts = merge(Facts(), SourceRead(report, listings), AT, KEEP)
    assert facts.cluster.volsync.sources is READ
    assert facts.cluster.volsync.destinations.reason is Reason.FORBIDDEN


def test_other_sources_are_left_alone() -> None:
    namespaces = ObjectList((Namespace(metadata=NamespaceMetadata(name="n8n")),), Reading.READ, read_at=AT)
    report = SourceReport(Source.KUBERNETES, Reading.READ, last_success=AT)
    facts = merge(known(), SourceRead(report, {"core.namespaces": namespaces}), AT, KEEP)
    facts = merge(facts, failed(), LATE, KEEP)
    assert facts.cluster.core.namespaces is namespaces
    assert [report.source for report in facts.sources] == [Source.KUBERNETES, Source.VOLSYNC]


# --- a source whose read does not end


def test_facts_that_nobody_renews_go_stale() -> None:
    assert expire(known(), SOON, {Source.VOLSYNC: KEEP}).cluster.volsync.sources is READ
    listing = expire(known(), LATE, {Source.VOLSYNC: KEEP}).cluster.volsync.sources
    assert (listing.known, listing.reason, listing.items) == (False, Reason.STALE, (SOURCE,))
    assert listing.detail == "last read at 2026-01-18T14:00:00Z"


def test_a_clock_that_is_set_back_renews_no_belief() -> None:
    """The facts serve from the moment at which that is seen for as long as ever, not for the hours as well."""
    earlier = AT - timedelta(hours=2)
    keep = {Source.VOLSYNC: KEEP, Source.S3: KEEP}
    seen = expire(msgspec.structs.replace(known(), buckets=(FULL,)), earlier, keep)
    assert (seen.cluster.volsync.sources.items, seen.cluster.volsync.sources.read_at) == ((SOURCE,), earlier)
    assert expire(seen, earlier + KEEP, keep) is seen

    late = expire(seen, earlier + KEEP + timedelta(seconds=1), keep)
    assert late.cluster.volsync.sources.reason is Reason.STALE
    assert late.buckets[0].reason is Reason.STALE
    assert not merge(seen, failed(), earlier + KEEP + timedelta(seconds=1), KEEP).cluster.volsync.sources.known


def test_facts_that_are_not_renewed_at_all_do_not_go_stale() -> None:
    """They come from files."""
    facts = known()
    assert expire(facts, AT + timedelta(days=300), {}) is facts


# --- buckets


def bucket(reading: Reading, *, read_at: datetime | None, reason: Reason | None = None, **more: Any) -> Bucket:
    return Bucket("volsync-backup", reading=reading, read_at=read_at, reason=reason, **more)


REPOSITORIES = (Repository("volsync-backup", "n8n/data", AT, present=True),)
FULL = bucket(Reading.READ, read_at=AT, repositories=REPOSITORIES, clock_skew=timedelta(seconds=2))


def s3(*buckets: Bucket, reason: Reason | None = None) -> SourceRead:
    return SourceRead(SourceReport(Source.S3, Reading.UNREADABLE if reason else Reading.READ, reason), {}, buckets)


@pytest.mark.parametrize("buckets", [(bucket(Reading.UNREADABLE, read_at=None, reason=Reason.TIMEOUT),), ()])
def test_a_bucket_that_fails_serves_for_its_time_like_a_list(buckets: tuple[Bucket, ...]) -> None:
    facts = merge(Facts(), s3(FULL), AT, KEEP)
    assert merge(facts, s3(*buckets, reason=Reason.TIMEOUT), SOON, KEEP).buckets == (FULL,)
    (late,) = merge(facts, s3(*buckets, reason=Reason.TIMEOUT), LATE, KEEP).buckets
    assert (late.reading, late.reason) == (Reading.UNREADABLE, Reason.TIMEOUT)
    assert (late.repositories, late.read_at) == (REPOSITORIES, AT)


def test_a_bucket_that_nobody_renews_goes_stale() -> None:
    facts = merge(Facts(), s3(FULL), AT, KEEP)
    assert expire(facts, SOON, {Source.S3: KEEP}) is facts
    (late,) = expire(facts, LATE, {Source.S3: KEEP}).buckets
    assert (late.reading, late.reason, late.repositories) == (Reading.UNREADABLE, Reason.STALE, REPOSITORIES)


SCRUB = Scrub(corrupt_objects=1)


def scrubbed(scrubs: dict[RepositoryPlace, Scrub], reason: Reason | None = None) -> SourceRead:
    report = SourceReport(Source.SCRUB, Reading.UNREADABLE if reason else Reading.READ, reason)
    return SourceRead(report, scrubs=scrubs)


def test_what_scrubbing_found_stands_with_its_repository_until_it_is_found_otherwise() -> None:
    place = (FULL.identity, "n8n/data")
    gone = (FULL.identity, "n8n/gone")
    facts = merge(merge(Facts(), s3(FULL), AT, KEEP), scrubbed({place: SCRUB, gone: SCRUB}), AT, KEEP)

    def known(facts: Facts) -> Scrub | None:
        return facts.buckets[0].repositories[0].scrub

    assert known(facts) == SCRUB
    assert known(merge(facts, s3(FULL), LATE, KEEP)) == SCRUB
    assert known(merge(facts, scrubbed({}, Reason.TIMEOUT), LATE, KEEP)) == SCRUB
    assert known(merge(facts, s3(reason=Reason.TIMEOUT), LATE, KEEP)) == SCRUB
    assert known(merge(facts, scrubbed({place: Scrub()}), LATE, KEEP)) == Scrub()


def test_what_scrubbing_finds_before_its_repository_is_listed_waits_for_it() -> None:
    facts = merge(Facts(), scrubbed({(FULL.identity, "n8n/data"): SCRUB}), AT, KEEP)
    assert merge(facts, s3(FULL), AT, KEEP).buckets[0].repositories[0].scrub == SCRUB


def test_buckets_of_one_name_at_two_endpoints_are_two() -> None:
    here, there = (msgspec.structs.replace(FULL, endpoint=endpoint) for endpoint in ("http://a", "http://b"))
    broken = bucket(Reading.UNREADABLE, read_at=None, reason=Reason.FORBIDDEN, endpoint="http://b")
    facts = merge(merge(Facts(), s3(here, there), AT, KEEP), s3(here, broken, reason=Reason.FORBIDDEN), LATE, KEEP)
    assert [(b.endpoint, b.reading) for b in facts.buckets] == [
        ("http://a", Reading.READ),
        ("http://b", Reading.UNREADABLE),
    ]


# --- any history

moments = st.integers(0, 3600).map(lambda seconds: AT + timedelta(seconds=seconds))
readings = st.sampled_from([Reading.READ, Reading.NOT_SERVED, Reading.UNREADABLE])


@given(st.lists(st.tuples(moments, readings), max_size=20).map(sorted), moments)
def test_after_any_history_only_a_read_that_is_young_enough_is_believed(
    history: list[tuple[datetime, Reading]], now: datetime
) -> None:
    facts, last_read = Facts(), None
    for moment, reading in (step for step in history if step[0] <= now):
        reason = Reason.TIMEOUT if reading is Reading.UNREADABLE else None
        listing = (
            ObjectList((SOURCE,), reading, reason, read_at=moment)
            if reading is Reading.READ
            else ObjectList(reading=reading, reason=reason)
        )
        report = SourceReport(Source.VOLSYNC, reading, reason)
        facts = merge(facts, SourceRead(report, {"volsync.sources": listing}), moment, KEEP)
        if reading is Reading.READ:
            last_read = moment
        elif reading is Reading.NOT_SERVED and last_read is not None and moment - last_read > KEEP:
            last_read = None
    listing = expire(facts, now, {Source.VOLSYNC: KEEP}).cluster.volsync.sources
    young = last_read is not None and now - last_read <= KEEP
    assert listing.known is young
    assert (listing.read_at if listing.items else None) == last_read
