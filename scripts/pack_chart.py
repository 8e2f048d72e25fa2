"""Make what the chart packs from its sources: `pack_chart.py`, or `pack_chart.py --check` to see whether it is current.

Rules come from `alerts/`, dashboards from `grafana/`, permissions from the table of kinds that the exporter reads,
the settings' schema from the settings' model, and the README's table of values from the comments in `values.yaml`.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from exporter.facts.cluster.kind import Kind, Reach
from exporter.facts.cluster.kinds import KINDS
from exporter.settings import ChainSettings, Settings, WebSettings

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "chart"
GENERATED = CHART / "files"
"""Nothing else lies here: a file that no source makes is stale."""

_BEGIN, _END = "<!-- values: begin -->", "<!-- values: end -->"
_DURATION = r"^(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h|d|w))+)$"
"""What `exporter.durations.parse_duration` reads."""
_DECIDED_BY_CHART = frozenset({"web.listen", "web.config_file"})
"""Settings that the chart writes itself, so values may not."""


def main() -> int:
    """Write the files, or with `--check` name those that are not current and return 1."""
    files = dict(packed_files())
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    left_over = [path for path in GENERATED.rglob("*") if path.is_file() and path not in files]
    if "--check" in sys.argv[1:]:
        for path in (*stale, *left_over):
            print(f"{path.relative_to(ROOT)} is not current: run `make docs`", file=sys.stderr)
        return 1 if stale or left_over else 0
    for path in left_over:
        path.unlink()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


def packed_files() -> Iterator[tuple[Path, str]]:
    """Every generated file of the chart, with its text."""
    for source in sorted((ROOT / "alerts").rglob("*.rules.yaml")):
        yield GENERATED / source.relative_to(ROOT), source.read_text("utf-8")
    for source in sorted((ROOT / "grafana" / "dashboards").glob("*.json")):
        yield GENERATED / "dashboards" / source.name, source.read_text("utf-8")
    yield GENERATED / "permissions.yaml", _yaml(permissions(), "exporter/facts/cluster/kinds.py")
    yield GENERATED / "defaults.yaml", _yaml({"runbook_base": WebSettings().runbook_base}, "exporter/settings.py")
    schema = CHART / "values.schema.json"
    yield schema, schema_with_settings(json.loads(schema.read_text("utf-8")))
    readme = CHART / "README.md"
    yield readme, readme_with_values(readme.read_text("utf-8"), (CHART / "values.yaml").read_text("utf-8"))


def _yaml(data: object, source: str) -> str:
    return f"# Made from {source} by scripts/pack_chart.py.\n{yaml.safe_dump(data, sort_keys=False)}"


# --- permissions


def permissions() -> list[dict[str, str]]:
    """What the exporter reads: source, API group, plural and reach of each kind.

    A kind that is read in one namespace has either that `namespace` or the `setting` of the chain that names it.
    """
    return [_permission(kind) for kind in KINDS]


def _permission(kind: Kind) -> dict[str, str]:
    entry = {
        "source": kind.source.value,
        "group": kind.group,
        "plural": kind.plural,
        "reach": kind.reach.value,
    }
    return entry | (_place(kind) if kind.reach is Reach.ONE else {})


def _place(kind: Kind) -> dict[str, str]:
    if kind.namespace is None:
        raise ValueError(f"{kind.field}: read in one namespace, but in which?")
    names = [name for name in ChainSettings.model_fields if name.endswith("_namespace")]
    probe = Settings(chain=ChainSettings(**{name: f"<{name}>" for name in names}))
    namespace = kind.namespace(probe)
    setting = namespace.strip("<>")
    return {"setting": setting} if setting in names else {"namespace": namespace}


# --- the schema


class _SettingsSchema(GenerateJsonSchema):
    """Durations are written as people write them, not as ISO 8601 has them."""

    def timedelta_schema(self, schema: core_schema.TimedeltaSchema) -> dict[str, Any]:  # noqa: ARG002
        return {"type": "string", "pattern": _DURATION}


def schema_with_settings(schema: dict[str, Any]) -> str:
    """*schema* with its definition of `settings` made again from the settings' model.

    The names of the sources are known to a validator of the model only; all of them are its default.
    """
    model = Settings.model_json_schema(schema_generator=_SettingsSchema, mode="validation")
    sections = model.pop("$defs")
    settings = _plain(model, sections, "")
    settings["properties"]["sources"]["items"]["enum"] = list(Settings().sources)
    schema["definitions"]["settings"] = settings
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _plain(node: Any, sections: dict[str, Any], path: str) -> Any:  # noqa: ANN401 - JSON
    """*node* with references resolved, and without titles, defaults and the settings that the chart decides."""
    if isinstance(node, list):
        return [_plain(item, sections, path) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        referred = sections[node["$ref"].rpartition("/")[2]]
        return _plain(referred | {key: value for key, value in node.items() if key != "$ref"}, sections, path)
    plain = {key: _plain(value, sections, path) for key, value in node.items() if key not in _DROPPED}
    if "properties" in node:
        paths = {name: f"{path}.{name}".lstrip(".") for name in node["properties"]}
        plain["properties"] = {
            name: _plain(value, sections, paths[name])
            for name, value in node["properties"].items()
            if paths[name] not in _DECIDED_BY_CHART
        }
    return plain


_DROPPED = frozenset({"title", "default", "properties"})


# --- the table of values


def readme_with_values(readme: str, values: str) -> str:
    """*readme* with its table made again from the `# --` comments of *values*.

    Raises:
        ValueError: A value has no comment, or a comment has no value.
    """
    before, _, rest = readme.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    defaults = yaml.safe_load(values)
    comments = dict(_comments(values))
    undocumented = [path for path in _leaves(defaults) if not any(_covers(known, path) for known in comments)]
    if undocumented:
        raise ValueError(f"values.yaml: no `# --` comment above {', '.join(undocumented)}")
    rows = [f"| `{path}` | {_default(defaults, path)} | {text} |" for path, text in comments.items()]
    table = "\n".join(["| value | default | meaning |", "| --- | --- | --- |", *rows])
    return f"{before}{_BEGIN}\n{table}\n{_END}{after}"


def _comments(values: str) -> Iterator[tuple[str, str]]:
    """The dotted path of each key that a `# --` comment stands above, and the comment."""
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in values.splitlines():
        text = line.strip()
        if text.startswith("# -- "):
            comment = [text.removeprefix("# -- ")]
        elif text.startswith("#"):
            if comment:
                comment.append(text.removeprefix("#").strip())
        elif ":" in text and not text.startswith("-"):
            indent = len(line) - len(line.lstrip())
            path = [(depth, key) for depth, key in path if depth < indent] + [(indent, text.partition(":")[0])]
            if comment:
                yield ".".join(key for _, key in path), " ".join(comment).replace("|", "\\|")
            comment = []
        else:
            comment = []


def _leaves(node: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - YAML
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}".lstrip("."))
    else:
        yield path


def _covers(known: str, path: str) -> bool:
    return path == known or path.startswith(f"{known}.")


def _default(defaults: Any, path: str) -> str:  # noqa: ANN401 - YAML
    for key in path.split("."):
        defaults = defaults[key]
    if isinstance(defaults, dict) and defaults:
        return "see values.yaml"
    return f"`{json.dumps(defaults)}`"


if __name__ == "__main__":
    sys.exit(main())
