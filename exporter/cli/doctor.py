"""`doctor`: what the exporter may read and reach, and what is missing."""

import sys
from collections.abc import Sequence

import click

from exporter.chain.binding import Bindings, summarise
from exporter.cli.inputs import EXIT_BROKEN, EXIT_FINE, Command, Failure, Inputs, takes_inputs
from exporter.cli.output import output_option
from exporter.cli.reading import answer, read_cluster
from exporter.facts.model import Check, Facts
from exporter.publication import doctor as checks
from exporter.publication.tables import console_for_output, show


@click.command(cls=Command)
@output_option("table", "json")
@takes_inputs()
def command(inputs: Inputs, output: str) -> None:
    """Check what the exporter may read and reach, and say what is missing.

    Exit status: 0 nothing is missing, 1 something is, 2 nothing could be tried.
    """
    found, facts = _tried(inputs)
    bindings = summarise(Bindings(facts.cluster, facts.buckets))
    if output == "json":
        click.echo(checks.encode(found, bindings))
    else:
        show(console_for_output(), checks.report(found, bindings))
    sys.exit(EXIT_BROKEN if any(check.ok is False for check in found) else EXIT_FINE)


def _tried(inputs: Inputs) -> tuple[Sequence[Check], Facts]:
    """What was tried, and what can be read now: whose repositories are known follows from that."""
    if inputs.files:
        facts = answer(inputs).verdict.facts
        return list(checks.checks_of_files(facts)), facts
    from exporter.cli.readers import check_access, connection  # noqa: PLC0415 - slow to import, and files do without
    from exporter.facts.cluster.server.transport import ReadError  # noqa: PLC0415

    try:
        _, client = connection(inputs.kubeconfig, inputs.context)
        found = list(check_access(inputs.settings, lambda: client))
    except (ReadError, ValueError) as error:
        raise Failure(str(error)) from None
    try:
        return found, read_cluster(inputs)[0]
    except Failure:  # the checks have said why
        return found, Facts()
