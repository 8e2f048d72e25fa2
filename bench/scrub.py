"""A scrub of a repository beside what else reads all of one: `restic check --read-data`, and `rclone hashsum`.

A real restic writes the repository to SeaweedFS, a real store; all read the same bytes in the same run, each in its own
process, measured as the system counts it. None of them is held to a ceiling. restic has the password, decrypts and
unpacks, and so proves more.

    python -m bench.scrub --mib 512
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from bench.listings import BUCKET, Served
from bench.sweep import Row, Run, Shape, child, row_of, store_of

_PREFIX = "shop/cart"
_PASSWORD = "correct horse"
_PACK_MIB = "4"
"""The smallest that restic takes: many packs for little data."""


def run(mib: int) -> list[Row]:
    """Scrub a repository of *mib* MiB, and have the others read it."""
    if not shutil.which("restic"):
        print("restic is not installed: the scrub is left out", file=sys.stderr)
        return []
    with store_of((mib, 0, 0), _serve) as store:
        others = {name: child(store, command, **more) for name, command, more in _commands(store)}
        ours = child(store, [sys.executable, "-m", "bench.scrub", "--client"])
    found = ours.found
    assert found["corrupt"] == 0, found
    assert found["unread"] == 0, found
    assert found["bytes"] >= mib << 20, found
    what = f"{found['bytes'] >> 20} MiB in {found['objects']} objects read"
    return [
        row._replace(what=f"{what}: {row.what}") for name, other in others.items() for row in _rows(name, ours, other)
    ]


def _rows(name: str, ours: Run, other: Run) -> list[Row]:
    return [
        row_of(f"wall time, beside {name}", ours.wall, other.wall, "s"),
        row_of(f"CPU of the process, beside {name}", ours.cpu, other.cpu, "s"),
        row_of(f"CPU after start-up, beside {name} with it", ours.found["cpu"], other.cpu, "s"),
        row_of(f"peak memory, beside {name}", ours.memory, other.memory, "MiB"),
    ]


def _commands(store: Served) -> list[tuple[str, list[str], dict[str, str]]]:
    restic = {"RESTIC_REPOSITORY": f"s3:{store.endpoint}/{BUCKET}/{_PREFIX}", "RESTIC_PASSWORD": _PASSWORD}
    commands = [("restic check --read-data", ["restic", "check", "--no-cache", "--quiet", "--read-data"], restic)]
    if shutil.which("rclone"):
        remote = {
            "RCLONE_CONFIG_S_TYPE": "s3",
            "RCLONE_CONFIG_S_PROVIDER": "Other",
            "RCLONE_CONFIG_S_ENV_AUTH": "true",
            "RCLONE_CONFIG_S_ENDPOINT": store.endpoint,
            "RCLONE_CONFIG": "/nonexistent",
        }
        hashsum = ["rclone", "hashsum", "SHA-256", "--quiet", "--download", f"s:{BUCKET}/{_PREFIX}"]
        commands.append(("rclone hashsum SHA-256", hashsum, remote))
    return commands


def _serve(shape: Shape, ready: Connection) -> None:
    """Serve a repository of as many MiB as *shape* begins with."""
    from tests.bucket.weed import ADMIN, running_weed  # noqa: PLC0415  # brings boto3, which this process alone needs

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that SeaweedFS is killed and its folder removed
    with running_weed() as weed, tempfile.TemporaryDirectory() as volume:
        for number in range(shape[0] // 16):
            (Path(volume) / f"file{number}").write_bytes(random.Random(number).randbytes(16 << 20))
        environment = weed.environment() | {
            "RESTIC_REPOSITORY": f"s3:{weed.endpoint}/{BUCKET}/{_PREFIX}",
            "RESTIC_PASSWORD": _PASSWORD,
            "RESTIC_PACK_SIZE": _PACK_MIB,
        }
        for arguments in (["init"], ["backup", "."]):
            subprocess.run(["restic", "--no-cache", "--quiet", *arguments], cwd=volume, env=environment, check=True)
        ready.send(Served(weed.endpoint, ADMIN, counts=False))
        with suppress(EOFError):
            ready.recv()  # nothing comes: it ends with the other process, however that ends


def _ours() -> dict[str, float]:
    from exporter.facts.bucket.reader import BucketReader  # noqa: PLC0415  # the child imports what it uses alone
    from exporter.facts.bucket.scrub import turn  # noqa: PLC0415
    from exporter.facts.bucket.scrub.reader import Scrubber  # noqa: PLC0415
    from exporter.settings import BucketSettings, ScrubSettings, Settings  # noqa: PLC0415

    turn.SETTLED = timedelta(0)
    bucket = BucketSettings(bucket=BUCKET, requests_per_second=1e6)
    scrub = ScrubSettings(enabled=True, bytes_per_second="100Gi")
    settings, at, hour = Settings(buckets=(bucket,), scrub=scrub), datetime.now(UTC), timedelta(hours=1)
    buckets = BucketReader(settings)
    buckets.read(at, patience=hour)
    scrubber = Scrubber(settings, buckets)
    started = time.process_time()
    scrubber.read(at, threading.Event(), hour)
    read = scrubber.read(at + scrub.period / 2, threading.Event(), hour)  # by then all is due
    (found,) = read.scrubs.values()
    objects = sum(totals.objects for totals in buckets.sweeps[0].bucket.repositories[0].totals.values())
    return {
        "objects": objects,
        "bytes": sum(found.scrubbed.values()),
        "corrupt": -1 if found.corrupt_objects is None else found.corrupt_objects,
        "unread": found.unread,
        "cpu": time.process_time() - started,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=512, help="of the repository, at most 1000 (%(default)s)")
    parser.add_argument("--client", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        print(json.dumps(_ours()))
        return
    for row in run(arguments.mib):
        print(f"{row.what:<85} {row.ours:>10.2f} {row.other:>10.2f} {row.unit:<8} {row.ratio:>6.1f} x")


if __name__ == "__main__":
    main()
