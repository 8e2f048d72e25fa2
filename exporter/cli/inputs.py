"""What every command takes: where facts come from, the clock, and a flag for every setting."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import IO, Any, Final

import click
import msgspec
from pydantic_core import PydanticUndefined

from exporter.configuration import CONFIG_VARIABLE, PREFIX, SETTINGS, ConfigurationError, Setting, load
from exporter.durations import format_duration
from exporter.masking import masked
from exporter.settings import Settings

_FROM = "--from"
_SHORT: Final = {"web.listen": "--listen"}
"""Settings that have a shorter flag beside the one that follows from their name."""
_SECTIONS: Final = {
    "": "Settings",
    "claims": "Settings: which claims",
    "chain": "Settings: the chain's names",
    "grace": "Settings: grace periods",
    "poll": "Settings: polling",
    "scrub": "Settings: scrubbing",
    "web": "Settings: the listener",
}
_PRECEDENCE = (
    "Settings can also be given in a YAML file (grace.mover_start for --grace-mover-start) or in the environment "
    "(VOLSYNC_EXPORTER_GRACE__MOVER_START). The environment overrides the file, flags override both."
)
EXIT_FINE: Final = 0
EXIT_BROKEN: Final = 1
EXIT_UNKNOWN: Final = 2
"""Also what a wrong usage, a wrong setting, an unreadable file or cluster ends with."""


class Inputs(msgspec.Struct, frozen=True):
    """What the user gave."""

    settings: Settings
    settings_from: str
    """What set them: a file, the environment, flags; or that nothing did."""
    files: tuple[str, ...] = ()
    """Dumps to take the facts from, or folders or archives of them; empty: from the cluster."""
    at: datetime | None = None
    """The moment to judge at; None: now, or when the dump was made."""
    kubeconfig: str = ""
    context: str = ""


class Failure(click.ClickException):
    """Something that the user can fix: its message says what."""

    exit_code = EXIT_UNKNOWN

    def format_message(self) -> str:
        return masked(self.message)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print it, wrapped between words on a terminal."""
        from exporter.publication.tables import show_error  # noqa: PLC0415 - slow to import

        if file is not None:
            super().show(file)
            return
        show_error(self.format_message())


class _Moment(click.ParamType[datetime]):
    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time: write it like 2026-01-18T14:00:00Z", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no time zone: write it like {value}Z", param, ctx)
        return moment.astimezone(UTC)


class Command(click.Command):
    """A command whose `--from` takes several values. Its help has its own options; settings have a help of theirs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        takes_argument = any(isinstance(param, click.Argument) for param in self.params)
        return super().parse_args(ctx, _spread(args, only_files=takes_argument))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options."""
        own = [param for param in self.get_params(ctx) if type(param) is click.Option]
        records = [record for param in own if (record := param.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(records)

    def settings_help(self, ctx: click.Context) -> str:
        """Every setting's flag by section, with its default."""
        formatter = ctx.make_formatter()
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if isinstance(param, SettingOption) and (record := param.get_help_record(ctx)):
                sections.setdefault(param.section, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)
        formatter.write_paragraph()
        formatter.write_text(_PRECEDENCE)
        return formatter.getvalue().strip("\n")


class SettingOption(click.Option):
    """A flag for one setting. Its value is checked together with all the others, not by click."""

    def __init__(self, setting: Setting) -> None:
        flags = [setting.flag, _SHORT[setting.name]] if setting.name in _SHORT else [setting.flag]
        self.setting = setting.name
        self.section = _SECTIONS[setting.section]
        default = written(setting.field.default)
        super().__init__(
            [*flags, _identifier(setting)],
            help=f"{setting.field.description}{f' [default: {default}]' if default else ''}",
            multiple=setting.name == "buckets",
            metavar=setting.path[-1].upper(),
        )


def written(value: object) -> str:
    """A setting's default as a user writes it; empty where there is none."""
    if value is PydanticUndefined or value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(map(written, value))
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return format_duration(value).replace(" ", "")
    return str(value)


def takes_inputs(
    *, is_scoped: bool = True, is_live: bool = False
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Give a command the common options; it is called with an `Inputs` first.

    One that *is_scoped* also takes kubectl's `-n` and `-A`; one that *is_live* has a cluster before it, and no dump.
    """

    def decorate(function: Callable[..., object]) -> Callable[..., object]:
        def command(
            *args: object,
            config: Path | None,
            kubeconfig: str,
            context: str,
            sources: tuple[str, ...] = (),
            at: datetime | None = None,
            namespaces: tuple[str, ...] = (),
            all_namespaces: bool = False,
            **values: object,
        ) -> object:
            flags = {setting.name: values.pop(_identifier(setting)) for setting in SETTINGS}
            given = {name: value for name, value in flags.items() if value is not None and value != ()}
            origin = _origin(config, given)
            if namespaces and all_namespaces:
                raise click.UsageError("-n and -A exclude each other")
            if namespaces or all_namespaces:
                given["claims.namespaces"] = namespaces
            try:
                settings = load(config, os.environ, given)
            except ConfigurationError as error:
                raise Failure(str(error)) from None
            inputs = Inputs(settings, origin, sources, at, kubeconfig or "", context or "")
            return function(inputs, *args, **values)

        command.__name__, command.__doc__ = function.__name__, function.__doc__
        own: list[click.Parameter] = getattr(function, "__click_params__", [])
        scoping, dump = _scoping() if is_scoped else [], [] if is_live else _of_a_dump()
        common = [*scoping, *_of_a_cluster(), *dump, *_common(), *(SettingOption(setting) for setting in SETTINGS)]
        command.__click_params__ = [*reversed(common), *own]  # type: ignore[attr-defined]
        return command

    return decorate


def _scoping() -> list[click.Parameter]:
    return [
        click.Option(
            ["-n", "--namespace", "namespaces"],
            multiple=True,
            metavar="NAME",
            help="Only this namespace; repeatable.  [default: all]",
        ),
        click.Option(["-A", "--all-namespaces"], is_flag=True, help="All namespaces, whatever the settings say."),
    ]


def _of_a_cluster() -> list[click.Parameter]:
    return [
        click.Option(["--context"], metavar="NAME", help="Context in the kubeconfig.  [default: current]"),
        click.Option(["--kubeconfig"], metavar="FILE", help="[default: $KUBECONFIG, or ~/.kube/config]"),
    ]


def _of_a_dump() -> list[click.Parameter]:
    return [
        click.Option(
            [_FROM, "sources"],
            multiple=True,
            metavar="PATH...",
            help="Read a dump: files, folders, FILE.tar.gz, -",
        ),
        click.Option(["--at"], type=_Moment(), help="Judge as of 2026-01-18T14:00:00Z.  [default: now]"),
    ]


def _common() -> list[click.Parameter]:
    return [
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            envvar=CONFIG_VARIABLE,
            help="Settings file (YAML).",
        ),
        click.Option(
            ["--help-settings"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_settings,
            help="Show the flags of all settings and exit.",
        ),
    ]


def _show_settings(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing and isinstance(ctx.command, Command):
        click.echo(ctx.command.settings_help(ctx))
        ctx.exit()


def _origin(config: Path | None, flags: Mapping[str, object]) -> str:
    """What set the settings, for a person."""
    variables = any(name.startswith(PREFIX) and name != CONFIG_VARIABLE for name in os.environ)
    parts = [str(config) if config else "", "the environment" if variables else "", "flags" if flags else ""]
    return " and ".join(part for part in parts if part) or "defaults"


def _identifier(setting: Setting) -> str:
    return "setting_" + "_".join(setting.path)


def _spread(args: Sequence[str], *, only_files: bool) -> list[str]:
    """`--from a b` as `--from a --from b`, which click understands.

    Values run up to the next option. Where the command has an argument too, only what exists is a value after the
    first one, so that the argument may stand last.
    """
    spread: list[str] = []
    values = 0
    for position, arg in enumerate(args):
        if arg == "--":
            return [*spread, *args[position:]]
        if arg == _FROM:
            values = 1
        elif values == 0 or (arg.startswith("-") and arg != "-"):
            values = 0
        elif values > 1:
            if not only_files or Path(arg).exists():
                spread.append(_FROM)
            else:
                values = 0
        else:
            values += 1
        spread.append(arg)
    return spread
