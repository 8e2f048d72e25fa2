"""`doctor`: what the exporter may read and reach, and what is missing."""

import sys
from collections.abc import Sequence

import click
from rich.text import Text

from exporter.chain.binding import Bindings, summarise
from exporter.cli.inputs import EXIT_BROKEN, EXIT_FINE, EXIT_UNKNOWN, Command, Failure, Inputs, takes_inputs
from exporter.cli.output import output_option
from exporter.cli.reading import answer, cluster_name, read_cluster
from exporter.cli.refused import no_cluster
from exporter.facts.model import Check, Facts
from exporter.publication import doctor as checks
from exporter.publication.document import Judged
from exporter.publication.tables import console_for_output, show, show_hanging, show_wrapped


@click.command(cls=Command)
@output_option("table", "json")
@takes_inputs()
def command(inputs: Inputs, output: str) -> None:
    """Check permissions and connections, and show what is missing.

    Exit status: 0 nothing is missing, 1 something is missing, 2 nothing could be checked.
    """
    found, facts, judged = _tried(inputs)
    bindings = summarise(Bindings(facts.cluster, facts.buckets)) if facts else None
    if output == "json":
        click.echo(checks.encode(found, judged, bindings))
    else:
        console = console_for_output()
        show_hanging(console, checks.origin(judged))
        show(console, Text())
        show_wrapped(console, checks.report(found, bindings))
    if facts is None:
        sys.exit(EXIT_UNKNOWN)
    sys.exit(EXIT_BROKEN if any(check.ok is False for check in found) else EXIT_FINE)


def _tried(inputs: Inputs) -> tuple[Sequence[Check], Facts | None, Judged]:
    """What was tried; what can be read now, from which follows whose repositories are known; and of which cluster.

    There are no facts where the API server gives nothing at all.
    """
    if inputs.files:
        found = answer(inputs)
        facts = found.verdict.facts
        return list(checks.checks_of_files(facts)), facts, found.judged
    from exporter.cli.readers import check_access, connection  # noqa: PLC0415 - slow to import, and files do without
    from exporter.facts.cluster.server.transport import ReadError  # noqa: PLC0415

    try:
        context, client = connection(inputs.kubeconfig, inputs.context)
    except ReadError as error:
        raise no_cluster(error) from None
    try:
        tried = list(check_access(inputs.settings, lambda: client))
    except ValueError as error:
        raise Failure(str(error)) from None
    judged = Judged(cluster_name(context, client), inputs.settings_from)
    try:
        return tried, read_cluster(inputs)[0], judged
    except Failure:  # the checks have said why
        return tried, None, judged
