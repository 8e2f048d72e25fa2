"""The check of the scenarios' shapes sees what `kubectl apply --validate=strict` would refuse."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.check_fixtures import definitions, faults, main, objects

CRD: dict[str, Any] = {
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "example.org",
        "names": {"kind": "Thing"},
        "versions": [
            {
                "name": "v1",
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "apiVersion": {"type": "string"},
                            "kind": {"type": "string"},
                            "metadata": {"type": "object"},
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {"x-kubernetes-int-or-string": True},
                                    "note": {"type": "string", "nullable": True},
                                    "since": {"type": "string", "format": "date-time"},
                                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "rest": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                },
                            },
                        },
                    }
                },
            }
        ],
    },
}
GOOD: dict[str, Any] = {
    "apiVersion": "example.org/v1",
    "kind": "Thing",
    "metadata": {"name": "one"},
    "spec": {
        "size": "1Gi",
        "note": None,
        "since": "2026-01-18T14:20:00Z",
        "labels": {"a": "b"},
        "rest": {"anything": [1]},
    },
}
SECRET: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one", "namespace": "n8n"}}


@pytest.fixture
def crds(tmp_path: Path) -> Path:
    (tmp_path / "crds" / "deep").mkdir(parents=True)
    (tmp_path / "crds" / "deep" / "things.yaml").write_text(yaml.safe_dump(CRD))
    return tmp_path / "crds"


def found(item: dict[str, Any], crds: Path) -> list[str]:
    return list(faults(item, definitions(crds)) or ())


def test_what_fits_has_no_fault(crds: Path) -> None:
    assert found(GOOD, crds) == []
    assert found(SECRET, crds) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", None), ("size", 1.5), ("Size", 1), ("note", 3), ("since", "yesterday"), ("labels", {"a": 1})],
)
def test_what_does_not_fit_is_named(field: str, value: object, crds: Path) -> None:
    bad = copy.deepcopy(GOOD)
    bad["spec"][field] = value
    (fault,) = found(bad, crds)
    assert fault.startswith("spec")
    assert "deep/things.yaml" in fault


def test_a_field_that_kubernetes_does_not_know_is_named(crds: Path) -> None:
    assert any("dataa" in fault for fault in found({**SECRET, "dataa": {}}, crds))


def test_an_object_has_to_fit_every_release_that_is_given(crds: Path) -> None:
    older = copy.deepcopy(CRD)
    del older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["note"]
    (crds / "older.yaml").write_text(yaml.safe_dump(older))
    (fault,) = found(GOOD, crds)
    assert "older.yaml" in fault


def test_a_kind_without_a_schema_is_left_alone_and_counted(crds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = {"apiVersion": "example.org/v2", "kind": "Thing", "metadata": {"name": "two"}}
    assert main(crds, {"one": [GOOD, other, SECRET]}) == 0
    assert "2 objects checked" in (printed := capsys.readouterr().out)
    assert "No schema: example.org/v2 Thing (1)." in printed
    assert main(crds, {"one": [GOOD, {**GOOD, "spec": {}}]}) == 1


def test_a_fault_is_told_in_each_scenario_that_has_it(crds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(crds, {"one": [{**GOOD, "spec": {}}], "two": [{**GOOD, "spec": {}}]}) == 1
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()[:2]] == ["one", "two"]


def test_kinds_that_a_scenario_shapes_otherwise_on_purpose_are_left_out() -> None:
    assert "ReplicationSource" not in {item["kind"] for item in objects("healthy-kopia")}
