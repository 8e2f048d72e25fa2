"""What stands between the exporter and a server: it lets everything through, until it is told otherwise."""

import contextlib
import socket
import struct
import threading
import time
from enum import Enum
from typing import Self


class Way(Enum):
    """What becomes of a connection."""

    OPEN = "everything passes"
    SILENT = "it is taken, and nothing ever comes: no handshake, no answer"
    DROPS = "the server's bytes come one at a time, for ever slow: the handshake first"
    RESET = "it is reset at once"
    RESET_LATER = "it is reset after some of the answer"


class Gate:
    """Listens on a port of its own for the server at *port*."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._way = Way.OPEN
        self._lines: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._listener.close()
        self.turn(Way.OPEN)

    def turn(self, way: Way) -> None:
        """Treat connections in this *way* from now on; those that stand are ended."""
        self._way = way
        for line in list(self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        way = self._way
        self._lines.add(line)
        try:
            with contextlib.suppress(OSError):
                if way is Way.RESET:
                    _reset(line)
                elif way is Way.SILENT:
                    while line.recv(1 << 16):
                        pass
                else:
                    self._pass_on(line, way)
        finally:
            self._lines.discard(line)
            line.close()

    def _pass_on(self, line: socket.socket, way: Way) -> None:
        with socket.create_connection(("127.0.0.1", self._behind)) as behind:
            asked = _Asked()
            threading.Thread(target=_pump, args=(line, behind, asked), daemon=True).start()
            while piece := behind.recv(1 if way is Way.DROPS else 1 << 16):
                if way is Way.RESET_LATER and asked.is_asked:
                    line.sendall(piece[: len(piece) // 2])
                    _reset(line)
                    return
                line.sendall(piece)
                if way is Way.DROPS:
                    time.sleep(0.02)


class _Asked:
    """Follows the records of TLS 1.3 (RFC 8446, 5.1) that a client sends: its second sealed one is a request."""

    def __init__(self) -> None:
        self._left = b""
        self._sealed = 0

    @property
    def is_asked(self) -> bool:
        return self._sealed > 1

    def take(self, piece: bytes) -> None:
        self._left += piece
        while len(self._left) >= 5 + (length := int.from_bytes(self._left[3:5])) > 5:
            self._sealed += self._left[0] == 23
            self._left = self._left[5 + length :]


def _pump(line: socket.socket, behind: socket.socket, asked: _Asked) -> None:
    with contextlib.suppress(OSError):
        while piece := line.recv(1 << 16):
            asked.take(piece)
            behind.sendall(piece)
        behind.shutdown(socket.SHUT_WR)


def _reset(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RD)  # or the pump, which waits for it, would keep it open
    line.close()
