"""One restic repository as a listing shows it: figures by folder, and nothing kept of any object."""

import hashlib
import re
from bisect import bisect_left
from datetime import datetime, timedelta

import msgspec

from exporter.facts.bucket.completeness import Gap, Spread
from exporter.facts.bucket.listing import ListingPage, moment
from exporter.facts.bucket.model import MOST_KEY_TIMES, MOST_NAMES, MOST_SNAPSHOT_TIMES, ObjectType, Totals

_ID = "[0-9a-f]{64}"
# restic `internal/backend/layout/layout_default.go`: what stands in a repository.
_FILE = re.compile(
    rf"(?:config|data/(?P<shard>[0-9a-f]{{2}})/(?P=shard)[0-9a-f]{{62}}|(?:index|keys|locks|snapshots)/{_ID})"
)
# The layout of restic before 0.3 on S3, which restic 0.18 no longer reads (restic `doc/design.rst`).
_LEGACY = re.compile(rf"(?:data|key|lock|snapshot)/{_ID}")
_HOME = re.compile(rf"(?P<home>.*?/|)(?:{_FILE.pattern}|(?:key|lock|snapshot)/{_ID})")
_PACK_LENGTH = len("data/00/") + 64
_KOPIA = frozenset({"kopia.repository", "kopia.blobcfg"})
"""What stands in every kopia repository (kopia `repo/format/format_blob.go`, `blobcfg_blob.go`)."""
_MOST_HOMES = 10_000

# restic encrypts everything but keys, which adds 32 bytes (restic `internal/crypto/crypto.go`, Extension). A pack has
# one blob at least, its entry of 37 bytes in the header, the header's own encryption and its length of 4 bytes
# (`internal/repository/pack`). A key is JSON with a salt of 88 characters.
_LEAST = {ObjectType.DATA: 105, ObjectType.INDEX: 33, ObjectType.KEYS: 100, ObjectType.SNAPSHOTS: 33}
_LEAST_CONFIG = 33


def home_of(key: str) -> str | None:
    """The prefix of the repository that *key* is a file of, without a slash; None when it is no file of restic's."""
    match = _HOME.fullmatch(key)
    return match["home"].removesuffix("/") if match else None


def is_file(name: str) -> bool:
    """Whether *name*, a path in a repository, is that of a file whose name is the SHA-256 of its bytes."""
    return name != "config" and _FILE.fullmatch(name) is not None


def is_kopias(name: str) -> bool:
    """Whether an object of this *name*, without its path, says that a kopia repository stands beside it."""
    return name in _KOPIA


class Folder(msgspec.Struct):
    """What one folder of a repository holds."""

    objects: int = 0
    bytes: int = 0
    newest: datetime | None = None
    oldest: datetime | None = None
    digest: str = ""
    """Of the names: equal digests are equal sets of names."""
    times: tuple[datetime, ...] = ()
    """When keys and snapshots were written, ascending and bounded."""
    truncated: int = 0
    """Objects too small to be what they are called."""
    truncated_names: list[str] = msgspec.field(default_factory=list)
    """The first of them."""

    @property
    def totals(self) -> Totals:
        return Totals(self.objects, self.bytes)


class Contents(msgspec.Struct, frozen=True):
    """A repository, or the part of it that was listed."""

    folders: dict[ObjectType, Folder]
    config_at: datetime | None = None
    """When the repository's config was written; None when it was not among the keys."""
    config_is_truncated: bool = False
    covers_config: bool = False
    """Whether a config that is there would have been among the keys."""
    gap: Gap = Gap(0, 1.0)
    """The widest gap between the packs' names."""
    foreign: int = 0
    """Objects that are not restic's: they are not counted elsewhere."""
    legacy: int = 0
    """Objects of a layout that restic no longer reads."""
    locks: tuple[datetime, ...] = ()
    """When each lock was written (a handful: restic leaves one for each client that died)."""
    homes: frozenset[str] = frozenset()
    """Where the foreign objects that are restic's have their own repositories."""

    def __getitem__(self, kind: ObjectType) -> Folder:
        return self.folders[kind]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing of a repository. A config alone is none, and may be anyone's."""
        return not self.legacy and not any(folder.objects for folder in self.folders.values())

    @property
    def is_repository(self) -> bool:
        """Whether it has restic's shape: a config and something more, or two folders at least, which is a damaged one.

        One folder alone may be anyone's.
        """
        folders = sum(1 for folder in self.folders.values() if folder.objects) + bool(self.legacy)
        return folders > 1 or (folders == 1 and self.config_at is not None)

    def stale_locks(self, at: datetime, limit: timedelta) -> int:
        """How many locks were not refreshed for *limit*, at the store's time *at*."""
        return sum(1 for written in self.locks if at - written >= limit)


class ContentsBuilder:
    """Takes in the pages of one repository's listing."""

    def __init__(self, prefix: str) -> None:
        self._base = f"{prefix}/" if prefix else ""
        self._folders = {kind: Folder() for kind in ObjectType}
        self._digests = {kind: hashlib.blake2b(digest_size=16) for kind in ObjectType if kind is not ObjectType.DATA}
        self._spread = Spread()
        self._config_at: datetime | None = None
        self._config_is_truncated = False
        self._locks: list[datetime] = []
        self._times: dict[ObjectType, list[datetime]] = {ObjectType.KEYS: [], ObjectType.SNAPSHOTS: []}
        self._homes: set[str] = set()
        self.foreign = 0
        """Objects so far that are not this repository's."""
        self._legacy = 0
        self.covers_config = False
        """Whether a config that is there was taken in; to be set by whoever lists."""

    def add(self, page: ListingPage) -> None:
        """Count the objects of *page*, whose keys ascend and were not counted before.

        Raises:
            ValueError: a date cannot be read.
        """
        start = bisect_left(page.keys, f"{self._base}data/")
        end = bisect_left(page.keys, f"{self._base}data0")  # `0` follows the slash
        if not self._add_packs(page.keys[start:end], page.sizes[start:end]):
            end = start
        for i in (*range(start), *range(end, len(page.keys))):
            self._add_object(page.keys[i], page.sizes[i], page.modified[i])

    @property
    def is_foreign(self) -> bool:
        """Whether objects were taken in, and none of them is a repository's."""
        return self.foreign > 0 and not self._legacy and not any(f.objects for f in self._folders.values())

    def contents(self) -> Contents:
        """What was counted."""
        for kind, digest in self._digests.items():
            self._folders[kind].digest = digest.hexdigest() if self._folders[kind].objects else ""
        for dated, times in self._times.items():
            self._folders[dated].times = _bounded(dated, times)
        return Contents(
            folders=self._folders,
            config_at=self._config_at,
            config_is_truncated=self._config_is_truncated,
            covers_config=self.covers_config,
            gap=self._spread.result(),
            foreign=self.foreign,
            legacy=self._legacy,
            locks=tuple(self._locks),
            homes=frozenset(self._homes),
        )

    def _add_packs(self, keys: list[str], sizes: list[int]) -> bool:
        """Count objects in `data/` at once; False, and nothing counted, when they may not all be packs.

        Nearly all objects are packs, and one by one they cost more than their parsing (6 ms a page in place of 0.5).
        """
        if set(map(len, keys)) - {len(self._base) + _PACK_LENGTH}:
            return False
        try:
            self._spread.add([key[-64:-48] for key in keys])
        except ValueError:
            return False
        data = self._folders[ObjectType.DATA]
        data.objects += len(keys)
        data.bytes += sum(sizes)
        if sizes and min(sizes) < _LEAST[ObjectType.DATA]:
            for key, size in zip(keys, sizes, strict=True):
                _check_size(data, ObjectType.DATA, key.removeprefix(self._base), size)
        return True

    def _add_object(self, key: str, size: int, modified: str) -> None:
        name = key.removeprefix(self._base)
        match = _FILE.fullmatch(name)
        if not match:
            if _LEGACY.fullmatch(name):
                self._legacy += 1
            elif not key.endswith("/"):  # a folder's marker is nobody's object
                self._take_in_foreign(key)
            return
        written = moment(modified)
        if name == "config":
            self._config_at = written
            self._config_is_truncated = size < _LEAST_CONFIG
            return
        kind = ObjectType(name.partition("/")[0])
        if kind is ObjectType.DATA:
            self._spread.add([name[-64:-48]])
        else:
            if kind is ObjectType.LOCKS:
                if size == 0:  # restic ignores them too (restic `internal/repository/lock.go`)
                    return
                self._locks.append(written)
            self._digests[kind].update(name.encode())
        _count(self._folders[kind], size, written)
        _check_size(self._folders[kind], kind, name, size)
        if kind in self._times:
            self._add_time(kind, written)

    def _add_time(self, kind: ObjectType, written: datetime) -> None:
        times = self._times[kind]
        times.append(written)
        if len(times) > 4 * MOST_SNAPSHOT_TIMES:
            times[:] = _bounded(kind, times)

    def _take_in_foreign(self, key: str) -> None:
        self.foreign += 1
        if len(self._homes) < _MOST_HOMES and (home := home_of(key)) is not None:
            self._homes.add(home)


def _bounded(kind: ObjectType, times: list[datetime]) -> tuple[datetime, ...]:
    """The oldest keys, which tell how a repository began, or the newest snapshots."""
    ascending = sorted(times)
    return tuple(ascending[:MOST_KEY_TIMES] if kind is ObjectType.KEYS else ascending[-MOST_SNAPSHOT_TIMES:])


def _check_size(folder: Folder, kind: ObjectType, name: str, size: int) -> None:
    if size < _LEAST.get(kind, 0):
        folder.truncated += 1
        if len(folder.truncated_names) < MOST_NAMES:
            folder.truncated_names.append(name)


def _count(folder: Folder, size: int, written: datetime) -> None:
    folder.objects += 1
    folder.bytes += size
    folder.newest = max(folder.newest or written, written)
    folder.oldest = min(folder.oldest or written, written)
