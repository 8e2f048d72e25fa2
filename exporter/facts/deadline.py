"""One request within one time, and all requests of a read within another, whatever the peer does.

A socket's own time-out begins again with each byte, so a peer that trickles (a header, a chunk, an interim answer, a
TLS handshake) can hold a reader for ever. Here a watch ends the connection itself when its time is over, or the
program is to stop: whatever waits for that connection then wakes.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import urllib3
from urllib3.connectionpool import HTTPConnectionPool

_TICK = 0.1
_calls = threading.local()


class Until(threading.Event):
    """Set once *outer* is, or *seconds* from now by itself: what many requests take together has an end."""

    def __init__(self, seconds: float, outer: threading.Event | None = None) -> None:
        super().__init__()
        self._end = time.monotonic() + seconds
        self._outer = outer or threading.Event()

    @property
    def was_stopped(self) -> bool:
        """Whether it is set because *outer* is."""
        return self._outer.is_set()

    def is_set(self) -> bool:
        return super().is_set() or self._outer.is_set() or time.monotonic() > self._end

    def wait(self, timeout: float | None = None) -> bool:
        left = max(self._end - time.monotonic(), 0.0)
        self._outer.wait(left if timeout is None else min(timeout, left))
        return self.is_set()


class Call:
    """One request under way, until *deadline* (of `time.monotonic`) or until *stop* is set."""

    def __init__(self, deadline: float, stop: threading.Event) -> None:
        self.deadline = deadline
        self.stop = stop
        self.was_cut = False
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        return self.stop.is_set() or time.monotonic() > self.deadline

    def uses(self, descriptor: int) -> None:
        """Say that the call waits for the socket of *descriptor*.

        A duplicate of it is kept: TLS takes the socket itself over, and http.client may close it before the answer's
        end; to end either ends the connection.

        Raises:
            TimeoutError: the call is over.
        """
        with self._lock:
            self._lines.append(socket.socket(fileno=os.dup(descriptor)))
            if self.was_cut:
                raise TimeoutError

    def cut(self) -> None:
        """End its connections, so that nobody waits for them."""
        with self._lock:
            self.was_cut = True
            for line in self._lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            while self._lines:
                self._lines.pop().close()


class Watch:
    """Cuts the calls that are over. Its thread lives while there are calls."""

    def __init__(self) -> None:
        self._under_way: set[Call] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, call: Call) -> Iterator[None]:
        """Watch over *call*, which this thread makes.

        Raises:
            RuntimeError: no thread can be started that would.
        """
        with self._lock:
            if self._thread is None or not self._thread.is_alive():  # one that could not start, or broke, watches none
                thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                thread.start()
                self._thread = thread
            self._under_way.add(call)
        _calls.now = call
        try:
            yield
        finally:
            _calls.now = None
            with self._lock:
                self._under_way.discard(call)
            call.close()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(_TICK)  # time.sleep raises EINVAL where libfaketime stands before the C library
            with self._lock:
                over = [call for call in self._under_way if call.is_over]
                if not self._under_way:
                    self._thread = None
                    return
            for call in over:
                call.cut()


class _Watched:
    """A connection that tells the call that uses it which socket it waits for."""

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]  # it stands before an HTTPConnection
        try:
            _register(made)
        except TimeoutError:
            made.close()
            raise
        return made

    def request(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401  # as urllib3 has them
        _register(self.sock)
        super().request(*arguments, **more)  # type: ignore[misc]


def _register(line: socket.socket | None) -> None:
    call: Call | None = getattr(_calls, "now", None)
    if call and line:
        call.uses(line.fileno())


def watch_connections(manager: urllib3.PoolManager) -> None:
    """Have *manager* make connections that a `Watch` can cut, in whatever pools it has (a proxy's own, for example)."""
    manager.pool_classes_by_scheme = {scheme: _watched(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}


@cache
def _watched(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    if issubclass(pool.ConnectionCls, _Watched):
        return pool
    connection = type(f"Watched{pool.ConnectionCls.__name__}", (_Watched, pool.ConnectionCls), {})
    return type(f"Watched{pool.__name__}", (pool,), {"ConnectionCls": connection})
