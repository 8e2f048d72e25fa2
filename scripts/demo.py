"""The reference cluster on its bad day, as if it were today: `python scripts/demo.py [--listen HOST:PORT] [SCENARIO]`.

Prints what `volsync-exporter status` prints, then serves the same until Ctrl-C.
"""

import argparse
import shlex
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from compose import NAMES, SCENARIOS, read, write
from shift import shift

PROGRAM = (sys.executable, "-m", "exporter")


def main() -> int:
    """Show the scenario that the command line names; the status of the server that was stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="?", default="bad-day", help="one of tests/scenarios (bad-day)")
    parser.add_argument("--listen", default="127.0.0.1:9978", metavar="HOST:PORT", help="where to serve (%(default)s)")
    arguments = parser.parse_args()
    if arguments.scenario not in NAMES:
        parser.error(f"{arguments.scenario} is no scenario.")
    at = datetime.fromisoformat(read(SCENARIOS / f"{arguments.scenario}.yaml")["at"])
    with TemporaryDirectory(prefix="volsync-exporter-demo-") as temporary:
        composed = Path(temporary, "composed", arguments.scenario)
        write(arguments.scenario, composed)
        folder = shift(composed, at, datetime.now(UTC), Path(temporary))
        subprocess.run([*PROGRAM, "status", "--from", folder], check=False)
        print(_where(arguments.listen, folder), flush=True)
        return _serve(folder, arguments.listen)


def _where(listen: str, folder: Path) -> str:
    return f"""
Open http://{listen}/ in a browser, or let Prometheus scrape http://{listen}/metrics.
One claim's chain: .venv/bin/volsync-exporter explain --from {shlex.quote(str(folder))} NAMESPACE/PVC
This demo cluster does not change, so within hours its backups become overdue. Press Ctrl-C to stop.
"""


def _serve(folder: Path, listen: str) -> int:
    command = [*PROGRAM, "serve", "--from", folder, "--listen", listen, "--log-level", "warning"]
    # In a group of its own a terminal's Ctrl-C reaches the server once, through this process: a second signal would
    # end it at once, and with another status.
    with subprocess.Popen(command, process_group=0) as server:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: server.terminate())
        return server.wait()


if __name__ == "__main__":
    sys.exit(main())
