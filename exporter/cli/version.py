"""`version`."""

import click

from exporter import __version__


@click.command()
def command() -> None:
    """Print the version."""
    click.echo(f"volsync-exporter {__version__}")
