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
Claims are identified by `namespace` and `pvc`, so the scrape must honour labels (`honorLabels: true`). State sets have
a series for every state, with 1 for the present state. A value that does not exist has no series. Verdicts are
computed in the background, when new facts have been read and every 15 seconds; a scrape publishes the last verdict.
Only ages are computed at the scrape.

A repository has the `namespace` and `pvc` of each claim that writes to it. A repository without a claim has those of
its former claim if they are known, otherwise empty labels. `bucket` is the bucket's name. If several of the configured
buckets have the same name, it is `host/bucket`, and `host/bucket/prefix` if they are parts of the same bucket.
"""

_CAUSES = """\
Everything that can break a backup, in the order of the chain. A claim has at most one blocking cause: the cause of its
first broken link. In a command, `<word>` is a placeholder that the verdict fills in.
"""

_SETTINGS = f"""\
A setting can be given in a YAML file (`--config FILE`, or the file that `{CONFIG_VARIABLE}` names), in the
environment, or as a flag. The environment overrides the file, and flags override both. The exporter does not start
with an invalid or unknown setting. Durations are written like `90s`, `15m`, `1h30m` or `2d`; in the environment and in
flags, lists are separated by commas.

```yaml
# the same as VOLSYNC_EXPORTER_GRACE__MOVER_START=20m in the environment, or --grace-mover-start 20m
grace:
  mover_start: 20m
```

"""

_BUCKETS = """\
A list of buckets. In the environment, `VOLSYNC_EXPORTER_BUCKETS` takes the list as YAML, and the variables below set
the fields of the first bucket (`__1__` those of the second). The flag `--buckets` takes one bucket and can be
repeated. A restic URL is a short form of a bucket: `--buckets s3:http://host:9000/bucket/prefix/`.
"""


_VARIANTS = {
    "begun": "the sync has started",
    "cache": "it is the mover's cache",
    "class": "its StorageClass does not exist",
    "clone": "it is a clone",
    "clusterexternalsecret": "the ClusterExternalSecret is broken",
    "clustersecretstore": "the ClusterSecretStore is broken",
    "corrupt": "an object is corrupt",
    "externalsecret": "an ExternalSecret creates it",
    "no_populator": "the ReplicationDestination to populate it from does not exist",
    "no_room": "Longhorn has no space for it",
    "node": "a node is broken",
    "operator": "External Secrets does not work at all",
    "pending": "Kyverno's UpdateRequest stays pending",
    "pod": "a failed pod still exists",
    "populator": "a ReplicationDestination populates it",
    "pvc": "a PVC is the reason",
    "refused": "Kyverno lacks the permission",
    "restoring": "a restore into the PVC is running",
    "running": "its Job is running",
    "secretstore": "the SecretStore is broken",
    "share": "it is an RWX volume",
    "status": "no pod exists any longer",
    "synchronised": "Kyverno synchronizes the object",
    "unmanaged": "nothing in the cluster generates it",
    "untold": "Kyverno reports no reason",
    "webhook": "a webhook rejects them",
}
"""When the variant of a command applies."""
_DUMP = """\
A dump contains what a support case needs. `--from` reads it in place of a cluster.

## With the program

```console
volsync-exporter dump case.tar.gz
volsync-exporter status --from case.tar.gz
```

`dump` writes a folder, or an archive if the name ends in `.tar.gz`. It contains the kinds below, and a manifest with
the time, the cluster, and the kinds that could not be read with the reason. `--from` judges as of the time when the
dump was made; `--at` sets another time.

No Secret is read (with `--secrets metadata`, only their names are, without their data). Annotations that the exporter
does not use and literal values of containers' environment variables are dropped, and whatever looks like a credential
is masked. Names of namespaces, claims and nodes are kept: look through the files before you share them.

If a bucket is set (`--buckets`, or `RESTIC_REPOSITORY_BASE` with the usual AWS variables), its listing is added: keys,
sizes and times, but no content.

## By hand

If you cannot run the program, use kubectl. Each kind goes into its own file; the file's name shows which kind an empty
list is of:

```sh
mkdir dump
for kind in \\
KINDS
do
  kubectl get "$kind" --all-namespaces --output json > "dump/$kind.json"
done
```

For a kind that the cluster does not have, kubectl prints an error and leaves an empty file, which is skipped. Never
dump Secrets: they are not needed. To add a bucket's listing:

```sh
aws s3api list-objects-v2 --bucket volsync-backup --output json > dump/volsync-backup.json
```

## What is not in a dump

A kind that is not in the dump is *unknown*; it is never taken as absent. Everything that depends on it is `unknown`,
and if nothing else is wrong the exit status is 2. If no file in the folder can be used, the command fails and says
which files were skipped and why.
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
    yield "\nThe standard metrics of prometheus_client (`process_*`, `python_*`) are also served."


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
        yield f"# if {_VARIANTS[variant]}:"
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
