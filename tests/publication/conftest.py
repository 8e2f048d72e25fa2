"""A server on a verdict made by hand, and a client for it."""

import gzip
import http.client
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from exporter.chain.verdict import Verdict
from exporter.publication.current import Published
from exporter.publication.families import Telemetry
from exporter.publication.render import render
from exporter.publication.server import Server, open_socket
from exporter.publication.site import Site
from exporter.publication.web_config import Authenticator
from exporter.settings import WebSettings
from tests.publication.verdicts import AT, every_family, telemetry
from tests.tools import tool

Serve = Callable[..., Server]


class Now:
    """What is published: a verdict that stays."""

    def __init__(self, verdict: Verdict | None) -> None:
        self.published = Published(verdict, render(verdict)) if verdict else None
        self.ready = verdict is not None
        self.alive = True
        self.moment = AT

    def telemetry(self) -> Telemetry:
        return telemetry()

    def now(self) -> datetime:
        return self.moment


class Answer:
    """An answer, unpacked where it came packed."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.raw = response.read()
        packed = self.headers["Content-Encoding"] == "gzip" and self.raw
        self.text = (gzip.decompress(self.raw) if packed else self.raw).decode()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server; `serve(verdict=…, current=…, web_config=…)`."""
    servers: list[Server] = []

    def start(
        verdict: Verdict | None = None,
        *,
        current: Now | None = None,
        web_config: Path | None = None,
        listen: str = "127.0.0.1:0",
    ) -> Server:
        site = Site(current or Now(verdict), WebSettings().runbook_base)
        server = Server(open_socket(listen), site, Authenticator(web_config))
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop(patience=0.0)


@pytest.fixture
def server(serve: Serve) -> Server:
    return serve(every_family())


def ask(
    server: Server, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: str | None = None
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def promtool_check(exposition: str) -> str:
    """What `promtool check metrics` objects to; empty when nothing."""
    done = subprocess.run(
        [tool("promtool"), "check", "metrics"],
        input=exposition,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr
