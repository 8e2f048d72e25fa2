"""The settings as a user writes them: a YAML file, the environment and flags, each going before the one named first.

Every value remembers where it came from, so that a wrong one is refused by the name under which it was written.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from exporter.settings import BucketSettings, Settings

PREFIX: Final = "VOLSYNC_EXPORTER_"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"
"""Names the YAML file where no flag does."""
_SERVICE_LINK = re.compile(r"(.+_)?(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_.+)?)?)")
"""What Kubernetes puts into every pod's environment about a Service that is called volsync-exporter."""

Path_ = tuple[str | int, ...]


class ConfigurationError(Exception):
    """A setting that cannot be used; the message names it as the user wrote it, and says what would do."""


class Setting(msgspec.Struct, frozen=True):
    """One setting, under its three names."""

    path: tuple[str, ...]
    field: FieldInfo

    @property
    def name(self) -> str:
        """Its place in the YAML file, dotted."""
        return ".".join(self.path)

    @property
    def environment(self) -> str:
        return PREFIX + "__".join(self.path).upper()

    @property
    def flag(self) -> str:
        return "--" + "-".join(self.path).replace("_", "-")

    @property
    def section(self) -> str:
        """The part of the file that it stands in; empty for the top."""
        return self.path[0] if len(self.path) > 1 else ""


def _settings(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _settings(kind, (*path, name))
        else:
            yield Setting((*path, name), field)


SETTINGS: Final = tuple(_settings(Settings))
BUCKET_SETTINGS: Final = tuple(_settings(BucketSettings, ("buckets", "0")))
"""The settings of one bucket, as the environment names those of the first."""


def load(file: Path | None, environment: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
    """The settings from *file*, *environment* and *flags* (by dotted name), the later going before the earlier.

    Raises:
        ConfigurationError: a setting is wrong, or there is no such setting.
    """
    values: dict[str, Any] = {}
    origins: dict[Path_, str] = {}
    if file is not None:
        _merge(values, origins, _from_file(file), f"{file}: ")
    for variable, path, text in _from_environment(environment):
        _set(values, path, _parsed(path, text, variable))
        origins[path] = variable
    by_name = {setting.name: setting for setting in SETTINGS}
    for name, value in flags.items():
        setting = by_name[name]
        _set(values, setting.path, _parsed(setting.path, value, setting.flag))
        origins[setting.path] = setting.flag
    try:
        return Settings.model_validate(_finished(values))
    except ValidationError as error:
        raise ConfigurationError("\n".join(_explained(detail, origins) for detail in error.errors())) from None


# --- the file


def _from_file(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: is no YAML: {' '.join(str(error).split())}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file}: should hold settings by name, like `poll: {{cluster: 60s}}`")
    return content


def _merge(values: dict[str, Any], origins: dict[Path_, str], content: dict[str, Any], prefix: str) -> None:
    values.update(content)
    for path in _leaves(content):
        origins[path] = prefix + ".".join(map(str, path))


def _leaves(node: object, path: Path_ = ()) -> Iterator[Path_]:
    yield path
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, (*path, str(key)))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _leaves(value, (*path, number))


# --- the environment


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Path_, str]]:
    known = {setting.environment: setting.path for setting in SETTINGS}
    bucket = {setting.path[-1].upper(): setting.path[-1] for setting in BUCKET_SETTINGS}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE:
            continue
        if path := known.get(variable):
            yield variable, path, environment[variable]
        elif (part := re.fullmatch(PREFIX + r"BUCKETS__(\d)__(\w+)", variable)) and part[2] in bucket:
            yield variable, ("buckets", int(part[1]), bucket[part[2]]), environment[variable]
        elif not _SERVICE_LINK.fullmatch(variable.removeprefix(PREFIX)):
            raise ConfigurationError(f"{variable}: there is no such setting{_nearest(variable, known)}")


def _parsed(path: Path_, value: object, origin: str) -> object:
    """*value* as YAML where the setting is a list of buckets; pydantic reads everything else from text."""
    if path != ("buckets",):
        return value
    texts = value if isinstance(value, tuple) else (value,)
    buckets: list[object] = []
    for text in texts:
        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"{origin}: is no YAML: {' '.join(str(error).split())}") from None
        buckets += content if isinstance(content, list) else [content] if content else []
    return buckets


# --- all of them


def _set(values: dict[str, Any], path: Path_, value: object) -> None:
    """Put *value* at *path*; a part of the file that is no section gives way, as its own error would hide others."""
    node: dict[Any, Any] = values
    for step in path[:-1]:
        following = node.get(step)
        if isinstance(following, list):
            following = dict(enumerate(following))
        if not isinstance(following, dict):
            following = {}
        node[step] = following
        node = following
    node[path[-1]] = value


def _finished(values: dict[str, Any]) -> dict[str, Any]:
    """*values* with the buckets as a list again, each of them a mapping."""
    buckets = values.get("buckets")
    if isinstance(buckets, dict):
        buckets = [buckets[number] for number in sorted(buckets)]
    if isinstance(buckets, list):
        values = {**values, "buckets": [{"repository_base": b} if isinstance(b, str) else b for b in buckets]}
    # An empty section of the file is a section of defaults.
    return {name: value for name, value in values.items() if value is not None}


def _explained(detail: ErrorDetails, origins: Mapping[Path_, str]) -> str:
    path: Path_ = tuple(detail["loc"])
    if detail["type"] == "extra_forbidden":
        name = ".".join(map(str, path))
        names = {setting.name for setting in (*SETTINGS, *BUCKET_SETTINGS)}
        return f"{_origin(path, origins)}: there is no such setting{_nearest(name, names)}"
    message = _message(detail)
    if not path and (named := re.match(r"(\w+): ", message)):  # a rule of the whole model names its setting itself
        path, message = (named[1],), message.removeprefix(named[0])
    value = repr(detail["input"])
    shown = "" if value in message or isinstance(detail["input"], dict | list | BaseModel) else f"{value}: "
    return f"{_origin(path, origins)}: {shown}{message}"


def _message(detail: ErrorDetails) -> str:
    """What pydantic says, as a user of settings would."""
    if detail["type"] == "model_type":
        return "should be a section, with settings of its own"
    return detail["msg"].removeprefix("Value error, ").replace("Input should be", "should be")


def _origin(path: Path_, origins: Mapping[Path_, str]) -> str:
    for length in range(len(path), 0, -1):
        if origin := origins.get(path[:length]):
            rest = ".".join(map(str, path[length:]))
            return f"{origin}: {rest}" if rest else origin
    return ".".join(map(str, path))


def _nearest(name: str, names: Mapping[str, object] | set[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""
