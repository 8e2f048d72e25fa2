"""What `helm test` runs is answered by a real listener: it passes where Prometheus could scrape, and says why not."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from exporter.chain.verdict import Verdict
from exporter.publication.server import Server, open_socket
from exporter.publication.site import Site
from exporter.publication.web_config import Authenticator
from exporter.settings import WebSettings
from tests.chart.tools import Manifest, Values, rendered_together, the
from tests.publication.conftest import Now, free_port
from tests.publication.test_web_config import Authority, hashed, written
from tests.publication.verdicts import every_family, verdict

_SECRETS = {
    "username": {"name": "exporter-user", "key": "user"},
    "password": {"name": "exporter-user", "key": "password"},
}
_CERTIFICATE = {
    "cert": {"secret": {"name": "prometheus", "key": "tls.crt"}},
    "keySecret": {"name": "prometheus", "key": "tls.key"},
}
_WEB = {"configSecret": "exporter-web"}

CASES: dict[str, Values] = {
    "plain": {"helmTest": {"timeoutSeconds": 1}},
    "password": {"web": _WEB, "serviceMonitor": {"basicAuth": _SECRETS}},
    "password elsewhere": {"web": _WEB, "serviceMonitor": {"basicAuth": _SECRETS, "namespace": "prometheus"}},
    "certificate": {
        "web": {**_WEB, "tls": True, "clientCertificates": True},
        "serviceMonitor": {"tlsConfig": _CERTIFICATE},
    },
    "headless": {"service": {"clusterIP": "None", "port": 80}},
    "port": {"service": {"port": 80}},
}


@cache
def _pods() -> dict[str, tuple[Manifest, ...]]:
    return rendered_together(CASES)


def _scrape(case: str) -> Manifest:
    """The container of the pod that the values of *case* make."""
    (only,) = the("Pod", _pods()[case])["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def _run(url: str, seconds: float = 0.1, **environment: str) -> subprocess.CompletedProcess[str]:
    """What the pod runs, with *url* in the place of the Service's."""
    interpreter, flag, script, _, _ = _scrape("plain")["command"]
    assert (interpreter, flag) == ("python", "-c")
    return subprocess.run(
        [sys.executable, "-I", flag, script, url, str(seconds)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@contextmanager
def _serving(published: Verdict | None, web_config: Path | None = None) -> Iterator[int]:
    """The port of a listener."""
    site = Site(Now(published), WebSettings().runbook_base)
    server = Server(open_socket("127.0.0.1:0"), site, Authenticator(web_config))
    server.start()
    try:
        yield server.port
    finally:
        server.stop(patience=0.0)


@pytest.mark.parametrize("made", [every_family, verdict])
def test_it_passes_and_counts_what_is_served(made: Callable[[], Verdict]) -> None:
    """A cluster that has no claims yet serves the families all the same."""
    published = made()
    with _serving(published) as port:
        done = _run(f"http://127.0.0.1:{port}")

    assert not done.returncode, done.stderr
    assert "families of volsync_" in done.stdout
    assert f"for {len(published.claims)} claims" in done.stdout


def test_it_fails_and_says_so_where_nothing_answers() -> None:
    done = _run(f"http://127.0.0.1:{free_port()}")

    assert done.returncode
    assert "cannot be reached: <urlopen error [Errno 111] Connection refused>" in done.stderr


def test_it_waits_for_the_first_verdict_and_fails_where_there_is_none() -> None:
    with _serving(None) as port:
        done = _run(f"http://127.0.0.1:{port}")

    assert done.returncode
    assert "answers 503 at /readyz: There is no verdict" in done.stderr


def test_it_shows_the_password_and_the_certificate_that_the_listener_asks_for(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.issue("server", "localhost")
    authority.issue("tls", "prometheus")
    (tmp_path / "tls.pem").rename(tmp_path / "tls.crt")
    tls = {"cert_file": "server.pem", "key_file": "server.key", "client_ca_file": "authority.pem"}
    web = written(
        tmp_path,
        basic_auth_users={"prometheus": hashed("test")},
        tls_server_config={**tls, "client_auth_type": "RequireAndVerifyClientCert"},
    )
    user = {"SCRAPE_USERNAME": "prometheus", "SCRAPE_PASSWORD": "test"}
    certificates = {"SCRAPE_CERTIFICATES": str(tmp_path)}

    with _serving(every_family(), web) as port:
        url = f"https://127.0.0.1:{port}"
        both = _run(url, **user, **certificates)
        no_password = _run(url, **certificates)
        no_certificate = _run(url, **user)

    assert not both.returncode, both.stderr
    assert "asks for a password: name its Secret in serviceMonitor.basicAuth" in no_password.stderr
    assert "cannot be reached" in no_certificate.stderr
    assert no_password.returncode
    assert no_certificate.returncode


def test_what_prometheus_identifies_with_is_used_where_it_lies_beside_the_exporter() -> None:
    environment: dict[str, Any] = {entry["name"]: entry["valueFrom"] for entry in _scrape("password")["env"]}

    assert environment == {
        "SCRAPE_USERNAME": {"secretKeyRef": _SECRETS["username"]},
        "SCRAPE_PASSWORD": {"secretKeyRef": _SECRETS["password"]},
    }
    assert "env" not in _scrape("password elsewhere")
    assert "env" not in _scrape("plain")


def test_the_certificate_is_mounted_under_the_names_that_are_looked_for() -> None:
    (entry,) = _scrape("certificate")["env"]
    (volume,) = the("Pod", _pods()["certificate"])["spec"]["volumes"]

    (mount,) = _scrape("certificate")["volumeMounts"]
    assert (entry["name"], entry["value"]) == ("SCRAPE_CERTIFICATES", mount["mountPath"])
    paths = [item["path"] for source in volume["projected"]["sources"] for item in source["secret"]["items"]]
    assert paths == ["tls.crt", "tls.key"]


@pytest.mark.parametrize(
    ("case", "url"),
    [
        ("plain", "http://backups-volsync-exporter.monitoring.svc:9978"),
        ("port", "http://backups-volsync-exporter.monitoring.svc:80"),
        ("headless", "http://backups-volsync-exporter.monitoring.svc:9978"),
        ("certificate", "https://backups-volsync-exporter.monitoring.svc:9978"),
    ],
)
def test_it_asks_at_the_address_at_which_the_service_answers(case: str, url: str) -> None:
    assert _scrape(case)["command"][3] == url


def test_it_runs_only_when_it_is_asked_to_and_leaves_nothing_behind() -> None:
    annotations = the("Pod", _pods()["plain"])["metadata"]["annotations"]

    assert annotations["helm.sh/hook"] == "test"
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    assert _scrape("plain")["command"][4] == "1"
