"""Pages that were made already: each is made once for a verdict, however many clients ask for it."""

import gzip
from collections import OrderedDict
from time import monotonic
from typing import Final

import msgspec

from exporter.publication.http import Response
from exporter.publication.negotiation import takes_gzip

SERVES_SECONDS: Final = 15.0
"""A page also tells ages, and what the exporter knows of itself: it is made again after this time in any case."""
_ROOM = 4 << 20
"""Bytes of packed pages. The text of a page is some 15 times as long."""


class _Kept(msgspec.Struct, frozen=True):
    response: Response
    """Its body packed."""
    at: float


class PageCache:
    """Packed answers about one *subject* at a time; another subject starts it again."""

    def __init__(self) -> None:
        self._subject: object = None
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0

    def get(self, subject: object, key: str, accept_encoding: str) -> Response | None:
        """The answer about *subject* that is kept under *key*, if it still serves."""
        kept = self._kept.get(key) if subject is self._subject else None
        if kept is None or monotonic() - kept.at > SERVES_SECONDS:
            return None
        return _encoded(kept.response, accept_encoding)

    def put(self, subject: object, key: str, response: Response, accept_encoding: str) -> Response:
        """Keep *response*; returns it as the client takes it. One thread alone may do so."""
        body = response.body
        if not isinstance(body, bytes):
            return response
        packed = msgspec.structs.replace(response, body=gzip.compress(body, compresslevel=6))
        if response.status == 200:  # what is not there has any number of addresses
            self._keep(subject, key, packed)
        return _encoded(packed, accept_encoding)

    def _keep(self, subject: object, key: str, packed: Response) -> None:
        if subject is not self._subject:
            self._kept, self._size, self._subject = OrderedDict(), 0, subject
        self._drop(key)
        self._kept[key] = _Kept(packed, monotonic())
        self._size += _length(packed)
        while self._size > _ROOM:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        if kept := self._kept.pop(key, None):
            self._size -= _length(kept.response)


def _length(response: Response) -> int:
    return len(response.body) if isinstance(response.body, bytes) else 0


def _encoded(packed: Response, accept_encoding: str) -> Response:
    """*packed* as it is to whom that is welcome, else unpacked."""
    vary = ("Vary", "Accept, Accept-Encoding")
    headers = (*packed.headers, vary)
    if takes_gzip(accept_encoding):
        return msgspec.structs.replace(packed, headers=(*headers, ("Content-Encoding", "gzip")))
    assert isinstance(packed.body, bytes), "only such bodies are kept"  # noqa: S101 - narrows for mypy
    return msgspec.structs.replace(packed, body=gzip.decompress(packed.body), headers=headers)
