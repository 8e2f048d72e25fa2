"""The body of an answer, no longer than it may be: as it is sent, and as it is unpacked."""

import zlib
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


def _unpacked(body: bytearray, encoding: str, most: int) -> bytes:
    """*body* without the compression that nobody asked for, but some proxies apply."""
    if encoding not in ("gzip", "x-gzip"):
        raise BodyError("the answer is packed in a way that is not known")
    try:
        unpacker = zlib.decompressobj(_GZIP)
        unpacked = unpacker.decompress(body, most)
    except zlib.error as error:
        raise BodyError(f"the answer cannot be unpacked: {error}") from None
    if unpacker.unconsumed_tail:
        raise TooLongError(most)
    if not unpacker.eof:
        raise BodyError("the answer is cut off")
    return unpacked
