"""`serve`, `status`, `explain`, `doctor`: facts in, a verdict out."""

import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import structlog

from exporter import __version__, logs
from exporter.chain.binding import Bindings, summarise
from exporter.chain.judge import judge
from exporter.chain.verdict import ClaimState, ClaimVerdict, Verdict
from exporter.cli.inputs import EXIT_BROKEN, EXIT_FINE, EXIT_UNKNOWN, Command, Failure, Inputs, takes_inputs
from exporter.cli.stopping import Stop
from exporter.facts.cluster.dump.files import read_files
from exporter.facts.model import Check, Facts
from exporter.polling.clock import Clock
from exporter.polling.poller import Poller
from exporter.publication import doctor as checks
from exporter.publication import document
from exporter.publication.explain import explain as explain_claim
from exporter.publication.families import Telemetry
from exporter.publication.server import Server, open_socket
from exporter.publication.site import Site
from exporter.publication.tables import console_for_output, show, show_status
from exporter.publication.web_config import Authenticator, WebConfigError
from exporter.settings import Settings

_log = structlog.get_logger()

_PATIENCE = 1.0
"""Seconds that an open scrape gets once the process is told to end."""
_LAST_WORDS = 0.5
"""Seconds that the log's last lines get to be written."""
_output = click.option(
    "--output", "-o", type=click.Choice(["table", "json"]), default="table", help="What to print.", show_default=True
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="volsync-exporter")
def cli() -> None:
    """Tell whether every volume could be restored now, what is broken if not, and what to type to mend it."""


@cli.command()
def version() -> None:
    """Print the version."""
    click.echo(f"volsync-exporter {__version__}")


@cli.command(cls=Command)
@takes_inputs
@click.pass_obj
def serve(stop: Stop, inputs: Inputs) -> None:
    """Read again and again, and serve metrics, the status page and its JSON until told to end."""
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
    stop.take_care()
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


@cli.command(cls=Command)
@_output
@takes_inputs
def status(inputs: Inputs, output: str) -> None:
    """Print every claim with its state and cause, the root causes first."""
    verdict = _verdict(inputs)
    if output == "json":
        click.echo(document.encode(verdict, indent=2))
    else:
        show_status(console_for_output(), verdict)
    sys.exit(_exit_status(verdict))


@cli.command(cls=Command)
@click.argument("claim", metavar="NAMESPACE/PVC")
@takes_inputs
def explain(inputs: Inputs, claim: str) -> None:
    """Walk one claim's chain link by link, with what shows each state and what mends it."""
    namespace, slash, pvc = claim.partition("/")
    if not (namespace and slash and pvc):
        raise click.UsageError(f"{claim!r} is no claim: write it like karakeep/data-pvc")
    verdict = _verdict(inputs)
    found = verdict.claim(namespace, pvc)
    if found is None:
        raise Failure(f"{claim}: no such claim; `volsync-exporter status` lists {len(verdict.claims)}")
    show(console_for_output(), explain_claim(found, verdict.at))
    sys.exit(_exit_status_of([found]))


@cli.command(cls=Command)
@_output
@takes_inputs
def doctor(inputs: Inputs, output: str) -> None:
    """Check what the exporter may read and reach, and say what is missing, and whose repositories are not known."""
    _quiet(inputs.settings)
    found = _checks(inputs)
    facts = _facts_now(inputs)
    bindings = summarise(Bindings(facts.cluster, facts.buckets))
    if output == "json":
        click.echo(checks.encode(found, bindings))
    else:
        show(console_for_output(), checks.report(found, bindings))
    sys.exit(EXIT_BROKEN if any(check.ok is False for check in found) else EXIT_FINE)


def _checks(inputs: Inputs) -> list[Check]:
    if inputs.files:
        return list(checks.checks_of_files(_facts(inputs)))
    from exporter.cli.readers import check_access  # noqa: PLC0415 - slow to import, and files do without

    try:
        return list(check_access(inputs.settings))
    except ValueError as error:
        raise Failure(str(error)) from None


def _verdict(inputs: Inputs) -> Verdict:
    _quiet(inputs.settings)
    if inputs.files:
        return judge(_facts(inputs), inputs.settings, _at(inputs))
    poller = _poller(inputs)
    poller.read_once()
    return judge(poller.facts, inputs.settings, poller.now())


def _facts_now(inputs: Inputs) -> Facts:
    if inputs.files:
        return _facts(inputs)
    poller = _poller(inputs)
    poller.read_once()
    return poller.facts


def _poller(inputs: Inputs) -> Poller:
    if inputs.files:
        return Poller({}, inputs.settings, Clock(_at(inputs)), _facts(inputs))
    from exporter.cli.readers import readers_of  # noqa: PLC0415 - slow to import, and files do without

    try:
        readers = readers_of(inputs.settings)
    except ValueError as error:
        raise Failure(str(error)) from None
    return Poller(readers, inputs.settings, Clock(inputs.at))


def _facts(inputs: Inputs) -> Facts:
    try:
        return read_files(inputs.files, _at(inputs), inputs.settings)
    except (OSError, ValueError) as error:
        raise Failure(str(error)) from None


def _at(inputs: Inputs) -> datetime:
    return inputs.at or datetime.now(UTC)


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


def _quiet(settings: Settings) -> None:
    """A command that prints an answer logs what it is asked to log, or errors alone."""
    level = settings.log_level if "log_level" in settings.model_fields_set else "error"
    logs.configure(settings.log_format, level)


def _exit_status(verdict: Verdict) -> int:
    status = _exit_status_of(list(verdict.claims))
    if status == EXIT_FINE and not all(report.up for report in verdict.facts.sources):
        return EXIT_UNKNOWN
    return status


def _exit_status_of(claims: list[ClaimVerdict]) -> int:
    """Advisories alone are fine: the next backup can succeed."""
    if any(claim.state in (ClaimState.AT_RISK, ClaimState.UNPROTECTED) or claim.problem for claim in claims):
        return EXIT_BROKEN
    if any(claim.state is ClaimState.UNKNOWN for claim in claims):
        return EXIT_UNKNOWN
    return EXIT_FINE
