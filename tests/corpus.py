"""The scenarios, read: what each expects, its facts, its verdict. `tests/scenarios/README.md` describes them."""

import atexit
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from exporter.chain.judge import judge
from exporter.chain.verdict import Verdict
from exporter.facts.cluster.dump.files import read_files
from exporter.facts.model import Facts
from exporter.settings import Settings
from scripts.compose import NAMES, SCENARIOS, Composition, read, write

__all__ = ["NAMES", "ExpectedClaim", "Scenario", "facts", "files", "folder", "path", "scenario", "settings", "verdict"]


class ExpectedClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one claim's verdict has to be. State, cause, scope and advisories are complete; the rest is a part."""

    state: str
    cause: str | None
    advisories: list[str]
    scope: str | None = None
    links: dict[str, str] = {}
    absent: list[str] = []
    """Links that do not apply."""
    severity: str | None = None
    reason: list[str] = []
    """What the blocking problem's reason holds."""
    command: list[str] = []
    """What its command holds."""
    command_of: dict[str, list[str]] = {}
    """The same of an advisory's."""
    recovery_point: datetime | msgspec.UnsetType | None = msgspec.UNSET
    last_sync: datetime | msgspec.UnsetType | None = msgspec.UNSET
    objective_seconds: float | msgspec.UnsetType | None = msgspec.UNSET
    method: str | None = None


class Scenario(Composition, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in a scenario's file: how its cluster differs from a base, and what has to be said of it."""

    at: datetime
    claims: dict[str, ExpectedClaim]
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    orphans: list[dict[str, str]] = msgspec.field(default_factory=list)
    root_causes: dict[str, list[str]] | None = None
    """Of claims: cause and scope, and whom they hit."""
    not_upstream: list[str] = msgspec.field(default_factory=list)
    explain: str | None = None
    """What `volsync-exporter explain` prints of the claim `explain_of`."""
    explain_of: str | None = None
    """The claim that is explained; else the first one that is not well."""


def path(name: str) -> Path:
    """The file that a scenario stands in."""
    return SCENARIOS / f"{name}.yaml"


@cache
def scenario(name: str) -> Scenario:
    """What stands in the file.

    Raises:
        msgspec.ValidationError: it has a word that is not known; the message names it.
    """
    try:
        return msgspec.convert(read(path(name)), Scenario, strict=False)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(f"{path(name).name}: {error}") from None


def settings(name: str) -> Settings:
    """The settings of a scenario."""
    return Settings.model_validate(scenario(name).settings)


@cache
def folder(name: str) -> Path:
    """The folder that a user would hand over: the objects as kubectl prints them, and the listings of buckets."""
    made = Path(_composed().name) / name
    write(name, made)
    return made


@cache
def _composed() -> TemporaryDirectory[str]:
    """Where the folders lie until the tests end."""
    made = TemporaryDirectory(prefix="volsync-exporter-scenarios-")
    atexit.register(made.cleanup)
    return made


def files(name: str) -> list[Path]:
    """The files in its folder."""
    return sorted(folder(name).iterdir())


@cache
def facts(name: str) -> Facts:
    """What its files say."""
    return read_files(files(name), scenario(name).at, settings(name))


@cache
def verdict(name: str) -> Verdict:
    """What the chain says."""
    return judge(facts(name), settings(name), scenario(name).at)
