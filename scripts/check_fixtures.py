"""Check that scenarios hold objects shaped as a real cluster's: `python -m scripts.check_fixtures CRDS [SCENARIO…]`.

*CRDS* is a folder with CustomResourceDefinitions, in any depth; where several define the same kind and version (two
releases of an operator), an object has to fit all of them. Fields that a schema does not know are refused, as
`kubectl apply --validate=strict` does. Kubernetes' own kinds are checked with `kubernetes-validate`. Kinds without a
schema are counted and left alone.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from scripts.compose import NAMES, SCENARIOS, compose, key_of, read

KUBERNETES = "1.32"
"""The release whose schemas the core kinds are held against."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Json = dict[str, Any]
Schemas = Mapping[tuple[str, str], list[tuple[str, jsonschema.Draft7Validator]]]

_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def strict(schema: Json) -> Json:
    """*schema* (an `openAPIV3Schema`) as JSON Schema that refuses the fields it does not name."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    result = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-") and key != "nullable"}
    if "properties" in schema:
        result["properties"] = {name: strict(part) for name, part in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = strict(schema["additionalProperties"])
    if "items" in schema:
        result["items"] = strict(schema["items"])
    if schema.get("nullable"):
        result = {"anyOf": [result, {"type": "null"}]}
    return result


def definitions(folder: Path) -> Schemas:
    """The schemas of every kind and version that the CRDs in *folder* define, each with the file that has it."""
    schemas: dict[tuple[str, str], list[tuple[str, jsonschema.Draft7Validator]]] = {}
    for path in sorted(folder.rglob("*.yaml")):
        for crd in yaml.load_all(path.read_text(), LOADER):
            if not crd or crd.get("kind") != "CustomResourceDefinition":
                continue
            for version in crd["spec"]["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                schema.get("properties", {})["metadata"] = {"type": "object"}
                validator = jsonschema.Draft7Validator(schema, format_checker=_FORMATS)
                key = (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"])
                schemas.setdefault(key, []).append((str(path.relative_to(folder)), validator))
    return schemas


def faults(item: Json, schemas: Schemas) -> Iterator[str] | None:
    """What is wrong with *item*, a line each; None where no schema knows its kind."""
    key = (item["apiVersion"], item["kind"])
    if key in schemas:
        return _against(schemas[key], item)
    if "." in key[0].partition("/")[0].removesuffix(".k8s.io") or key[0].startswith("snapshot."):
        return None
    return _core(item)


def _against(validators: list[tuple[str, jsonschema.Draft7Validator]], item: Json) -> Iterator[str]:
    for name, validator in validators:
        for error in validator.iter_errors(item):
            yield f"{'.'.join(map(str, error.absolute_path))}: {error.message} ({name})"


def _core(item: Json) -> Iterator[str]:
    try:
        kubernetes_validate.validate(item, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        yield error.message


def main(crds: Path, scenarios: Mapping[str, Iterable[Json]]) -> int:
    """Check the objects of *scenarios* and print what is wrong; 1 if something is."""
    schemas = definitions(crds)
    if not schemas:
        sys.exit(f"{crds} holds no CustomResourceDefinition.")
    known: dict[str, list[str] | None] = {}  # most objects are the same in many scenarios
    checked, unknown, wrong = 0, Counter[str](), 0
    for scenario, items in scenarios.items():
        for item in items:
            text = json.dumps(item)
            if text not in known:
                known[text] = None if (found := faults(item, schemas)) is None else list(found)
            fault = known[text]
            if fault is None:
                unknown[f"{item['apiVersion']} {item['kind']}"] += 1
                continue
            checked += 1
            wrong += len(fault)
            for line in fault:
                print(f"{scenario}: {key_of(item)}: {line}")
    print(f"{checked} objects checked in {len(scenarios)} scenarios, {wrong} faults.")
    for kind, count in sorted(unknown.items()):
        print(f"No schema: {kind} ({count}).")
    return 1 if wrong else 0


def objects(scenario: str) -> list[Json]:
    """The objects of a scenario, but for the kinds that it shapes otherwise on purpose: a fork's, or malformed ones."""
    not_upstream = read(SCENARIOS / f"{scenario}.yaml").get("not_upstream", [])
    return [item for item in compose(scenario).objects.values() if item["kind"] not in not_upstream]


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), {name: objects(name) for name in sys.argv[2:] or NAMES}))
