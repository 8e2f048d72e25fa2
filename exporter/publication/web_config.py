"""The web configuration file: TLS and basic auth on the listener, in the format that Prometheus' exporters share.

The format is exporter-toolkit's (`docs/web-configuration.md`): `tls_server_config`, `basic_auth_users` with bcrypt
hashes, `http_server_config.headers`. What Python's TLS cannot do as asked is refused by name, never left out.
"""

import hashlib
import hmac
import re
import secrets
import ssl
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import bcrypt
import msgspec
import structlog
import yaml

from exporter.publication.logins import Credentials

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
_BCRYPT = re.compile(r"\$2[abxy]\$(0[4-9]|1[0-7])\$[./A-Za-z0-9]{53}")
"""`htpasswd` goes to a cost of 17, some seconds; each step more doubles that."""
_PLAIN_NAME = re.compile(r"[\w.@-]{1,64}")
"""A user's name that may be shown: what is longer, or has other signs, may be a hash in the wrong place."""
_ODD_FIELD = re.compile(r"(?<=unknown field )`(?![a-z0-9_]{1,40}`).*?`(?= - at |$)", re.DOTALL)
"""A field that msgspec does not know and that looks like none: it may be a hash or a password in the wrong place."""
_REMEMBERED = 1000
"""Passwords of each kind; a key takes some hundred bytes."""


_Stamps: TypeAlias = tuple[tuple[int, int, int] | None, ...]


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


class Authenticator:
    """Holds the guard that the file asks for now: the file and its certificates are read again when they change.

    A change that cannot be used, and one that would let in whom the guard in force keeps out (a file that was emptied
    or is half written), leaves that guard in force, and is logged. Taking protection away needs a restart.

    Raises:
        WebConfigError: the file cannot be used at the start.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._key = secrets.token_bytes(32)
        self._right = _Remembered()
        self._wrong = _Remembered()
        self._guard = Guard()
        self._files: tuple[Path, ...] = ()
        self._seen: _Stamps = ()
        self.current = None if file is None else True
        """Whether the guard in force is the one that the file asks for; None without a file."""
        if file is not None:
            self._load(file)
            if self._guard == Guard():
                _log.warning("web configuration asks for nothing: everybody is served", file=str(file))

    def guard(self) -> Guard:
        """The guard for a connection that begins now. One thread alone may ask."""
        if self._file is not None and _stamps(self._files) != self._seen:
            self._reload(self._file)
        return self._guard

    def remembers(self, guard: Guard, login: Credentials) -> bool | None:
        """What was found out about *login* before; None if nothing was. This takes no time and no lock."""
        key = self._name(guard, login)
        if key in self._right:
            return True
        return False if key in self._wrong else None

    def admits(self, guard: Guard, login: Credentials) -> bool:
        """Whether the password is the one that *guard* has for the user.

        bcrypt takes a good part of a second on purpose, so that answers are remembered: under a key that this
        process made up, never with the password. Guesses cannot drive the right ones out.
        """
        remembered = self.remembers(guard, login)
        if remembered is not None:
            return remembered
        expected = guard.users.get(login.user)
        right = _matches(login.password, expected or _no_such_user()) and expected is not None
        (self._right if right else self._wrong).add(self._name(guard, login))
        return right

    def _name(self, guard: Guard, login: Credentials) -> bytes:
        expected = guard.users.get(login.user, b"")
        text = b"\0".join((login.user.encode(), expected, login.password.encode()))
        return hmac.digest(self._key, text, hashlib.sha256)

    def _load(self, file: Path) -> None:
        """Take the guard that *file* asks for.

        Raises:
            WebConfigError: it cannot be used.
        """
        # What is read is at least as new as its stamps; and the files of a configuration that cannot be used yet are
        # watched as well, as a certificate may come after the file that names it.
        self._files = (file,)
        self._seen = _stamps(self._files)
        config = _decode(file)
        self._files = (file, *_named_files(file, config))
        self._seen = (*self._seen, *_stamps(self._files[1:]))
        guard = _guard(file, config)
        if opened := _opened(self._guard, guard):
            raise WebConfigError(f"{file}: {opened}: is gone; to serve without it, restart")
        self._guard = guard

    def _reload(self, file: Path) -> None:
        try:
            self._load(file)
        except WebConfigError as error:
            self.current = False
            _log.error("web configuration not reloaded: the last one stays in force", reason=str(error))
        else:
            self.current = True
            _log.info("web configuration reloaded", file=str(file))


class _Remembered:
    """A bounded set of keys that forgets the oldest. One thread adds, any may look."""

    def __init__(self) -> None:
        self._keys: dict[bytes, None] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def add(self, key: bytes) -> None:
        self._keys[key] = None
        if len(self._keys) > _REMEMBERED:
            del self._keys[next(iter(self._keys))]


def _opened(old: Guard, new: Guard) -> str:
    """What *old* asked of a client that *new* does not; empty when nothing."""
    if old.tls is not None and new.tls is None:
        return "tls_server_config"
    if old.users and not new.users:
        return "basic_auth_users"
    if old.tls and new.tls and old.tls.verify_mode > new.tls.verify_mode:
        return "tls_server_config.client_auth_type"
    if old.allowed_sans and not new.allowed_sans:
        return "tls_server_config.client_allowed_sans"
    return ""


def _matches(password: str, expected: bytes) -> bool:
    try:
        return bcrypt.checkpw(password.encode()[:_BCRYPT_BYTES], expected)
    except ValueError:  # a zero byte
        return False


@cache
def _no_such_user() -> bytes:
    """What an unknown user's password is held against, so that it takes as long as a wrong one."""
    return bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(10))


def _decode(file: Path) -> WebConfig:
    """What *file* says. No error quotes the file: a hash or a password may stand on the line."""
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise WebConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise WebConfigError(f"{file}: is no YAML{where}") from None
    except (yaml.YAMLError, ValueError, RecursionError):  # also text that is no UTF-8, and a date that is none
        raise WebConfigError(f"{file}: is no YAML") from None
    try:
        return msgspec.convert({} if content is None else content, WebConfig)
    except msgspec.ValidationError as error:
        raise WebConfigError(f"{file}: {_ODD_FIELD.sub('`…`', str(error))}") from None


def _named_files(file: Path, config: WebConfig) -> tuple[Path, ...]:
    """Relative names are relative to the file's folder, as exporter-toolkit has it."""
    tls = config.tls_server_config or TLSConfig()
    return tuple(file.parent / name for name in (tls.cert_file, tls.key_file, tls.client_ca_file) if name)


def _guard(file: Path, config: WebConfig) -> Guard:
    tls = config.tls_server_config
    try:
        context = _context(tls, file.parent) if tls is not None else None
    except WebConfigError as error:
        raise WebConfigError(f"{file}: tls_server_config.{error}") from None
    return Guard(
        context, _users(file, config), frozenset(tls.client_allowed_sans if tls else ()), _headers(file, config)
    )


def _users(file: Path, config: WebConfig) -> dict[str, bytes]:
    for user, hashed in (config.basic_auth_users or {}).items():
        if not _BCRYPT.fullmatch(hashed):
            name = user if _PLAIN_NAME.fullmatch(user) else "…"
            raise WebConfigError(
                f"{file}: basic_auth_users.{name}: is no bcrypt hash; `htpasswd -nBC 10 {name}` makes one"
            )
    return {user: hashed.encode() for user, hashed in (config.basic_auth_users or {}).items()}


def _headers(file: Path, config: WebConfig) -> dict[str, str]:
    headers = config.http_server_config.headers
    for name, value in headers.items():
        if name not in _HEADERS:
            raise WebConfigError(f"{file}: http_server_config.headers.{name}: is none of {', '.join(sorted(_HEADERS))}")
        if not (value.isascii() and value.isprintable() and value == value.strip()):
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
        raise WebConfigError(f"cert_file, key_file: {tls.cert_file}, {tls.key_file}: {_error_message(error)}") from None
    context.verify_mode = _CLIENT_AUTH[tls.client_auth_type]
    if tls.client_ca_file:
        try:
            context.load_verify_locations(folder / tls.client_ca_file)
        except (OSError, ssl.SSLError) as error:
            raise WebConfigError(f"client_ca_file: {tls.client_ca_file}: {_error_message(error)}") from None
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


def _error_message(error: OSError) -> str:
    return error.strerror or str(error)


def _stamps(files: tuple[Path, ...]) -> _Stamps:
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
