"""A server that answers GET requests from memory: as much of HTTP as the measured clients need."""

import asyncio
from collections.abc import Callable


class _Connection(asyncio.Protocol):
    def __init__(self, answer: Callable[[str], bytes]) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._transport.write(self._answer(head.split(b" ", 2)[1].decode()))  # type: ignore[attr-defined]


def serve(answer: Callable[[str], bytes], announce: Callable[[str], None]) -> None:
    """Send what *answer* makes of each request's target, until the process ends; *announce* is given the address."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(answer), "127.0.0.1", 0)
        announce(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await server.serve_forever()

    asyncio.run(run())
