"""The cheap look: everything of a repository but its data, in one request."""

from collections import Counter
from datetime import datetime

import msgspec

from exporter.facts.bucket.client import Client
from exporter.facts.bucket.failure import Failure
from exporter.facts.bucket.listing import Page
from exporter.facts.bucket.model import ObjectType
from exporter.facts.bucket.paging import walk
from exporter.facts.bucket.repository import Contents, Inventory
from exporter.facts.reading import Reason

AFTER_DATA = "data0"
"""No object has this name, and it sorts after everything in `data/`: `0` follows the slash."""

_LASTING = (ObjectType.KEYS, ObjectType.SNAPSHOTS, ObjectType.INDEX)
"""The folders that no client ever empties: forget keeps one snapshot at least, prune writes a new index first."""


class Look(msgspec.Struct, frozen=True):
    """What a look saw."""

    contents: Contents
    at: datetime
    """By the store's clock."""
    keys: list[str] = []
    """The first keys, where none of them is a file of this repository."""


def folder_of(prefix: str) -> str:
    """*prefix* as a listing takes it: with a slash at its end, but empty for the whole bucket."""
    return f"{prefix}/" if prefix else ""


def take_in(inventory: Inventory, page: Page) -> None:
    """Count the objects of *page*.

    Raises:
        Failure: a date cannot be read.
    """
    try:
        inventory.add(page)
    except ValueError as error:
        raise Failure(Reason.MALFORMED_ANSWER, f"the answer cannot be read: {error}") from error


def look_at(client: Client, prefix: str, before: Contents | None, errors: Counter[Reason]) -> Look:
    """Look at the repository at *prefix*; *before* is what the last look saw.

    What a listing has lost is asked for again: stores were seen that list a prefix as empty, or short, while what
    stands under it is there (rustfs#5051, rustfs#3217). Only when the second answer agrees is it believed.

    Raises:
        Failure: a request failed, or two answers contradict each other.
        Stopped: the program is to stop.
    """
    look = _list(client, prefix, errors)
    if look.contents.is_foreign and before is None:
        return look
    for kind in _missed(look.contents, before):
        again = _contents_of(client, prefix, f"{kind}/")
        if again[kind].objects > look.contents[kind].objects:
            raise Failure(Reason.CONTRADICTED, f"{folder_of(prefix)}{kind}/ holds objects that {prefix} does not list")
    return _confirm_nothing(client, prefix, look) if look.contents.is_empty else look


def _list(client: Client, prefix: str, errors: Counter[Reason]) -> Look:
    base = folder_of(prefix)
    start = f"{base}{AFTER_DATA}"
    inventory, at = Inventory(prefix), None
    for answer in walk(lambda token: client.list(base, token=token, start_after=start), start, errors):
        take_in(inventory, answer.page)
        at = at or answer.at
        if inventory.is_foreign:  # someone else's, and maybe without end
            return Look(inventory.contents(), at, answer.page.keys)
    assert at is not None  # noqa: S101  # a walk has one page at least
    return Look(inventory.contents(), at)


def _missed(now: Contents, before: Contents | None) -> tuple[ObjectType, ...]:
    """The folders that ought to hold more than *now* shows."""

    def is_missed(kind: ObjectType) -> bool:
        if kind is ObjectType.SNAPSHOTS:
            newest, known = now[kind].newest, before[kind].newest if before else None
            return (newest is None and now[ObjectType.INDEX].objects > 0) or (
                known is not None and (newest is None or newest < known)
            )
        return now[kind].objects == 0 and (kind is ObjectType.KEYS or bool(before and before[kind].objects))

    return tuple(kind for kind in _LASTING if is_missed(kind))


def _confirm_nothing(client: Client, prefix: str, look: Look) -> Look:
    """The look, once nothing that stands before `data0` contradicts it: a config, or packs."""
    base = folder_of(prefix)
    answer = client.list(base)
    inventory = Inventory(prefix)
    take_in(inventory, answer.page)
    whole = inventory.contents()
    if answer.page.keys:
        if any(whole[kind].objects for kind in _LASTING):
            raise Failure(Reason.CONTRADICTED, f"two listings of {prefix} differ")
        return Look(whole, answer.at, answer.page.keys if whole.is_foreign else [])
    if f"{base}config" in client.list(f"{base}config").page.keys or _is_there(client, f"{base}config"):
        raise Failure(Reason.CONTRADICTED, f"{base}config is there, and {prefix} lists nothing")
    return look


def _is_there(client: Client, key: str) -> bool:
    """Whether HEAD says that *key* is there; what it may not say is no evidence."""
    try:
        return client.head(key)
    except Failure:
        return False


def _contents_of(client: Client, prefix: str, folder: str) -> Contents:
    inventory = Inventory(prefix)
    take_in(inventory, client.list(f"{folder_of(prefix)}{folder}").page)
    return inventory.contents()
