"""What the release workflow asks: `release.py version TAG` and `release.py notes TAG`."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print the version of a tag, or what the changelog says of it."""
    asked, tag = sys.argv[1:]
    version = agreed_version(ROOT)
    if tag != f"v{version}":
        sys.exit(f"the tag is {tag}, but the project's version is {version}")
    print({"version": version, "notes": notes(ROOT, version)}[asked])


def agreed_version(root: Path) -> str:
    """The version that the project, its chart and its changelog name. Exits where they differ."""
    chart = (root / "chart" / "Chart.yaml").read_text("utf-8")
    version = str(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"])
    named = {
        "chart/Chart.yaml version": re.findall(r"^version: (\S+)$", chart, re.MULTILINE),
        "chart/Chart.yaml appVersion": re.findall(r"^appVersion: (\S+)$", chart, re.MULTILINE),
        "CHANGELOG.md": re.findall(r"^## \[(\d[^]]*)\]", _changelog(root), re.MULTILINE)[:1],
    }
    for place, found in named.items():
        if found != [version]:
            sys.exit(f"{place} is {', '.join(found) or 'missing'}, but pyproject.toml's version is {version}")
    return version


def notes(root: Path, version: str) -> str:
    """The changelog's section of *version*, without its heading."""
    section = re.search(
        rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## |^\[|\Z)", _changelog(root), re.MULTILINE | re.DOTALL
    )
    return section[1].strip() if section else ""


def _changelog(root: Path) -> str:
    return (root / "CHANGELOG.md").read_text("utf-8")


if __name__ == "__main__":
    main()
