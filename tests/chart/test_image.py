"""The image's recipe, as far as it can be proven without a container engine: its pins, its lint, its install steps."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.tags import Tag, cpython_tags
from packaging.utils import parse_wheel_filename

from tests.chart.tools import ROOT, container, run
from tests.tools import uv

RECIPE = ROOT / "container" / "Dockerfile"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
SCENARIO = ROOT / "tests" / "scenarios" / "bases" / "bad-day"
USED_BY_THE_INSTALL = ("sh", "find", "rm")
"""All that is on the PATH beside uv and Python while the program is installed: no compiler among it."""


def test_lint_finds_nothing() -> None:
    linted = run(str(ROOT / ".venv" / "bin" / "hadolint"), "--failure-threshold", "style", str(RECIPE))

    assert not linted.returncode, linted.stdout


def test_every_base_is_pinned_by_its_digest() -> None:
    bases = re.findall(r"^FROM (\S+)", RECIPE.read_text(), re.MULTILINE)

    assert len(bases) == 3
    for base in bases:
        assert re.fullmatch(r"[a-z0-9./-]+/[a-z0-9-]+:[a-z0-9.-]+@sha256:[0-9a-f]{64}", base)
    # The program is installed into the Python that runs it.
    assert bases[1] == bases[2]


def test_the_image_runs_as_the_chart_runs_it() -> None:
    recipe = RECIPE.read_text()

    assert "USER 65532:65532\n" in recipe
    assert 'ENTRYPOINT ["volsync-exporter"]\n' in recipe
    for label in ("source", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in recipe


def test_what_the_recipe_copies_is_let_into_the_build_and_nothing_else() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", RECIPE.read_text(), re.MULTILINE)
        for source in line.split()[:-1]
    }
    let_in = {
        line.removeprefix("!")
        for line in (RECIPE.parent / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }

    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_locked_package_has_a_wheel_for_the_images_python(machine: str) -> None:
    version = re.search(r"/python:(\d+)\.(\d+)", RECIPE.read_text())
    assert version is not None
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(36, 4, -1)] + [f"manylinux2014_{machine}"]
    accepted = set(cpython_tags((int(version[1]), int(version[2])), platforms=platforms))

    without = [name for name, wheels in _locked() if not any(_fits(tags, accepted) for tags in wheels)]

    assert not without


def _locked() -> Iterator[tuple[str, list[frozenset[Tag]]]]:
    """The packages that the program needs, each with the tags of its wheels."""
    exported = run(
        uv(), "export", "--frozen", "--no-dev", "--no-hashes", "--no-emit-project", "--no-header", "--offline"
    )
    assert not exported.returncode, exported.stderr
    needed = set(re.findall(r"^([a-z0-9-]+)==", exported.stdout, re.MULTILINE))
    # What is needed on Windows alone is in the list too, and has wheels all the same.
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]:
        if package["name"] in needed:
            names = [wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", ())]
            yield package["name"], [parse_wheel_filename(name)[3] for name in names]


def _fits(tags: frozenset[Tag], accepted: set[Tag]) -> bool:
    return any(tag in accepted or tag.platform == "any" for tag in tags)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the recipe's install script makes of the files that the recipe copies."""
    root = tmp_path_factory.mktemp("image")
    source, tools = root / "source", root / "tools"
    tools.mkdir()
    for name in USED_BY_THE_INSTALL:
        found = shutil.which(name)
        assert found, name
        (tools / name).symlink_to(found)
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    # What is on the PATH here may be a script of a version manager; uv tells its own place to what it runs.
    (tools / "uv").symlink_to(run(uv(), "run", "--no-project", "--offline", "printenv", "UV").stdout.strip())
    for name in ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "exporter", "container/install.sh"):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, target)
    prefix = root / "opt" / "volsync-exporter"
    environment = {"PATH": str(tools), "HOME": os.environ["HOME"]}
    done = subprocess.run(
        ["container/install.sh", str(prefix)],
        cwd=source,
        env=environment | {key: value for key, value in os.environ.items() if key.startswith(("UV_", "SSL_"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    shutil.rmtree(source)  # the image has no source tree
    return prefix


def test_the_installed_program_tells_a_scenario_without_its_source_and_with_nothing_but_what_it_asks_for(
    installed: Path,
) -> None:
    """The install builds the wheel and puts it, with what uv.lock names for it, into an environment of its own."""
    expected = yaml.safe_load((ROOT / "tests" / "scenarios" / "bad-day.yaml").read_text())

    status = _run(
        installed, "volsync-exporter", "status", "--from", str(SCENARIO), "--at", expected["at"], "-o", "json"
    )

    assert status.returncode == 1, status.stderr
    told = {
        f"{claim['namespace']}/{claim['pvc']}": (claim["state"], claim["cause"])
        for claim in json.loads(status.stdout)["claims"]
    }
    assert told == {name: (claim["state"], claim["cause"]) for name, claim in expected["claims"].items()}


def test_what_was_pruned_is_not_needed(installed: Path) -> None:
    code = (
        "import boto3, kubernetes.client, kubernetes.config\n"
        "session = boto3.session.Session(region_name='eu-central-1')\n"
        "[session.client(name) for name in ('s3', 'sts', 'sso', 'sso-oidc')]\n"
        "kubernetes.client.CoreV1Api(kubernetes.client.ApiClient(kubernetes.client.Configuration()))\n"
    )

    assert not _run(installed, "python", "-c", code).returncode


def test_every_module_is_compiled_for_a_root_that_cannot_be_written(installed: Path) -> None:
    (packages,) = installed.glob("lib/python3.*/site-packages")
    modules = list((packages / "exporter").rglob("*.py"))

    assert modules
    assert all(list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc")) for path in modules)


def test_no_development_package_is_installed(installed: Path) -> None:
    (packages,) = installed.glob("lib/python3.*/site-packages")
    names = {path.name.partition("-")[0] for path in packages.glob("*.dist-info")}

    assert "volsync_exporter" in names
    assert not names & {"pytest", "mypy", "ruff", "hypothesis", "selenium", "pip", "setuptools", "wheel"}


@pytest.fixture
def engines(tmp_path: Path) -> Path:
    """A folder for stand-ins of container engines, which write down what they are asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "sed", "mkdir", "rm", "cat", "git", "dirname"):
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    for name in ("container", "chart", "scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    return folder


def _engine(engines: Path, name: str, *, works: bool = True) -> None:
    program = f'#!/bin/sh\n[ "$1" = info ] && exit {int(not works)}\necho {name} "$@" >>asked\n'
    (engines / name).write_text(program)
    (engines / name).chmod(0o755)


def _image(engines: Path, **environment: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """What scripts/image says, and what it asks of an engine."""
    script = (ROOT / "scripts" / "image").read_text().replace('cd "$(dirname "$0")/.."', f"cd {engines.parent}")
    done = subprocess.run(
        [str(engines / "sh"), "-c", script],
        env={"PATH": str(engines), **environment},
        cwd=engines.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    asked = engines.parent / "asked"
    return done, asked.read_text().splitlines() if asked.exists() else []


NAME = f"ghcr.io/volsync-exporter/volsync-exporter:{VERSION}"
ARCHIVE = f"dist/volsync-exporter-{VERSION}.tar"
WRITTEN = {
    "docker": f"docker save --output {ARCHIVE} {NAME}",
    "podman": f"podman save --quiet --format docker-archive --output {ARCHIVE} {NAME}",
    "buildah": f"buildah push --quiet {NAME} docker-archive:{ARCHIVE}:{NAME}",
}


@pytest.mark.parametrize("engine", WRITTEN)
def test_whichever_engine_works_builds_the_image_that_the_chart_asks_for_and_writes_it(
    engine: str, engines: Path
) -> None:
    for name in WRITTEN:
        _engine(engines, name, works=name == engine)

    done, (build, write) = _image(engines, BUILD_OPTIONS="--network host")

    assert not done.returncode, done.stderr
    assert build.startswith(
        f"{engine} build --file container/Dockerfile --build-arg VERSION={VERSION} --build-arg REVISION="
    )
    assert build.endswith(f" --network host --tag {NAME} .")
    assert write == WRITTEN[engine]
    assert f"kind load image-archive {ARCHIVE}" in done.stdout
    assert container("default")["image"] == NAME


def test_an_engine_can_be_chosen_and_where_none_works_that_is_said(engines: Path) -> None:
    _engine(engines, "docker", works=False)
    _engine(engines, "podman")
    _engine(engines, "buildah")

    chosen, (build, _) = _image(engines, ENGINE="buildah", IMAGE="registry.example/exporter:1")
    none, _ = _image(engines, ENGINE="docker")

    assert not chosen.returncode, chosen.stderr
    assert build.startswith("buildah build ")
    assert "--tag registry.example/exporter:1 ." in build
    assert none.returncode == 1
    assert "no container engine works here (tried docker)" in none.stderr


def _run(prefix: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run *program* of *prefix* with nothing else in its environment."""
    return subprocess.run(
        [str(prefix / "bin" / program), *arguments], env={}, cwd="/", capture_output=True, text=True, check=False
    )
