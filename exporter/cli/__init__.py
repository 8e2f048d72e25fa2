"""The command line. Signals are taken care of before anything slow is imported."""

from exporter.cli.stopping import Stop


def main() -> None:
    """Run `volsync-exporter`."""
    stop = Stop()
    stop.install()
    # A process with the id 1 ignores a SIGTERM that it does not handle, and the rest takes a second to import.
    from exporter.cli.commands import cli  # noqa: PLC0415

    cli(obj=stop)
