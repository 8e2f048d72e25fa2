"""What a part of the program answers over HTTP, before a server sends it."""

from collections.abc import Iterable

import msgspec


class Stream(msgspec.Struct, frozen=True):
    """A body that is made while it is sent."""

    chunks: Iterable[bytes]
    length: int
    """Bytes of all the chunks together."""


class Response(msgspec.Struct, frozen=True):
    """One answer; *headers* stand beside the content type and length."""

    status: int
    content_type: str
    body: bytes | Stream
    headers: tuple[tuple[str, str], ...] = ()
