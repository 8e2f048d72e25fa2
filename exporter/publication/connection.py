"""One client's connection on the listener's event loop: bytes in and out, in the clear or over TLS.

Sockets and `ssl.MemoryBIO` are used directly, as asyncio's transports keep copies: in CPython 3.11 the plain one
copies whatever a slow client has not taken yet (`asyncio/selector_events.py`, `_SelectorSocketTransport.write`), and
the TLS one has a buffer of 256 KiB for each connection (`asyncio/sslproto.py`, `SSLProtocol.max_size`): 192 MiB for as
many connections as the listener takes. Here a slow client costs the kernel's buffer, and 32 KiB where it uses TLS.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

_BLOCK = 1 << 14
"""Bytes that are received, or encrypted, at once; a TLS record holds no more (RFC 8446, 5.1)."""
_TURN = 1 << 17
"""Bytes that one client is sent in the clear before it is another one's turn."""
_KERNEL_BUFFER = 1 << 17
"""Linux doubles it. Left alone it lets a slow client keep 4 MiB of the container's memory (`tcp(7)`, tcp_wmem)."""

_Done = TypeVar("_Done")


class Connection:
    """An accepted socket, which has to be non-blocking. Whatever it raises on the way is an `OSError`."""

    def __init__(self, accepted: socket.socket) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BUFFER)
        self._socket = accepted
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None

    async def secure(self, context: ssl.SSLContext) -> Mapping[str, Any]:
        """Speak TLS from now on; returns what the client's verified certificate says, if it has shown one."""
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        await self._advance(self._tls.do_handshake)
        return self._tls.getpeercert() or {}

    async def receive(self) -> bytes:
        """What has come; nothing once the client has ended its side."""
        tls = self._tls
        if tls is None:
            return await self._loop.sock_recv(self._socket, _BLOCK)
        try:
            return await self._advance(lambda: tls.read(_BLOCK))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    async def send(self, content: bytes) -> None:
        """Send all of *content*, as fast as the client takes it."""
        rest = memoryview(content)
        while rest:
            rest = rest[await self._sent(rest[:_TURN]) :]
            # A client that takes all at once would else have the loop until it has all.
            await asyncio.sleep(0)

    async def _sent(self, part: memoryview) -> int:
        """Send *part*; returns how much of it was sent."""
        tls = self._tls
        if tls is not None:
            return await self._advance(lambda: tls.write(part[:_BLOCK]))
        await self._loop.sock_sendall(self._socket, part)
        return len(part)

    async def discard(self, most: int) -> None:
        """Tell the client that nothing more comes, and take what it still sends, *most* bytes of it.

        A socket that is closed with bytes to be read resets the connection, and the client may lose what it was sent.
        """
        self._close_tls()
        self._socket.shutdown(socket.SHUT_WR)
        while most > 0 and (received := await self._loop.sock_recv(self._socket, _BLOCK)):
            most -= len(received)

    def close(self) -> None:
        """End both sides, without waiting for anything."""
        with contextlib.suppress(OSError):
            self._close_tls()
        self._socket.close()

    def _close_tls(self) -> None:
        """TLS' own end of a stream, without which a client takes it for cut off."""
        if self._tls is not None:
            with contextlib.suppress(ssl.SSLError):  # it has sent its own and waits for the client's
                self._tls.unwrap()
            if self._outgoing.pending:
                self._socket.send(self._outgoing.read())

    async def _advance(self, step: Callable[[], _Done]) -> _Done:
        """Take *step* of the TLS protocol, which may need bytes from the client first."""
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                await self._flush()
                if received := await self._loop.sock_recv(self._socket, _BLOCK):
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._socket.send(self._outgoing.read())  # the alert that says what was wrong
                raise
            else:
                await self._flush()
                return done

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._loop.sock_sendall(self._socket, self._outgoing.read())
