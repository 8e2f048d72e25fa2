"""The permissions that the chart renders are what the exporter needs, and not one more."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.server import cached_list
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.cluster.server.permissions import rules
from exporter.facts.reading import Reading, Source
from tests.apiserver.server import ApiServer
from tests.chart.tools import ALL_VALUES, ROOT, Manifest, of_kind, rendered, rendered_together, settings, the

RBAC = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
CLUSTER_SOURCES = [source for source in Source if source.is_of_cluster]

Grant = tuple[str, str, str, str]
"""Namespace (empty: cluster-wide), verb, API group and plural."""


@pytest.mark.parametrize("values", ALL_VALUES)
def test_the_exporter_meets_no_refusal_and_leaves_no_permission_unused(
    values: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_list, "SMALL", 0)  # these lists are so small that they would not be watched
    account = the("Deployment", values)["spec"]["template"]["spec"]["serviceAccountName"]
    namespace = the("Deployment", values)["metadata"]["namespace"]
    rbac = [manifest for manifest in rendered(values) if manifest["kind"] in RBAC]

    with ApiServer((), rbac=rbac, user=f"system:serviceaccount:{namespace}:{account}") as server:
        reader = ClusterReader(settings(values), server.client())
        at = datetime(2026, 3, 1, tzinfo=UTC)
        reports = [reader.read(source, at).report for _ in ("list", "watch") for source in CLUSTER_SOURCES]

    assert server.rules
    assert not server.forbidden()
    assert not server.unused_rules()
    assert {report.reading for report in reports} <= {Reading.READ, Reading.NOT_SERVED}
    assert any(report.reading is Reading.READ for report in reports)


@pytest.mark.parametrize("values", ALL_VALUES)
def test_only_list_watch_and_get_are_granted_on_the_kinds_that_are_read(values: str) -> None:
    needed = {(rule.namespace, rule.verb, rule.group, rule.resource) for rule in rules(settings(values))}

    granted = set(_granted(values))

    # The ClusterRole may grant what is needed in an operator's namespace alone: the kind is kept nowhere else.
    operators = {need for need in needed if need[2] in ("longhorn.io", "kyverno.io") and need not in granted}
    assert granted - needed == {("", *need[1:]) for need in operators}
    assert needed - granted == operators


@pytest.mark.parametrize("values", ALL_VALUES)
def test_secrets_are_granted_only_where_metadata_is_asked_for(values: str) -> None:
    namespaces = {grant[0] for grant in _granted(values) if grant[3] == "secrets"}

    if values == "metadata-secrets-cluster-wide":
        assert namespaces == {""}
    elif values == "metadata-secrets":
        assert namespaces == {"home-assistant", "karakeep"}
    elif values == "everything":
        assert namespaces == {"home-assistant"}
    else:
        assert not namespaces


def test_roles_only_leaves_nothing_cluster_wide() -> None:
    assert not of_kind("ClusterRole", "namespaced")
    assert not of_kind("ClusterRoleBinding", "namespaced")
    assert of_kind("Role", "namespaced")


def test_permissions_can_be_left_to_somebody_else_and_two_releases_of_one_name_do_not_share_them() -> None:
    objects = rendered_together(
        {
            "none": {"rbac": {"create": False}},
            **{namespace: {"namespaceOverride": namespace} for namespace in ("here", "there")},
        }
    )

    assert not {manifest["kind"] for manifest in objects["none"]} & set(RBAC)
    names = {the("ClusterRole", objects[namespace])["metadata"]["name"] for namespace in ("here", "there")}
    assert len(names) == 2


def test_the_page_on_permissions_names_every_kind_and_no_other() -> None:
    page = (ROOT / "docs" / "permissions.md").read_text()

    documented = set(re.findall(r"^\| `([a-z]+)` \| `([a-z0-9.-]*)` \|", page, re.MULTILINE))

    assert documented == {(kind.plural, kind.group or "core") for kind in KINDS}


def _granted(values: str) -> Iterator[Grant]:
    for role in (*of_kind("ClusterRole", values), *of_kind("Role", values)):
        for rule in role["rules"]:
            assert set(rule) == {"apiGroups", "resources", "verbs"}
            yield from _spread(role, rule)


def _spread(role: Manifest, rule: Manifest) -> Iterator[Grant]:
    for group in rule["apiGroups"]:
        for plural in rule["resources"]:
            for verb in rule["verbs"]:
                yield role["metadata"].get("namespace", ""), verb, group, plural
