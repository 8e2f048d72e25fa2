"""Counts what a person is told, by our rules and by the two that users share: `python -m tests.alerts.compare`.

Both rule files are loaded into the same Prometheus, and the same Alertmanager routes both. What VolSync's own gauge
would say is worked out from the same objects (`tests.alerts.worlds.operator_metrics`).
"""

import re
import tempfile
from pathlib import Path

from tests.alerts.runs import RUNS, Told, carry_out_all

PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"
HEAD = """\
| what happens | our alerts | messages | the shared rules' alerts | messages |
| --- | ---: | ---: | ---: | ---: |
"""


def row(what: str, told: Told) -> str:
    counts = [len(found) for found in (told.firing, told.ours, told.firing_in_community, told.community)]
    return f"| {what} | {' | '.join(map(str, counts))} |\n"


def table(told: dict[str, Told]) -> str:
    return HEAD + "".join(row((run.__doc__ or "").rstrip("."), told[run.__name__]) for run in RUNS)


def main() -> None:
    """Carry out every run, and put the counts into the page."""
    with tempfile.TemporaryDirectory(prefix="volsync-alerts-") as folder:
        counts = table(carry_out_all(Path(folder)))
    pattern = re.compile(r"(?s)(?<=<!-- comparison -->\n\n).*?(?=\n<!-- /comparison -->)")
    PAGE.write_text(pattern.sub(lambda _: counts, PAGE.read_text()))
    print(counts)


if __name__ == "__main__":
    main()
