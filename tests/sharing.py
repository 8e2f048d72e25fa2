"""Work that the suite does once, however many processes run it side by side."""

import os
import time
from pathlib import Path

import pytest


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the suite see."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def is_first(mark: Path) -> bool:
    """Whether this process is the first to ask for *mark*, which it then makes."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def publish(path: Path, content: bytes) -> None:
    """Write *path* so that nobody reads half of it."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def await_published(path: Path, seconds: float) -> bytes:
    """What another process, or another thread of this one, publishes at *path*.

    Raises:
        TimeoutError: it has not within *seconds*.
    """
    end = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing came to {path.name} in {seconds:.0f} s")
        time.sleep(0.1)
    return path.read_bytes()
