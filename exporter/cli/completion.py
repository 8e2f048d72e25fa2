"""`completion`: what a shell needs to complete commands and flags."""

import click
from click.shell_completion import get_completion_class

from exporter.cli.commands import cli

_VARIABLE = "_VOLSYNC_EXPORTER_COMPLETE"


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
