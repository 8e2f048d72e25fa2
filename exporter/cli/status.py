"""`status`: every claim with its state, and the root causes."""

import sys
from collections.abc import Callable
from time import sleep
from typing import Final

import click
import msgspec
from rich.text import Text

from exporter.chain.selection import LABEL
from exporter.chain.verdict import ClaimState, ClaimVerdict, Verdict
from exporter.cli.inputs import EXIT_UNKNOWN, Command, Failure, Inputs, takes_inputs
from exporter.cli.output import encoded, exit_status, output_option
from exporter.cli.reading import Answer, answer
from exporter.cli.selector import SelectorError, parse, selects
from exporter.publication.plain import clean
from exporter.publication.tables import TableView, console_for_errors, console_for_output, show_hanging, show_status
from exporter.settings import Settings

_NO_TROUBLE: Final = (ClaimState.PROTECTED, ClaimState.STARTING, ClaimState.EXEMPT)
_PAUSE: Final = 10.0
"""Seconds between two reads of `--watch`."""


@click.command(cls=Command)
@click.option("-l", "--selector", metavar="SELECTOR", default="", help="Only claims with these labels, like app=x.")
@click.option("--problems", is_flag=True, help="Only claims with problems.")
@output_option("table", "wide", "json", "yaml", "name")
@click.option("-w", "--watch", is_flag=True, help=f"Print it again every {_PAUSE:.0f} seconds.")
@takes_inputs()
def command(inputs: Inputs, selector: str, problems: bool, output: str, watch: bool) -> None:
    """Print every claim with its state, and the root causes, worst last.

    Exit status: 0 fine, 1 something is unprotected or broken, 2 unknown.
    """
    chosen = _chooser(selector, problems=problems)
    found = answer(inputs)
    while True:
        shown = msgspec.structs.replace(found, verdict=chosen(found.verdict))
        if watch and sys.stdout.isatty():
            click.clear()
        _print(shown, output, inputs.settings, of=len(found.verdict.claims))
        if not watch:
            # Nothing that could be judged is as asked for: a label that is misspelt is no all-clear.
            is_untold = bool(selector) and not shown.verdict.claims and not problems
            sys.exit(EXIT_UNKNOWN if is_untold else exit_status(shown.verdict))
        sys.stdout.flush()
        found = _next(inputs)
        if not sys.stdout.isatty():
            click.echo()


def _next(inputs: Inputs) -> Answer:
    """The next answer of a watch: an API server that is gone for a while does not end it."""
    while True:
        sleep(_PAUSE)
        try:
            return answer(inputs)
        except Failure as error:
            error.show()


def _print(found: Answer, output: str, settings: Settings, of: int) -> None:
    if output in ("table", "wide"):
        view = TableView(
            judged=found.judged,
            runbook_base=settings.web.runbook_base,
            of=of,
            is_wide=output == "wide",
            in_namespace=len(settings.claims.namespaces) == 1,
            label=settings.claims.label or LABEL,
        )
        show_status(console_for_output(), found.verdict, view)
        for note in found.notes:
            show_hanging(console_for_errors(), Text(clean(f"note: {note}")))
    else:
        click.echo(encoded(found.verdict, output, found.judged))


def _chooser(text: str, *, problems: bool) -> Callable[[Verdict], Verdict]:
    """What leaves of a verdict the claims that are asked for, and the root causes that hit one of them."""
    try:
        selector = parse(text)
    except SelectorError as error:
        raise click.UsageError(str(error)) from None

    def choose(verdict: Verdict) -> Verdict:
        if not text and not problems:
            return verdict
        pvcs = verdict.facts.cluster.core.pvcs

        def is_chosen(claim: ClaimVerdict) -> bool:
            pvc = pvcs.get((claim.namespace, claim.pvc))
            is_selected = not text or selects(selector, pvc.metadata.labels if pvc else None)
            return is_selected and not (problems and is_well(claim))

        claims = tuple(claim for claim in verdict.claims if is_chosen(claim))
        keys = {claim.key for claim in claims}
        causes = tuple(cause for cause in verdict.root_causes if not text or keys.intersection(cause.claims))
        return msgspec.structs.replace(
            verdict, claims=claims, root_causes=causes, orphans=() if text else verdict.orphans
        )

    return choose


def is_well(claim: ClaimVerdict) -> bool:
    """Whether nothing about the claim needs a person."""
    return claim.state in _NO_TROUBLE and not claim.problems
