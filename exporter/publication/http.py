"""What a part of the program answers over HTTP, before a server sends it."""

import msgspec


class Response(msgspec.Struct, frozen=True):
    """One answer; *headers* stand beside the content type and length."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
