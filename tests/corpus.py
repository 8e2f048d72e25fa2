"""The scenario folders, read: what each expects, its facts, its verdict. `tests/scenarios/README.md` describes them."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from exporter.chain.judge import judge
from exporter.chain.verdict import Verdict
from exporter.facts.cluster.dump.files import read_files
from exporter.facts.model import Facts
from exporter.settings import Settings

SCENARIOS = Path(__file__).parent / "scenarios"
NAMES = sorted(folder.name for folder in SCENARIOS.iterdir() if folder.is_dir())


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


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in a folder's `expect.yaml`."""

    about: str
    at: datetime
    claims: dict[str, ExpectedClaim]
    settings: dict[str, Any] = {}
    orphans: list[dict[str, str]] = []
    root_causes: dict[str, list[str]] | None = None
    """Of claims: cause and scope, and whom they hit."""
    explain: str | None = None
    """The claim of `explain.txt`; else the first one that is not well."""
    not_upstream: list[str] = []


@cache
def expectation(name: str) -> Expectation:
    """What it should say.

    Raises:
        msgspec.ValidationError: `expect.yaml` has a word that is not known.
    """
    return msgspec.convert(yaml.safe_load((SCENARIOS / name / "expect.yaml").read_text()), Expectation, strict=False)


def settings(name: str) -> Settings:
    """The settings of a scenario."""
    return Settings.model_validate(expectation(name).settings)


def files(name: str) -> list[Path]:
    """The files that a user would hand over."""
    folder = SCENARIOS / name
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".json") and path.name != "expect.yaml")


@cache
def facts(name: str) -> Facts:
    """What its files say."""
    return read_files(files(name), expectation(name).at, settings(name))


@cache
def verdict(name: str) -> Verdict:
    """What the chain says."""
    return judge(facts(name), settings(name), expectation(name).at)
