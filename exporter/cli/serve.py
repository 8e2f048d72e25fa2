"""`serve`: reading again and again, and serving what came of it."""

import os
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Final

import click
import msgspec
import structlog

from exporter import __version__, logs
from exporter.cli.inputs import Command, Failure, Inputs, takes_inputs
from exporter.cli.stopping import Stop
from exporter.facts.cluster.dump.archive import unpacked
from exporter.facts.cluster.dump.files import read_dump
from exporter.polling.clock import Clock
from exporter.polling.poller import Poller
from exporter.publication.families import Telemetry
from exporter.publication.server import Server, open_socket
from exporter.publication.site import Site
from exporter.publication.web_config import Authenticator, WebConfigError
from exporter.settings import Settings

_log = structlog.get_logger()

_PATIENCE: Final = 1.0
"""Seconds that an open scrape gets once the process is told to end."""
_LAST_WORDS: Final = 0.5
"""Seconds that the log's last lines get to be written."""


@click.command(cls=Command)
@takes_inputs(is_scoped=False)
@click.pass_obj
def command(stop: Stop, inputs: Inputs) -> None:
    """Read again and again, and serve metrics, the status page and its JSON.

    It listens on :9978 (--listen HOST:PORT) until it is told to end.
    """
    settings = inputs.settings
    output = logs.Unblocking(sys.stderr)
    logs.configure(settings.log_format, settings.log_level, output)
    authenticator, listener = _listener(settings)
    poller = _poller(inputs)

    def completed(telemetry: Telemetry) -> Telemetry:
        return msgspec.structs.replace(
            telemetry, web_config_current=authenticator.current, log_lines_dropped=output.dropped
        )

    server = Server(listener, Site(poller, settings.web.runbook_base, completed), authenticator)
    stop.end_gracefully()
    server.start()
    poller.start()
    _log.info("serving", listen=settings.web.listen, port=server.port, version=__version__)
    stop.wait()
    _log.info("ending")
    poller.stop()
    server.stop(_PATIENCE)
    # A reader that waits for an answer keeps its thread for as long as the request's timeout, and the interpreter
    # waits for its threads.
    output.finish(_LAST_WORDS)
    os._exit(0)


def _poller(inputs: Inputs) -> Poller:
    if inputs.files:
        try:
            with unpacked(inputs.files) as paths:
                dump = read_dump(paths, inputs.at, inputs.settings)
        except (OSError, ValueError) as error:
            raise Failure(str(error)) from None
        at = inputs.at or (dump.manifest.at if dump.manifest else None)
        return Poller({}, inputs.settings, Clock(at), dump.facts)
    from exporter.cli.readers import readers_of  # noqa: PLC0415 - slow to import, and files do without
    from exporter.facts.cluster.server.connect import connect  # noqa: PLC0415

    try:
        readers = readers_of(inputs.settings, partial(connect, inputs.kubeconfig, inputs.context), scrubs=True)
    except ValueError as error:
        raise Failure(str(error)) from None
    return Poller(readers, inputs.settings, Clock(inputs.at))


def _listener(settings: Settings) -> tuple[Authenticator, socket.socket]:
    try:
        authenticator = Authenticator(Path(settings.web.config_file) if settings.web.config_file else None)
        return authenticator, open_socket(settings.web.listen)
    except WebConfigError as error:
        raise Failure(f"web.config_file: {error}") from None
    except ValueError as error:
        raise Failure(f"web.listen: {error}") from None
    except OSError as error:
        raise Failure(f"web.listen: cannot listen on {settings.web.listen}: {error.strerror or error}") from None
