"""`explain`: one claim's chain, link by link."""

import difflib
import sys

import click
from rich.text import Text

from exporter.chain.verdict import ClaimVerdict, Verdict
from exporter.cli.inputs import Command, Failure, Inputs, takes_inputs
from exporter.cli.output import as_yaml, exit_status_of, output_option
from exporter.cli.reading import answer
from exporter.publication.explain import encode, explain
from exporter.publication.plain import clean
from exporter.publication.tables import console_for_errors, console_for_output, origin, show, show_hanging, show_wrapped


@click.command(cls=Command)
@click.argument("claim", metavar="NAMESPACE/PVC")
@output_option("text", "json", "yaml")
@takes_inputs()
def command(inputs: Inputs, claim: str, output: str) -> None:
    """Show one claim's chain link by link: the state, the evidence, and the fix.

    \b
    Example: volsync-exporter explain media/photos
             volsync-exporter explain photos -n media
    """  # noqa: D301 - click reads the character
    found = answer(inputs)
    one = _find(found.verdict, claim, inputs.settings.claims.namespaces)
    if output == "text":
        console = console_for_output()
        show_hanging(console, origin(found.judged, found.verdict.at))
        show(console, Text())
        show_wrapped(console, explain(one, found.verdict.at, inputs.settings.web.runbook_base))
        for note in found.notes:
            show_hanging(console_for_errors(), Text(clean(f"note: {note}")))
    else:
        text = encode(one, found.verdict.at, found.judged)
        click.echo(as_yaml(text) if output == "yaml" else text)
    sys.exit(exit_status_of([one]))


def _find(verdict: Verdict, claim: str, namespaces: tuple[str, ...]) -> ClaimVerdict:
    """The claim of that name.

    Raises:
        Failure: there is none; its message has the one that may have been meant.
    """
    namespace, slash, pvc = claim.partition("/")
    if not slash:
        if len(namespaces) != 1:
            raise click.UsageError(f"{claim!r} is not a claim: write it like media/photos, or add -n NAMESPACE")
        namespace, pvc = namespaces[0], claim
    found = verdict.claim(namespace, pvc)
    if found is not None:
        return found
    keys = [one.key for one in verdict.claims]
    near = difflib.get_close_matches(f"{namespace}/{pvc}", keys, n=1) or [
        one.key for one in verdict.claims if one.pvc == pvc
    ]
    number = f"`volsync-exporter status` lists {len(keys)} {'claim' if len(keys) == 1 else 'claims'}"
    raise Failure(f"{namespace}/{pvc}: there is no such claim; " + (f"did you mean {near[0]}?" if near else number))
