"""What the chart renders is what the API server, prometheus-operator and the exporter itself accept."""

import os
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from exporter.settings import Settings
from tests.chart.tools import CHART, NAMESPACE, VALUES, container, helm, of_kind, rendered, run, the

ALL_VALUES = sorted(path.stem for path in VALUES.glob("*.yaml"))
KUBERNETES_VERSIONS = ("1.35", "1.36", "1.37")
EXTERNAL_GROUPS = ("monitoring.coreos.com/", "external-secrets.io/")
"""API groups that no Kubernetes schema describes."""


@pytest.mark.parametrize("values", ALL_VALUES)
def test_lint_finds_nothing(values: str) -> None:
    linted = run(str(helm()), "lint", str(CHART), "--strict", "--quiet", "--values", str(VALUES / f"{values}.yaml"))

    assert not linted.returncode, linted.stdout + linted.stderr


@pytest.mark.parametrize("values", ALL_VALUES)
def test_every_object_is_strictly_what_three_kubernetes_versions_accept(values: str) -> None:
    for manifest in rendered(values):
        if not manifest["apiVersion"].startswith(EXTERNAL_GROUPS):
            for version in KUBERNETES_VERSIONS:
                kubernetes_validate.validate(manifest, version, strict=True)


def test_every_object_of_prometheus_operator_is_strictly_what_its_definitions_accept() -> None:
    """`CHART_CRDS` names a folder with prometheus-operator's own CustomResourceDefinitions."""
    folder = os.environ.get("CHART_CRDS")
    if not folder:
        pytest.skip("CHART_CRDS is not set: the definitions are prometheus-operator's and are not kept here")
    schemas = dict(_custom_schemas(Path(folder)))

    checked = [
        jsonschema.validate(manifest, schemas[manifest["kind"]])
        for values in ALL_VALUES
        for manifest in rendered(values)
        if manifest["apiVersion"].startswith("monitoring.coreos.com/")
    ]

    assert set(schemas) == {"ServiceMonitor", "PrometheusRule"}
    assert len(checked) >= 4


def _custom_schemas(folder: Path) -> Any:
    for path in folder.rglob("*.yaml"):
        for definition in yaml.safe_load_all(path.read_text()):
            kind = definition["spec"]["names"]["kind"]
            if kind in ("ServiceMonitor", "PrometheusRule"):
                yield kind, _strict(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def _strict(node: Any) -> Any:
    """*node* with unknown fields refused, as the API server does on request (`fieldValidation=Strict`)."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    strict = {key: _strict(value) for key, value in node.items() if key != "x-kubernetes-int-or-string"}
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if isinstance(node.get("pattern"), str):
        strict["pattern"] = node["pattern"].replace("^(?i)", "(?i)^")  # Go's regular expressions allow the first
    # `metadata` has no fields there: they are Kubernetes' own.
    if node.get("type") == "object" and node.get("properties") and "additionalProperties" not in node:
        strict["additionalProperties"] = False
    return strict


@pytest.mark.parametrize("values", ALL_VALUES)
def test_the_exporter_accepts_the_settings_that_the_chart_writes(values: str) -> None:
    config = yaml.safe_load(the("ConfigMap", values, "--show-only", "templates/configmap.yaml")["data"]["config.yaml"])

    settings = Settings.model_validate(config)

    assert settings.web.listen == ":9978"
    assert container(values)["ports"] == [{"name": "metrics", "containerPort": 9978, "protocol": "TCP"}]


def test_the_defaults_that_the_chart_names_are_the_exporters_own() -> None:
    named = yaml.safe_load((CHART / "values.yaml").read_text())["settings"]

    assert Settings.model_validate(named) == Settings()


def test_values_of_the_settings_arrive_as_they_were_given() -> None:
    config = yaml.safe_load(the("ConfigMap", "buckets")["data"]["config.yaml"])

    local, remote = Settings.model_validate(config).buckets

    assert local.capacity_bytes == 4_000_000_000_000
    assert local.ca_file == "/etc/volsync-exporter/ca/ca.crt"
    assert remote.ca_file == "/etc/ssl/certs/ca-certificates.crt"


@pytest.mark.parametrize("values", ALL_VALUES)
def test_names_and_selectors_agree(values: str) -> None:
    deployment, service = the("Deployment", values), the("Service", values)
    pod = deployment["spec"]["template"]

    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    for monitor in of_kind("ServiceMonitor", values):
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert monitor["spec"]["namespaceSelector"] == {"matchNames": [service["metadata"]["namespace"]]}
    for policy in of_kind("NetworkPolicy", values):
        assert policy["spec"]["podSelector"]["matchLabels"] == service["spec"]["selector"]


@pytest.mark.parametrize("values", ALL_VALUES)
def test_pods_are_restricted_and_hold_no_more_than_they_need(values: str) -> None:
    pod = the("Deployment", values)["spec"]["template"]["spec"]
    only = container(values)

    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "privileged": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert not any("hostPath" in volume for volume in pod["volumes"])
    assert all(mount["readOnly"] for mount in only["volumeMounts"])
    assert only["resources"]["limits"]["memory"]
    assert set(only["resources"]["requests"]) == {"cpu", "memory"}
    for account in of_kind("ServiceAccount", values):
        assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("values", ALL_VALUES)
def test_no_secret_is_ever_made_and_no_password_is_mounted(values: str) -> None:
    environment = container(values).get("env", [])

    assert not of_kind("Secret", values)
    assert not any("secretRef" in source for source in container(values).get("envFrom", []))
    assert not any(entry["name"] == "RESTIC_PASSWORD" for entry in environment)


def test_the_base_secrets_own_keys_are_picked_one_by_one() -> None:
    environment = {
        entry["name"]: entry["valueFrom"]["secretKeyRef"] for entry in container("s3")["env"] if "valueFrom" in entry
    }

    assert environment == {
        name: {"name": "volsync-rustfs-base", "key": name}
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "RESTIC_REPOSITORY_BASE")
    }


def test_a_changed_setting_replaces_the_pods() -> None:
    def checksum(values: str) -> str:
        return str(the("Deployment", values)["spec"]["template"]["metadata"]["annotations"]["checksum/config"])

    assert checksum("default") == checksum("no-s3")
    assert checksum("default") != checksum("minimal")


def test_a_pod_is_replaced_only_when_its_successor_is_ready() -> None:
    deployment = the("Deployment", "default")["spec"]

    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert container("default")["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container("default")["livenessProbe"]["httpGet"]["path"] == "/healthz"


@pytest.mark.parametrize(("values", "scheme"), [("default", "HTTP"), ("basic-auth", "HTTP"), ("tls", "HTTPS")])
def test_probes_and_scrapes_speak_what_the_listener_speaks(values: str, scheme: str) -> None:
    only = container(values)

    assert only["livenessProbe"]["httpGet"]["scheme"] == scheme
    for monitor in of_kind("ServiceMonitor", values):
        assert monitor["spec"]["endpoints"][0]["scheme"] == scheme.lower()
        assert monitor["spec"]["endpoints"][0]["honorLabels"] is True


def test_probes_only_connect_where_the_listener_demands_certificates() -> None:
    only = container("client-certificates")

    for probe in (only["livenessProbe"], only["readinessProbe"]):
        assert probe["tcpSocket"] == {"port": "metrics"}
        assert "httpGet" not in probe


def test_the_web_configuration_is_mounted_where_the_settings_say() -> None:
    config = yaml.safe_load(the("ConfigMap", "client-certificates")["data"]["config.yaml"])

    assert config["web"]["config_file"] == "/etc/volsync-exporter/web/web.yml"
    mounts = {mount["mountPath"]: mount for mount in container("client-certificates")["volumeMounts"]}
    # A file that is mounted by its subPath would never change when its Secret does.
    assert "subPath" not in mounts["/etc/volsync-exporter/web"]


def test_every_object_is_where_and_as_the_values_say() -> None:
    objects = {(one["kind"], one["metadata"].get("namespace")) for one in rendered("everything")}

    assert {
        ("Deployment", "observability"),
        ("Service", "observability"),
        ("ServiceMonitor", "prometheus"),
        ("PrometheusRule", "prometheus"),
        ("NetworkPolicy", "observability"),
        ("PodDisruptionBudget", "observability"),
        ("ExternalSecret", "observability"),
    } <= objects
    labelled = [one for one in rendered("everything") if one["kind"] != "ExternalSecret"]
    assert all(one["metadata"]["labels"]["team"] == "storage" for one in labelled)
    assert all("volume-backups" in one["metadata"]["name"] for one in labelled if one["kind"] != "ServiceAccount")


def test_a_digest_goes_before_a_tag() -> None:
    assert container("everything")["image"].startswith("registry.example/mirror/volsync-exporter@sha256:0123")
    assert container("default")["image"] == "ghcr.io/volsync-exporter/volsync-exporter:0.1.0"


@pytest.mark.parametrize(("values", "reads_a_bucket"), [("s3", True), ("no-s3", False)])
def test_egress_to_a_store_is_open_only_where_one_is_read(values: str, reads_a_bucket: bool) -> None:
    (dns, api, *others) = the("NetworkPolicy", values)["spec"]["egress"]

    assert {port["port"] for port in dns["ports"]} == {53}
    assert [port["port"] for port in api["ports"]] == [443, 6443]
    assert bool(others) == reads_a_bucket


def test_the_same_label_may_be_given_for_all_and_for_one() -> None:
    options = ("--set", "commonLabels.release=common,serviceMonitor.labels.release=own")

    assert the("ServiceMonitor", "tls", *options)["metadata"]["labels"]["release"] == "own"
    assert the("Service", "tls", *options)["metadata"]["labels"]["release"] == "common"


NOTES = {
    "default": (
        "nothing scrapes the exporter yet",
        "no alert is installed",
        "no bucket is read",
        "-- volsync-exporter doctor",
    ),
    "client-certificates": ("the ServiceMonitor has no `release` label",),
    "metadata-secrets-cluster-wide": ("can list, and so read, every Secret",),
    "namespaced": ("the namespaces home-assistant, karakeep", "the links that need them do not apply"),
}


@pytest.mark.parametrize("values", NOTES)
def test_notes_say_what_is_still_to_do(values: str) -> None:
    notes = _notes(values)

    for sentence in NOTES[values]:
        assert sentence in notes


def test_notes_warn_of_nothing_where_all_is_set_up() -> None:
    assert "WARNING" not in _notes("everything")


def _notes(values: str) -> str:
    options = ("--namespace", NAMESPACE, "--dry-run=client", "--values", str(VALUES / f"{values}.yaml"))
    installed = run(str(helm()), "install", "backups", str(CHART), *options)
    assert not installed.returncode, installed.stderr
    return installed.stdout.partition("NOTES:")[2]
