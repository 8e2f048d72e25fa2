"""Walking the pages of a listing without believing them blindly.

Every check here is a way in which a store was seen to misbehave: a listing that goes on without saying how, one that
goes round for ever, one that holds other than it says. A page that fails is no page: what was listed is not believed.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from exporter.facts.bucket.failure import BucketError
from exporter.facts.bucket.listing import ListingPage
from exporter.facts.reading import Reason

MOST_PAGES = 100_000
"""A hundred million objects. A listing that is longer has no end."""
MOST_EMPTY_PAGES = 100
"""Pages in a row without a new key or folder. AWS may send a few over deleted versions."""


class DatedPage(msgspec.Struct, frozen=True):
    """One page, and when the store sent it, by its own clock."""

    page: ListingPage
    at: datetime


def walk(
    ask: Callable[[str | None], DatedPage], start_after: str = "", errors: Counter[Reason] | None = None
) -> Iterator[DatedPage]:
    """Every page of one listing; *ask* gets the page of a token, and of None the first.

    Keys at or before *start_after*, and those that a page repeats from the one before, are left out and counted in
    *errors*: some stores take the start of a page to be part of it (rustfs#1165).

    Raises:
        BucketError: a page contradicts itself or the pages before it.
    """
    tokens: set[bytes] = set()
    token, last, last_folder, empty = None, start_after, "", 0
    for _ in range(MOST_PAGES):
        answer = ask(token)
        page = _without_repeats(answer.page, last)
        if len(page.keys) < len(answer.page.keys) and errors is not None:
            errors[Reason.INCLUSIVE_START_AFTER] += 1
        yield DatedPage(page, answer.at)
        if not answer.page.truncated:
            return
        token = _next_token(answer.page, tokens)
        furthest = max(page.folders, default="")
        empty = 0 if page.keys or furthest > last_folder else empty + 1
        last_folder = max(furthest, last_folder)
        if empty > MOST_EMPTY_PAGES:
            raise BucketError(
                Reason.ENDLESS_LISTING, f"{empty} pages in a row hold nothing new, and there is to be more"
            )
        last = page.keys[-1] if page.keys else last
    raise BucketError(Reason.ENDLESS_LISTING, f"the listing does not end after {MOST_PAGES} pages")


def _without_repeats(page: ListingPage, last: str) -> ListingPage:
    """*page* without keys at or before *last*, and with each key once.

    Raises:
        BucketError: its count is not what it says, or its keys go back.
    """
    listed = len(page.keys) + len(page.folders)
    if page.key_count is not None and page.key_count not in (listed, len(page.keys)):
        raise BucketError(Reason.KEY_COUNT, f"the page says {page.key_count} keys and holds {listed}")
    ascending = all(map(str.__lt__, page.keys, page.keys[1:]))
    if ascending and (not page.keys or page.keys[0] > last):
        return page
    if not ascending and page.keys != sorted(page.keys):
        raise BucketError(Reason.MALFORMED_ANSWER, "the page's keys are in no order")
    return _select(page, last)


def _select(page: ListingPage, last: str) -> ListingPage:
    """The objects of *page* whose keys come after *last*, each once."""
    kept = [i for i, key in enumerate(page.keys) if key > last and (i == 0 or key != page.keys[i - 1])]
    return msgspec.structs.replace(
        page,
        keys=[page.keys[i] for i in kept],
        sizes=[page.sizes[i] for i in kept],
        modified=[page.modified[i] for i in kept],
    )


def _next_token(page: ListingPage, seen: set[bytes]) -> str:
    """The token of the page that follows *page*; its digest is added to those *seen* (a token may be long).

    Raises:
        BucketError: there is none (rustfs#1596), or it came before (rustfs#5792).
    """
    if not page.token:
        raise BucketError(Reason.NO_TOKEN, "there is to be more, and the store does not say how to ask for it")
    digest = hashlib.blake2b(page.token.encode(), digest_size=16).digest()
    if digest in seen:
        raise BucketError(Reason.REPEATED_TOKEN, "the store sends the same continuation token again")
    seen.add(digest)
    return page.token
