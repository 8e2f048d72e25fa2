"""Build the dashboards: `python -m grafana.build`, or `--check` to see whether the committed files are current.

`python -m grafana.build --runbooks URL FOLDER` writes them into another folder, with links to runbooks that stand
elsewhere than the project's own; the chart does so with the exporter's setting.
"""

import argparse
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from exporter.settings import WebSettings
from grafana import boards

DASHBOARDS = Path(__file__).parent / "dashboards"


def rendered() -> dict[str, str]:
    """Every dashboard by its file name, as Grafana loads it."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {
        name: encoder.encode(board) + "\n"
        for name, board in (("overview.json", boards.overview()), ("claim.json", boards.one()))
    }


def with_runbooks(dashboard: str, base: str) -> str:
    """*dashboard* with the runbooks' address *base* in the place of the project's own."""
    return dashboard.replace(WebSettings().runbook_base, base.rstrip("/"))


def main() -> int:
    """Write the files, or with `--check` name those that are not current and return 1."""
    parser = argparse.ArgumentParser(prog="python -m grafana.build")
    parser.add_argument("--check", action="store_true", help="name the committed files that are not current")
    parser.add_argument(
        "--runbooks", nargs=2, metavar=("URL", "FOLDER"), help="write them elsewhere, for such runbooks"
    )
    options = parser.parse_args()
    if options.runbooks:
        base, folder = options.runbooks
        return _write({Path(folder) / name: with_runbooks(text, base) for name, text in rendered().items()})
    stale = {
        DASHBOARDS / name: text
        for name, text in rendered().items()
        if not (DASHBOARDS / name).is_file() or (DASHBOARDS / name).read_text("utf-8") != text
    }
    if options.check:
        for path in stale:
            print(f"{path} is not current: run python -m grafana.build", file=sys.stderr)
        return 1 if stale else 0
    return _write(stale)


def _write(files: dict[Path, str]) -> int:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
