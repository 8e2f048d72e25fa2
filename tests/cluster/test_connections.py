"""Who asks, and over what: tokens, certificates, authorities and proxies work on the way that is really taken."""

import socketserver
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import kubernetes
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kubernetes.config import incluster_config

from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.cluster.server.connect import connect, context_of
from exporter.facts.cluster.server.transport import ReadError
from exporter.facts.reading import Reason, Source
from exporter.settings import Settings
from tests.apiserver.server import ApiServer
from tests.certificates import with_usage
from tests.cluster.conftest import Json, small_cluster


class Authority:
    """A certificate authority of its own, and what it signed, as files."""

    def __init__(self, folder: Path, name: str, *, has_key_usage: bool = True) -> None:
        """Without *has_key_usage* it is like those of EKS and microk8s, which do not heed RFC 5280 to the letter."""
        self._has_key_usage = has_key_usage
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        basic = x509.BasicConstraints(ca=True, path_length=None)
        certificate = self._sign(self._name, self._key.public_key(), basic, critical=True)
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for *name* at 127.0.0.1, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        certificate = self._sign(subject, key.public_key(), address, critical=False)
        files = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _sign(
        self,
        subject: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        extension: x509.ExtensionType,
        *,
        critical: bool,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(extension, critical=critical)
        )
        if self._has_key_usage:
            builder = with_usage(builder, public_key, self._key.public_key(), is_authority=critical)
        return builder.sign(self._key, hashes.SHA256())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ca")


def kubeconfig(folder: Path, server: ApiServer, authority: Authority, user: Json) -> str:
    """A kubeconfig file for *server* with *user*, and trust in *authority*."""
    config = server.kubeconfig()
    config["clusters"][0]["cluster"]["certificate-authority"] = str(authority.file)
    config["users"][0]["user"] = user
    path = folder / "config"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def test_tls_with_an_own_authority_and_a_token(authority: Authority, tmp_path: Path, at: datetime) -> None:
    with ApiServer(small_cluster(), tls=(*authority.issue("server"), None)) as server:
        file = kubeconfig(tmp_path, server, authority, {"token": "standin-token"})
        read = ClusterReader(Settings(), connect(file)).read(Source.VOLSYNC, at)
    assert read.report.up, read.report.detail


def test_an_authority_without_a_key_usage_is_trusted_as_kubectl_does(tmp_path: Path, at: datetime) -> None:
    authority = Authority(tmp_path, "eks", has_key_usage=False)
    with ApiServer(small_cluster(), tls=(*authority.issue("server"), None)) as server:
        client = connect(kubeconfig(tmp_path, server, authority, {"token": "standin-token"}))
        read = ClusterReader(Settings(), client).read(Source.VOLSYNC, at)
    assert read.report.up, read.report.detail
    context = client.rest_client.pool_manager.connection_pool_kw["ssl_context"]
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_an_authority_that_is_not_trusted_is_a_tls_fault(authority: Authority, tmp_path: Path, at: datetime) -> None:
    stranger = Authority(tmp_path, "stranger")
    with ApiServer(small_cluster(), tls=(*authority.issue("server"), None)) as server:
        file = kubeconfig(tmp_path, server, stranger, {"token": "standin-token"})
        read = ClusterReader(Settings(), connect(file)).read(Source.VOLSYNC, at)
    assert read.report.reason is Reason.TLS
    assert "certificate" in read.report.detail
    assert server.requests == []


def test_a_client_certificate_is_shown(authority: Authority, tmp_path: Path, at: datetime) -> None:
    certificate, key = authority.issue("client")
    tls = (*authority.issue("server"), authority.file)
    with ApiServer(small_cluster(), token=None, tls=tls) as server:
        with_it = {"client-certificate": str(certificate), "client-key": str(key)}
        reads = [
            ClusterReader(Settings(), connect(kubeconfig(tmp_path, server, authority, user))).read(Source.VOLSYNC, at)
            for user in (with_it, {})
        ]
    assert [read.report.up for read in reads] == [True, False]


def test_a_plain_request_to_a_tls_server_is_a_fault_that_names_no_kind_of_its_own(
    authority: Authority, at: datetime
) -> None:
    with ApiServer(small_cluster(), tls=(*authority.issue("server"), None)) as server:
        configuration = kubernetes.client.Configuration()
        configuration.host = server.url.replace("https", "http")
        read = ClusterReader(Settings(), kubernetes.client.ApiClient(configuration)).read(Source.VOLSYNC, at)
    assert read.report.reason is Reason.CONNECTION


def test_in_a_pod_the_token_is_read_again_when_it_was_rotated(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: datetime
) -> None:
    """Its files end with a line break here, which a header cannot hold."""
    token = tmp_path / "token"
    token.write_text("first\n")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority.file))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with ApiServer(small_cluster(), token="first", tls=(*authority.issue("server"), None)) as server:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        reader = ClusterReader(Settings())
        assert reader.read(Source.VOLSYNC, at).report.up
        server.token = "second"
        token.write_text("second\n")
        assert reader.read(Source.VOLSYNC, at).report.reason is Reason.UNAUTHORIZED
        assert reader.read(Source.VOLSYNC, at).report.up, "a refused token is read again at once"


def test_the_clients_own_refresh_of_a_token_is_used(server: ApiServer, at: datetime) -> None:
    client = server.client()
    server.token = "fresh"
    asked = []

    def refresh(configuration: kubernetes.client.Configuration) -> None:
        asked.append(configuration)
        configuration.api_key["BearerToken"] = "Bearer fresh"

    client.configuration.refresh_api_key_hook = refresh
    assert ClusterReader(Settings(), client).read(Source.VOLSYNC, at).report.up
    assert asked


def test_a_token_that_cannot_be_had_is_a_fault_that_says_so(server: ApiServer, at: datetime) -> None:
    client = server.client()

    def refresh(_configuration: kubernetes.client.Configuration) -> None:
        raise kubernetes.config.ConfigException("the plug-in said hunter2")

    client.configuration.refresh_api_key_hook = refresh
    read = ClusterReader(Settings(), client).read(Source.VOLSYNC, at)
    assert read.report.reason is Reason.UNAUTHORIZED
    assert "hunter2" not in repr(read)


class Proxy(BaseHTTPRequestHandler):
    """Forwards plain requests, and remembers them."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        request = urllib.request.Request(self.path, headers=dict(self.headers.items()))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            body = answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []
    handler = type("RememberingProxy", (Proxy,), {"seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", seen
        running.shutdown()
        thread.join()


def test_a_proxy_of_the_environment_is_used(
    server: ApiServer, proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, at: datetime
) -> None:
    address, seen = proxy
    monkeypatch.setenv("HTTP_PROXY", address)
    for name in ("NO_PROXY", "no_proxy", "http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    reader = ClusterReader(Settings(), connect(str(server.write_kubeconfig(tmp_path))))
    assert reader.read(Source.VOLSYNC, at).report.up
    assert any("replicationsources" in url for url in seen)


def test_a_proxy_that_is_gone_is_named(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, at: datetime
) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as closed:
        port = closed.server_address[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    read = ClusterReader(Settings(), connect(str(server.write_kubeconfig(tmp_path)))).read(Source.VOLSYNC, at)
    assert read.report.reason is Reason.CONNECTION
    assert "the proxy" in read.report.detail


# --- finding the configuration ----------------------------------------------------------------------------------


def test_the_named_kubeconfig_goes_before_the_environments(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    assert connect(str(server.write_kubeconfig(tmp_path))).configuration.host == server.url


def test_the_environments_kubeconfig_is_read_when_it_is_needed(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(server.write_kubeconfig(tmp_path)))
    assert connect().configuration.host == server.url


def test_the_home_folders_kubeconfig_goes_before_the_pods_own(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(yaml.safe_dump(server.kubeconfig()))
    assert connect().configuration.host == server.url


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "could not be used"),
        ("users:\n- name: a\n  user: {token: hunter2, !}\n", "could not be used"),
        ("apiVersion: v1\nkind: Config\n", "no usable cluster"),
        ("- hunter2\n", "config"),
    ],
)
def test_a_broken_kubeconfig_is_named_and_not_quoted(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "config"
    file.write_text(content)
    with pytest.raises(ReadError, match=says) as raised:
        connect(str(file))
    assert str(file) in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_context_that_is_not_there_is_named_beside_the_one_that_was_meant(server: ApiServer, tmp_path: Path) -> None:
    file = str(server.write_kubeconfig(tmp_path))
    name = context_of(file)
    with pytest.raises(ReadError, match=f"no context '{name}x'; did you mean {name}"):
        connect(file, context=f"{name}x")
    with pytest.raises(ReadError, match=f"no context 'elsewhere'; it has {name}"):
        connect(file, context="elsewhere")


def test_a_machine_without_a_cluster_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ReadError, match="there is no kubeconfig"):
        connect()
    with pytest.raises(ReadError, match="gone: there is no such kubeconfig"):
        connect(str(tmp_path / "gone"))


def test_the_users_kubeconfig_is_not_written_to(server: ApiServer, tmp_path: Path, at: datetime) -> None:
    file = server.write_kubeconfig(tmp_path)
    before = file.read_bytes(), file.stat().st_mtime_ns
    ClusterReader(Settings(), connect(str(file))).read(Source.VOLSYNC, at)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
