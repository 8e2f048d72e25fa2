"""What the chart renders is what the API server, prometheus-operator and the exporter itself accept."""

import json
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from exporter.settings import Settings
from tests.chart.tools import (
    ALL_VALUES,
    CHART,
    LOADER,
    Manifest,
    Umbrella,
    config,
    container,
    of_kind,
    pod,
    rendered,
    rendered_together,
    settings,
    template,
    the,
    values_of,
)

KUBERNETES_VERSIONS = ("1.35", "1.36", "1.37")
BUILT_IN_GROUPS = ("", "apps", "policy", "networking.k8s.io", "rbac.authorization.k8s.io")
"""The API groups that Kubernetes' own schemas describe."""

CHANGES = {
    "plain": {},
    "here": {"namespaceOverride": "here"},
    "release": {
        "commonLabels": {"release": "common"},
        "serviceMonitor": {"enabled": True, "labels": {"release": "own"}},
    },
    "own pull secret": {"imagePullSecrets": [{"name": "own"}]},
    "spread": {
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
            {
                "maxSkew": 1,
                "topologyKey": "zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchExpressions": [{"key": "mine", "operator": "Exists"}]},
            },
        ]
    },
}


@cache
def _changed() -> dict[str, tuple[Manifest, ...]]:
    return rendered_together(CHANGES)


def test_lint_finds_nothing(tmp_path: Path) -> None:
    linted = Umbrella({name: values_of(name) for name in ALL_VALUES}, tmp_path).run("lint", "--strict", "--quiet")

    assert not linted.returncode, linted.stdout + linted.stderr


def test_alone_it_renders_what_it_renders_under_an_umbrella() -> None:
    alone = template("everything")

    assert not alone.returncode, alone.stderr
    assert sorted(map(json.dumps, filter(None, yaml.load_all(alone.stdout, LOADER)))) == sorted(
        map(json.dumps, rendered("everything"))
    )


@pytest.fixture
def schemas_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_validate.utils, "schema_contents", _SCHEMA_CONTENTS)


_SCHEMA_CONTENTS = cache(kubernetes_validate.utils.schema_contents)
"""kubernetes-validate reads half a megabyte for each object."""


@pytest.mark.usefixtures("schemas_read_once")
@pytest.mark.parametrize("values", ALL_VALUES)
def test_every_object_is_strictly_what_three_kubernetes_versions_accept(values: str) -> None:
    built_in = [one for one in rendered(values) if one["apiVersion"].rpartition("/")[0] in BUILT_IN_GROUPS]

    assert len(built_in) >= 4
    for manifest in built_in:
        _accepted(json.dumps(manifest))


@cache
def _accepted(text: str) -> None:
    for version in KUBERNETES_VERSIONS:
        kubernetes_validate.validate(json.loads(text), version, strict=True)


@pytest.mark.parametrize("values", ALL_VALUES)
def test_the_exporter_accepts_the_settings_that_the_chart_writes(values: str) -> None:
    assert settings(values).web.listen == ":9978"
    assert container(values)["ports"] == [{"name": "metrics", "containerPort": 9978, "protocol": "TCP"}]


def test_the_defaults_that_the_chart_names_are_the_exporters_own() -> None:
    named = yaml.load((CHART / "values.yaml").read_text(), LOADER)["settings"]

    assert Settings.model_validate(named) == Settings()


def test_values_of_the_settings_arrive_as_they_were_given() -> None:
    local, remote = settings("buckets").buckets

    assert local.capacity_bytes == 4_000_000_000_000
    assert local.ca_file == "/etc/volsync-exporter/ca/ca.crt"
    assert remote.ca_file == "/etc/ssl/certs/ca-certificates.crt"


@pytest.mark.parametrize("values", ALL_VALUES)
def test_names_and_selectors_agree(values: str) -> None:
    deployment, service = the("Deployment", values), the("Service", values)
    labels = deployment["spec"]["template"]["metadata"]["labels"]

    assert service["spec"]["selector"].items() <= labels.items()
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    for monitor in monitors(values):
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert monitor["spec"]["namespaceSelector"] == {"matchNames": [service["metadata"]["namespace"]]}
    for test in of_kind("Pod", values):
        assert not service["spec"]["selector"].items() <= test["metadata"]["labels"].items()
    for policy in of_kind("NetworkPolicy", values):
        assert policy["spec"]["podSelector"]["matchLabels"] == service["spec"]["selector"]


RESTRICTED_POD = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "fsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
RESTRICTED_CONTAINER = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "privileged": False,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.mark.parametrize("values", ALL_VALUES)
def test_pods_are_restricted_and_hold_no_more_than_they_need(values: str) -> None:
    spec = pod(values)["spec"]
    only = container(values)
    tests = [test["spec"] for test in of_kind("Pod", values)]

    for each in (spec, *tests):
        assert each["securityContext"] == RESTRICTED_POD
        assert not {"hostNetwork", "hostPID", "hostIPC"} & each.keys()
        assert not any("hostPath" in volume for volume in each.get("volumes", ()))
    for each in (only, *(test["containers"][0] for test in tests)):
        assert each["securityContext"] == RESTRICTED_CONTAINER
        assert all(mount["readOnly"] for mount in each.get("volumeMounts", ()))
        assert each["resources"]["limits"]["memory"]
        assert set(each["resources"]["requests"]) == {"cpu", "memory"}
    for each in (*of_kind("ServiceAccount", values), *tests):
        assert each["automountServiceAccountToken"] is False


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
        return str(pod(values)["metadata"]["annotations"]["checksum/config"])

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
    for monitor in monitors(values):
        assert monitor["spec"]["endpoints"][0]["scheme"] == scheme.lower()
        assert monitor["spec"]["endpoints"][0]["honorLabels"] is True


def test_probes_only_connect_where_the_listener_demands_certificates() -> None:
    only = container("client-certificates")

    for probe in (only["startupProbe"], only["livenessProbe"], only["readinessProbe"]):
        assert probe["tcpSocket"] == {"port": "metrics"}
        assert "httpGet" not in probe


def test_the_web_configuration_is_mounted_where_the_settings_say() -> None:
    assert config("client-certificates")["web"]["config_file"] == "/etc/volsync-exporter/web/web.yml"
    mounts = {mount["mountPath"]: mount for mount in container("client-certificates")["volumeMounts"]}
    # A file that is mounted by its subPath would never change when its Secret does.
    assert "subPath" not in mounts["/etc/volsync-exporter/web"]


def test_every_object_is_where_and_as_the_values_say() -> None:
    objects = {(one["kind"], one["metadata"].get("namespace")) for one in rendered("everything")}

    assert {
        *(
            (kind, "observability")
            for kind in (
                "Deployment Service Ingress HTTPRoute NetworkPolicy PodDisruptionBudget VerticalPodAutoscaler Pod "
                "ServiceAccount ExternalSecret"
            ).split()
        ),
        ("ServiceMonitor", "prometheus"),
        ("PrometheusRule", "prometheus"),
    } <= objects
    labelled = [one for one in rendered("everything") if one["kind"] != "ExternalSecret"]
    assert all(one["metadata"]["labels"]["team"] == "storage" for one in labelled)
    assert all("volume-backups" in one["metadata"]["name"] for one in labelled if one["kind"] != "ServiceAccount")


def test_a_digest_overrides_a_tag_and_a_registry_for_all_charts_this_ones() -> None:
    assert container("everything")["image"].startswith("mirror.example/mirror/volsync-exporter@sha256:0123")
    assert container("default")["image"] == "ghcr.io/volsync-exporter/volsync-exporter:0.1.0"
    (test,) = the("Pod", "everything")["spec"]["containers"]
    assert test["image"] == container("everything")["image"]


def test_pull_secrets_are_those_for_all_charts_and_this_ones_each_once() -> None:
    """Those of `everything` name one twice, once by its name alone."""
    both = [{"name": "everywhere"}, {"name": "registry"}]

    assert pod("everything")["spec"]["imagePullSecrets"] == both
    assert the("Pod", "everything")["spec"]["imagePullSecrets"] == both
    assert pod(_changed()["own pull secret"])["spec"]["imagePullSecrets"] == [{"name": "own"}]
    assert "imagePullSecrets" not in pod("default")["spec"]


def test_pods_get_what_the_values_add_to_them() -> None:
    spec, given = pod("everything")["spec"], values_of("everything")

    for name in (
        "dnsPolicy dnsConfig hostAliases initContainers affinity tolerations nodeSelector priorityClassName "
        "terminationGracePeriodSeconds"
    ).split():
        assert spec[name] == given[name]
    assert spec["containers"][1:] == given["extraContainers"]
    assert container("everything")["lifecycle"] == given["lifecycle"]
    assert not {"dnsPolicy", "dnsConfig", "hostAliases", "initContainers"} & pod("default")["spec"].keys()
    assert "lifecycle" not in container("default")


def test_the_deployment_and_the_account_get_what_the_values_add_to_them() -> None:
    assert the("Deployment", "everything")["metadata"]["annotations"] == {"reloader.stakater.com/auto": "true"}
    assert "annotations" not in the("Deployment", "default")["metadata"]
    assert the("ServiceAccount", "everything")["metadata"]["labels"]["azure.workload.identity/use"] == "true"


def test_a_strategy_holds_what_its_type_has_a_use_for() -> None:
    def strategy(values: str) -> Manifest:
        return dict(the("Deployment", values)["spec"]["strategy"])

    assert strategy("everything")["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": "100%"}
    assert strategy("pod-monitor") == {"type": "Recreate"}


def test_the_start_is_watched_closely_unless_the_values_say_otherwise() -> None:
    assert container("default")["startupProbe"] == {
        "httpGet": {"path": "/healthz", "port": "metrics", "scheme": "HTTP"},
        "periodSeconds": 2,
        "timeoutSeconds": 5,
        "failureThreshold": 60,
    }
    assert "startupProbe" not in container("pod-monitor")


def test_a_constraint_that_selects_no_pods_spreads_the_exporters_own() -> None:
    objects = _changed()["spread"]

    without, own = pod(objects)["spec"]["topologySpreadConstraints"]

    assert without["labelSelector"] == the("Deployment", objects)["spec"]["selector"]
    assert own["labelSelector"] == CHANGES["spread"]["topologySpreadConstraints"][1]["labelSelector"]


def test_a_service_has_the_addresses_that_the_values_ask_for() -> None:
    both, headless, plain = (the("Service", values)["spec"] for values in ("everything", "pod-monitor", "default"))

    assert both["clusterIP"] == "fd00::9978"
    assert (both["ipFamilyPolicy"], both["ipFamilies"]) == ("RequireDualStack", ["IPv6", "IPv4"])
    assert headless["clusterIP"] == "None"
    assert not {"clusterIP", "ipFamilyPolicy", "ipFamilies"} & plain.keys()


def test_ways_in_lead_to_the_service() -> None:
    service = the("Service", "everything")
    name, (port,) = service["metadata"]["name"], service["spec"]["ports"]

    first, second = the("Ingress", "everything")["spec"]["rules"]
    assert (first["host"], first["http"]["paths"][0]["path"]) == ("backups.example", "/")
    assert [path["path"] for path in second["http"]["paths"]] == ["/metrics"]
    for path in (*first["http"]["paths"], *second["http"]["paths"]):
        assert path["backend"] == {"service": {"name": name, "port": {"name": port["name"]}}}
    (rule,) = the("HTTPRoute", "everything")["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": name, "port": port["port"]}]


def test_the_same_label_may_be_given_for_all_and_for_one() -> None:
    objects = _changed()["release"]

    assert the("ServiceMonitor", objects)["metadata"]["labels"]["release"] == "own"
    assert the("Service", objects)["metadata"]["labels"]["release"] == "common"


def monitors(values: str) -> list[Manifest]:
    """The objects that have the exporter scraped."""
    return [one for kind in ("ServiceMonitor", "PodMonitor", "VMServiceScrape") for one in of_kind(kind, values)]
