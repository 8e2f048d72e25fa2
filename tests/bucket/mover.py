"""restic as VolSync's mover calls it (`mover-restic/entry.sh`)."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bucket.weed import BUCKET, Weed

_HEADER_ENTRY = 37  # restic `internal/pack/pack.go`: type, length and name of a blob that is not compressed
_PACK_OVERHEAD = 36  # the header's own length, nonce and MAC


@dataclass
class Mover:
    """One repository and the volume that is backed up to it."""

    weed: Weed
    path: str
    volume: Path

    def restic(self, *arguments: str, allow: tuple[int, ...] = (0,)) -> str:
        """Run one command to its end; its output."""
        done = subprocess.run(
            self._command(arguments), cwd=self.volume, env=self._environment(), capture_output=True, check=False
        )
        if done.returncode not in allow:
            raise RuntimeError(f"restic {arguments}: {done.stderr.decode()}")
        return done.stdout.decode()

    def init(self) -> None:
        # Version 1 compresses nothing, so that its sizes can be reckoned to the byte.
        self.restic("init", "--repository-version", "1")

    def backup(self, *, fill: int = 0) -> None:
        """Back the volume up, after writing a new file of *fill* random bytes where that is asked."""
        if fill:
            self.write(fill)
        self.restic("backup", "--host", "volsync", "--exclude=lost+found", ".")

    def write(self, size: int) -> None:
        count = len(list(self.volume.iterdir()))
        content = random.Random(f"{self.path}{count}").randbytes(size)
        (self.volume / f"file{count}").write_bytes(content)

    def forget(self, keep: int) -> None:
        self.restic("forget", "--host", "volsync", "--keep-last", str(keep))

    def killed_backup(self) -> None:
        """A backup of 12 MB that is killed when a pack is in the bucket: it leaves that pack, and its lock."""
        self.write(12_000_000)
        packs = len(self.listed("data"))
        command = self._command(["backup", "--host", "volsync", "--limit-upload", "6000", "."])
        environment = self._environment() | {"RESTIC_PACK_SIZE": "4"}
        with subprocess.Popen(
            command, cwd=self.volume, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
        ) as process:
            deadline = time.monotonic() + 60
            while len(self.listed("data")) == packs:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the backup ended before it could be killed")
                time.sleep(0.05)  # restic tells nobody when a pack is up
            os.killpg(process.pid, signal.SIGKILL)

    def listed(self, folder: str = "") -> list[str]:
        return self.weed.keys(f"{self.path}/{folder}")

    def snapshots(self) -> list[str]:
        return [snapshot["id"] for snapshot in json.loads(self.restic("snapshots", "--json"))]

    def locks(self) -> list[str]:
        return self.restic("list", "locks", "--no-lock").split()

    def packs_size(self) -> int:
        """The bytes of all packs as restic reckons them: its blobs, and what it writes around them."""
        blobs = json.loads(self.restic("stats", "--mode", "raw-data", "--json"))
        packs = len(self.restic("list", "packs", "--no-lock").split())
        return int(blobs["total_size"]) + _HEADER_ENTRY * int(blobs["total_blob_count"]) + _PACK_OVERHEAD * packs

    def _command(self, arguments: Sequence[str]) -> list[str]:
        return ["restic", "--no-cache", *arguments]

    def _environment(self) -> dict[str, str]:
        return self.weed.environment() | {
            "RESTIC_REPOSITORY": f"s3:{self.weed.endpoint}/{BUCKET}/{self.path}",
            "RESTIC_PASSWORD": "correct horse",
        }
