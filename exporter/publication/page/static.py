"""The style sheet, the script and the icons, as they lie in the package."""

from functools import cache
from hashlib import blake2b
from importlib.resources import files

from exporter.publication.http import Response

_TYPES = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon-good.svg": "image/svg+xml",
    "icon-bad.svg": "image/svg+xml",
    "icon-unknown.svg": "image/svg+xml",
}


def asset(name: str) -> Response | None:
    """The file *name*; None when there is none. Addresses carry a digest, so that a browser may keep it."""
    if name not in _TYPES:
        return None
    headers = (("Cache-Control", "public, max-age=86400"), ("X-Content-Type-Options", "nosniff"))
    return Response(200, _TYPES[name], _bytes(name), headers)


@cache
def digest(name: str) -> str:
    """What makes the address of *name* change with its bytes."""
    return blake2b(_bytes(name), digest_size=6).hexdigest()


@cache
def _bytes(name: str) -> bytes:
    return (files(__package__) / "static" / name).read_bytes()
