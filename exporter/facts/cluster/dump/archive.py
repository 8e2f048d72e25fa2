"""Dumps as archives: `FILE.tar.gz` in place of a folder."""

import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from exporter.facts.cluster.dump.refusal import FileError

SUFFIXES: Final = (".tar.gz", ".tgz", ".tar")
_MOST_FILES = 10_000
_MOST_BYTES = 4 << 30
"""An archive that unpacks to more is none of ours: a dump of 10,000 claims takes some 200 MB."""


@contextmanager
def unpacked(paths: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """*paths* with each archive among them as a folder, for as long as the context lasts.

    Raises:
        FileError: an archive cannot be read, or holds what no dump does.
    """
    with tempfile.TemporaryDirectory(prefix="volsync-exporter-dump-") as folder:
        yield tuple(
            str(_unpack(path, Path(folder, str(number)))) if is_archive(path) else path
            for number, path in enumerate(paths)
        )


def is_archive(path: str) -> bool:
    """Whether *path* is named like an archive."""
    return path.endswith(SUFFIXES) and not os.path.isdir(path)  # noqa: PTH112 - a trailing slash counts


def _unpack(path: str, folder: Path) -> Path:
    """The regular files of the archive, below *folder*. Links, devices and ways out of the folder are not followed."""
    folder.mkdir()
    total = 0
    try:
        with tarfile.open(path) as archive:
            for number, member in enumerate(archive):
                if not member.isfile():
                    continue
                total += member.size
                if number > _MOST_FILES or total > _MOST_BYTES:
                    raise FileError(f"{path}: it unpacks to more than a dump can be")
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts:
                    raise FileError(f"{path}: {member.name!r} leads out of it")
                content = archive.extractfile(member)
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    while content and (chunk := content.read(1 << 20)):
                        file.write(chunk)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FileError(f"{path}: it cannot be read as an archive: {error}") from None
    return folder
