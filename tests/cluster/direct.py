"""Requests to the stand-in without a network between: fast enough for thousands of polls."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from exporter.facts.cluster.server.transport import JSON, MOST_BYTES, ReadError
from exporter.facts.reading import Reason
from tests.apiserver.exchange import RefusedError, Request
from tests.apiserver.server import ApiServer

_REASONS = {403: Reason.FORBIDDEN, 404: Reason.NOT_FOUND, 406: Reason.NOT_ACCEPTABLE, 410: Reason.EXPIRED}


class BrokenOffError(Exception):
    """The connection is gone."""


class DirectTransport:
    """What `Transport` is to the reader. *spoil* is given the lines of each watch, and says what arrives of them."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self.most_bytes = MOST_BYTES
        self.bytes = 0
        """Of all answers so far."""
        self.spoil: Callable[[list[bytes]], Iterable[bytes]] = lambda lines: lines

    def get(
        self, path: str, query: Mapping[str, str] | None = None, accept: str = JSON, stop: threading.Event | None = None
    ) -> bytes:
        body = json.dumps(self._ask(path, query or {}, accept)).encode()
        self.bytes += len(body)
        return body

    def lines(
        self,
        path: str,
        query: Mapping[str, str],
        accept: str,
        seconds: float,
        take: Callable[[bytes], None],
        stop: threading.Event | None = None,
    ) -> None:
        try:
            for line in self.spoil([json.dumps(event).encode() for event in self._ask(path, query, accept)]):
                self.bytes += len(line)
                take(line)
        except BrokenOffError:
            raise ReadError(Reason.CONNECTION, "the answer is cut off") from None

    def _ask(self, path: str, query: Mapping[str, str], accept: str) -> Any:
        request = Request("", path, dict(query), {"accept": accept, "authorization": f"Bearer {self._server.token}"})
        self._server.requests.append(request)
        try:
            return self._server.answer(request)[0]
        except RefusedError as refusal:
            raise ReadError(_REASONS[refusal.code], str(refusal)) from None
