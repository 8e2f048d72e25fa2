"""Feed the decoders, the readers of files and the judge with damaged objects for as long as is wanted.

    python -m tests.fuzz --seconds 600 [--seed 1]

An input that raises, or takes longer than a second, is written to `tests/fuzz/findings`, where the suite takes it up.
"""

import argparse
import hashlib
import random
import time
import traceback
from pathlib import Path

from tests.fuzz.damage import damaged, seeds
from tests.fuzz.targets import FINDINGS, TARGETS

_SLOW = 1.0
"""Seconds that no input of a few kilobytes may take."""


def main() -> int:
    """Fuzz, and return how many findings there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    chance, corpus = random.Random(options.seed), seeds()
    end, count, found = time.monotonic() + options.seconds, 0, 0
    while time.monotonic() < end:
        content = damaged(chance, corpus)
        for name, target in TARGETS.items():
            count += 1
            began = time.process_time()
            try:
                target(content)
            except Exception:  # noqa: BLE001 - this is what is looked for
                print(traceback.format_exc())
            else:
                if time.process_time() - began < _SLOW:
                    continue
                print(f"{name} took {time.process_time() - began:.1f} s")
            found += 1
            _keep(name, content)
    print(f"seed {options.seed}: {count} inputs, {found} findings")
    return found


def _keep(target: str, content: bytes) -> None:
    FINDINGS.mkdir(exist_ok=True)
    Path(FINDINGS / f"{target}-{hashlib.sha256(content).hexdigest()[:12]}").write_bytes(content)


if __name__ == "__main__":
    raise SystemExit(1 if main() else 0)
