"""Buckets from files: what `aws s3api list-objects-v2` printed, through the same code as a live listing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from exporter.facts.bucket.address import BucketAddress, addresses
from exporter.facts.bucket.listing import ListingPage, moment
from exporter.facts.bucket.look import folder_of
from exporter.facts.bucket.measure import what_is_missing
from exporter.facts.bucket.model import Bucket, ObjectType, OtherKind, OtherRepository, Repository
from exporter.facts.bucket.repository import Contents, ContentsBuilder, home_of, is_kopias
from exporter.facts.bucket.state import DataListing, RepositoryState
from exporter.facts.reading import Reading, Reason
from exporter.settings import Settings

_NAMELESS = "bucket"
"""The name of a bucket that neither the file nor the settings name."""


class _Object(msgspec.Struct, frozen=True):
    size: int
    modified: str


class _Document(msgspec.Struct, frozen=True):
    """One output: all pages of a listing in one, or one page."""

    file: str
    bucket: str
    endpoint: str
    """Empty where it is not said: the AWS command line does not."""
    prefix: str
    objects: dict[str, _Object]
    folders: tuple[str, ...]
    token: str | None
    """What continues it; empty when it is cut off and does not say."""
    continues: str | None
    """The token that it was asked with."""
    starts_late: bool

    @property
    def last_key(self) -> str:
        return next(reversed(self.objects), "")


def read_listing(
    documents: Sequence[tuple[str, dict[str, Any]]], settings: Settings, at: datetime
) -> tuple[Bucket, ...]:
    """The buckets of *documents*, each a file's name and its JSON; *at* is the clock, of the store too.

    An aggregated output does not name its bucket: then it is the one that *settings* name, if it is one.
    What a cut-off output leaves out is not missing: see `Bucket.covers`.

    Raises:
        ValueError: a document is no listing; the file and the field are named.
    """
    configured = addresses(settings, {}) if settings.buckets else ()
    nameless = configured[0].bucket if len(configured) == 1 else _NAMELESS
    read = [_document(file, content, nameless) for file, content in documents]
    return tuple(
        _bucket(address, [one for one in read if (one.bucket, one.endpoint) == (name, endpoint)], settings, at)
        for name, endpoint in dict.fromkeys((document.bucket, document.endpoint) for document in read)
        for address in _configured(configured, name, endpoint) or [BucketAddress(name, endpoint)]
    )


def _configured(addresses: Sequence[BucketAddress], name: str, endpoint: str) -> list[BucketAddress]:
    return [one for one in addresses if one.bucket == name and endpoint in ("", one.endpoint)]


def _document(file: str, content: Mapping[str, Any], nameless: str) -> _Document:
    token = content.get("NextContinuationToken") or content.get("NextToken")
    return _Document(
        file=file,
        bucket=str(content.get("Name") or nameless),
        endpoint=str(content.get("Endpoint") or ""),
        prefix=str(content.get("Prefix") or "").strip("/"),
        objects=dict(_objects(file, content.get("Contents") or ())),
        folders=tuple(str(entry.get("Prefix", "")).strip("/") for entry in content.get("CommonPrefixes") or ()),
        token=str(token or "") if token or content.get("IsTruncated") else None,
        continues=content.get("ContinuationToken"),
        starts_late=bool(content.get("StartAfter")),
    )


def _objects(file: str, entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, _Object]]:
    for number, entry in enumerate(entries):
        try:
            modified = entry["LastModified"]
            text = modified.isoformat() if isinstance(modified, datetime) else str(modified)
            moment(text)
            yield str(entry["Key"]), _Object(int(entry["Size"]), text)
        except KeyError as error:
            raise ValueError(f"{file}: Contents[{number}] has no {error.args[0]}") from None
        except (TypeError, ValueError) as error:
            raise ValueError(f"{file}: Contents[{number}] cannot be read: {error}") from None


def _bucket(address: BucketAddress, documents: list[_Document], settings: Settings, at: datetime) -> Bucket:
    continued = {document.continues for document in documents if document.continues}
    cut = [d for d in documents if d.starts_late or (d.token is not None and d.token not in continued)]
    cut_prefixes = {document.prefix for document in cut}
    torn = {home_of(document.last_key) for document in cut}
    return Bucket(
        name=address.bucket,
        is_named=address.bucket != _NAMELESS,
        endpoint=address.endpoint,
        prefix=address.prefix,
        layout=address.settings.layout,
        reading=Reading.READ,
        detail="; ".join(f"{d.file} is only a part of the listing" for d in cut),
        read_at=at,
        capacity_bytes=address.settings.capacity_bytes,
        repositories=tuple(_repositories(address, documents, torn, settings, at)),
        others=tuple(_others(address, documents)),
        listed=tuple(sorted({document.prefix for document in documents} - cut_prefixes)),
        unlisted=tuple(sorted({folder for document in documents for folder in document.folders})),
    )


def _repositories(
    address: BucketAddress, documents: list[_Document], torn: set[str | None], settings: Settings, at: datetime
) -> Iterator[Repository]:
    by_home: dict[str, dict[str, _Object]] = {}
    for document in documents:
        for key, each in document.objects.items():
            home = home_of(key)
            if home is not None and key.startswith(folder_of(address.prefix)):
                by_home.setdefault(home, {})[key] = each
    for home, objects in sorted(by_home.items()):
        contents = _contents(home, objects)
        if contents.is_repository:
            state = _state(home, contents, settings, at, is_torn=home in torn)
            yield state.repository(address.bucket, at, settings)


def _others(address: BucketAddress, documents: list[_Document]) -> Iterator[OtherRepository]:
    keys = {key for document in documents for key in document.objects if key.startswith(folder_of(address.prefix))}
    prefixes = {key.rpartition("/")[0] for key in keys if is_kopias(key.rpartition("/")[2])}
    return (OtherRepository(OtherKind.KOPIA, prefix) for prefix in sorted(prefixes))


def _contents(home: str, objects: Mapping[str, _Object]) -> Contents:
    keys = sorted(objects)
    builder = ContentsBuilder(home)
    builder.add(ListingPage(keys, [objects[key].size for key in keys], [objects[key].modified for key in keys]))
    builder.covers_config = True
    return builder.contents()


def _state(home: str, contents: Contents, settings: Settings, at: datetime, *, is_torn: bool) -> RepositoryState:
    state = RepositoryState(home)
    if is_torn:
        state.doubt = Reason.INCOMPLETE
        return state
    state.believe(contents, at, at, settings.grace.stale_lock)
    if what_is_missing(contents, (contents,)):
        state.data_doubt = Reason.INCOMPLETE
    else:
        state.data = DataListing(contents[ObjectType.DATA].totals, at, contents[ObjectType.INDEX].digest, settled=True)
    return state
