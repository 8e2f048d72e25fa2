"""The body of an answer, no longer than it may be: as it is sent, and as it is unpacked."""

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import urllib3

Body = bytes | bytearray

_CHUNK = 1 << 16
_GZIP = 31  # zlib's window bits for the gzip format
_PLAIN = ("", "identity", "aws-chunked")


class BodyError(ValueError):
    """The body cannot be taken. Its text is one line for a person, and quotes nothing of the body."""


class TooLongError(BodyError):
    """The body is longer than it may be."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the answer is longer than {most >> 20} MiB")


def read_body(response: "urllib3.BaseHTTPResponse", most: int) -> Body:
    """The body of *response*, whose content is not decoded yet, unpacked: *most* bytes at the most.

    Raises:
        TooLongError: it is longer, or would be.
        BodyError: it is packed in a way that is not known, or cut off.
    """
    body = bytearray()
    for chunk in response.stream(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > most:
            raise TooLongError(most)
    return body if is_plain(response) else _unpacked(body, _encoding(response), most)


def is_plain(response: "urllib3.BaseHTTPResponse") -> bool:
    """Whether the body of *response* is sent as it is."""
    return _encoding(response) in _PLAIN


def _encoding(response: "urllib3.BaseHTTPResponse") -> str:
    return response.headers.get("Content-Encoding", "").strip().lower()


def read_lines(response: "urllib3.BaseHTTPResponse", longest: int, most: int, take: Callable[[bytes], None]) -> None:
    """Give *take* each line of *response* as it comes, unpacked: of *longest* bytes, and *most* together, at the most.

    Raises:
        TooLongError: a line is longer, or all of them are.
        BodyError: it is packed in a way that is not known, or ends within a line.
    """
    rest, total = bytearray(), 0
    for piece in _pieces(response, most):
        total += len(piece)
        if total > most:
            raise TooLongError(most)
        rest += piece
        if b"\n" in piece:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                take(bytes(line))
        if len(rest) > longest:
            raise TooLongError(longest)
    if rest.strip():
        raise BodyError("the answer is cut off")


def _pieces(response: "urllib3.BaseHTTPResponse", most: int) -> Iterator[bytes]:
    """The body as it comes, unpacked; hardly more than *most* bytes of it."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    pieces = response.stream(_CHUNK, decode_content=False)
    if encoding in _PLAIN:
        yield from pieces
        return
    unpacker = _unpacker(encoding)
    for piece in pieces:
        try:
            yield unpacker.decompress(piece, most + 1)
        except zlib.error as error:
            raise BodyError(f"the answer cannot be unpacked: {error}") from None
        if unpacker.unconsumed_tail:
            raise TooLongError(most)
    if not unpacker.eof:
        raise BodyError("the answer is cut off")


def _unpacker(encoding: str) -> "zlib._Decompress":
    if encoding not in ("gzip", "x-gzip"):
        raise BodyError("the answer is packed in a way that is not known")
    return zlib.decompressobj(_GZIP)


def _unpacked(body: bytearray, encoding: str, most: int) -> bytes:
    """*body* without the compression that nobody asked for, but some proxies apply."""
    unpacker = _unpacker(encoding)
    try:
        unpacked = unpacker.decompress(body, most)
    except zlib.error as error:
        raise BodyError(f"the answer cannot be unpacked: {error}") from None
    if unpacker.unconsumed_tail:
        raise TooLongError(most)
    if not unpacker.eof:
        raise BodyError("the answer is cut off")
    return unpacked
