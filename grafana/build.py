"""Build the dashboards: `python -m grafana.build`, or `--check` to see whether the committed files are current."""

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import boards

DASHBOARDS = Path(__file__).parent / "dashboards"


def rendered() -> dict[str, str]:
    """Every dashboard by its file name, as Grafana loads it."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {
        name: encoder.encode(board) + "\n"
        for name, board in (("overview.json", boards.overview()), ("claim.json", boards.one()))
    }


def main() -> int:
    """Write the files, or with `--check` name those that are not current and return 1."""
    stale = [
        (DASHBOARDS / name, text)
        for name, text in rendered().items()
        if not (DASHBOARDS / name).is_file() or (DASHBOARDS / name).read_text("utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for path, _ in stale:
            print(f"{path} is not current: run python -m grafana.build", file=sys.stderr)
        return 1 if stale else 0
    DASHBOARDS.mkdir(exist_ok=True)
    for path, text in stale:
        path.write_text(text, "utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
