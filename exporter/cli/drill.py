"""`drill`: restores claims into temporary volumes, to prove that their data can be restored."""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import click
import msgspec

from exporter.cli.inputs import EXIT_BROKEN, EXIT_FINE, EXIT_UNKNOWN, Command, Failure, Inputs, takes_inputs
from exporter.cli.output import as_yaml
from exporter.drill.manifest import manifest
from exporter.drill.plan import Candidate, Limits, Objects, Skipped, planned
from exporter.durations import parse_duration
from exporter.publication.plain import clean
from exporter.quantities import parse_quantity


class _Duration(click.ParamType[timedelta]):
    name = "DURATION"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            return value if isinstance(value, timedelta) else parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Quantity(click.ParamType[Decimal]):
    name = "SIZE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            return value if isinstance(value, Decimal) else parse_quantity(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command(cls=Command)
@click.argument("claims", metavar="[NAMESPACE/PVC]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All claims, longest unproven first.")
@click.option("--every", type=_Duration(), default="0", help="Leave out claims drilled within this time.")
@click.option("--max-size", type=_Quantity(), help="Leave out larger volumes.")
@click.option("--storage-class", default="", metavar="NAME", help="Class of the volumes.  [default: the claim's]")
@click.option("--timeout", type=_Duration(), default="1h", show_default=True, help="Time limit for each restore.")
@click.option("--margin", type=_Duration(), default="10m", show_default=True, help="Start none this close to a backup.")
@click.option(
    "--unfinished",
    type=int,
    default=3,
    show_default=True,
    metavar="NUMBER",
    help="Start none while this many have not ended.",
)
@click.option("--dry-run", is_flag=True, help="Print what it would write.")
@takes_inputs(is_live=True)
def command(
    inputs: Inputs,
    claims: tuple[str, ...],
    everything: bool,
    dry_run: bool,
    max_size: Decimal | None,
    **limits: Any,  # noqa: ANN401 - options that are named as the limits are
) -> None:
    """Restore claims into temporary volumes, one after another.

    VolSync creates and removes the volumes. The ReplicationDestination drill-SOURCE stays as a record.

    \b
    Example: volsync-exporter drill media/photos
             volsync-exporter drill --all --every 7d --max-size 50Gi
    """  # noqa: D301 - click reads the character
    if bool(claims) == everything:
        raise click.UsageError("name the claims like media/photos, or give --all")
    if limits["unfinished"] < 1:
        raise click.UsageError("--unfinished must be at least 1")
    sys.exit(_run(inputs, claims, Limits(largest=max_size, **limits), dry_run=dry_run))


def _run(inputs: Inputs, claims: tuple[str, ...], limits: Limits, *, dry_run: bool) -> int:
    from exporter.cli.readers import connection  # noqa: PLC0415 - slow to import
    from exporter.drill.cluster import Clock, Cluster  # noqa: PLC0415
    from exporter.drill.run import Outcome, drill  # noqa: PLC0415
    from exporter.facts.cluster.server.transport import ReadError  # noqa: PLC0415

    settings = inputs.settings
    try:
        _, client = connection(inputs.kubeconfig, inputs.context)
        cluster = Cluster(client, settings.claims.namespaces, settings.poll.timeout)
        objects = Objects(cluster.sources(), cluster.destinations(), cluster.pvcs())
        chosen, skipped = planned(objects, limits, datetime.now(UTC))
        if claims:
            _demand(claims, chosen, skipped)
            chosen = [one for one in chosen if one.claim in claims]
            skipped = [one for one in skipped if one.claim in claims]
        excluded = settings.claims.exclude_namespaces
        chosen = [one for one in chosen if one.source.namespace not in excluded]
        for one in skipped:
            click.echo(clean(f"{one.claim}: left out: {one.reason}"), err=True)
        if dry_run:
            click.echo("\n---\n".join(_written(one) for one in chosen))
            return EXIT_FINE
        outcomes = set()
        for result in drill(cluster, chosen, limits, Clock()):
            outcomes.add(result.outcome)
            click.echo(clean(f"{result.claim}: {result.text}"))
    except ReadError as error:
        raise Failure(str(error)) from None
    if outcomes & {Outcome.FAILED}:
        return EXIT_BROKEN
    is_short = outcomes & {Outcome.UNTOLD, Outcome.LEFT} or (claims and skipped)
    return EXIT_UNKNOWN if is_short else EXIT_FINE


def _demand(claims: tuple[str, ...], chosen: list[Candidate], skipped: list[Skipped]) -> None:
    known = {one.claim for one in chosen} | {one.claim for one in skipped}
    if missing := [claim for claim in claims if claim not in known]:
        raise Failure(f"{missing[0]}: no ReplicationSource backs up such a PVC")


def _written(one: Candidate) -> str:
    wanted = manifest(one.raw, one.capacity, one.storage_class, "the moment of the drill")
    return as_yaml(msgspec.json.encode(wanted).decode())
