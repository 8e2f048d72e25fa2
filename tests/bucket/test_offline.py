"""What `aws s3api list-objects-v2` printed, read as a live listing is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exporter.facts.bucket.model import ObjectType, Totals
from exporter.facts.bucket.offline import read_listing
from exporter.facts.reading import Reading, Reason
from exporter.settings import BucketSettings, Settings
from tests.bucket.standin import BUCKET, Query, Standin

AT = datetime(2026, 1, 18, 14, 20, tzinfo=UTC)
CART = "shop/cart"
SHELF = "shop/shelf"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Standin:
    monkeypatch.setattr(Standin, "now", lambda self: AT)
    store = Standin()
    store.put_repository(CART, packs=40)
    store.put_repository(SHELF, packs=40)
    store.put(f"{CART}/locks/{'f' * 64}", age=timedelta(minutes=40))
    store.put("shop/.DS_Store")
    return store


def output(store: Standin, prefix: str = "", token: str = "", delimiter: str = "") -> dict[str, Any]:
    """One page as the AWS CLI prints it."""
    listed = store.list(Query(prefix, "", token, delimiter))
    page: dict[str, Any] = {
        "IsTruncated": listed.truncated,
        "Contents": [
            {
                "Key": key,
                "LastModified": store.objects[key][1].isoformat(),
                "ETag": '"e"',
                "Size": store.objects[key][0],
            }
            for key in listed.keys
        ],
        "Name": BUCKET,
        "Prefix": prefix,
        "KeyCount": len(listed.keys),
    }
    if listed.token:
        page["NextContinuationToken"] = listed.token
    if token:
        page["ContinuationToken"] = token
    if listed.folders:
        page["CommonPrefixes"] = [{"Prefix": folder} for folder in listed.folders]
    return page


def aggregated(store: Standin, prefix: str = "") -> dict[str, Any]:
    """What the CLI prints of all pages together: no name, no counts."""
    return {"Contents": output(store, prefix)["Contents"], "RequestCharged": None, "Prefix": prefix}


def test_an_aggregated_output_is_the_whole_bucket(store: Standin) -> None:
    (bucket,) = read_listing([("bucket.json", aggregated(store))], Settings(), AT)
    cart, shelf = bucket.repositories
    assert (bucket.name, bucket.reading, bucket.read_at) == ("bucket", Reading.READ, AT)
    assert (cart.prefix, shelf.prefix) == (CART, SHELF)
    assert cart.present is True
    assert cart.totals[ObjectType.DATA] == Totals(40, 40 * 16_000_000)
    assert (cart.snapshots, cart.newest_snapshot) == (3, AT - timedelta(hours=1))
    assert (cart.created, cart.data_measured_at) == (AT - timedelta(days=9), AT)
    assert (cart.stale_locks, cart.oldest_lock) == (1, AT - timedelta(minutes=40))
    assert cart.suspect == shelf.suspect == ()
    assert bucket.covers("other/claim")


def test_the_settings_name_the_bucket_that_the_output_does_not(store: Standin) -> None:
    configured = BucketSettings(repository_base="s3:http://host/volsync-backup/shop/", layout="{pvc}", capacity_bytes=7)
    (bucket,) = read_listing([("b", aggregated(store))], Settings(buckets=(configured,)), AT)
    assert (bucket.name, bucket.prefix, bucket.endpoint) == ("volsync-backup", "shop", "http://host")
    assert [repository.prefix for repository in bucket.repositories] == [CART, SHELF]
    assert bucket.layout == "{pvc}"


def test_pages_that_belong_together_are_one_listing(store: Standin) -> None:
    store.page_size = 50
    whole = read_listing([("all", aggregated(big := Standin(store.objects)) | {"Name": BUCKET})], Settings(), AT)
    assert len(big.objects) > 50
    first = output(store)
    second = output(store, token=first["NextContinuationToken"])
    assert not second["IsTruncated"]
    assert read_listing([("2", second), ("1", first)], Settings(), AT) == whole


@pytest.mark.parametrize("cut_by", ["page", "max-items"])
def test_what_a_cut_off_output_leaves_out_is_not_missing(store: Standin, cut_by: str) -> None:
    store.page_size = 70
    page = output(store)
    if cut_by == "max-items":
        page = {"Name": BUCKET, "Contents": page["Contents"], "NextToken": "eyJ9"}
    (bucket,) = read_listing([("part.json", page)], Settings(), AT)
    cart, shelf = bucket.repositories
    assert cart.present is True
    assert (shelf.present, shelf.suspect, shelf.snapshots) == (None, (Reason.INCOMPLETE,), 0)
    assert not bucket.covers("other/claim")
    assert "part.json" in bucket.detail


def test_an_output_of_one_prefix_tells_of_that_prefix(store: Standin) -> None:
    (bucket,) = read_listing([("cart", aggregated(store, f"{CART}/"))], Settings(), AT)
    assert [repository.prefix for repository in bucket.repositories] == [CART]
    assert bucket.covers(CART)
    assert not bucket.covers(SHELF)


def test_an_output_of_folders_tells_of_no_repository_below_them(store: Standin) -> None:
    (bucket,) = read_listing([("folders", output(store, delimiter="/"))], Settings(), AT)
    assert bucket.repositories == ()
    assert not bucket.covers(CART)
    assert bucket.covers("elsewhere/claim")


def test_an_empty_bucket_holds_nothing() -> None:
    (bucket,) = read_listing([("empty", {"RequestCharged": None, "Prefix": ""})], Settings(), AT)
    assert (bucket.reading, bucket.repositories) == (Reading.READ, ())
    assert bucket.covers(CART)


def test_packs_that_are_not_all_there_are_not_weighed(store: Standin) -> None:
    store.put_repository(CART, packs=200)
    page = aggregated(store)
    page["Contents"] = [
        entry
        for entry in page["Contents"]
        if not entry["Key"].startswith(tuple(f"{CART}/data/{c}" for c in "3456789ab"))
    ]
    (bucket,) = read_listing([("b", page)], Settings(), AT)
    cart = bucket.repositories[0]
    assert cart.suspect == (Reason.INCOMPLETE,)
    assert ObjectType.DATA not in cart.totals
    assert cart.snapshots == 3


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"Key": "a", "Size": 1}, r"bucket.json: Contents\[1\] has no LastModified"),
        ({"Key": "a", "Size": "much", "LastModified": "2026-01-18T14:00:00Z"}, r"bucket.json: Contents\[1\] cannot be"),
        ({"Key": "a", "Size": 1, "LastModified": "yesterday"}, r"bucket.json: Contents\[1\] cannot be read"),
        ("key", r"bucket.json: Contents\[1\] cannot be read"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(entry: object, message: str) -> None:
    fine = {"Key": "b", "Size": 1, "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}
    with pytest.raises(ValueError, match=message):
        read_listing([("bucket.json", {"Contents": [fine, entry]})], Settings(), AT)
