"""The commands by name. Each has a module of its own, which is imported when it is called."""

import difflib
import importlib
from typing import IO, Any, Final

import click
from click.shell_completion import CompletionItem

SUMMARIES: Final = {
    "status": "Print every claim with its state, and the root causes.",
    "explain": "Show one claim's chain: each link's state, and the fix.",
    "doctor": "Check permissions and connections, and show what is missing.",
    "drill": "Restore claims into temporary volumes, as proof.",
    "dump": "Write everything that a verdict needs to a folder or archive.",
    "serve": "Serve metrics, the status page and its JSON.",
    "completion": "Print the script that completes commands in a shell.",
    "version": "Print the version.",
}
_HELP = """\
Shows for every volume that VolSync backs up whether it could be restored now, what is broken if not, and the command
that fixes it.

\b
  volsync-exporter status                      every claim of the cluster
  volsync-exporter status -n media --problems  what is wrong in one namespace
  volsync-exporter explain media/photos        one claim, link by link
  volsync-exporter dump case.tar.gz            what a support case needs
  volsync-exporter status --from case.tar.gz   the same answer from the dump

Exit status: 0 fine, 1 something is unprotected or broken, 2 unknown.
"""


class Misuse(click.UsageError):
    """A command line that makes no sense, shown wrapped between words on a terminal."""

    def __init__(self, error: click.UsageError) -> None:
        super().__init__(error.format_message(), error.ctx)

    def show(self, file: IO[Any] | None = None) -> None:
        if file is not None or self.ctx is None:
            super().show(file)
            return
        from exporter.publication.tables import show_error  # noqa: PLC0415 - slow to import

        click.echo(f"{self.ctx.get_usage()}\nTry '{self.ctx.command_path} --help' for help.\n", err=True)
        show_error(self.message)


class Commands(click.Group):
    """Imports a command when it is called, and knows what a mistyped one was meant to be."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in SUMMARIES:
            return None
        found: click.Command = importlib.import_module(f"exporter.cli.{cmd_name}").command
        return found

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise Misuse(error) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], SUMMARIES, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(SUMMARIES)}."
            raise click.UsageError(f"{error.message.rstrip('.')}. {hint}", ctx) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the commands from their summaries, without importing them."""
        found = [CompletionItem(name, help=about) for name, about in SUMMARIES.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands from their summaries, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from exporter import __version__  # noqa: PLC0415 - slow to look up

        click.echo(f"volsync-exporter {__version__}")
        ctx.exit()


cli = Commands(
    name="volsync-exporter",
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version.",
        )
    ],
)
