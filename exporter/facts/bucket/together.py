"""Looks at many repositories in one listing: all that a bucket holds but packs, which the store folds away.

A look at each of 10,000 repositories is 10,000 requests. With `/data/` for a delimiter, one listing of the bucket shows
the same objects in a request for each thousand of them, where the store knows such a delimiter and folds before it
cuts its pages: Amazon's S3, Ceph and SeaweedFS do. MinIO and its relatives fold after they cut
(rustfs `crates/ecstore/src/store/list_objects.rs`), so that the pages are as many as those of the packs: it is noticed
and left.

What such a listing shows is believed of a repository that it shows whole and sound. For all else, an absence first,
the look at the repository's own place decides.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from exporter.facts.bucket.client import Client
from exporter.facts.bucket.failure import BucketError
from exporter.facts.bucket.listing import ListingPage
from exporter.facts.bucket.look import Look, folder_of, missed, take_in
from exporter.facts.bucket.model import ObjectType
from exporter.facts.bucket.paging import DatedPage, walk
from exporter.facts.bucket.repository import Contents, ContentsBuilder, home_of
from exporter.facts.reading import Reason

_DELIMITER = "/data/"
_FEWEST = 50
"""Repositories for which it is worth a try."""
_SAVING = 4
"""Repositories for each expected page, at least: a page of a thousand objects costs more than one look."""
_SPARE_PAGES = 10
_OBJECTS_A_PAGE = 1000


class LooksTogether:
    """Decides for one bucket whether its repositories are worth looking at together, and does it."""

    def __init__(self, base: str, rest: timedelta) -> None:
        """Look at what stands under *base*; where that saved nothing, try again after *rest*."""
        self._base = base
        self._rest = rest
        self._saved_nothing_at: datetime | None = None

    def run(
        self, client: Client, known: Mapping[str, Contents], clock: datetime, errors: Counter[Reason]
    ) -> dict[str, Look]:
        """The looks at those of the *known* repositories that one listing shows whole and sound; maybe none.

        Raises:
            Stopped: the program is to stop.
        """
        pages = _pages_expected(known)
        if not self._is_worth(known, pages, clock):
            return {}
        try:
            looks = look_at_many(client, self._base, known, errors, most_pages=2 * pages + _SPARE_PAGES)
        except BucketError:  # a store that lists nothing at all says so at the looks that follow
            looks = {}
        self._saved_nothing_at = clock if len(looks) < len(known) / 2 else None
        return looks

    def _is_worth(self, known: Mapping[str, Contents], pages: int, clock: datetime) -> bool:
        if self._base in known or len(known) < max(_FEWEST, _SAVING * pages):
            return False
        return self._saved_nothing_at is None or abs(clock - self._saved_nothing_at) >= self._rest


def _pages_expected(known: Mapping[str, Contents]) -> int:
    objects = sum(
        2 + look[kind].objects for look in known.values() for kind in ObjectType if kind is not ObjectType.DATA
    )
    return 1 + objects // _OBJECTS_A_PAGE


def look_at_many(
    client: Client, base: str, known: Mapping[str, Contents], errors: Counter[Reason], *, most_pages: int
) -> dict[str, Look]:
    """The looks at the *known* repositories (by their prefixes, with what the last look saw) that prove themselves.

    Raises:
        BucketError: a request failed, or the listing is not believed.
        Stopped: the program is to stop.
    """
    folder, found = folder_of(base), _Found(known)
    pages = walk(lambda token: client.list(folder, token=token, delimiter=_DELIMITER), errors=errors)
    for number, answer in enumerate(pages, start=1):
        found.add(answer)
        if number == most_pages and answer.page.truncated:
            found.leave_unfinished(_last_entry(answer.page))
            break
    return found.looks()


class _Found:
    """What the pages so far show, by repository."""

    def __init__(self, known: Mapping[str, Contents]) -> None:
        self._known = known
        self._builders: dict[str, ContentsBuilder] = {}
        self._at: dict[str, datetime] = {}
        self._unsure: set[str] = set()
        """Repositories of which the listing does not tell enough."""

    def add(self, answer: DatedPage) -> None:
        """Take in one page.

        Raises:
            BucketError: a date cannot be read, or packs are not folded away.
        """
        for home, page in _by_home(answer.page):
            if home is not None and home in self._known:
                take_in(self._builder(home, answer.at), page)
            for folder in dict.fromkeys(key[: key.rfind("/") + 1] for key in page.keys):
                self._doubt_parents(folder, but=home)
        for folder in answer.page.folders:
            home = folder.removesuffix(_DELIMITER)
            if home == folder:
                raise BucketError(Reason.MALFORMED_ANSWER, "the store does not know the delimiter /data/")
            self._doubt_parents(folder, but=home)

    def leave_unfinished(self, last: str) -> None:
        """Take back what may go on after the *last* entry that was listed."""
        self._unsure.update(home for home in self._builders if last.startswith(f"{home}/"))

    def looks(self) -> dict[str, Look]:
        contents = {home: builder.contents() for home, builder in self._builders.items() if home not in self._unsure}
        return {
            home: Look(seen, self._at[home])
            for home, seen in contents.items()
            if not seen.is_empty and not seen.legacy and not seen.foreign and not missed(seen, self._known[home])
        }

    def _builder(self, home: str, at: datetime) -> ContentsBuilder:
        if home not in self._builders:
            self._builders[home] = builder = ContentsBuilder(home)
            builder.covers_config = True
            self._at[home] = at
        return self._builders[home]

    def _doubt_parents(self, key: str, *, but: str | None) -> None:
        """A repository under which other things stand is looked at by itself, as it says what they are."""
        end = key.find("/")
        while end >= 0:
            above = key[:end]
            if above != but and above in self._known:
                self._unsure.add(above)
            end = key.find("/", end + 1)


def _by_home(page: ListingPage) -> Iterator[tuple[str | None, ListingPage]]:
    """The objects of *page* in runs of the same repository; None for what is none's."""
    homes = [home_of(key) for key in page.keys]
    start = 0
    for end in range(1, len(homes) + 1):
        if end == len(homes) or homes[end] != homes[start] or homes[start] is None:
            yield (
                homes[start],
                msgspec.structs.replace(
                    page, keys=page.keys[start:end], sizes=page.sizes[start:end], modified=page.modified[start:end]
                ),
            )
            start = end


def _last_entry(page: ListingPage) -> str:
    return max((*page.keys[-1:], *page.folders[-1:]), default="")
