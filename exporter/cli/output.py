"""What a machine reads: JSON, YAML, names, and the exit status."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
import msgspec

from exporter.chain.verdict import ClaimState, ClaimVerdict, Verdict
from exporter.cli.inputs import EXIT_BROKEN, EXIT_FINE, EXIT_UNKNOWN
from exporter.publication import document

F = TypeVar("F", bound=Callable[..., Any])


def output_option(*forms: str) -> Callable[[F], F]:
    """`-o`, with the first of *forms* as its default."""
    listed = f"{', '.join(forms[:-1])} or {forms[-1]}"
    return click.option(
        "-o",
        "--output",
        type=click.Choice(forms),
        default=forms[0],
        metavar="FORM",
        help=f"{listed}.  [default: {forms[0]}]",
    )


def encoded(verdict: Verdict, form: str, judged: document.Judged) -> str:
    """*verdict* as `json`, `yaml` or `name`: what `explain` takes, one a line."""
    if form == "name":
        return "\n".join(claim.key for claim in verdict.claims)
    text = document.encode(verdict, judged=judged, indent=2).decode()
    return as_yaml(text) if form == "yaml" else text


def as_yaml(text: str) -> str:
    """JSON as YAML."""
    import yaml  # noqa: PLC0415 - only here

    return yaml.safe_dump(msgspec.json.decode(text), sort_keys=False, allow_unicode=True).rstrip("\n")


def exit_status(verdict: Verdict) -> int:
    """The status that `status` ends with."""
    status = exit_status_of(verdict.claims)
    if status == EXIT_FINE and not all(report.up for report in verdict.facts.sources):
        return EXIT_UNKNOWN
    return status


def exit_status_of(claims: Iterable[ClaimVerdict]) -> int:
    """Advisories alone are fine: the next backup can succeed."""
    found = tuple(claims)
    if any(claim.state in (ClaimState.AT_RISK, ClaimState.UNPROTECTED) or claim.problem for claim in found):
        return EXIT_BROKEN
    if any(claim.state is ClaimState.UNKNOWN for claim in found):
        return EXIT_UNKNOWN
    return EXIT_FINE
