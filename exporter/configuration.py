"""The settings as a user writes them: a YAML file, the environment and flags, the later going before the earlier.

A wrong setting is refused by the name under which it was written. No message quotes a file that is not YAML, or the
credentials in a URL.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from exporter.masking import masked
from exporter.settings import BucketSettings, Settings

PREFIX: Final = "VOLSYNC_EXPORTER_"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"
"""Names the YAML file where no flag does."""
_SERVICE_LINK = re.compile(r"(.+_)?(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_.+)?)?)")
"""What Kubernetes puts into every pod's environment about a Service that is called volsync-exporter."""
_NOT_READ = (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What PyYAML raises for a text that it cannot read: `!!bool x` is a KeyError, a date in month 13 a ValueError."""

Place = tuple[str | int, ...]
"""Where a setting stands: the names of its section and its own, in a list the number."""
Written = tuple[str, Place, object]
"""A variable or flag, the place that it sets, and the value."""


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
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _settings(field.annotation, (*path, name))
        else:
            yield Setting((*path, name), field)


SETTINGS: Final = tuple(_settings(Settings))
BUCKET_SETTINGS: Final = tuple(_settings(BucketSettings, ("buckets", "0")))
"""The settings of one bucket, as the environment names those of the first."""


def load(file: Path | None, environment: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
    """The settings from *file*, *environment* and *flags* (by dotted name).

    Raises:
        ConfigurationError: a setting is wrong, or there is no such setting.
    """
    values = _from_file(file) if file else {}
    written = [*_from_environment(environment), *_from_flags(flags)]
    for origin, place, value in written:
        _put(values, place, _numbered(value, origin) if place == ("buckets",) else value)
    buckets = dict(sorted(values.pop("buckets", {}).items()))
    # An empty section of the file is a section of defaults.
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return Settings.model_validate({**given, "buckets": list(buckets.values())} if buckets else given)
    except ValidationError as error:
        refusals = [_refusal(detail, list(buckets), written, file) for detail in error.errors()]
        raise ConfigurationError("\n".join(map(masked, refusals))) from None


def _from_file(file: Path) -> dict[Any, Any]:
    try:
        content = _yaml(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not UTF-8") from None
    if not isinstance(content, dict | None):
        raise ConfigurationError(f"{file}: should hold settings by name, like `poll: {{cluster: 60s}}`")
    content = {str(name): value for name, value in (content or {}).items()}
    return content | {"buckets": _numbered(content.get("buckets"), str(file))}


def _from_environment(environment: Mapping[str, str]) -> Iterator[Written]:
    places = {setting.environment: setting.path for setting in (*SETTINGS, *BUCKET_SETTINGS)}
    for variable, value in sorted(environment.items()):
        name = variable.removeprefix(PREFIX)
        if variable in (name, CONFIG_VARIABLE):  # another program's, or not a setting
            continue
        bucket = re.match(r"BUCKETS__([0-9]{1,4})__", name)
        path = places.get(f"{PREFIX}BUCKETS__0__{name[bucket.end() :]}" if bucket else variable)
        if path:
            yield variable, ("buckets", int(bucket[1]), path[-1]) if bucket else path, value
        elif not _SERVICE_LINK.fullmatch(name):
            raise ConfigurationError(f"{variable}: there is no such setting{_nearest(variable, places)}")


def _from_flags(flags: Mapping[str, object]) -> Iterator[Written]:
    for setting in SETTINGS:
        if setting.name in flags:
            yield setting.flag, setting.path, flags[setting.name]


def _numbered(value: object, origin: str) -> dict[int, object]:
    """Buckets by number, from the YAML of one or of a list, or from several such texts; a string is a restic URL."""
    texts = value if isinstance(value, list | tuple) else () if value is None else (value,)
    contents = [_yaml(text, origin) if isinstance(text, str) else text for text in texts]
    buckets = [one for each in contents if each is not None for one in (each if isinstance(each, list) else [each])]
    return dict(enumerate({"repository_base": one} if isinstance(one, str) else one for one in buckets))


def _yaml(text: str, origin: str) -> Any:  # noqa: ANN401 - whatever the text holds
    try:
        return yaml.safe_load(text)
    except _NOT_READ as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{origin}: is not YAML{where}") from None


def _put(values: dict[Any, Any], place: Place, value: object) -> None:
    """Put *value* at *place*; what is no section on the way gives way, as its own error would hide others."""
    *way, last = place
    for step in way:
        section = values.get(step)
        values[step] = dict(section) if isinstance(section, dict) else {}  # a copy: an alias in YAML shares it
        values = values[step]
    values[last] = value


def _refusal(detail: ErrorDetails, buckets: list[int], written: list[Written], file: Path | None) -> str:
    """What pydantic says, as a user of settings would; *buckets* are the numbers that the user gave them."""
    place, kind, value = detail["loc"], detail["type"], detail["input"]
    if place[0] == "buckets" and len(place) > 1:
        place = ("buckets", buckets[int(place[1])], *place[2:])
    name = _dotted(place)
    origin = f"{file}: {name}" if file else name
    for writer, start, _ in written:  # the last one that wrote it
        if place == start:
            origin = writer
        elif place[: len(start)] == start:
            origin = f"{writer}: {_dotted(place[len(start) :])}"
    if kind in ("extra_forbidden", "invalid_key"):
        names = [one.name.replace(".0.", f".{place[1]}.") for one in BUCKET_SETTINGS] if len(place) > 2 else []
        return f"{origin}: there is no such setting{_nearest(name, names or [one.name for one in SETTINGS])}"
    if kind == "model_type":
        return f"{origin}: should be a section, with settings of its own"
    message = detail["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    shown = "" if kind == "value_error" or isinstance(value, dict | list | BaseModel) else f"{value!r}: "
    return f"{origin}: {shown}{message}"


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""
