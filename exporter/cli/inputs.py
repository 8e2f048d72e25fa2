"""What every command takes: where facts come from, the clock, and a flag for every setting."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from exporter.configuration import CONFIG_VARIABLE, SETTINGS, ConfigurationError, Setting, load
from exporter.masking import masked
from exporter.settings import Settings

_FROM = "--from"
_SHORT: Final = {"web.listen": "--listen"}
"""Settings that have a shorter flag beside the one that follows from their name."""
_SECTIONS: Final = {
    "": "Settings",
    "claims": "Settings: which claims",
    "chain": "Settings: the chain's names",
    "grace": "Settings: how long a thing may take",
    "poll": "Settings: reading",
    "web": "Settings: the listener",
}
EXIT_FINE: Final = 0
EXIT_BROKEN: Final = 1
EXIT_UNKNOWN: Final = 2
"""Also what a wrong usage, a wrong setting or an unreadable file ends with."""


class Inputs(msgspec.Struct, frozen=True):
    """What the user gave."""

    settings: Settings
    files: tuple[str, ...]
    """Dumps to take the facts from, or folders of them; empty: from the cluster."""
    at: datetime | None
    """The moment to judge at; None: now."""


class Failure(click.ClickException):
    """Something that the user can mend: its message says what."""

    exit_code = EXIT_UNKNOWN

    def format_message(self) -> str:
        return masked(self.message)


class _Moment(click.ParamType[datetime]):
    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time: write it like 2026-01-18T14:00:00Z", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} has no zone: write it like {value}Z", param, ctx)
        return moment.astimezone(UTC)


class Command(click.Command):
    """A command whose `--from` takes several values, and whose help tells the settings apart."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        takes_argument = any(isinstance(param, click.Argument) for param in self.params)
        return super().parse_args(ctx, _spread(args, only_files=takes_argument))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then each section of settings."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                title = param.section if isinstance(param, _SettingOption) else "Options"
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


class _SettingOption(click.Option):
    """A flag for one setting. Its value is checked together with all the others, not by click."""

    def __init__(self, setting: Setting) -> None:
        flags = [setting.flag, _SHORT[setting.name]] if setting.name in _SHORT else [setting.flag]
        self.setting = setting.name
        self.section = _SECTIONS[setting.section]
        super().__init__(
            [*flags, _identifier(setting)],
            help=setting.field.description,
            multiple=setting.name == "buckets",
            metavar=setting.path[-1].upper(),
        )


def takes_inputs(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command the common options; it is called with an `Inputs` first."""

    def command(
        *args: object, sources: tuple[str, ...], at: datetime | None, config: Path | None, **values: object
    ) -> object:
        flags = {setting.name: values.pop(_identifier(setting)) for setting in SETTINGS}
        given = {name: value for name, value in flags.items() if value is not None and value != ()}
        try:
            settings = load(config, os.environ, given)
        except ConfigurationError as error:
            raise Failure(str(error)) from None
        return function(Inputs(settings, sources, at), *args, **values)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    params: list[click.Parameter] = [
        click.Option(
            [_FROM, "sources"],
            multiple=True,
            metavar="FILE...",
            help="Take the facts from files instead of a cluster: YAML or JSON from kubectl get, JSON from "
            "aws s3api list-objects-v2. A folder stands for the files in it, - for the input.",
        ),
        click.Option(["--at"], type=_Moment(), help="Judge at this moment (RFC 3339) instead of now."),
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path),
            envvar=CONFIG_VARIABLE,
            help="A YAML file with settings. The environment goes before it, and flags before both.",
        ),
        *(_SettingOption(setting) for setting in SETTINGS),
    ]
    own: list[click.Parameter] = getattr(function, "__click_params__", [])
    command.__click_params__ = [*reversed(params), *own]  # type: ignore[attr-defined]
    return command


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
