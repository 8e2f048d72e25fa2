"""TLS and basic auth, by the file that Prometheus' exporters share."""

import base64
import datetime as dt
import os
import socket
import ssl
import time
from pathlib import Path

import bcrypt
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from exporter.publication.http import Response, Stream
from exporter.publication.logins import Credentials
from exporter.publication.server import Server
from exporter.publication.site import Site
from exporter.publication.web_config import Authenticator, WebConfigError
from tests.certificates import with_usage
from tests.publication.conftest import Serve, ask
from tests.publication.verdicts import every_family

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        self.file = folder / "authority.pem"
        certificate = self._certificate(self.name, self.key, "authority", is_authority=True)
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, stem: str, san: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, stem)])
        certificate = self._certificate(name, key, san, is_authority=False)
        cert_file, key_file = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cert_file, key_file

    def _certificate(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, san: str, *, is_authority: bool
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(san)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        return with_usage(builder, key.public_key(), self.key.public_key(), is_authority=is_authority).sign(
            self.key, hashes.SHA256()
        )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def written(folder: Path, **content: object) -> Path:
    file = folder / "web.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def secured(authority: Authority, **more: object) -> Path:
    authority.issue("server", "localhost")
    return written(authority.folder, tls_server_config={"cert_file": "server.pem", "key_file": "server.key", **more})


def over_tls(server: Server, authority: Authority, client: tuple[Path, Path] | None = None, **limits: object) -> bytes:
    context = ssl.create_default_context(cafile=str(authority.file))
    for name, value in limits.items():
        setattr(context, name, value)
    if client:
        context.load_cert_chain(*client)
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(GET)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


# --- basic auth


def test_only_who_has_the_password_gets_in(serve: Serve, tmp_path: Path) -> None:
    server = serve(every_family(), web_config=written(tmp_path, basic_auth_users={"prometheus": hashed("s3cret")}))
    assert ask(server, "/metrics", headers=basic("prometheus", "s3cret")).status == 200
    for headers in (
        {},
        basic("prometheus", "guess"),
        basic("somebody", "s3cret"),
        basic("prometheus", ""),
        basic("prometheus", "s3cret\0"),
        basic("prometheus", "s" * 100),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"Authorization": "Bearer s3cret"},
    ):
        answer = ask(server, "/metrics", headers=headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert "volsync_backup" not in answer.text


def test_probes_need_no_password(serve: Serve, tmp_path: Path) -> None:
    server = serve(every_family(), web_config=written(tmp_path, basic_auth_users={"prometheus": hashed("s3cret")}))
    assert [ask(server, path).status for path in ("/healthz", "/readyz", "/", "/api/v1/status")] == [200, 200, 401, 401]


def test_a_password_longer_than_bcrypt_reads_is_the_same_as_for_go(tmp_path: Path) -> None:
    password = "p" * 80
    file = written(tmp_path, basic_auth_users={"a": hashed(password[:72])})
    authenticator = Authenticator(file)
    assert authenticator.admits(authenticator.guard(), Credentials("a", password))


def test_bcrypt_is_reckoned_once_for_the_same_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authenticator = Authenticator(written(tmp_path, basic_auth_users={"a": hashed("right")}))
    guard = authenticator.guard()
    reckoned: list[bytes] = []
    check = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda word, expected: reckoned.append(word) or check(word, expected))
    assert [authenticator.admits(guard, Credentials("a", word)) for word in ("right", "wrong", "right", "wrong")] == [
        True,
        False,
        True,
        False,
    ]
    assert reckoned == [b"right", b"wrong"]
    assert not any(b"right" in key for key in authenticator._right._keys)


def test_a_changed_password_is_not_answered_from_memory(tmp_path: Path) -> None:
    file = written(tmp_path, basic_auth_users={"a": hashed("old")})
    authenticator = Authenticator(file)
    assert authenticator.admits(authenticator.guard(), Credentials("a", "old"))
    replace(file, basic_auth_users={"a": hashed("new")})
    guard = authenticator.guard()
    assert not authenticator.admits(guard, Credentials("a", "old"))
    assert authenticator.admits(guard, Credentials("a", "new"))


# --- TLS


def test_tls_is_served_and_plain_http_is_not(serve: Serve, authority: Authority) -> None:
    server = serve(every_family(), web_config=secured(authority))
    assert over_tls(server, authority).endswith(b"ok\n")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(GET)
        try:
            answer = connection.recv(100)
        except ConnectionResetError:
            answer = b""
    assert b"HTTP" not in answer


def test_a_client_needs_a_certificate_of_the_authority_where_that_is_asked(serve: Serve, authority: Authority) -> None:
    config = secured(authority, client_ca_file="authority.pem", client_auth_type="RequireAndVerifyClientCert")
    server = serve(every_family(), web_config=config)
    assert over_tls(server, authority, authority.issue("client", "prometheus")).endswith(b"ok\n")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        over_tls(server, authority)


def test_a_certificate_is_verified_if_given(serve: Serve, authority: Authority, tmp_path: Path) -> None:
    config = secured(authority, client_ca_file="authority.pem", client_auth_type="VerifyClientCertIfGiven")
    server = serve(every_family(), web_config=config)
    assert over_tls(server, authority).endswith(b"ok\n")
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").issue("stranger", "prometheus")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        over_tls(server, authority, stranger)


def test_only_allowed_names_are_let_in(serve: Serve, authority: Authority) -> None:
    config = secured(
        authority,
        client_ca_file="authority.pem",
        client_auth_type="RequireAndVerifyClientCert",
        client_allowed_sans=["prometheus"],
    )
    server = serve(every_family(), web_config=config)
    assert over_tls(server, authority, authority.issue("client", "prometheus")).endswith(b"ok\n")
    assert not cut_off(server, authority, authority.issue("friend", "prometheus"))
    assert cut_off(server, authority, authority.issue("stranger", "grafana"))


def cut_off(server: Server, authority: Authority, client: tuple[Path, Path]) -> bool:
    try:
        return b"HTTP" not in over_tls(server, authority, client)
    except (ssl.SSLError, ConnectionError):
        return True


def test_an_older_tls_than_asked_is_refused(serve: Serve, authority: Authority) -> None:
    server = serve(every_family(), web_config=secured(authority, min_version="TLS13"))
    assert over_tls(server, authority).endswith(b"ok\n")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        over_tls(server, authority, maximum_version=ssl.TLSVersion.TLSv1_2)


def test_a_stalled_handshake_does_not_hold_up_others(serve: Serve, authority: Authority) -> None:
    server = serve(every_family(), web_config=secured(authority))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10):
        assert over_tls(server, authority).endswith(b"ok\n")


def test_an_answer_longer_than_a_record_comes_whole(
    serve: Serve, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bytes(range(256)) * (1 << 12)
    monkeypatch.setattr(Site, "answer", lambda *_: Response(200, "text/plain", Stream((whole, whole), 2 * len(whole))))
    answer = over_tls(serve(every_family(), web_config=secured(authority)), authority)
    assert answer.partition(b"\r\n\r\n")[2] == whole * 2


# --- reloading


def replace(file: Path, **content: object) -> None:
    """Put a new file in place, as Kubernetes does."""
    fresh = file.with_suffix(".new")
    fresh.write_text(yaml.safe_dump(content))
    fresh.replace(file)


def test_a_renewed_certificate_is_served_without_a_restart(serve: Serve, authority: Authority) -> None:
    server = serve(every_family(), web_config=secured(authority))
    assert over_tls(server, authority).endswith(b"ok\n")
    authority.issue("server", "elsewhere")
    with pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
        over_tls(server, authority)


def test_a_change_that_cannot_be_used_leaves_the_guard_as_it_was(tmp_path: Path) -> None:
    file = written(tmp_path, basic_auth_users={"a": hashed("old")})
    authenticator = Authenticator(file)
    before = authenticator.guard()
    file.write_text("basic_auth_users: {a: plain}")
    os.utime(file, (time.time(), time.time() + 5))
    assert authenticator.guard() is before
    replace(file, basic_auth_users={"b": hashed("new")})
    assert set(authenticator.guard().users) == {"b"}
    file.unlink()
    assert set(authenticator.guard().users) == {"b"}


@pytest.mark.parametrize(
    ("content", "gone"),
    [
        ("", "tls_server_config"),
        ("# nothing\n", "tls_server_config"),
        ("{}", "tls_server_config"),
        ("basic_auth_users: {a: HASH}", "tls_server_config"),
        ("tls_server_config: TLS", "basic_auth_users"),
        ("basic_auth_users: {}\ntls_server_config: TLS", "basic_auth_users"),
        (
            "basic_auth_users: {a: HASH}\ntls_server_config: {cert_file: server.pem, key_file: server.key}",
            "client_auth",
        ),
    ],
)
def test_a_file_that_was_emptied_does_not_open_what_was_closed(authority: Authority, content: str, gone: str) -> None:
    authority.issue("server", "localhost")
    tls = {
        "cert_file": "server.pem",
        "key_file": "server.key",
        "client_ca_file": "authority.pem",
        "client_auth_type": "RequireAndVerifyClientCert",
    }
    file = written(authority.folder, basic_auth_users={"a": hashed("a")}, tls_server_config=tls)
    authenticator = Authenticator(file)
    before = authenticator.guard()
    with capture_logs() as logs:
        file.with_suffix(".new").write_text(
            content.replace("TLS", yaml.safe_dump(tls, default_flow_style=True)).replace("HASH", hashed("b"))
        )
        file.with_suffix(".new").replace(file)
        assert [authenticator.guard() for _ in range(3)] == [before] * 3
    assert [(entry["log_level"], gone in entry["reason"]) for entry in logs] == [("error", True)]
    assert not authenticator.current
    replace(file, basic_auth_users={"c": hashed("c")}, tls_server_config=tls)
    assert set(authenticator.guard().users) == {"c"}
    assert authenticator.current


def test_a_certificate_that_comes_after_the_file_that_names_it_is_taken(authority: Authority) -> None:
    file = written(authority.folder, basic_auth_users={"a": hashed("a")})
    authenticator = Authenticator(file)
    replace(
        file,
        basic_auth_users={"a": hashed("a")},
        tls_server_config={"cert_file": "server.pem", "key_file": "server.key"},
    )
    assert authenticator.guard().tls is None
    assert not authenticator.current
    cert_file, key_file = authority.issue("server", "localhost")
    key_file.rename(late := key_file.with_suffix(".late"))
    assert authenticator.guard().tls is None
    assert cert_file.exists()
    late.rename(key_file)
    assert authenticator.guard().tls is not None
    assert authenticator.current


@pytest.mark.parametrize(
    "content",
    [
        'basic_auth_users: {a: "HASH',
        "basic_auth_users:\n  a: HASH\n b: HASH",
        "basic_auth_users: {a: *HASH}",
        "basic_auth_users: {a: !HASH x}",
        "basic_auth_users:\n\ta: HASH",
        "HASH: a",
        "basic_auth_users: {HASH: a}",
        "basic_auth_users: {a: HASHb}",
        "basic_auth_users: [HASH]",
        "HASH",
        "a: 2024-13-45 # HASH",
        "%HASH",
        "[" * 1500 + "HASH",
    ],
)
def test_no_error_quotes_what_may_be_a_password(tmp_path: Path, content: str) -> None:
    file = tmp_path / "web.yaml"
    secret = hashed("a")
    for word in (secret, "s3cret/Pass+word"):
        file.write_text(content.replace("HASH", word))
        with pytest.raises(WebConfigError) as refusal:
            Authenticator(file)
        assert word not in str(refusal.value)
        assert word[1:12] not in str(refusal.value)


def test_headers_can_be_added(serve: Serve, tmp_path: Path) -> None:
    config = written(tmp_path, http_server_config={"headers": {"Strict-Transport-Security": "max-age=31536000"}})
    answer = ask(serve(every_family(), web_config=config), "/metrics")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


# --- refusals


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("tls_server_confg: {}", "unknown field `tls_server_confg`"),
        ("tls_server_config: {cert: x}", "unknown field `cert` - at `$.tls_server_config`"),
        ("tls_server_config: {}", "tls_server_config.cert_file: is missing"),
        ("tls_server_config: {cert_file: a}", "tls_server_config.key_file: is missing"),
        ("tls_server_config: {cert_file: a, key_file: b}", "tls_server_config.cert_file, key_file: a, b: No such file"),
        (
            "tls_server_config: {cert_file: a, key_file: b, min_version: SSL3}",
            "tls_server_config.min_version: 'SSL3' is none of TLS10, TLS11, TLS12, TLS13",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}",
            "tls_server_config.client_auth_type: 'RequireAnyClientCert' is none of NoClientCert",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}",
            "tls_server_config.client_ca_file: needs a client_auth_type",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert}",
            "tls_server_config.client_ca_file: is missing",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}",
            "tls_server_config.cipher_suites: 'TLS_RSA_WITH_RC4_128_SHA' is none of",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: b, client_allowed_sans: [x]}",
            "tls_server_config.client_allowed_sans: needs client_auth_type",
        ),
        ("basic_auth_users: {a: plain}", "basic_auth_users.a: is not a bcrypt hash; `htpasswd -nBC 10 a` makes one"),
        ("basic_auth_users: [a]", "Expected `object | null`, got `array` - at `$.basic_auth_users`"),
        ("http_server_config: {headers: {Server: x}}", "http_server_config.headers.Server: is none of"),
        (
            'http_server_config: {headers: {X-Frame-Options: "a\\nb"}}',
            "http_server_config.headers.X-Frame-Options: should be one line",
        ),
        ("a: b: c", "is not YAML"),
        ("[]", "Expected `object`, got `array`"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(content)
    with pytest.raises(WebConfigError) as refusal:
        Authenticator(file)
    assert str(refusal.value).startswith(f"{file}: ")
    assert message in str(refusal.value)
    assert "plain" not in str(refusal.value)


def test_an_empty_file_asks_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text("")
    guard = Authenticator(file).guard()
    assert (guard.tls, dict(guard.users)) == (None, {})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WebConfigError, match=r"web\.yaml: cannot be read: No such file"):
        Authenticator(tmp_path / "web.yaml")
