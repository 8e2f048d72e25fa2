"""The chart's limits around one process, where this machine lets us set them: a cgroup of version 1 or 2."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

MEBIBYTES = 384
"""The chart's `resources.limits.memory`."""
SHARE = 0.1
"""Of one processor: twice what the chart asks for, on a node that has no more to give."""
_ROOT = Path("/sys/fs/cgroup")
_PERIOD = 100_000


class Limits(msgspec.Struct, frozen=True):
    """Groups that a process enters."""

    memory: Path | None
    cpu: Path | None

    @property
    def enter(self) -> str:
        """The shell command that puts itself under the limits."""
        groups = {group for group in (self.memory, self.cpu) if group}
        return " && ".join(f"echo $$ > {group}/cgroup.procs" for group in sorted(groups)) or "true"

    @property
    def killed(self) -> int:
        """How many processes were killed for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError, AttributeError):
                lines = (self.memory / name).read_text().splitlines()  # type: ignore[operator]
                return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
        return 0

    def __str__(self) -> str:
        memory = f"{MEBIBYTES} MiB of memory" if self.memory else "no limit of memory"
        return f"{memory}, {f'{SHARE:g} of a processor' if self.cpu else 'no limit of processors'}"


@contextmanager
def limits() -> Iterator[Limits]:
    """As many of the limits as can be set here."""
    name = f"volsync-exporter-faults-{os.getpid()}"
    two, unified = _ROOT / name, (_ROOT / "cgroup.controllers").exists()
    if unified:
        made = _group(two, {"memory.max": MEBIBYTES << 20, "cpu.max": f"{int(SHARE * _PERIOD)} {_PERIOD}"})
        found = Limits(made, made)
    else:
        memory = _group(_ROOT / "memory" / name, {"memory.limit_in_bytes": MEBIBYTES << 20})
        cpu = _group(_ROOT / "cpu" / name, {"cpu.cfs_period_us": _PERIOD, "cpu.cfs_quota_us": int(SHARE * _PERIOD)})
        found = Limits(memory, cpu)
    try:
        yield found
    finally:
        for group in {found.memory, found.cpu}:
            if group:
                with contextlib.suppress(OSError):
                    group.rmdir()


def _group(path: Path, values: dict[str, object]) -> Path | None:
    """The cgroup at *path* with *values*; None where it cannot be made."""
    try:
        path.mkdir()
        for name, value in values.items():
            (path / name).write_text(str(value))
    except OSError:
        with contextlib.suppress(OSError):
            path.rmdir()
        return None
    return path
