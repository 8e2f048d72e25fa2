"""Repositories that a real restic wrote to a real S3 server, read with the right to list alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from exporter.facts.bucket.access import check_access
from exporter.facts.bucket.model import Bucket, ObjectType, Repository
from exporter.facts.bucket.reader import BucketReader
from exporter.facts.reading import Reading, Reason
from exporter.settings import GraceSettings, PollSettings
from tests.bucket.mover import Mover
from tests.bucket.weed import Weed

MakeMover = Callable[[str], Mover]
MakeReader = Callable[..., BucketReader]
NEVER_STALE = GraceSettings(stale_lock=timedelta(hours=1))
STALE_AT_ONCE = GraceSettings(stale_lock=timedelta(0))


def now() -> datetime:
    return datetime.now(UTC)


def read(reader: BucketReader) -> Bucket:
    (bucket,) = reader.read(now(), patience=timedelta(minutes=5)).buckets
    assert bucket.reading is Reading.READ, bucket.detail
    return bucket


def only(reader: BucketReader) -> Repository:
    (repository,) = read(reader).repositories
    return repository


@pytest.fixture(scope="module")
def cart(mover: MakeMover) -> Mover:
    """Backed up with and without changes, thinned out and pruned."""
    cart = mover("life/shop/cart")
    cart.init()
    cart.backup(fill=300_000)
    cart.backup()
    cart.backup(fill=200_000)
    (cart.volume / "file0").unlink()
    cart.backup()
    cart.forget(1)
    cart.restic("prune", "--max-unused", "0")
    return cart


def test_the_figures_of_a_pruned_repository_are_restics_own(cart: Mover, reader_of: MakeReader) -> None:
    repository = only(reader_of("life"))
    assert repository.prefix == "life/shop/cart"
    assert repository.present is True
    assert repository.suspect == ()
    assert repository.totals[ObjectType.DATA].bytes == cart.packs_size()
    for kind, listed in (
        (ObjectType.DATA, "packs"),
        (ObjectType.INDEX, "index"),
        (ObjectType.KEYS, "keys"),
        (ObjectType.SNAPSHOTS, "snapshots"),
    ):
        assert repository.totals[kind].objects == len(cart.restic("list", listed, "--no-lock").split())
    assert repository.snapshots == len(cart.snapshots()) == 1
    assert repository.oldest_lock is None
    assert repository.created is not None
    assert repository.newest_snapshot is not None
    assert repository.created < repository.newest_snapshot <= repository.measured_at
    assert abs(repository.measured_at - now()) < timedelta(minutes=5)  # not the moment of an older object


def test_a_backup_that_changes_nothing_moves_the_recovery_point_and_lists_no_data(
    cart: Mover, reader_of: MakeReader
) -> None:
    reader = reader_of("life")
    before = only(reader)
    cart.backup()
    after = only(reader)
    assert after.snapshots == before.snapshots + 1 == len(cart.snapshots())
    assert after.newest_snapshot > before.newest_snapshot
    assert after.index_generation == before.index_generation
    assert after.data_measured_at == before.data_measured_at
    assert reader.sweeps[0].requests == 1


def test_a_backup_with_changes_has_the_data_listed_anew(cart: Mover, reader_of: MakeReader) -> None:
    reader = reader_of("life")
    before = only(reader)
    cart.backup(fill=100_000)
    after = only(reader)
    assert after.index_generation != before.index_generation
    assert after.totals[ObjectType.DATA].bytes == cart.packs_size() > before.totals[ObjectType.DATA].bytes + 100_000


def test_nothing_new_costs_one_request_for_each_repository(cart: Mover, reader_of: MakeReader) -> None:
    reader = reader_of("life")
    first = read(reader)
    second = read(reader)
    assert reader.sweeps[0].requests == len(second.repositories) == 1
    assert second.repositories[0].totals == first.repositories[0].totals


def test_a_killed_backup_has_the_data_listed_although_the_index_is_as_it_was(
    mover: MakeMover, reader_of: MakeReader
) -> None:
    library = mover("killed/media/library")
    library.init()
    library.backup(fill=100_000)
    reader = reader_of("killed", STALE_AT_ONCE)
    before = only(reader)

    library.killed_backup()
    killed = only(reader)
    assert killed.index_generation == before.index_generation
    assert (
        killed.totals[ObjectType.DATA].objects == len(library.listed("data")) > before.totals[ObjectType.DATA].objects
    )
    assert killed.stale_locks == len(library.locks()) == 1
    assert killed.snapshots == 1

    # With the dead lock there, a further read lists nothing: what is dead does not write. (Times are whole seconds: a
    # listing in the lock's own second may have come before it, and before the last pack that the dead mover sent.)
    while only(reader).data_measured_at <= killed.oldest_lock:
        continue
    dead = only(reader)
    assert reader.sweeps[0].requests == 1

    # A prune of unreferenced packs leaves no trace where a look sees it: only the listing's age can tell.
    library.restic("unlock")
    library.restic("prune")
    assert only(reader_of("killed")).totals[ObjectType.DATA].objects == before.totals[ObjectType.DATA].objects
    pruned = only(reader)
    assert pruned.index_generation == before.index_generation
    assert pruned.totals[ObjectType.DATA] == dead.totals[ObjectType.DATA]
    sweep = reader.sweeps[0]
    sweep.settings = sweep.settings.model_copy(update={"poll": PollSettings(full_listing=timedelta(0))})
    assert only(reader).totals[ObjectType.DATA] == before.totals[ObjectType.DATA]


def test_locks_are_counted_dead_or_alive_by_the_stores_clock(
    mover: MakeMover, reader_of: MakeReader, weed: Weed
) -> None:
    vault = mover("locked/media/vault")
    vault.init()
    for name in ("1" * 64, "2" * 64):
        weed.put(f"{vault.path}/locks/{name}", b"exclusive")
    weed.put(f"{vault.path}/locks/{'3' * 64}")
    alive = only(reader_of("locked", NEVER_STALE))
    assert (alive.totals[ObjectType.LOCKS].objects, alive.stale_locks) == (2, 0)
    assert alive.oldest_lock is not None
    assert only(reader_of("locked", STALE_AT_ONCE)).stale_locks == 2


def test_a_restore_from_a_wrong_path_shows_as_a_repository_without_snapshots(
    mover: MakeMover, reader_of: MakeReader
) -> None:
    mover("mistyped/shop/crat").init()
    repository = only(reader_of("mistyped"))
    assert repository.present is True
    assert (repository.snapshots, repository.newest_snapshot) == (0, None)
    assert repository.totals[ObjectType.DATA].objects == 0


def test_a_repository_that_was_made_anew_is_younger_than_it_was(
    mover: MakeMover, reader_of: MakeReader, weed: Weed
) -> None:
    again = mover("again/shop/stock")
    again.init()
    again.backup(fill=1000)
    reader = reader_of("again")
    before = only(reader)
    for key in again.listed():
        weed.delete(key)
    again.init()
    after = only(reader)
    assert after.present is True
    assert after.created > before.created
    assert (after.snapshots, after.totals[ObjectType.DATA].objects) == (0, 0)


def test_a_folder_that_outlives_its_objects_is_no_repository(
    mover: MakeMover, reader_of: MakeReader, weed: Weed
) -> None:
    for name in ("config", f"keys/{'a' * 64}", f"snapshots/{'b' * 64}"):
        weed.put(f"ghosts/shop/gone/{name}", b"x")
    reader = reader_of("ghosts")
    assert only(reader).prefix == "ghosts/shop/gone"
    for key in weed.keys("ghosts/"):
        weed.delete(key)
    assert read(reader).repositories == ()
    fresh = reader_of("ghosts").read(now())
    assert fresh.buckets[0].repositories == ()
    assert fresh.buckets[0].covers("ghosts/shop/gone")


def test_a_layout_of_other_depth_still_finds_the_repositories(cart: Mover, reader_of: MakeReader, weed: Weed) -> None:
    for root in ("deep/one/two/shop/cart", "deep/shallow"):
        for name in ("config", f"keys/{'a' * 64}", f"snapshots/{'b' * 64}", f"index/{'c' * 64}", "data/dd/" + "d" * 64):
            weed.put(f"{root}/{name}", b"x")
    found = {repository.prefix: repository for repository in read(reader_of("deep")).repositories}
    assert found.keys() == {"deep/one/two/shop/cart", "deep/shallow"}
    assert all(repository.present for repository in found.values())


def test_one_repository_may_be_the_whole_prefix(cart: Mover, reader_of: MakeReader) -> None:
    repository = only(reader_of("life/shop/cart"))
    assert repository.prefix == "life/shop/cart"
    assert repository.snapshots == len(cart.snapshots())


def test_doctor_tells_what_the_key_may_do(cart: Mover, reader_of: MakeReader) -> None:
    reader = reader_of("life")
    checks = {check.what.partition(" ")[0]: check for check in check_access(reader)}
    assert checks["list"].ok is True
    assert checks["head"].ok is None
    assert "not allowed" in checks["head"].detail
    assert checks["get"].ok is None
    assert checks["clock"].ok is True
    assert "at most 1 request for 1 repository" in checks["cost"].detail


def test_a_bucket_that_does_not_exist_is_forbidden_to_a_key_of_another(
    reader_of: MakeReader, weed: Weed, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reader_of()
    sweep = reader.sweeps[0]
    sweep.client().bucket = "nobodys"
    report = reader.read(now()).report
    assert report.reading is Reading.UNREADABLE
    assert report.reason in (Reason.FORBIDDEN, Reason.NO_SUCH_BUCKET)
