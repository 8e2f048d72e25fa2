"""`dump`: what a verdict rests on, as a folder or archive that `--from` reads."""

import os
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import click
from rich.text import Text

from exporter import __version__
from exporter.cli.inputs import EXIT_FINE, EXIT_UNKNOWN, Command, Failure, Inputs, takes_inputs
from exporter.cli.refused import no_answer, no_cluster
from exporter.facts.cluster.dump.contents import DumpedKind
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.reading import Reading
from exporter.publication.plain import clean, counted
from exporter.publication.tables import console_for_output, show, show_wrapped
from exporter.settings import Settings

_WIDTH: Final = max(len(kind.field) for kind in KINDS)


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
    console = console_for_output()
    try:
        context, client = connection(inputs.kubeconfig, inputs.context)
    except ReadError as error:
        raise no_cluster(error) from None
    reader = ClusterReader(inputs.settings, client)
    try:
        _, kubernetes = reader.server_version()
    except ReadError as error:
        raise no_answer(context, str(client.configuration.host), error.reason, str(error)) from None
    try:
        writer = Writer(target)
    except OSError as error:
        raise Failure(f"{target}: cannot be written: {error.strerror}") from None
    kinds: dict[str, DumpedKind] = {}
    for kind in KINDS:
        kinds[kind.field], objects = dump_kind(reader, kind, inputs.settings)
        if kinds[kind.field].reading is Reading.READ:
            writer.write(file_of(kind), listed(kind, objects), at)
        show_wrapped(console, _line(kind.field, kinds[kind.field], len(objects)))
    buckets: dict[str, str] = {}
    for name, listing, number, refused in _listings(inputs.settings):
        if not refused:
            writer.write(f"bucket-{len(buckets)}.json", listing, at)
        buckets[name] = refused
        show_wrapped(console, _row("bucket " + name, refused or counted(number, "object")))
    if not buckets:
        show_wrapped(console, Text("No bucket is set: recovery points will be as reported by VolSync."))
    about = {"version": __version__, "kubernetes": kubernetes, "context": context, "buckets": buckets}
    writer.write(*manifest(kinds, at, **about), at)
    writer.close()
    show(console, Text())
    show_wrapped(console, Text(f"Wrote {clean(target)}. Look through it before you hand it on. What it tells:"))
    show(console, Text(f"$ volsync-exporter status --from {shlex.quote(target)}"))
    failed = any(one.reading is Reading.UNREADABLE for one in kinds.values()) or any(buckets.values())
    sys.exit(EXIT_UNKNOWN if failed else EXIT_FINE)


def _line(field: str, dumped: DumpedKind, number: int) -> Text:
    return _row(field, counted(number, "object") if dumped.reading is Reading.READ else dumped.detail)


def _row(what: str, told: str) -> Text:
    return Text(f"{what:<{_WIDTH}}  {clean(told)}")


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
