"""What the documentation says can be typed can be typed, and does what it says."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import promql_parser
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exporter.publication.families import FAMILIES
from exporter.publication.logins import Credentials
from exporter.publication.web_config import Authenticator
from tests.chart.tools import NAMESPACE, ROOT, Manifest, helm, kubectl, rendered_together, run, template, the

GENERATED = ("causes.md", "metrics.md", "settings.md", "alerts.md")
PAGES = [
    *(path for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in GENERATED),
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "chart/README.md")),
]
PUBLISHED = "oci://ghcr.io/volsync-exporter/charts/volsync-exporter"

Block = tuple[str, str, str]
"""The page, the language and the text of a fenced block."""


def _blocks() -> Iterator[Block]:
    for page in PAGES:
        for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            yield page.name, language, text


BLOCKS = list(_blocks())


def _files(name: str) -> list[str]:
    """The YAML blocks that say they are a file of that name."""
    return [text for _, language, text in BLOCKS if language == "yaml" and text.startswith(f"# {name}\n")]


def _commands(*programs: str) -> list[str]:
    lines = [
        line.partition(" # ")[0].strip()
        for _, language, text in BLOCKS
        if language in ("sh", "bash")
        for line in text.replace("\\\n", " ").splitlines()
    ]
    return sorted({line for line in lines if line.split(" ")[0].rpartition("/")[2] in programs})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_anchor_is_a_heading(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", page.read_text()):
        if "://" not in target:
            text = (page.parent / target).read_text() if target else page.read_text()
            headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def _rendered_values() -> dict[str, tuple[Manifest, ...]]:
    return rendered_together({text: yaml.safe_load(text) for text in _files("values.yaml")})


@pytest.mark.parametrize("values", _files("values.yaml"))
def test_values_are_what_the_chart_takes(values: str) -> None:
    assert the("Deployment", _rendered_values()[values])


def test_the_application_of_argo_cd_holds_values_that_the_chart_takes(tmp_path: Path) -> None:
    (application,) = map(yaml.safe_load, _files("application.yaml"))
    source = application["spec"]["source"]
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(source["helm"]["valuesObject"]))

    assert not template(path).returncode
    assert f"oci://{source['repoURL']}/{source['chart']}" == PUBLISHED


def test_the_web_configuration_is_one_where_the_chart_mounts_it(tmp_path: Path) -> None:
    (text,) = _files("web-config.yaml")
    (tmp_path / "web").mkdir()
    (tmp_path / "tls").mkdir()
    _certificate(tmp_path / "tls")
    path = tmp_path / "web" / "web-config.yaml"
    path.write_text(text)

    authenticator = Authenticator(path)

    assert authenticator.guard().tls is not None
    assert authenticator.admits(authenticator.guard(), Credentials("prometheus", "test"))


def test_the_scrape_configuration_is_one(tmp_path: Path) -> None:
    (text,) = _files("prometheus.yml")
    (scrape,) = yaml.safe_load(text)["scrape_configs"]

    assert scrape["honor_labels"] is True


@pytest.mark.parametrize("command", _commands("helm"))
def test_helm_takes_its_commands(command: str, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(_files("values.yaml")[0])
    words = shlex.split(command.partition(" > ")[0])[1:]
    words = [str(ROOT / "chart") if word in ("./chart", PUBLISHED) else word for word in words]

    done = run(str(helm()), *words, *(["--dry-run=client"] if words[0] == "install" else []), cwd=tmp_path)

    if words[0] in ("upgrade", "test"):  # asks the cluster for the release, and there is none
        assert "cluster unreachable" in done.stderr
    else:
        assert not done.returncode, done.stderr
        assert f"namespace: {NAMESPACE}" in done.stdout


@pytest.mark.parametrize("command", _commands("kubectl"))
def test_kubectl_understands_its_commands(command: str, tmp_path: Path) -> None:
    """There is no cluster here, so a command gets as far as asking one, or to a file that is not there."""
    words = shlex.split(command.partition(" > ")[0])[1:]

    asked = run(str(kubectl()), "--server=http://127.0.0.1:9", *words, cwd=tmp_path)

    assert re.search(r"connection to the server|connect: connection refused|no such file|does not exist", asked.stderr)


@pytest.mark.parametrize("command", [line for line in _commands("volsync-exporter") if "--from" in line])
def test_the_exporters_commands_run(command: str, tmp_path: Path) -> None:
    """Where a page has a scenario composed in /tmp first, that is done too, in a folder of this test."""
    for composing in (line for line in _commands("python") if "scripts/compose.py" in line and "/tmp/" in line):
        assert not _typed(composing.replace("/tmp", str(tmp_path))).returncode

    done = _typed(command.replace("/tmp", str(tmp_path)))

    assert done.returncode in (0, 1), done.stderr
    assert done.stdout


def test_what_a_page_shows_is_what_its_command_prints() -> None:
    pattern = re.compile(r"^```sh\n([^\n]+)\n```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    shown = [pair for page in PAGES for pair in pattern.findall(page.read_text())]

    assert shown
    for command, output in shown:
        assert _typed(command).stdout == output


def _typed(command: str) -> subprocess.CompletedProcess[str]:
    program, *words = shlex.split(command)
    return subprocess.run(
        [ROOT / ".venv" / "bin" / Path(program).name, *words],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


def test_policies_are_json_and_queries_name_metrics_that_exist() -> None:
    policies = [json.loads(text) for _, language, text in BLOCKS if language == "json"]
    queries = [line for _, language, text in BLOCKS if language == "promql" for line in text.splitlines()]
    known = {family.name for family in FAMILIES}

    assert policies
    assert queries
    for query in queries:
        promql_parser.parse(query)
        named = re.findall(r"volsync_\w+", query)
        assert named
        assert set(named) <= known


def _certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "volsync-exporter.monitoring.svc")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "tls.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
