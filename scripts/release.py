"""What the release workflow asks: `release.py version TAG`, `notes TAG`, and `plugin TAG`, which writes krew's archive.

`release.py krew` writes the archive's sum into krew's manifest, after a new version and after a change of the launcher.
"""

import gzip
import hashlib
import io
import re
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = "kubectl-volsync_backups"


def main() -> None:
    """Print the version of a tag, or what the changelog says of it."""
    if sys.argv[1:] == ["krew"]:
        write_sum(ROOT)
        return
    asked, tag = sys.argv[1:]
    version = agreed_version(ROOT)
    if tag != f"v{version}":
        sys.exit(f"the tag is {tag}, but the project's version is {version}")
    if asked == "plugin":
        target = ROOT / "dist" / f"{PLUGIN}.tar.gz"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(plugin(ROOT))
        return
    print({"version": version, "notes": notes(ROOT, version)}[asked])


def agreed_version(root: Path) -> str:
    """The version that the project, its chart and its changelog name. Exits where they differ."""
    chart = (root / "chart" / "Chart.yaml").read_text("utf-8")
    version = str(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"])
    krew = root / "packaging" / "krew"
    named = {
        "chart/Chart.yaml version": re.findall(r"^version: (\S+)$", chart, re.MULTILINE),
        "chart/Chart.yaml appVersion": re.findall(r"^appVersion: (\S+)$", chart, re.MULTILINE),
        f"packaging/krew/{PLUGIN}": re.findall(r"^version=(\S+)$", (krew / PLUGIN).read_text("utf-8"), re.MULTILINE),
        "packaging/krew/volsync-backups.yaml": sorted(
            set(re.findall(r"\bv(\d[\d.]+\d)\b", (krew / "volsync-backups.yaml").read_text("utf-8")))
        ),
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


def plugin(root: Path) -> bytes:
    """The archive of the kubectl plugin; the same bytes whoever makes it, since krew's manifest has its sum."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=0, filename="") as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path, mode in ((root / "packaging" / "krew" / PLUGIN, 0o755), (root / "LICENSE", 0o644)):
            member = tarfile.TarInfo(path.name)
            member.size, member.mode = path.stat().st_size, mode
            archive.addfile(member, io.BytesIO(path.read_bytes()))
    return packed.getvalue()


def write_sum(root: Path) -> None:
    """Put the archive's sum into krew's manifest."""
    manifest = root / "packaging" / "krew" / "volsync-backups.yaml"
    digest = hashlib.sha256(plugin(root)).hexdigest()
    manifest.write_text(re.sub(r'sha256: "\w+"', f'sha256: "{digest}"', manifest.read_text("utf-8")), "utf-8")


def _changelog(root: Path) -> str:
    return (root / "CHANGELOG.md").read_text("utf-8")


if __name__ == "__main__":
    main()
