"""What is asked and answered over HTTP, apart from how it travels."""

from collections.abc import Iterable

import msgspec


class Request(msgspec.Struct, frozen=True):
    """A GET or HEAD, as far as an answer depends on it."""

    target: str
    """The path with its query, percent-encoded, as the request line has it."""
    accept: str = ""
    accept_encoding: str = ""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


class Stream(msgspec.Struct, frozen=True):
    """A body in pieces, which may be made while they are sent."""

    chunks: Iterable[bytes]
    """Every client that gets the body goes through them by itself."""
    length: int
    """Bytes of all the chunks together."""


class Response(msgspec.Struct, frozen=True):
    """One answer; *headers* stand beside the content type and length."""

    status: int
    content_type: str
    body: bytes | Stream
    headers: tuple[tuple[str, str], ...] = ()
