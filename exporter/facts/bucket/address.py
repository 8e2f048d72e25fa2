"""Where a bucket is: from the settings, from a restic URL, or from the environment that a base secret gives."""

import posixpath
import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from exporter.facts.layout import depth_of
from exporter.masking import masked
from exporter.settings import BucketSettings, Settings

_AMAZON = re.compile(r"s3(?:[.-](?P<region>[a-z0-9-]+))?\.amazonaws\.com")
_FROM_ENVIRONMENT = ("RESTIC_REPOSITORY_BASE", "RESTIC_REPOSITORY")


class BucketAddress(msgspec.Struct, frozen=True):
    """One bucket, or one prefix of it, with all that a client needs to reach it."""

    bucket: str
    endpoint: str = ""
    """Empty: the SDK decides (`AWS_ENDPOINT_URL_S3`, its profile, or AWS' own)."""
    prefix: str = ""
    """What stands before every repository's path, without a slash at either end."""
    region: str = ""
    settings: BucketSettings = BucketSettings()


def addresses(settings: Settings, environment: Mapping[str, str]) -> tuple[BucketAddress, ...]:
    """Every bucket that *settings* names; where they name none, the one that *environment* does.

    Raises:
        ValueError: a bucket's settings do not say which bucket, or hold no S3 URL; the setting is named.
    """
    if not settings.buckets:
        address = _from_environment(environment, BucketSettings())
        return (address,) if address else ()
    return tuple(_configured(f"buckets[{i}]", bucket, environment) for i, bucket in enumerate(settings.buckets))


def parse_repository(url: str) -> BucketAddress:
    """The bucket, endpoint and prefix of a restic URL of an S3 store.

    restic takes `s3:http://host:port/bucket/prefix`, `s3:host/bucket/prefix` and `s3://host/bucket/prefix`, the last
    two over TLS, and cleans the prefix (restic `internal/backend/s3/config.go`).

    Raises:
        ValueError: *url* is none of them.
    """
    if not url.startswith("s3:"):
        raise ValueError(f"{masked(url)!r} is no S3 repository: write it like s3:http://host:port/bucket/")
    rest = url.removeprefix("s3:")
    if not rest.startswith(("http://", "https://")):
        rest = "https://" + rest.removeprefix("//")
    parts = urlsplit(rest)
    bucket, _, prefix = unquote(parts.path).lstrip("/").partition("/")
    if not parts.hostname or not bucket:
        raise ValueError(f"{masked(url)!r} names no bucket: write it like s3:http://host:port/bucket/")
    amazon = _AMAZON.fullmatch(parts.hostname)
    host = parts.netloc.rpartition("@")[2]
    return BucketAddress(
        bucket=bucket,
        # The SDK finds a bucket's own region by itself, but only on the endpoint that it chose.
        endpoint="" if amazon else f"{parts.scheme}://{host}",
        prefix=_clean(prefix),
        region=(amazon["region"] or "") if amazon else "",
    )


def _configured(name: str, bucket: BucketSettings, environment: Mapping[str, str]) -> BucketAddress:
    if bucket.repository_base:
        try:
            address = parse_repository(bucket.repository_base)
        except ValueError as error:
            raise ValueError(f"{name}.repository_base: {error}") from None
        return _with_settings(address, bucket)
    if bucket.bucket:
        return _with_settings(BucketAddress(bucket.bucket), bucket)
    if from_environment := _from_environment(environment, bucket):
        return from_environment
    raise ValueError(f"{name}: set bucket, or repository_base, or RESTIC_REPOSITORY_BASE in the environment")


def _from_environment(environment: Mapping[str, str], bucket: BucketSettings) -> BucketAddress | None:
    """The bucket of the first restic URL in *environment*; None where there is no URL of an S3 store."""
    for name in _FROM_ENVIRONMENT:
        url = environment.get(name, "")
        if url.startswith("s3:"):
            try:
                address = parse_repository(url)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
            if name == "RESTIC_REPOSITORY":
                address = msgspec.structs.replace(address, prefix=_base_of(address.prefix, bucket.layout))
            return _with_settings(address, bucket)
    return None


def _base_of(path: str, layout: str) -> str:
    """*path* is one repository's own: leave out what the layout gives it; without a layout, that may be all of it."""
    if not layout:
        return ""
    segments, depth = path.split("/") if path else [], depth_of(layout)
    return "/".join(segments[:-depth] if len(segments) >= depth else segments)


def _with_settings(address: BucketAddress, bucket: BucketSettings) -> BucketAddress:
    return BucketAddress(
        bucket=bucket.bucket or address.bucket,
        endpoint=bucket.endpoint or address.endpoint,
        prefix=_clean(bucket.prefix) or address.prefix,
        region=bucket.region or address.region,
        settings=bucket,
    )


def _clean(prefix: str) -> str:
    cleaned = posixpath.normpath(f"/{prefix}").strip("/")
    return "" if cleaned == "." else cleaned
