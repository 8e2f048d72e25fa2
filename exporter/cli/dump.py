"""`dump`: what a verdict rests on, as a folder or archive that `--from` reads."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import click

from exporter import __version__
from exporter.cli.inputs import EXIT_FINE, EXIT_UNKNOWN, Command, Failure, Inputs, takes_inputs
from exporter.facts.cluster.dump.contents import DumpedKind
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.reading import Reading
from exporter.settings import Settings


@click.command(cls=Command)
@click.argument("target", metavar="FOLDER|FILE.tar.gz")
@takes_inputs()
def command(inputs: Inputs, target: str) -> None:
    """Write what a verdict rests on to a folder or archive, without secrets.

    `status --from TARGET` then gives the same answer elsewhere. It lists what
    the exporter reads and nothing else: no Secret, no annotation, and what looks
    like a credential is masked. Where a bucket is set, its listing is added.
    Exit status: 0 all was read, 2 something could not be.
    """
    if inputs.files:
        raise click.UsageError("dump reads a cluster: --from has no place here")
    from exporter.cli.readers import connection  # noqa: PLC0415 - slow to import
    from exporter.facts.cluster.dump.writing import Writer, dump_kind, file_of, listed, manifest  # noqa: PLC0415
    from exporter.facts.cluster.server.api import ClusterReader  # noqa: PLC0415
    from exporter.facts.cluster.server.transport import ReadError  # noqa: PLC0415

    at = datetime.now(UTC)
    try:
        context, client = connection(inputs.kubeconfig, inputs.context)
        reader = ClusterReader(inputs.settings, client)
        _, kubernetes = reader.server_version()
        writer = Writer(target)
    except ReadError as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"{target}: cannot be written: {error.strerror}") from None
    kinds: dict[str, DumpedKind] = {}
    for kind in KINDS:
        kinds[kind.field], objects = dump_kind(reader, kind, inputs.settings)
        if kinds[kind.field].reading is Reading.READ:
            writer.write(file_of(kind), listed(kind, objects), at)
        click.echo(_line(kind.field, kinds[kind.field], len(objects)))
    buckets: dict[str, str] = {}
    for name, listing, number, refused in _listings(inputs.settings):
        if not refused:
            writer.write(f"bucket-{len(buckets)}.json", listing, at)
        buckets[name] = refused
        click.echo(f"{'bucket ' + name:<40} {refused or f'{number} objects'}")
    if not buckets:
        click.echo("no bucket is set: recovery points will be as reported by VolSync")
    about = {"version": __version__, "kubernetes": kubernetes, "context": context, "buckets": buckets}
    writer.write(*manifest(kinds, at, **about), at)
    writer.close()
    click.echo(f"\nWrote {target}. Look through it, then: volsync-exporter status --from {target}")
    failed = any(one.reading is Reading.UNREADABLE for one in kinds.values()) or any(buckets.values())
    sys.exit(EXIT_UNKNOWN if failed else EXIT_FINE)


def _line(field: str, dumped: DumpedKind, number: int) -> str:
    told = f"{number} {'object' if number == 1 else 'objects'}" if dumped.reading is Reading.READ else dumped.detail
    return f"{field:<40} {told}"


def _listings(settings: Settings) -> Iterator[tuple[str, bytes, int, str]]:
    """Of each bucket its name, its listing with the number of objects in it, and why there is none."""
    from exporter.facts.bucket.address import addresses  # noqa: PLC0415 - slow to import

    try:
        found = addresses(settings, os.environ)
    except ValueError as error:
        raise Failure(str(error)) from None
    if not found:
        return
    from exporter.facts.bucket.export import export  # noqa: PLC0415 - the SDK is slow to import

    for address in found:
        yield address.bucket, *export(address, settings)
