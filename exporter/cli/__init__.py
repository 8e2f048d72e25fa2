"""The command line. Signals are taken care of before anything slow is imported."""

import sys
import traceback

from exporter.cli.stopping import Stop


def main() -> None:
    """Run `volsync-exporter`."""
    stop = Stop()
    stop.install()
    # A process with the id 1 ignores a SIGTERM that it does not handle, and the rest takes a second to import.
    from exporter.cli.commands import cli  # noqa: PLC0415

    try:
        cli(obj=stop)
    except Exception:  # noqa: BLE001 - Python's own status for it, 1, means that a claim is in danger
        traceback.print_exc()
        sys.exit(2)
