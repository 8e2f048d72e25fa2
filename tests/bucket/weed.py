"""A real S3 server on loopback: SeaweedFS, with an administrator, and identities that may list, and read, alone."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

BUCKET = "volsync-backup"
ADMIN = ("admin-key", "admin-secret")
LIST_ONLY = ("list-key", "list-secret")
READER = ("read-key", "read-secret")


@dataclass
class Weed:
    """The server's address, and an administrator's client."""

    endpoint: str
    filer: str
    """Host and port of the filer's own HTTP: a bucket is the folder `/buckets/<bucket>`, and nothing is signed."""
    folder: Path
    s3: object = field(repr=False, default=None)

    def environment(self, keys: tuple[str, str] = ADMIN) -> dict[str, str]:
        """What a program needs of the environment to use it."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": keys[0],
            "AWS_SECRET_ACCESS_KEY": keys[1],
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def put(self, key: str, body: bytes = b"") -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def copy(self, prefix: str, to: str) -> None:
        """Copy what lies below one prefix to another."""
        for key in self.keys(f"{prefix}/"):
            target = to + key.removeprefix(prefix)
            self.s3.copy_object(Bucket=BUCKET, Key=target, CopySource={"Bucket": BUCKET, "Key": key})

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=BUCKET, Key=key)

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def running_weed(inline: int = 0) -> Iterator[Weed]:
    """Start the server, wait until it takes objects, and kill it at the end: it is slow to stop by itself.

    Objects of fewer than *inline* bytes are kept with their names, not in a volume: they are quicker to put.
    """
    folder = Path(tempfile.mkdtemp(prefix="weed", dir="/tmp"))  # a socket's path has to be short
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = free_ports(8)
    identities = [
        {"name": "admin", "credentials": [_credentials(ADMIN)], "actions": ["Admin", "Read", "Write", "List"]},
        {"name": "listonly", "credentials": [_credentials(LIST_ONLY)], "actions": [f"List:{BUCKET}"]},
        {"name": "reader", "credentials": [_credentials(READER)], "actions": [f"List:{BUCKET}", f"Read:{BUCKET}"]},
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    options = {
        "dir": folder, "ip": "127.0.0.1", "ip.bind": "127.0.0.1",
        "master.telemetry": "false", "master.port": master, "master.port.grpc": master_grpc,
        "volume.port": volume, "volume.port.grpc": volume_grpc, "volume.max": 20, "master.volumeSizeLimitMB": 64,
        "filer": "true", "filer.port": filer, "filer.port.grpc": filer_grpc, "filer.localSocket": folder / "f.sock",
        "filer.saveToFilerLimit": inline,
        "s3": "true", "s3.port": s3, "s3.port.grpc": s3_grpc, "s3.port.iceberg": 0, "s3.port.lance": 0,
        "s3.localSocket": folder / "s3.sock", "s3.config": folder / "s3.json", "s3.iam": "false",
    }  # fmt: skip
    command = [_weed(), "-logtostderr=true", "server", *(f"-{name}={value}" for name, value in options.items())]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        yield _ready(Weed(f"http://127.0.0.1:{s3}", f"127.0.0.1:{filer}", folder), process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _weed() -> str:
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed") or "weed"


def _credentials(keys: tuple[str, str]) -> dict[str, str]:
    return {"accessKey": keys[0], "secretKey": keys[1]}


def _ready(weed: Weed, process: subprocess.Popen[bytes]) -> Weed:
    weed.s3 = boto3.session.Session(aws_access_key_id=ADMIN[0], aws_secret_access_key=ADMIN[1]).client(
        "s3",
        endpoint_url=weed.endpoint,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, connect_timeout=1, read_timeout=5, retries={"max_attempts": 0}),
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            if BUCKET not in [bucket["Name"] for bucket in weed.s3.list_buckets()["Buckets"]]:
                weed.s3.create_bucket(Bucket=BUCKET)
            weed.put("ready", b"yes")
            weed.delete("ready")
        except (BotoCoreError, ClientError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((weed.folder / "log").read_text()[-2000:]) from None
            time.sleep(0.2)  # there is no event to await: the server's parts come up one by one
        else:
            return weed
