"""A sweep of a bucket beside what else lists one: boto3 as it comes, rclone, the AWS CLI.

All read the same loopback server in the same run, each in a process of its own, measured as the system counts it: a
server that answers from a generated list of keys, and at a smaller size SeaweedFS, a real one.

    python -m bench.sweep --objects 100000 --repositories 10000 --real-objects 20000
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.request import urlopen

from bench.listings import BUCKET, REQUESTS, Served, serve, serve_seaweed

if TYPE_CHECKING:
    from exporter.settings import Settings

_PER_REPOSITORY = 25_000
"""Objects in a repository of the full sweep: some 400 GB of data."""
_IDLE_OBJECTS = 10
Shape = tuple[int, int, int]
Serve = Callable[[Shape, Connection], None]
"""Serves `repositories(*shape)` in a process of its own."""
_ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}


class Row(NamedTuple):
    """One line of the table; *ratio* is how many times better ours is."""

    what: str
    ours: float
    other: float
    ratio: float
    unit: str


class Run(NamedTuple):
    """What one client took, and what it found."""

    wall: float
    cpu: float
    memory: float
    """The peak, in MiB."""
    requests: int
    output: str

    @property
    def found(self) -> dict[str, Any]:
        return json.loads(self.output)


def run(objects: int, repositories: int, real_objects: int) -> list[Row]:
    """Measure a full sweep of *objects* objects, and an idle one of *repositories* repositories.

    The full one once more on SeaweedFS, of *real_objects* objects but no more than *objects*; 0 leaves it out.
    """
    rows = [*full_sweep(objects), *idle_sweep(repositories)]
    if real_objects:
        rows += full_sweep(min(real_objects, objects), serve_seaweed, "objects on SeaweedFS")
    return rows


def full_sweep(objects: int, serving: Serve = serve, what: str = "objects") -> list[Row]:
    """Every object listed, by each client that is there; no rows of requests where the store does not count them."""
    count = max(1, objects // _PER_REPOSITORY)
    with store_of((count, objects // count, 4), serving) as store:
        ours = child(store, _python("ours"))
        boto3 = child(store, _python("boto3"))
        rclones = _rclone(store)
        aws = _aws(store)
    total = ours.found["objects"] + count  # a repository's config is of no type
    assert total == boto3.found["objects"], f"ours {total}, boto3 {boto3.found['objects']}"
    rows = [
        row_of(
            "requests for each 1,000 objects", ours.requests * 1000 / total, boto3.requests * 1000 / total, "requests"
        ),
        row_of(
            "CPU for each 1,000 objects after start-up, beside boto3",
            *(r.found["cpu"] * 1e6 / total for r in (ours, boto3)),
            "ms",
        ),
        row_of("CPU of the process, beside boto3", ours.cpu, boto3.cpu, "s"),
        row_of("wall time, beside boto3", ours.wall, boto3.wall, "s"),
        row_of("peak memory, beside boto3", ours.memory, boto3.memory, "MiB"),
    ]
    for client, other in (*rclones.items(), *aws.items()):
        rows += [
            row_of(f"wall time, beside {client}", ours.wall, other.wall, "s"),
            row_of(f"CPU of the process, beside {client}", ours.cpu, other.cpu, "s"),
            row_of(f"peak memory, beside {client}", ours.memory, other.memory, "MiB"),
            row_of(f"requests, beside {client}", ours.requests, other.requests, "requests"),
        ]
    return [
        row._replace(what=f"{total:,} {what}: {row.what}") for row in rows if store.counts or row.unit != "requests"
    ]


def idle_sweep(repositories: int) -> list[Row]:
    """Nothing new in any repository; the goal of one request for each stands in the place of the other client."""
    with store_of((repositories, _IDLE_OBJECTS, 100)) as store:
        found = child(store, _python("idle")).found
    return [
        row_of(f"{repositories:,} repositories, nothing new: requests", found["idle"], repositories, "requests"),
        row_of(
            f"{repositories:,} repositories, new ones looked for: requests",
            found["discovery"],
            repositories,
            "requests",
        ),
        Row(f"{repositories:,} repositories, nothing new: CPU", found["cpu"], 0.0, 0.0, "s"),
        Row(f"{repositories:,} repositories, nothing new: peak memory", found["memory"], 0.0, 0.0, "MiB"),
    ]


def row_of(what: str, ours: float, other: float, unit: str) -> Row:
    return Row(what, ours, other, other / ours if ours else 0.0, unit)


@contextmanager
def store_of(shape: Shape, serving: Serve = serve) -> Iterator[Served]:
    """A store in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serving, args=(shape, theirs), daemon=True)
    process.start()
    theirs.close()  # or a store that fails would be waited for
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def child(store: Served, command: list[str], **environment: str) -> Run:
    """Run *command* to its end, and measure it."""
    _requests(store)
    variables = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **_ENVIRONMENT, **environment}
    variables["AWS_ENDPOINT_URL"] = store.endpoint
    variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"] = store.keys
    started = time.monotonic()
    process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed with status {process.returncode}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, _requests(store), output)


def _requests(store: Served) -> int:
    if not store.counts:
        return 0
    with urlopen(store.endpoint + REQUESTS) as answer:
        return int(answer.read())


def _python(client: str) -> list[str]:
    return [sys.executable, "-m", "bench.sweep", "--client", client]


def _rclone(store: Served) -> dict[str, Run]:
    """As it comes, and with the option that lists flat."""
    if not shutil.which("rclone"):
        print("rclone is not installed: left out", file=sys.stderr)
        return {}
    remote = {
        "RCLONE_CONFIG_S_TYPE": "s3",
        "RCLONE_CONFIG_S_PROVIDER": "Other",
        "RCLONE_CONFIG_S_ENV_AUTH": "true",
        "RCLONE_CONFIG_S_ENDPOINT": store.endpoint,
        "RCLONE_S3_LIST_VERSION": "2",
        "RCLONE_CONFIG": "/nonexistent",
    }
    command = ["rclone", "size", "--quiet", "--json", f"s:{BUCKET}"]
    return {
        "rclone size": child(store, command, **remote),
        "rclone size --fast-list": child(store, [*command, "--fast-list"], **remote),
    }


def _aws(store: Served) -> dict[str, Run]:
    if not shutil.which("aws"):
        print("the AWS CLI is not installed: left out", file=sys.stderr)
        return {}
    script = f"aws s3 ls s3://{BUCKET} --recursive --summarize | tail -n 2"
    return {"aws s3 ls --summarize": child(store, ["bash", "-o", "pipefail", "-c", script])}


# --- the clients that run in a child ----------------------------------------------------------------------------


def _ours() -> dict[str, float]:
    from exporter.facts.bucket.reader import BucketReader  # noqa: PLC0415  # the children import what they use alone

    reader = BucketReader(_settings())
    reader.sweeps[0].client()
    started = time.process_time()
    read = reader.read(datetime.now(UTC), patience=timedelta(hours=1))
    cpu = time.process_time() - started
    totals = [totals for repository in read.buckets[0].repositories for totals in repository.totals.values()]
    assert not read.report.errors, read.report
    return {"objects": sum(t.objects for t in totals), "bytes": sum(t.bytes for t in totals), "cpu": cpu}


def _boto3() -> dict[str, float]:
    import boto3  # noqa: PLC0415

    client = boto3.client("s3")
    started = time.process_time()
    objects = size = 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        objects += len(page["Contents"])
        size += sum(entry["Size"] for entry in page["Contents"])
    return {"objects": objects, "bytes": size, "cpu": time.process_time() - started}


def _idle() -> dict[str, float]:
    import resource  # noqa: PLC0415

    from exporter.facts.bucket.reader import BucketReader  # noqa: PLC0415

    reader, at = BucketReader(_settings()), datetime.now(UTC)
    reader.read(at, patience=timedelta(hours=1))
    started = time.process_time()
    reader.read(at + timedelta(minutes=5))
    cpu, idle = time.process_time() - started, reader.sweeps[0].requests
    reader.read(at + timedelta(minutes=10))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"idle": idle, "discovery": reader.sweeps[0].requests, "cpu": cpu, "memory": memory}


def _settings() -> "Settings":
    from exporter.settings import BucketSettings, Settings  # noqa: PLC0415

    return Settings(buckets=(BucketSettings(bucket=BUCKET, requests_per_second=1e6),))


_CLIENTS = {"ours": _ours, "boto3": _boto3, "idle": _idle}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=100_000, help="of the full sweep")
    parser.add_argument("--repositories", type=int, default=10_000, help="of the idle sweep")
    parser.add_argument("--real-objects", type=int, default=100_000, help="on SeaweedFS; at most --objects, 0 for none")
    parser.add_argument("--client", choices=_CLIENTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        print(json.dumps(_CLIENTS[arguments.client]()))
        return
    for row in run(arguments.objects, arguments.repositories, arguments.real_objects):
        print(f"{row.what:<85} {row.ours:>10.2f} {row.other:>10.2f} {row.unit:<8} {row.ratio:>6.1f} x")


if __name__ == "__main__":
    main()
