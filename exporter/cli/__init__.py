"""The command line. Signals are taken care of before anything slow is imported."""

import io
import os
import sys
import traceback

from exporter.cli.stopping import Stop

_PLUGIN = "kubectl-volsync_backups"
"""What this program is called where kubectl runs it: `kubectl volsync-backups …`."""


def main() -> None:
    """Run `volsync-exporter`."""
    _hold_standard_streams()
    _write_in_any_locale()
    stop = Stop()
    stop.install()
    # A process with the id 1 ignores a SIGTERM that it does not handle, and the rest takes a second to import.
    from exporter.cli.commands import cli  # noqa: PLC0415

    is_plugin = os.path.basename(sys.argv[0]).startswith(_PLUGIN)  # noqa: PTH119
    try:
        cli(obj=stop, prog_name="kubectl volsync-backups" if is_plugin else "volsync-exporter")
    except Exception:  # noqa: BLE001 - Python's own status for it, 1, means that a claim is in danger
        traceback.print_exc()
        sys.exit(2)


def _write_in_any_locale() -> None:
    """Write what a locale has no character for as its escape: names in a cluster may be in any script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _hold_standard_streams() -> None:
    """Put nothing where a standard stream was closed: a client's socket would get its number, and what is written."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: PTH123, SIM115 - until the end
