"""`completion`: what a shell needs to complete commands and flags, and what kubectl asks to complete its plugin's."""

import sys
from typing import Final

import click
from click.shell_completion import ShellComplete, get_completion_class

from exporter.cli.commands import cli

_VARIABLE: Final = "_VOLSYNC_EXPORTER_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands and flags in a shell.

    \b
    bash:  source <(volsync-exporter completion bash)
    zsh:   source <(volsync-exporter completion zsh)
    fish:  volsync-exporter completion fish | source
    """  # noqa: D301 - click reads the character
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"{shell} is not known")
    click.echo(found(cli, {}, "volsync-exporter", _VARIABLE).source())


_NO_FILES: Final = 4
_FILES: Final = 0
"""Whether the shell completes names of files beside what was printed (cobra `completions.go`, ShellCompDirective)."""


def complete_for_kubectl() -> None:
    """Answer `kubectl_complete-volsync_backups WORD… INCOMPLETE`, as kubectl 1.26 and newer ask for a plugin."""
    *words, incomplete = sys.argv[1:] or [""]
    items = ShellComplete(cli, {}, "volsync-exporter", _VARIABLE).get_completions(words, incomplete)
    for item in items:
        if item.type == "plain":
            click.echo(f"{item.value}\t{item.help}" if item.help else item.value)
    click.echo(f":{_FILES if any(item.type in ('file', 'dir') for item in items) else _NO_FILES}")
