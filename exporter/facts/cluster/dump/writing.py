"""Writing a dump: what a verdict rests on, as files that `--from` reads, and a manifest of what was read."""

import io
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from exporter.facts.cluster.dump.archive import is_archive
from exporter.facts.cluster.dump.contents import MANIFEST, DumpedKind, DumpManifest
from exporter.facts.cluster.dump.masking import shareable
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.cluster.server.targets import targets
from exporter.facts.cluster.server.transport import ReadError
from exporter.facts.reading import Reading, Reason
from exporter.settings import Settings

_WHO: Final = 0o600
"""A dump has no secrets, and is still about a cluster that is not everybody's."""


class Writer:
    """Puts files into a folder that is made, or into an archive."""

    def __init__(self, target: str) -> None:
        """Begin *target*.

        Raises:
            OSError: it cannot be written.
        """
        self._folder: Path | None = None
        self._archive: tarfile.TarFile | None = None
        if is_archive(target):
            mode: Any = "x:gz" if target.endswith("gz") else "x"
            self._archive = tarfile.open(target, mode)  # noqa: SIM115 - closed by `close`
            Path(target).chmod(_WHO)
        else:
            self._folder = Path(target)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(self._folder.iterdir()):
                raise FileExistsError(17, "the folder is not empty", target)

    def write(self, name: str, content: bytes, at: datetime) -> None:
        """Add a file."""
        if self._folder is not None:
            (self._folder / name).write_bytes(content)
        if self._archive is not None:
            entry = tarfile.TarInfo(f"volsync-dump/{name}")
            entry.size, entry.mtime, entry.mode = len(content), int(at.timestamp()), _WHO
            self._archive.addfile(entry, io.BytesIO(content))

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()


def dump_kind(reader: ClusterReader, kind: Kind, settings: Settings) -> tuple[DumpedKind, list[dict[str, Any]]]:
    """How reading *kind* went, and its objects, fit to be handed on."""
    places = targets(kind, settings)
    if not places:
        return DumpedKind(Reading.NOT_SERVED, detail="excluded by the settings"), []
    try:
        version = reader.version(kind)
        if version is None:
            return DumpedKind(Reading.NOT_SERVED, detail="not served"), []
        bodies = [body for place in places for body in reader.raw(kind, version, place)]
    except ReadError as error:
        return DumpedKind(Reading.UNREADABLE, error.reason, str(error)), []
    try:
        objects = [shareable(one, kind.struct) for body in bodies for one in _objects(kind, version, body)]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return DumpedKind(Reading.UNREADABLE, Reason.MALFORMED_ANSWER, str(error)), []
    return DumpedKind(Reading.READ), objects


def _objects(kind: Kind, version: str, body: bytes) -> Iterator[dict[str, Any]]:
    """The objects in one answer, each with its kind, which lists leave out."""
    answer = msgspec.json.decode(body, type=dict[str, Any])
    api_version = f"{kind.group}/{version}" if kind.group else version
    for item in answer.get("items") or () if "items" in answer else (answer,):
        yield {**item, "apiVersion": api_version, "kind": kind.kind}


def file_of(kind: Kind) -> str:
    """The name of a kind's file: `core.claims` and `kyverno.events` are two though both hold Events."""
    return f"{kind.field}.json"


def listed(kind: Kind, objects: list[dict[str, Any]]) -> bytes:
    """*objects* as a list of *kind*."""
    version = objects[0]["apiVersion"] if objects else f"{kind.group}/{kind.versions[0]}".strip("/")
    body = {"apiVersion": version, "kind": f"{kind.kind}List", "items": objects}
    return msgspec.json.format(msgspec.json.encode(body), indent=1)


def manifest(kinds: dict[str, DumpedKind], at: datetime, **about: Any) -> tuple[str, bytes]:  # noqa: ANN401 - its fields
    """The manifest's name and content."""
    made = DumpManifest(volsync_exporter_dump=1, at=at, kinds=kinds, **about)
    return MANIFEST, msgspec.json.format(msgspec.json.encode(made), indent=1)
