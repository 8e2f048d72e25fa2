"""The full listing of one repository: what its data weighs, and whether that is to be believed."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from exporter.facts.bucket.failure import BucketError
from exporter.facts.bucket.look import folder_of, look_at, pages_of, take_in
from exporter.facts.bucket.model import ObjectType
from exporter.facts.bucket.paging import DatedPage
from exporter.facts.bucket.repository import Contents, ContentsBuilder
from exporter.facts.bucket.state import ListingUnderWay, RepositoryState
from exporter.facts.reading import Reason
from exporter.settings import Settings

if TYPE_CHECKING:  # the SDK is slow to import, and a listing that was written to a file needs none
    from exporter.facts.bucket.client import Client

_MOST_FOREIGN = 2000
"""So many objects of others in a repository's listing, and its folders are listed one by one."""


def measure(
    client: "Client", state: RepositoryState, settings: Settings, errors: Counter[Reason], is_over: Callable[[], bool]
) -> bool:
    """List the repository of *state* in full, or go on with it, until *is_over*; whether it came to its end.

    Raises:
        BucketError: a request failed, or the listing is not believed.
        Stopped: the program is to stop.
    """
    listing = state.listing or _begin(client, state, errors)
    state.listing = None
    for answer in listing.pages:
        take_in(listing.builder, answer.page)
        if listing.builder.foreign > _MOST_FOREIGN and not state.is_shared:
            state.is_shared = True
            return measure(client, state, settings, errors, is_over)
        if answer.page.truncated and is_over():
            state.listing = listing
            return False
    full = listing.builder.contents()
    looks = _looks(client, state, listing, full, errors)
    if full[ObjectType.INDEX].objects and not full[ObjectType.DATA].objects:
        _confirm_no_packs(client, state.prefix)
    if why := what_is_missing(full, looks):
        raise BucketError(Reason.INCOMPLETE, f"the listing of {state.prefix} lacks objects: {why}")
    settled = all(look[ObjectType.INDEX].digest == full[ObjectType.INDEX].digest for look in looks)
    state.believe_data(full, listing, settled=settled, stale=settings.grace.stale_lock)
    return True


def _begin(client: "Client", state: RepositoryState, errors: Counter[Reason]) -> ListingUnderWay:
    assert state.look is not None  # noqa: S101  # what was not looked at is not due
    assert state.looked_at is not None  # noqa: S101
    state.tried_at = state.looked_at
    builder = ContentsBuilder(state.prefix)
    builder.covers_config = True
    base = folder_of(state.prefix)
    pages = _own_pages(client, base, errors) if state.is_shared else pages_of(client, base, errors)
    return ListingUnderWay(pages, builder, state.look, state.looked_at)


def _own_pages(client: "Client", base: str, errors: Counter[Reason]) -> Iterator[DatedPage]:
    """A repository's objects without what else stands between its folders."""
    yield client.list(f"{base}config")
    for kind in ObjectType:
        yield from pages_of(client, f"{base}{kind}/", errors)


def _confirm_no_packs(client: "Client", prefix: str) -> None:
    """An index of packs and no pack: either they are gone, or the listing lost them.

    Raises:
        BucketError: another listing has them.
    """
    builder = ContentsBuilder(prefix)
    take_in(builder, client.list(f"{folder_of(prefix)}data/").page)
    if builder.contents()[ObjectType.DATA].objects:
        raise BucketError(Reason.INCOMPLETE, f"the listing of {prefix} lacks objects: there are packs in data/")


def _looks(
    client: "Client", state: RepositoryState, listing: ListingUnderWay, full: Contents, errors: Counter[Reason]
) -> tuple[Contents, ...]:
    """What the looks before the listing and, where its own end is not the same as that, after it saw.

    The listing ends with the folders that a look sees, so mostly its end is the look after it.
    """
    before = listing.before
    lasting = (ObjectType.INDEX, ObjectType.KEYS, ObjectType.SNAPSHOTS)
    if all(before[kind].digest == full[kind].digest for kind in lasting):
        return (before,)
    return before, look_at(client, state.prefix, before, errors).contents


def what_is_missing(full: Contents, looks: tuple[Contents, ...]) -> str:
    """Why *full* cannot be all of the repository; empty when it can."""
    for kind in (ObjectType.INDEX, ObjectType.KEYS, ObjectType.SNAPSHOTS):
        if full[kind].objects < min(look[kind].objects for look in looks):
            return f"{kind}/ held more before and after it"
    if not full.gap.is_chance:
        return f"{full.gap.count} packs leave {full.gap.share:.1%} of their names' space empty"
    return ""
