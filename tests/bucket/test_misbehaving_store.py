"""Each way in which a store was seen to misbehave: flagged, the good figures stay, and all is well once it is."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from unittest.mock import ANY

import msgspec
import pytest

from exporter.facts.bucket import client, paging
from exporter.facts.bucket.model import Bucket, ObjectType, Repository
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.layout import Owner
from exporter.facts.model import SourceRead
from exporter.facts.reading import Reading, Reason
from exporter.settings import BucketSettings, PollSettings, Settings
from tests.bucket.standin import BUCKET, Listed, Query, Standin, Twist, name, running_standin

CART = "shop/cart"
SHELF = "shop/shelf"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    """Two repositories in a store that behaves."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(client, "_ATTEMPTS", 1)  # to try again takes boto3 seconds; the last test has it do so
    monkeypatch.setattr(paging, "MOST_EMPTY_PAGES", 3)
    with running_standin() as standin:
        standin.put_repository(CART)
        standin.put_repository(SHELF, packs=5)
        yield standin


class Watch:
    """A reader of the store, whose clock a test may move on."""

    def __init__(self, store: Standin, poll: PollSettings | None = None, **bucket: object) -> None:
        settings = BucketSettings(endpoint=store.endpoint, bucket=BUCKET, requests_per_second=10_000, **bucket)
        self.reader = BucketReader(
            Settings(buckets=(settings,), poll=poll or PollSettings(timeout=timedelta(seconds=5)))
        )
        self.at = datetime.now(UTC)

    def read(self, later: timedelta = timedelta(minutes=5)) -> SourceRead:
        self.at += later
        return self.reader.read(self.at)

    def bucket(self) -> Bucket:
        (bucket,) = self.read().buckets
        assert bucket.reading is Reading.READ, bucket.detail
        return bucket

    def figures(self) -> dict[str, Repository]:
        return {repository.prefix: repository for repository in self.bucket().repositories}


def lose(*prefixes: str) -> Twist:
    """The store leaves what stands under *prefixes* out of its listings of anything above them."""

    def twist(query: Query, listed: Listed) -> None:
        lost = tuple(prefix for prefix in prefixes if len(query.prefix) < len(prefix))
        if lost:
            listed.keys = [key for key in listed.keys if not key.startswith(lost)]
            listed.folders = [folder for folder in listed.folders if not folder.startswith(lost)]

    return twist


def on(prefix: str, change: Callable[[Listed], None]) -> Twist:
    """Misbehave in listings of *prefix* alone."""

    def twist(query: Query, listed: Listed) -> None:
        if query.prefix.startswith(prefix):
            change(listed)

    return twist


def no_token(listed: Listed) -> None:
    listed.truncated = True
    listed.token = ""


def same_token(listed: Listed) -> None:
    listed.truncated = True
    listed.token = "again"


def make_endless() -> Callable[[Listed], None]:
    tokens = iter(range(1_000_000))

    def endless(listed: Listed) -> None:
        listed.truncated = True
        listed.token = f"&{next(tokens)}"

    return endless


def wrong_count(listed: Listed) -> None:
    listed.key_count = len(listed.keys) + 7


def unordered(listed: Listed) -> None:
    listed.keys.reverse()


def garbage(listed: Listed) -> None:
    listed.body = b"<html>Welcome to the captive portal</html>"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (no_token, Reason.NO_TOKEN),
        (same_token, Reason.REPEATED_TOKEN),
        (make_endless(), Reason.ENDLESS_LISTING),
        (wrong_count, Reason.KEY_COUNT),
        (unordered, Reason.MALFORMED_ANSWER),
        (garbage, Reason.MALFORMED_ANSWER),
    ],
    ids=["no token", "same token", "endless", "key count", "order", "no listing"],
)
def test_a_listing_that_contradicts_itself_leaves_the_good_figures_and_says_so(
    store: Standin, change: Callable[[Listed], None], reason: Reason
) -> None:
    watch = Watch(store)
    good = watch.figures()
    store.twist = on(f"{CART}/", change)
    read = watch.read()
    (bucket,) = read.buckets
    bad = {repository.prefix: repository for repository in bucket.repositories}
    assert bucket.reading is Reading.READ
    assert read.report.errors == {reason: 1}
    assert bad[CART].suspect == (reason,)
    assert bad[CART].present is True
    assert bad[CART].totals == good[CART].totals
    assert bad[CART].newest_snapshot == good[CART].newest_snapshot
    assert bad[SHELF].suspect == ()

    later = {repository.prefix: repository for repository in watch.read(timedelta(hours=1)).buckets[0].repositories}
    assert later[CART].present is None, "what was known does not serve for ever"

    store.twist = None
    assert watch.figures()[CART].suspect == ()
    assert watch.figures()[CART].present is True


def test_a_prefix_that_lists_nothing_is_not_gone_while_a_deeper_listing_knows_it(store: Standin) -> None:
    store.put(f"{CART}/unknown.txt")
    watch = Watch(store)
    good = watch.figures()
    store.twist = lose(
        *(f"{CART}/{folder}" for folder in ("index/", "keys/", "snapshots/", "locks/", "data/", "config"))
    )
    read = watch.read()
    bad = {repository.prefix: repository for repository in read.buckets[0].repositories}
    assert bad[CART].suspect == (Reason.CONTRADICTED,)
    assert (bad[CART].present, bad[CART].totals) == (True, good[CART].totals)
    assert read.report.errors == {Reason.CONTRADICTED: 1}


def test_a_prefix_that_lists_nothing_is_not_gone_while_head_knows_its_config(store: Standin) -> None:
    watch = Watch(store)
    watch.figures()

    def nothing(query: Query, listed: Listed) -> None:
        if query.prefix.startswith(CART):
            listed.keys, listed.folders = [], []

    store.twist = nothing
    bad = {repository.prefix: repository for repository in watch.bucket().repositories}
    assert bad[CART].suspect == (Reason.CONTRADICTED,)
    assert store.heads == [f"{CART}/config"]


def test_a_folder_that_was_never_listed_is_found_where_its_repository_should_be(store: Standin) -> None:
    store.twist = lose(CART)
    watch = Watch(store)
    assert CART not in watch.figures()

    watch.reader.expect(Owner("shop", name, f"{name}-backup") for name in ("cart", "gone", "shelf"))

    found = watch.figures()
    assert found[CART].snapshots == 3
    assert set(found) == {CART, SHELF}


def test_a_repository_that_is_gone_by_every_answer_is_gone(store: Standin) -> None:
    watch = Watch(store)
    watch.figures()
    store.objects = {key: entry for key, entry in store.objects.items() if not key.startswith(CART)}
    bucket = watch.bucket()
    assert [repository.prefix for repository in bucket.repositories] == [SHELF]
    assert bucket.covers(CART)


def test_snapshots_that_a_look_leaves_out_do_not_move_the_recovery_point_back(store: Standin) -> None:
    watch = Watch(store)
    good = watch.figures()
    newest = f"{CART}/snapshots/{name('snapshot', CART, 0)}"

    def leaves_out(query: Query, listed: Listed) -> None:
        if query.start_after and newest in listed.keys:
            listed.keys.remove(newest)

    store.twist = leaves_out
    bad = watch.figures()
    assert bad[CART].suspect == (Reason.CONTRADICTED,)
    assert (bad[CART].snapshots, bad[CART].newest_snapshot) == (3, good[CART].newest_snapshot)


def test_a_full_listing_that_leaves_packs_out_is_not_believed(store: Standin) -> None:
    watch = Watch(store)
    good = watch.figures()
    store.put(f"{CART}/index/{name('new index')}")
    store.twist = lose(*(f"{CART}/data/{shard:02x}" for shard in range(40, 80)))
    read = watch.read()
    bad = {repository.prefix: repository for repository in read.buckets[0].repositories}
    assert bad[CART].suspect == (Reason.INCOMPLETE,)
    assert read.report.errors == {Reason.INCOMPLETE: 1}
    assert bad[CART].totals[ObjectType.DATA] == good[CART].totals[ObjectType.DATA]
    assert bad[CART].totals[ObjectType.INDEX].objects == 2
    assert bad[CART].present is True


def test_a_full_listing_that_ends_early_is_not_believed(store: Standin) -> None:
    watch = Watch(store)
    good = watch.figures()
    store.put(f"{CART}/index/{name('new index')}")

    def ends_early(query: Query, listed: Listed) -> None:
        if query.prefix == f"{CART}/" and not query.start_after:
            listed.keys, listed.truncated, listed.token = listed.keys[:200], False, ""

    store.twist = ends_early
    bad = watch.figures()
    assert bad[CART].suspect == (Reason.INCOMPLETE,)
    assert bad[CART].totals[ObjectType.DATA] == good[CART].totals[ObjectType.DATA]


def test_keys_that_pages_repeat_are_counted_once(store: Standin) -> None:
    store.page_size = 100
    before = Watch(store).figures()

    def inclusive(query: Query, listed: Listed) -> None:
        if query.token and not query.delimiter:
            listed.keys.insert(0, query.token.removeprefix("after:"))
        if listed.keys:
            listed.keys.append(listed.keys[-1])

    store.twist = inclusive
    watch = Watch(store)
    read = watch.read()
    after = {repository.prefix: repository for repository in read.buckets[0].repositories}
    assert after[CART].totals == before[CART].totals
    assert after[CART].suspect == ()
    assert read.report.errors[Reason.INCLUSIVE_START_AFTER] > 0


def test_a_store_that_ignores_where_to_start_is_put_right(store: Standin) -> None:
    good = Watch(store).figures()

    def ignores(query: Query, listed: Listed) -> None:
        if query.start_after:
            honest = store.list(Query(query.prefix, "", query.token, query.delimiter))
            listed.keys, listed.truncated, listed.token = honest.keys, honest.truncated, honest.token

    store.twist = ignores
    assert Watch(store).figures()[CART].totals == good[CART].totals


def test_a_folder_without_objects_is_no_repository_and_is_counted(store: Standin) -> None:
    def ghosts(query: Query, listed: Listed) -> None:
        if query.delimiter and query.prefix == "":
            listed.folders.append("zombies/")
        if query.delimiter and query.prefix == "shop/":
            listed.folders.append("shop/zombie/")

    store.twist = ghosts
    read = Watch(store).read()
    assert [repository.prefix for repository in read.buckets[0].repositories] == [CART, SHELF]
    assert read.report.errors == {Reason.GHOST_PREFIX: 2}
    assert read.buckets[0].covers("shop/zombie")


def test_a_namespace_that_lists_nothing_is_unknown_while_objects_stand_under_it(store: Standin) -> None:
    def shallow(query: Query, listed: Listed) -> None:
        if query.delimiter and query.prefix == "shop/":
            listed.folders = []

    store.twist = shallow
    watch = Watch(store)
    read = watch.read()
    (bucket,) = read.buckets
    assert read.report.errors == {Reason.CONTRADICTED: 1}
    assert not bucket.covers("shop/other")
    assert bucket.covers("elsewhere/other")
    store.twist = None
    assert watch.read(timedelta(minutes=10)).buckets[0].covers("shop/other")


def test_a_bucket_that_lists_nothing_is_unknown_while_objects_stand_in_it(store: Standin) -> None:
    def blind(query: Query, listed: Listed) -> None:
        if query.delimiter:
            listed.folders = []

    store.twist = blind
    bucket = Watch(store).bucket()
    assert bucket.repositories == ()
    assert not bucket.covers(CART)


def test_a_layout_that_restic_no_longer_reads_is_flagged(store: Standin) -> None:
    store.put("shop/old/config")
    for folder in ("data", "index", "key", "snapshot"):
        store.put(f"shop/old/{folder}/{name(folder)}")
    old = Watch(store).figures()["shop/old"]
    assert old.suspect == (Reason.LEGACY_LAYOUT,)
    assert old.present is None


def test_other_objects_in_the_bucket_are_not_counted(store: Standin) -> None:
    good = Watch(store).figures()
    store.put(f"{CART}/.keep")
    store.put(f"{CART}/data/README")
    store.put(f"{CART}/", 0)
    store.put("shop/loki/index/table_19000/chunk")
    store.put("Reports/2026/summary.pdf")
    bucket = Watch(store).bucket()
    now = {repository.prefix: repository for repository in bucket.repositories}
    assert now.keys() == good.keys()
    assert now[CART] == msgspec.structs.replace(good[CART], measured_at=ANY, data_measured_at=ANY)
    assert bucket.detail == f"{CART}: 2 objects are not restic's"


def test_a_lock_without_content_is_none(store: Standin) -> None:
    store.put(f"{CART}/locks/{name('lock')}", size=0)
    assert Watch(store).figures()[CART].oldest_lock is None


def test_locks_are_judged_by_the_stores_clock(store: Standin) -> None:
    store.skew = timedelta(hours=2)
    store.put(f"{CART}/locks/{name('fresh')}", age=timedelta(minutes=4))
    store.put(f"{SHELF}/locks/{name('dead')}", age=timedelta(minutes=31))
    watch = Watch(store)
    bucket = watch.bucket()
    figures = {repository.prefix: repository for repository in bucket.repositories}
    assert (figures[CART].stale_locks, figures[SHELF].stale_locks) == (0, 1)
    assert abs(bucket.clock_skew - timedelta(hours=2)) <= timedelta(seconds=2)


def test_boto3_tries_again_before_a_failure_counts(store: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_ATTEMPTS", 3)
    failures = iter(["SlowDown"])

    def once(query: Query, listed: Listed) -> None:
        if code := next(failures, ""):
            listed.status, listed.code = 503, code

    store.twist = once
    read = Watch(store).read()
    assert read.report.reading is Reading.READ
    assert read.report.errors == {}
