"""Make the generated pages of docs/: `generate_docs.py`; with `--check` only see whether they are current."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from exporter.chain.causes import CATALOGUE, Cause, Impact, Link
from exporter.configuration import BUCKET_SETTINGS, CONFIG_VARIABLE, SETTINGS, Setting
from exporter.durations import format_duration
from exporter.facts.cluster.kinds import KINDS
from exporter.publication.families import TELEMETRY_FAMILIES, VERDICT_FAMILIES, Family
from exporter.settings import Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
MADE = "<!-- Made by scripts/generate_docs.py: change it there, or in the catalogue that it reads. -->"

_METRICS = """\
Claims are told by `namespace` and `pvc`; the scrape has to honour these labels (`honorLabels: true`). State sets carry
every state, 1 for the one that holds. A value that does not exist is no series. Verdicts are reached in the background,
when facts have come and every 15 seconds; a scrape publishes the last one. Only ages are computed at the scrape.

A repository has the `namespace` and `pvc` of each claim that writes to it; of one that is left, those of the claim that
did, as far as that is known; else they are empty. `bucket` is the bucket's name. Where several of the buckets that are
read have one name, it is `host/bucket` for each of these, and `host/bucket/prefix` where they are parts of one bucket.
"""

_CAUSES = """\
Everything that can break a backup, in the order of the chain. A claim has at most one blocking cause: that of its first
broken link. In a command, `<word>` stands for a name that the verdict fills in.
"""

_SETTINGS = f"""\
A setting stands in a YAML file (`--config FILE`, or the file that `{CONFIG_VARIABLE}` names), in the environment, or
in a flag. The environment overrides the file, and flags override both. A wrong setting, or one that does not exist,
is refused at the start. Durations are written like `90s`, `15m`, `1h30m`, `2d`; lists in the environment and in flags
with commas.

```yaml
# the environment's VOLSYNC_EXPORTER_GRACE__MOVER_START, and --grace-mover-start
grace:
  mover_start: 20m
```

"""

_BUCKETS = """\
A list, of as many buckets as there are. In the environment `VOLSYNC_EXPORTER_BUCKETS` takes it as YAML, and the
variables below set the first bucket's parts (`__1__` the second's). The flag `--buckets` takes one bucket and may be
repeated. A restic URL alone stands for a bucket: `--buckets s3:http://host:9000/bucket/prefix/`.
"""


_DUMP = """\
What a support case needs, and what `--from` reads in place of a cluster.

## With the program

```console
volsync-exporter dump case.tar.gz
volsync-exporter status --from case.tar.gz
```

`dump` writes a folder, or an archive where the name ends in `.tar.gz`. It lists the kinds below as the exporter
itself does, and a manifest: when it was made, of which cluster, which kinds could not be read, and why. `--from` then
judges at the moment that the dump was made; `--at` chooses another one.

No Secret is read (with `--secrets metadata` their names are, without their data). Annotations that the exporter does
not read are dropped, literal values of containers' environments too, and what looks like a credential is masked.
Names of namespaces, claims and nodes are not: look through the files before you hand them on.

Where a bucket is set (`--buckets`, or `RESTIC_REPOSITORY_BASE` with the usual AWS variables), its listing is added:
keys, sizes and times, no content.

## By hand

Where the program cannot run, kubectl can. Each kind goes into a file of its own, whose name says what there is none
of where the list is empty:

```sh
mkdir dump
for kind in \\
KINDS
do
  kubectl get "$kind" --all-namespaces --output json > "dump/$kind.json"
done
```

kubectl's error for a kind that the cluster does not have leaves an empty file, which is skipped. Never dump Secrets:
they are not needed. A bucket's listing:

```sh
aws s3api list-objects-v2 --bucket volsync-backup --output json > dump/volsync-backup.json
```

## What is not in a dump

A kind that a dump does not hold is *unknown*, never *not there*. What rests on it is `unknown`, and where nothing
else is wrong the exit status is 2. A folder of which nothing can be used is an error that says what was skipped and
why.
"""


def main() -> int:
    """Write the pages, or with `--check` name those that are not current and return 1."""
    made = {DOCS / name: "\n".join(lines).rstrip() + "\n" for name, lines in _pages()}
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"docs/{path.name} is not current: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    DOCS.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(made[path], encoding="utf-8")
    return 0


def _pages() -> Iterator[tuple[str, Iterator[str]]]:
    yield "metrics.md", _metrics()
    yield "causes.md", _causes()
    yield "settings.md", _settings()
    yield "dump.md", _dump()


# --- dump


def _dump() -> Iterator[str]:
    yield "# Dumps"
    yield f"\n{MADE}\n"
    names = dict.fromkeys(f"{kind.plural}.{kind.group}".strip(".") for kind in KINDS if not kind.metadata_only)
    lines = " \\\n".join(f"  {name}" for name in names)
    yield _DUMP.replace("KINDS", lines)


# --- metrics


def _metrics() -> Iterator[str]:
    yield "# Metrics"
    yield f"\n{MADE}\n"
    yield _METRICS
    yield "## About the backups\n"
    yield from _families(VERDICT_FAMILIES)
    yield "\n## About the exporter\n"
    yield from _families(TELEMETRY_FAMILIES)
    yield "\nBeside these stand the process's own (`process_*`, `python_*`), as prometheus_client makes them."


def _families(families: tuple[Family[Any], ...]) -> Iterator[str]:
    yield "| metric | type | labels | meaning |"
    yield "| --- | --- | --- | --- |"
    for family in families:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        yield f"| `{family.name}` | {family.kind} | {labels} | {_cell(family.help)} |"


# --- causes


def _causes() -> Iterator[str]:
    yield "# Causes"
    yield f"\n{MADE}\n"
    yield _CAUSES
    for link in Link:
        causes = [cause for cause, entry in CATALOGUE.items() if entry.link is link]
        if causes:
            yield f"## {_LINKS[link]}\n"
            for cause in causes:
                yield from _cause(cause)


_LINKS = {
    Link.POLICY: "Policy",
    Link.NAMESPACE: "Namespace",
    Link.BASE_SECRET: "Base secret",
    Link.REPOSITORY_SECRET: "Repository secret",
    Link.SOURCE: "Source",
    Link.VOLUME: "Volume",
    Link.MOVER: "Mover",
    Link.SYNC: "Sync",
    Link.REPOSITORY: "Repository",
    Link.RESTORE: "Restore (beside the chain)",
    Link.NONE: "Without a claim",
}


def _cause(cause: Cause) -> Iterator[str]:
    entry = CATALOGUE[cause]
    blocks = "blocks the next backup" if entry.impact is Impact.BLOCKING else "does not block"
    yield f"### {cause}\n"
    yield f"{entry.meaning}\n"
    yield f"Link `{entry.link}`, {entry.severity}, {blocks}. [Runbook](../alerts/runbooks/{cause}.md)\n"
    yield "```sh"
    yield entry.command
    for variant, command in entry.variants.items():
        yield f"# where it is the {variant.replace('_', ' ')}:"
        yield command
    yield "```\n"


# --- settings


def _settings() -> Iterator[str]:
    yield "# Settings"
    yield f"\n{MADE}\n"
    yield _SETTINGS
    yield from _table([setting for setting in SETTINGS if not setting.section])
    for section in dict.fromkeys(setting.section for setting in SETTINGS if setting.section):
        yield f"\n## {section}\n"
        yield f"{_about(section)}\n"
        yield from _table([setting for setting in SETTINGS if setting.section == section])
    yield "\n## buckets\n"
    yield _BUCKETS
    yield "| setting | environment | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for setting in BUCKET_SETTINGS:
        yield (
            f"| `{setting.path[-1]}` | `{setting.environment}` | {_default(setting.field)} | "
            f"{_meaning(setting.field)} |"
        )


def _about(section: str) -> str:
    model = Settings.model_fields[section].annotation
    return (model.__doc__ or "").strip() if model else ""


def _table(settings: list[Setting]) -> Iterator[str]:
    yield "| setting | environment | flag | default | meaning |"
    yield "| --- | --- | --- | --- | --- |"
    for setting in settings:
        yield (
            f"| `{setting.name}` | `{setting.environment}` | `{setting.flag}` | {_default(setting.field)} | "
            f"{_meaning(setting.field)} |"
        )


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined or value in ("", ()):
        return ""
    return f"`{_written(value)}`"


def _meaning(field: FieldInfo) -> str:
    """What the setting means, and its values where they are few."""
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Enum):
        choices = tuple(member.value for member in field.annotation)
    one_of = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""
    return _cell(f"{field.description}{one_of}")


def _written(value: object) -> str:
    """*value* as a user writes it."""
    if isinstance(value, tuple):
        return ",".join(map(_written, value))
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return format_duration(value).replace(" ", "")
    return str(value)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
