"""The tests. Programs that scripts/setup fetched are found where no others are installed."""

import os
from pathlib import Path

_PROGRAMS = Path(__file__).resolve().parents[1] / ".tools" / "bin"
os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), str(_PROGRAMS)))
