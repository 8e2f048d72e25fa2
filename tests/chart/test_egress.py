"""The NetworkPolicy lets the exporter reach its store, wherever that listens, and no more than it must."""

from functools import cache
from typing import Any

import pytest

from exporter.facts.bucket.address import addresses
from exporter.settings import BucketSettings, Settings
from tests.chart.tools import Manifest, Values, rendered_together, the

ANY_PORT: list[dict[str, Any]] = [{"protocol": "TCP"}]
STORE = [{"ipBlock": {"cidr": "192.168.10.0/24"}}]


def _buckets(*buckets: dict[str, str], **more: Any) -> Values:
    return {"settings": {"buckets": list(buckets)}, **more}


def _urls(*urls: str, **more: Any) -> Values:
    return _buckets(*({"repository_base": url} for url in urls), **more)


KNOWN: dict[str, tuple[Values, set[int]]] = {
    "a port of its own": (_urls("s3:http://rustfs.example:9000/backup/"), {9000}),
    "no port over TLS": (_urls("s3:https://rustfs.example/backup/"), {443}),
    "no port in the clear": (_urls("s3:http://rustfs.example/backup"), {80}),
    "no scheme": (_urls("s3:rustfs.example:9443/backup"), {9443}),
    "no scheme but slashes": (_urls("s3://rustfs.example/backup"), {443}),
    "an address of IPv6": (_urls("s3:http://[fd00::1]:9000/backup"), {9000}),
    "an address of IPv6 without a port": (_urls("s3:http://[fd00::1]/backup"), {80}),
    "a user and a password before the host": (_urls("s3:https://a:b@rustfs.example:9000/backup"), {9000}),
    "a port in the bucket's name alone": (_urls("s3:https://rustfs.example/backup:9000/x"), {443}),
    "AWS": (_urls("s3:s3.amazonaws.com/backup"), {443}),
    "a bucket of AWS by its name": (_buckets({"bucket": "backup", "region": "eu-central-1"}), {443}),
    "an endpoint": (_buckets({"endpoint": "http://rustfs.example:3900", "bucket": "backup"}), {3900}),
    "an endpoint overrides the URL": (
        _buckets({"endpoint": "http://rustfs.example:3900", "repository_base": "s3:http://old.example:9000/backup"}),
        {3900},
    ),
    "several": (
        _urls("s3:http://one.example:9000/a/", "s3:https://two.example/b/", "s3:http://one.example:9000/c/"),
        {9000, 443},
    ),
    "the SDK's endpoint": (
        _buckets(
            {"bucket": "backup"}, extraEnv=[{"name": "AWS_ENDPOINT_URL_S3", "value": "https://garage.example:3900"}]
        ),
        {3900},
    ),
    "the environment's URL": (
        {"extraEnv": [{"name": "RESTIC_REPOSITORY_BASE", "value": "s3:http://rustfs.example:9000/backup/"}]},
        {9000},
    ),
    "a proxy": (
        _urls(
            "s3:https://rustfs.example/backup/",
            extraEnv=[{"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"}],
        ),
        {443, 3128},
    ),
}
HIDDEN: dict[str, Values] = {
    "in the base Secret": {"s3": {"existingSecret": "base"}},
    "in the environment": _buckets({"layout": "{namespace}/{pvc}"}, s3={"existingSecret": "base"}),
    "in a profile": _buckets(
        {"bucket": "backup", "profile": "remote"}, s3={"credentialsFile": {"existingSecret": "stores"}}
    ),
    "in an environment from elsewhere": _buckets({"bucket": "backup"}, extraEnvFrom=[{"configMapRef": {"name": "e"}}]),
    "in a variable from elsewhere": {
        "extraEnv": [{"name": "RESTIC_REPOSITORY_BASE", "valueFrom": {"secretKeyRef": {"name": "base", "key": "base"}}}]
    },
    "for one of two": _buckets(
        {"repository_base": "s3:http://rustfs.example:9000/backup/"}, {"bucket": "b", "profile": "p"}
    ),
}
IN_THE_CLUSTER: dict[str, tuple[Values, int, str]] = {
    "by its short name": (_urls("s3:http://rustfs:9000/backup/"), 9000, "monitoring"),
    "by its name": (_urls("s3:http://rustfs.storage.svc/backup/"), 80, "storage"),
    "by its full name": (_urls("s3:http://rustfs.storage.svc.cluster.local:80/backup/"), 80, "storage"),
}
GIVEN: dict[str, dict[str, Any]] = {
    "ports": {"ports": [30292]},
    "ports and peers": {"ports": [30292], "to": STORE},
    "peers": {"to": STORE},
}
_NAMED = "s3:http://rustfs.storage.svc:9000/backup/"


@cache
def _policies() -> dict[str, tuple[Manifest, ...]]:
    cases: dict[str, Values] = {
        "no bucket": {},
        **{name: values for name, (values, _) in KNOWN.items()},
        **HIDDEN,
        **{name: values for name, (values, *_) in IN_THE_CLUSTER.items()},
        **{f"given {name}": _urls(_NAMED, networkPolicy={"egress": {"s3": given}}) for name, given in GIVEN.items()},
        "hidden, to peers": {**HIDDEN["in the base Secret"], "networkPolicy": {"egress": {"s3": {"to": STORE}}}},
    }
    return rendered_together(
        {
            name: {**values, "networkPolicy": {"enabled": True, **values.get("networkPolicy", {})}}
            for name, values in cases.items()
        }
    )


def _to_the_store(name: str) -> list[Manifest]:
    """The egress rules after those to DNS and to the API server."""
    dns, api, *others = the("NetworkPolicy", _policies()[name])["spec"]["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert [port["port"] for port in api["ports"]] == [443, 6443]
    return list(others)


def _ports(*ports: int) -> list[dict[str, Any]]:
    return [{"port": port, "protocol": "TCP"} for port in ports]


def test_nothing_is_open_where_no_bucket_is_read() -> None:
    assert _to_the_store("no bucket") == []


@pytest.mark.parametrize("name", KNOWN)
def test_the_store_is_reached_at_the_port_of_its_endpoint(name: str) -> None:
    values, ports = KNOWN[name]

    (rule,) = _to_the_store(name)

    assert {port["port"] for port in rule["ports"]} == ports
    assert len(rule["ports"]) == len(ports)
    assert "to" not in rule
    settings = Settings.model_validate(values.get("settings", {}))
    for address in addresses(settings, {}):  # what the exporter itself makes of the same values
        if address.endpoint:
            scheme, _, host = address.endpoint.partition("://")
            port = host.rpartition(":")[2] if not host.endswith("]") else ""
            assert int(port if port.isdigit() else {"http": 80, "https": 443}[scheme]) in ports


@pytest.mark.parametrize("name", HIDDEN)
def test_any_port_is_open_where_the_endpoint_is_not_among_the_values(name: str) -> None:
    assert _to_the_store(name) == [{"ports": ANY_PORT}]


@pytest.mark.parametrize("name", IN_THE_CLUSTER)
def test_the_pods_behind_a_service_are_reached_at_whatever_port_they_have(name: str) -> None:
    _, port, namespace = IN_THE_CLUSTER[name]

    direct, behind = _to_the_store(name)

    assert direct == {"ports": _ports(port)}
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    assert behind == {"ports": ANY_PORT, "to": [peer]}


def test_what_the_values_say_of_ports_and_peers_is_all_there_is() -> None:
    assert _to_the_store("given ports") == [{"ports": _ports(30292)}]
    assert _to_the_store("given ports and peers") == [{"ports": _ports(30292), "to": STORE}]
    # The store's pods, at a port that only the cluster knows.
    assert _to_the_store("given peers") == [{"ports": ANY_PORT, "to": STORE}]
    assert _to_the_store("hidden, to peers") == [{"ports": ANY_PORT, "to": STORE}]


def test_the_pod_of_helm_test_may_scrape_whoever_else_may_not() -> None:
    (rule,) = the("NetworkPolicy", "everything")["spec"]["ingress"]
    (tester,) = (peer["podSelector"]["matchLabels"] for peer in rule["from"] if "namespaceSelector" not in peer)

    assert tester.items() <= the("Pod", "everything")["metadata"]["labels"].items()
    assert "from" not in the("NetworkPolicy", "s3")["spec"]["ingress"][0]


def test_a_bucket_has_no_other_setting_that_says_where_it_is() -> None:
    """A new one belongs into the chart's own reading of endpoints."""
    assert {name for name in BucketSettings.model_fields if "endpoint" in name or "repository" in name} == {
        "endpoint",
        "repository_base",
    }
