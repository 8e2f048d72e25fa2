"""Where a bucket is, from every place that may say so."""

import pytest

from exporter.facts.bucket.address import BucketAddress, addresses, parse_repository
from exporter.settings import BucketSettings, Settings


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3:http://10.0.0.5:30292/volsync-backup/", BucketAddress("volsync-backup", "http://10.0.0.5:30292")),
        ("s3:http://host:9000/b/a/b", BucketAddress("b", "http://host:9000", "a/b")),
        ("s3:https://host/b//x/../y/", BucketAddress("b", "https://host", "y")),
        ("s3:host.example/b/p", BucketAddress("b", "https://host.example", "p")),
        ("s3://host.example/b", BucketAddress("b", "https://host.example")),
        ("s3:https://host/b/a%20b", BucketAddress("b", "https://host", "a b")),
        ("s3:s3.amazonaws.com/b/p/", BucketAddress("b", "", "p")),
        ("s3:https://s3.eu-central-1.amazonaws.com/b", BucketAddress("b", "", "", "eu-central-1")),
        ("s3:http://[::1]:9000/b", BucketAddress("b", "http://[::1]:9000")),
    ],
)
def test_every_form_of_restics_url_is_understood(url: str, address: BucketAddress) -> None:
    assert parse_repository(url) == address


@pytest.mark.parametrize("url", ["", "rest:http://host/", "/srv/restic", "s3:", "s3:http://host", "s3:http:///b"])
def test_what_names_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="write it like s3:http://host:port/bucket/"):
        parse_repository(url)


def test_a_password_in_a_url_is_not_shown() -> None:
    with pytest.raises(ValueError, match="rest:") as error:
        parse_repository("rest:https://user:hunter2@host/")
    assert "hunter2" not in str(error.value)


def one(settings: Settings, environment: dict[str, str]) -> BucketAddress:
    (address,) = addresses(settings, environment)
    return address


def test_the_environment_names_the_bucket_where_the_settings_name_none() -> None:
    base = one(Settings(), {"RESTIC_REPOSITORY_BASE": "s3:http://h:1/b/all/"})
    assert (base.endpoint, base.bucket, base.prefix) == ("http://h:1", "b", "all")
    own = one(Settings(), {"RESTIC_REPOSITORY": "s3:http://h:1/b/all/shop/cart"})
    assert (own.bucket, own.prefix) == ("b", "")
    told = Settings(buckets=(BucketSettings(layout="{namespace}/{pvc}"),))
    own = one(told, {"RESTIC_REPOSITORY": "s3:http://h:1/b/all/shop/cart"})
    assert (own.bucket, own.prefix) == ("b", "all")
    assert one(Settings(), {"RESTIC_REPOSITORY": "s3:http://h:1/b"}).prefix == ""
    assert addresses(Settings(), {}) == ()
    assert addresses(Settings(), {"RESTIC_REPOSITORY": "rest:http://h/"}) == ()


def test_settings_go_before_what_the_url_says() -> None:
    bucket = BucketSettings(repository_base="s3:http://h:1/b/p/", endpoint="http://other:2", region="here")
    address = one(Settings(buckets=(bucket,)), {"RESTIC_REPOSITORY_BASE": "s3:http://nobody/x/"})
    assert (address.endpoint, address.bucket, address.prefix, address.region) == ("http://other:2", "b", "p", "here")
    assert address.settings == bucket


def test_a_bucket_without_a_name_takes_the_environments() -> None:
    address = one(Settings(buckets=(BucketSettings(profile="p"),)), {"RESTIC_REPOSITORY_BASE": "s3:http://h/b/"})
    assert (address.bucket, address.settings.profile) == ("b", "p")


@pytest.mark.parametrize("bucket", [BucketSettings(), BucketSettings(repository_base="rest:http://host/")])
def test_a_wrong_bucket_is_refused_by_the_name_of_its_setting(bucket: BucketSettings) -> None:
    with pytest.raises(ValueError, match=r"buckets\[1\]"):
        addresses(Settings(buckets=(BucketSettings(bucket="fine"), bucket)), {})
