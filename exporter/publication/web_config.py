"""The web configuration file: TLS and basic auth on the listener, in the format that Prometheus' exporters share.

The format is exporter-toolkit's (`docs/web-configuration.md`): `tls_server_config`, `basic_auth_users` with bcrypt
hashes, `http_server_config.headers`. What Python's TLS cannot do as asked is refused by name, never left out.
"""

import hashlib
import hmac
import secrets
import ssl
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import bcrypt
import msgspec
import structlog
import yaml

_log = structlog.get_logger()

_TLS_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_CLIENT_AUTH: Final = {
    "": ssl.CERT_NONE,
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,  # asks and does not look: nobody can tell the difference
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_CIPHERS: Final = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""Go's names for the suites of TLS 1.2 that it calls secure, and OpenSSL's."""
_HEADERS: Final = {
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
}
_BCRYPT_BYTES = 72
"""bcrypt reads no more of a password; Go leaves the rest out, Python's module refuses it."""
_REMEMBERED = 100
_NO_SUCH_USER = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(10))
"""An unknown user takes as long as a wrong password."""


class WebConfigError(Exception):
    """The file cannot be used; the message names the file, the key and what would do."""


class TLSConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tls_server_config`, under exporter-toolkit's names."""

    cert_file: str = ""
    key_file: str = ""
    client_auth_type: str = ""
    client_ca_file: str = ""
    client_allowed_sans: tuple[str, ...] = ()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True


class HTTPConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`http_server_config`. HTTP/2 is never spoken, so that its switch changes nothing."""

    http2: bool = True
    headers: dict[str, str] = {}


class WebConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. An empty one serves plain HTTP to everybody."""

    tls_server_config: TLSConfig | None = None
    http_server_config: HTTPConfig = HTTPConfig()
    basic_auth_users: dict[str, str] | None = None


class Guard(msgspec.Struct, frozen=True):
    """What one version of the file asks of a connection."""

    tls: ssl.SSLContext | None = None
    users: Mapping[str, bytes] = {}
    allowed_sans: frozenset[str] = frozenset()
    headers: Mapping[str, str] = {}


class Doorkeeper:
    """Holds the guard that the file asks for now: the file and its certificates are read again when they change.

    A change that cannot be used leaves the last guard in force, and is logged once.

    Raises:
        WebConfigError: the file cannot be used at the start.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._bcrypt = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._answers: OrderedDict[bytes, bool] = OrderedDict()
        self._guard, self._files = (Guard(), ()) if file is None else _read(file)
        self._seen = _stamps(self._files)

    def guard(self) -> Guard:
        """The guard for a connection that begins now."""
        if self._file is None:
            return self._guard
        with self._lock:
            seen = _stamps(self._files)
            if seen != self._seen:
                self._seen = seen
                self._reload(self._file)
            return self._guard

    def admits(self, guard: Guard, user: str, password: str) -> bool:
        """Whether *password* is the one that *guard* has for *user*.

        bcrypt takes a good part of a second on purpose, so that answers are remembered: under a key that this
        process made up, never with the password. One is computed at a time, so that guessing cannot take the machine.
        """
        expected = guard.users.get(user)
        text = b"\0".join((user.encode(), expected or b"", password.encode()))
        key = hmac.digest(self._key, text, hashlib.sha256)
        with self._bcrypt:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
            right = _matches(password, expected or _NO_SUCH_USER) and expected is not None
            self._answers[key] = right
            if len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
            return right

    def _reload(self, file: Path) -> None:
        try:
            self._guard, self._files = _read(file)
        except WebConfigError as error:
            _log.error("web configuration not reloaded", reason=str(error))
        else:
            self._seen = _stamps(self._files)
            _log.info("web configuration reloaded", file=str(file))


def _matches(password: str, expected: bytes) -> bool:
    try:
        return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], expected)
    except ValueError:  # a zero byte
        return False


def _read(file: Path) -> tuple[Guard, tuple[Path, ...]]:
    """The guard that *file* asks for, and all the files that it rests on.

    Relative names in it are relative to its folder, as exporter-toolkit has it.
    """
    config = _decode(file)
    tls = config.tls_server_config
    context, names = None, list[str]()
    if tls is not None:
        names = [name for name in (tls.cert_file, tls.key_file, tls.client_ca_file) if name]
        try:
            context = _context(tls, file.parent)
        except WebConfigError as error:
            raise WebConfigError(f"{file}: tls_server_config.{error}") from None
    guard = Guard(
        context, _users(file, config), frozenset(tls.client_allowed_sans if tls else ()), _headers(file, config)
    )
    return guard, (file, *(file.parent / name for name in names))


def _decode(file: Path) -> WebConfig:
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WebConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WebConfigError(f"{file}: is no YAML: {' '.join(str(error).split())}") from None
    try:
        return msgspec.convert({} if content is None else content, WebConfig)
    except msgspec.ValidationError as error:
        raise WebConfigError(f"{file}: {error}") from None


def _users(file: Path, config: WebConfig) -> dict[str, bytes]:
    users = {user: hashed.encode() for user, hashed in (config.basic_auth_users or {}).items()}
    for user, hashed in users.items():
        try:
            bcrypt.checkpw(b"", hashed)
        except ValueError:
            raise WebConfigError(
                f"{file}: basic_auth_users.{user}: is no bcrypt hash; `htpasswd -nBC 10 {user}` makes one"
            ) from None
    return users


def _headers(file: Path, config: WebConfig) -> dict[str, str]:
    headers = config.http_server_config.headers
    for name, value in headers.items():
        if name not in _HEADERS:
            raise WebConfigError(f"{file}: http_server_config.headers.{name}: is none of {', '.join(sorted(_HEADERS))}")
        if not value.isprintable():
            raise WebConfigError(f"{file}: http_server_config.headers.{name}: should be one line of printable text")
    return headers


def _context(tls: TLSConfig, folder: Path) -> ssl.SSLContext:
    """The TLS that *tls* asks for; an error's message starts with the key that it is about."""
    _check(tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _TLS_VERSIONS[tls.min_version]
    context.maximum_version = _TLS_VERSIONS[tls.max_version]
    context.set_alpn_protocols(["http/1.1"])
    if tls.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.cipher_suites:
        context.set_ciphers(":".join(_CIPHERS[suite] for suite in tls.cipher_suites))
    try:
        context.load_cert_chain(folder / tls.cert_file, folder / tls.key_file)
    except (OSError, ssl.SSLError) as error:
        raise WebConfigError(f"cert_file, key_file: {tls.cert_file}, {tls.key_file}: {_said(error)}") from None
    context.verify_mode = _CLIENT_AUTH[tls.client_auth_type]
    if tls.client_ca_file:
        try:
            context.load_verify_locations(folder / tls.client_ca_file)
        except (OSError, ssl.SSLError) as error:
            raise WebConfigError(f"client_ca_file: {tls.client_ca_file}: {_said(error)}") from None
    return context


def _check(tls: TLSConfig) -> None:
    for name, value in (("cert_file", tls.cert_file), ("key_file", tls.key_file)):
        if not value:
            raise WebConfigError(f"{name}: is missing")
    _member("min_version", tls.min_version, _TLS_VERSIONS)
    _member("max_version", tls.max_version, _TLS_VERSIONS)
    _member("client_auth_type", tls.client_auth_type, _CLIENT_AUTH)
    for suite in tls.cipher_suites:
        _member("cipher_suites", suite, _CIPHERS)
    verifies = _CLIENT_AUTH[tls.client_auth_type] is not ssl.CERT_NONE
    if tls.client_ca_file and not verifies:
        raise WebConfigError("client_ca_file: stands without a client_auth_type that verifies against it")
    if verifies and not tls.client_ca_file:
        raise WebConfigError(f"client_ca_file: is missing, and client_auth_type {tls.client_auth_type} needs it")
    if tls.client_allowed_sans and tls.client_auth_type != "RequireAndVerifyClientCert":
        raise WebConfigError("client_allowed_sans: needs client_auth_type RequireAndVerifyClientCert")


def _member(name: str, value: str, known: Mapping[str, object]) -> None:
    if value not in known:
        raise WebConfigError(f"{name}: {value!r} is none of {', '.join(filter(None, known))}")


def _said(error: OSError) -> str:
    return error.strerror or str(error)


def _stamps(files: tuple[Path, ...]) -> tuple[tuple[int, int, int] | None, ...]:
    """What changes when a file does: Kubernetes swaps a symbolic link, so that the inode is part of it."""
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def certificate_names(certificate: Mapping[str, Any] | None) -> frozenset[str]:
    """The subject alternative names of a verified peer's *certificate* (as `SSLSocket.getpeercert` gives it)."""
    return frozenset(value for _, value in (certificate or {}).get("subjectAltName", ()))
