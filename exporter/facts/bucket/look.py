"""The cheap look: everything of a repository but its data, in one request."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from exporter.facts.bucket.failure import BucketError
from exporter.facts.bucket.listing import ListingPage
from exporter.facts.bucket.model import ObjectType
from exporter.facts.bucket.paging import DatedPage, walk
from exporter.facts.bucket.repository import Contents, ContentsBuilder
from exporter.facts.reading import Reason

if TYPE_CHECKING:  # the SDK is slow to import, and a listing that was written to a file needs none
    from exporter.facts.bucket.client import Client

AFTER_DATA = "data0"
"""No object has this name, and it sorts after everything in `data/`: `0` follows the slash."""

_LASTING = (ObjectType.KEYS, ObjectType.SNAPSHOTS, ObjectType.INDEX)
"""The folders that no client ever empties: forget keeps one snapshot at least, prune writes a new index first."""

_SEEN = (ObjectType.INDEX, ObjectType.KEYS, ObjectType.LOCKS, ObjectType.SNAPSHOTS)


class Look(msgspec.Struct, frozen=True):
    """What a look saw."""

    contents: Contents
    at: datetime
    """By the store's clock."""
    is_shared: bool = False
    """Whether so much else stands under the prefix that the repository's folders are listed one by one."""


def folder_of(prefix: str) -> str:
    """*prefix* as a listing takes it: with a slash at its end, but empty for the whole bucket."""
    return f"{prefix}/" if prefix else ""


def take_in(builder: ContentsBuilder, page: ListingPage) -> None:
    """Count the objects of *page*.

    Raises:
        BucketError: a date cannot be read.
    """
    try:
        builder.add(page)
    except ValueError as error:
        raise BucketError(Reason.MALFORMED_ANSWER, f"the answer cannot be read: {error}") from error


def look_at(
    client: "Client", prefix: str, before: Contents | None, errors: Counter[Reason], *, is_likely: bool = True
) -> Look:
    """Look at the repository at *prefix*; *before* is what the last look saw.

    What a listing has lost is asked for again: stores were seen that list a prefix as empty, or short, while what
    stands under it is there (rustfs#5051, rustfs#3217). Only when the second answer agrees is it believed. A prefix
    where nothing was seen yet, and none *is_likely*, is worth one request.

    Raises:
        BucketError: a request failed, or two answers contradict each other.
        Stopped: the program is to stop.
    """
    look = _list(client, prefix, errors, is_likely=is_likely or before is not None)
    if before is None and not look.contents.is_repository:
        if look.contents.is_empty and not is_likely:
            return look
        look = _with_head(client, prefix, look)
        if not look.contents.is_repository:
            return look
    for kind in missed(look.contents, before):
        again = _contents_of(client, prefix, f"{kind}/")
        if again[kind].objects > look.contents[kind].objects:
            raise BucketError(
                Reason.CONTRADICTED, f"{folder_of(prefix)}{kind}/ holds objects that {prefix} does not list"
            )
    return _confirm_nothing(client, prefix, look) if look.contents.is_empty else look


def _list(client: "Client", prefix: str, errors: Counter[Reason], *, is_likely: bool) -> Look:
    base = folder_of(prefix)
    start = f"{base}{AFTER_DATA}"
    builder, at = ContentsBuilder(prefix), None
    for answer in walk(lambda token: client.list(base, token=token, start_after=start), start, errors):
        take_in(builder, answer.page)
        at = at or answer.at
        if answer.page.truncated and builder.foreign:  # someone else's, and maybe without end
            if is_likely or not builder.is_foreign:
                return _list_by_folder(client, prefix, errors)
            break
    assert at is not None  # noqa: S101  # a walk has one page at least
    return Look(builder.contents(), at)


def _list_by_folder(client: "Client", prefix: str, errors: Counter[Reason]) -> Look:
    """The same where other things stand between the folders, a repository below this one for example."""
    builder, at = ContentsBuilder(prefix), None
    for kind in _SEEN:
        for answer in pages_of(client, f"{folder_of(prefix)}{kind}/", errors):
            take_in(builder, answer.page)
            at = at or answer.at
    assert at is not None  # noqa: S101  # a walk has one page at least
    return Look(builder.contents(), at, is_shared=True)


def pages_of(client: "Client", folder: str, errors: Counter[Reason]) -> Iterator[DatedPage]:
    """Every page of what stands under *folder*."""
    return walk(lambda token: client.list(folder, token=token), errors=errors)


def _with_head(client: "Client", prefix: str, look: Look) -> Look:
    """The look, and what stands before `data0`: a config, and whether there are packs."""
    base = folder_of(prefix)
    builder = ContentsBuilder(prefix)
    for name in ("config", "data/"):
        take_in(builder, client.list(f"{base}{name}").page)
    head = builder.contents()
    return msgspec.structs.replace(
        look,
        contents=msgspec.structs.replace(
            look.contents,
            folders=look.contents.folders | {ObjectType.DATA: head[ObjectType.DATA]},
            config_at=head.config_at,
            config_is_truncated=head.config_is_truncated,
            covers_config=True,
        ),
    )


def missed(now: Contents, before: Contents | None) -> tuple[ObjectType, ...]:
    """The folders that ought to hold more than *now* shows."""

    def is_missed(kind: ObjectType) -> bool:
        if kind is ObjectType.SNAPSHOTS:
            newest, known = now[kind].newest, before[kind].newest if before else None
            return (newest is None and now[ObjectType.INDEX].objects > 0) or (
                known is not None and (newest is None or newest < known)
            )
        return now[kind].objects == 0 and (kind is ObjectType.KEYS or bool(before and before[kind].objects))

    return tuple(kind for kind in _LASTING if is_missed(kind))


def _confirm_nothing(client: "Client", prefix: str, look: Look) -> Look:
    """The look, once no other listing contradicts it. A config alone is no repository."""
    base = folder_of(prefix)
    seen = _with_head(client, prefix, look)
    if not seen.contents.is_empty:  # packs are left, and nothing else
        return seen
    whole = _contents_of(client, prefix, "")
    if any(whole[kind].objects for kind in _LASTING):
        raise BucketError(Reason.CONTRADICTED, f"two listings of {prefix} differ")
    if not seen.contents.config_at and _is_there(client, f"{base}config"):
        raise BucketError(Reason.CONTRADICTED, f"{base}config is there, and {prefix} lists nothing")
    return look


def _is_there(client: "Client", key: str) -> bool:
    """Whether HEAD says that *key* is there; what it may not say is no evidence."""
    try:
        return client.head(key)
    except BucketError:
        return False


def _contents_of(client: "Client", prefix: str, folder: str) -> Contents:
    builder = ContentsBuilder(prefix)
    take_in(builder, client.list(f"{folder_of(prefix)}{folder}").page)
    return builder.contents()
