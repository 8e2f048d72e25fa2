"""The servers and repositories that the tests of this folder share."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.facts.bucket.reader import BucketReader
from exporter.settings import BucketSettings, GraceSettings, PollSettings, Settings
from tests.bucket.mover import Mover
from tests.bucket.weed import BUCKET, LIST_ONLY, Weed, running_weed
from tests.tools import tool


@pytest.fixture(scope="session")
def weed() -> Iterator[Weed]:
    """A real S3 server."""
    with running_weed() as server:
        yield server


@pytest.fixture(scope="session")
def mover(weed: Weed, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Mover]:
    """Makes the mover of a repository at a path."""
    tool("restic")

    def make(path: str) -> Mover:
        volume: Path = tmp_path_factory.mktemp(path.replace("/", "-"))
        return Mover(weed, path, volume)

    return make


@pytest.fixture(autouse=True)
def _no_credentials_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only what a test sets of AWS' and restic's variables counts."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "RESTIC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture
def list_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter's identity: it may list the bucket, and nothing else."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", LIST_ONLY[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", LIST_ONLY[1])


@pytest.fixture
def reader_of(weed: Weed, list_only: None) -> Callable[..., BucketReader]:
    """Makes a reader of one folder of the real server's bucket."""

    def make(prefix: str = "", grace: GraceSettings | None = None, poll: PollSettings | None = None) -> BucketReader:
        bucket = BucketSettings(repository_base=f"s3:{weed.endpoint}/{BUCKET}/{prefix}", requests_per_second=1000)
        return BucketReader(Settings(buckets=(bucket,), grace=grace or GraceSettings(), poll=poll or PollSettings()))

    return make
