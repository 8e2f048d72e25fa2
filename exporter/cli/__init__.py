"""The command line. Signals are taken care of before anything slow is imported."""

import os
import sys
import traceback

from exporter.cli.stopping import Stop


def main() -> None:
    """Run `volsync-exporter`."""
    _hold_standard_streams()
    stop = Stop()
    stop.install()
    # A process with the id 1 ignores a SIGTERM that it does not handle, and the rest takes a second to import.
    from exporter.cli.commands import cli  # noqa: PLC0415

    try:
        cli(obj=stop)
    except Exception:  # noqa: BLE001 - Python's own status for it, 1, means that a claim is in danger
        traceback.print_exc()
        sys.exit(2)


def _hold_standard_streams() -> None:
    """Put nothing where a standard stream was closed: a client's socket would get its number, and what is written."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: PTH123, SIM115 - until the end
