"""Objects of other projects' kinds have the fields that these kinds have, and no others.

What each kind takes is written down here as far as the chart makes use of it: fields in braces with what stands below
them. `CHART_CRDS` names a folder with the projects' own CustomResourceDefinitions, against which all is checked too.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.check_fixtures import definitions
from tests.chart.tools import ALL_VALUES, Manifest, of_kind, rendered, rendered_together, the

_BASIC_AUTH = {"username": {"name": str, "key": str}, "password": {"name": str, "key": str}}
_AUTHORIZATION = {"type": str, "credentials": {"name": str, "key": str}}
_REFERENCE = {"secret": {"name": str, "key": str}, "configMap": {"name": str, "key": str}}
_TLS = {
    "ca": _REFERENCE,
    "cert": _REFERENCE,
    "keySecret": {"name": str, "key": str},
    "serverName": str,
    "insecureSkipVerify": bool,
}
_TLS_FILES = {"caFile": str, "certFile": str, "keyFile": str}
_TLS_VERSIONS = {"minVersion": str, "maxVersion": str}
_RELABELING = {
    "sourceLabels": [str],
    "separator": str,
    "targetLabel": str,
    "regex": str,
    "modulus": int,
    "replacement": str,
    "action": str,
}
_SELECTOR = {"matchLabels": dict}
_ENDPOINT = {
    "port": str,
    "path": str,
    "scheme": str,
    "honorLabels": bool,
    "interval": str,
    "scrapeTimeout": str,
    "authorization": _AUTHORIZATION,
    "basicAuth": _BASIC_AUTH,
}
_RELABELINGS = {"relabelings": [_RELABELING], "metricRelabelings": [_RELABELING]}
_MONITOR = {"jobLabel": str, "sampleLimit": int, "selector": _SELECTOR, "namespaceSelector": {"matchNames": [str]}}
_GROUPS = [{"name": str, "interval": str, "rules": [dict]}]

SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "ServiceMonitor": (
        "monitoring.coreos.com/v1",
        {
            **_MONITOR,
            "targetLabels": [str],
            "endpoints": [{**_ENDPOINT, **_RELABELINGS, "tlsConfig": {**_TLS, **_TLS_FILES, **_TLS_VERSIONS}}],
        },
    ),
    "PodMonitor": (
        "monitoring.coreos.com/v1",
        {
            **_MONITOR,
            "podTargetLabels": [str],
            "podMetricsEndpoints": [{**_ENDPOINT, **_RELABELINGS, "tlsConfig": {**_TLS, **_TLS_VERSIONS}}],
        },
    ),
    "VMServiceScrape": (
        "operator.victoriametrics.com/v1beta1",
        {
            **_MONITOR,
            "targetLabels": [str],
            "endpoints": [
                {
                    **_ENDPOINT,
                    "relabelConfigs": [_RELABELING],
                    "metricRelabelConfigs": [_RELABELING],
                    "tlsConfig": {**_TLS, **_TLS_FILES},
                }
            ],
        },
    ),
    "PrometheusRule": ("monitoring.coreos.com/v1", {"groups": _GROUPS}),
    "VMRule": ("operator.victoriametrics.com/v1beta1", {"groups": _GROUPS}),
    "GrafanaDashboard": (
        "grafana.integreatly.org/v1beta1",
        {
            "instanceSelector": _SELECTOR,
            "allowCrossNamespaceImport": bool,
            "folder": str,
            "resyncPeriod": str,
            "json": str,
        },
    ),
    "HTTPRoute": (
        "gateway.networking.k8s.io/v1",
        {
            "parentRefs": [{"name": str, "namespace": str, "sectionName": str}],
            "hostnames": [str],
            "rules": [
                {
                    "matches": [{"path": {"type": str, "value": str}}],
                    "filters": [dict],
                    "backendRefs": [{"name": str, "port": int}],
                }
            ],
        },
    ),
    "VerticalPodAutoscaler": (
        "autoscaling.k8s.io/v1",
        {
            "targetRef": {"apiVersion": str, "kind": str, "name": str},
            "updatePolicy": {"updateMode": str},
            "resourcePolicy": {
                "containerPolicies": [
                    {
                        "containerName": str,
                        "mode": str,
                        "controlledValues": str,
                        "controlledResources": [str],
                        "minAllowed": dict,
                        "maxAllowed": dict,
                    }
                ]
            },
        },
    ),
}
OTHERS = ("external-secrets.io/v1",)
"""What `everything` adds by itself."""


def _wrong(node: Any, shape: Any, path: str) -> Iterator[str]:
    """Each field of *node* that *shape* has not, or has of another type."""
    if isinstance(shape, type):
        if not isinstance(node, shape):
            yield f"{path} is {node!r}, not of type {shape.__name__}"
    elif isinstance(shape, list):
        for number, item in enumerate(node):
            yield from _wrong(item, shape[0], f"{path}[{number}]")
    else:
        for name, value in node.items():
            if name in shape:
                yield from _wrong(value, shape[name], f"{path}.{name}")
            else:
                yield f"{path}.{name} is no field"


def _custom(values: str) -> list[Manifest]:
    """What is neither Kubernetes' own nor the values' own."""
    return [one for one in rendered(values) if one["kind"] in SHAPES]


@pytest.mark.parametrize("values", ALL_VALUES)
def test_objects_of_other_projects_have_the_fields_of_their_kinds(values: str) -> None:
    for one in _custom(values):
        api, shape = SHAPES[one["kind"]]
        assert one["apiVersion"] == api
        assert list(_wrong(one["spec"], shape, one["kind"])) == []


def test_every_kind_is_made_by_some_values_and_no_other_kind_is() -> None:
    kinds = {one["kind"] for values in ALL_VALUES for one in _custom(values)}
    groups = {one["apiVersion"] for values in ALL_VALUES for one in rendered(values) if "." in one["apiVersion"]}

    assert kinds == set(SHAPES)
    assert {group for group in groups if not group.split("/")[0].endswith((".k8s.io", "k8s.io"))} == {
        *(api for api, _ in SHAPES.values() if ".k8s.io/" not in api),
        *OTHERS,
    }


def test_a_field_that_is_none_and_one_of_another_type_are_found() -> None:
    _, shape = SHAPES["PodMonitor"]

    assert list(_wrong({"jobLabel": 1, "endpoints": []}, shape, "PodMonitor")) == [
        "PodMonitor.jobLabel is 1, not of type str",
        "PodMonitor.endpoints is no field",
    ]


def test_all_that_is_said_of_scrapes_reaches_whichever_kind_is_made() -> None:
    """Under the names that each kind has for it."""
    said = {
        "enabled": True,
        "interval": "1m",
        "scrapeTimeout": "20s",
        "sampleLimit": 5,
        "targetLabels": ["team"],
        "authorization": {"credentials": {"name": "token", "key": "token"}},
        "relabelings": [{"targetLabel": "a", "replacement": "b"}],
        "metricRelabelings": [{"targetLabel": "c", "replacement": "d"}],
        "tlsConfig": {"serverName": "backups.example"},
    }
    web = {"configSecret": "exporter-web", "tls": True}
    kinds = ("ServiceMonitor", "PodMonitor", "VMServiceScrape")

    objects = rendered_together({kind: {"web": web, "serviceMonitor": {**said, "kind": kind}} for kind in kinds})

    for kind in kinds:
        spec = the(kind, objects[kind])["spec"]
        (endpoint,) = spec.get("endpoints") or spec["podMetricsEndpoints"]
        assert (spec["jobLabel"], spec["sampleLimit"]) == ("app.kubernetes.io/name", 5)
        assert spec.get("podTargetLabels" if kind == "PodMonitor" else "targetLabels") == ["team"]
        assert (endpoint["port"], endpoint["path"], endpoint["scheme"]) == ("metrics", "/metrics", "https")
        assert endpoint["honorLabels"] is True
        for name in ("interval", "scrapeTimeout", "authorization", "tlsConfig"):
            assert endpoint[name] == said[name]
        suffix = "Configs" if kind == "VMServiceScrape" else "ings"
        assert endpoint[f"relabel{suffix}"][-1] == {"targetLabel": "a", "replacement": "b"}
        assert endpoint[f"metricRelabel{suffix}"] == said["metricRelabelings"]


def test_pods_that_are_scraped_by_themselves_still_say_which_service_they_are_of() -> None:
    """The rules tell exporters apart by it."""
    (endpoint,) = the("PodMonitor", "pod-monitor")["spec"]["podMetricsEndpoints"]

    first, *_ = endpoint["relabelings"]
    name = the("Service", "pod-monitor")["metadata"]["name"]
    assert first == {"action": "replace", "targetLabel": "service", "replacement": name}


def test_an_autoscaler_touches_the_exporters_container_alone() -> None:
    for values in ("everything", "victoria-metrics"):
        spec = the("VerticalPodAutoscaler", values)["spec"]
        assert spec["targetRef"]["name"] == the("Deployment", values)["metadata"]["name"]
        first, others = spec["resourcePolicy"]["containerPolicies"]
        assert first["containerName"] == "exporter"
        assert others == {"containerName": "*", "mode": "Off"}
    assert of_kind("VerticalPodAutoscaler", "default") == []


def test_every_object_is_strictly_what_its_kinds_own_definition_accepts() -> None:
    folder = os.environ.get("CHART_CRDS")
    if not folder:
        pytest.skip("CHART_CRDS is not set: the definitions are other projects' and are not kept here")
    schemas = definitions(Path(folder))

    checked = set()
    for one in (one for values in ALL_VALUES for one in _custom(values)):
        for _, validator in schemas.get((one["apiVersion"], one["kind"]), ()):
            assert [error.message for error in validator.iter_errors(one)] == []
            checked.add(one["kind"])
    assert checked
