"""The reader asks for no more than its permissions, needs every one of them, and says which one is missing."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest

from exporter.facts.cluster.server import cached_list
from exporter.facts.cluster.server.access import check_access
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.cluster.server.permissions import Rule, rules
from exporter.facts.model import Check
from exporter.facts.reading import Reading, Reason, Source
from exporter.publication.doctor import report
from exporter.settings import Settings
from tests.apiserver import faults
from tests.apiserver.faults import Fault, How
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import Json, MakeReader, small_cluster


@pytest.fixture(autouse=True)
def _follow_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also lists that are so small that they would be read in full."""
    monkeypatch.setattr(cached_list, "SMALL", 0)


SOURCES = [source for source in Source if source.is_of_cluster]
MODES = {
    "default": {},
    "metadata of Secrets": {"secrets": "metadata"},
    "some sources": {"sources": "kubernetes,volsync"},
    "two namespaces": {"claims": {"namespaces": "media,books"}},
    "two namespaces, Roles only": {"claims": {"namespaces": "media,books"}, "cluster_scoped": False},
    "two namespaces, Roles only, Secrets": {
        "claims": {"namespaces": "media,books"},
        "cluster_scoped": False,
        "secrets": "metadata",
    },
}


def rbac_for(needed: Iterable[Rule]) -> list[Json]:
    """A Role or ClusterRole and its binding for each rule: what a chart that grants exactly these would render."""
    account = {"kind": "ServiceAccount", "name": "volsync-exporter", "namespace": "monitoring"}
    objects = []
    for number, rule in enumerate(needed):
        kind = "Role" if rule.namespace else "ClusterRole"
        metadata = {"name": f"rule-{number}", **({"namespace": rule.namespace} if rule.namespace else {})}
        granted = {"apiGroups": [rule.group], "resources": [rule.resource], "verbs": [rule.verb]}
        objects += [
            {"kind": kind, "metadata": metadata, "rules": [granted]},
            {
                "kind": f"{kind}Binding",
                "metadata": metadata,
                "subjects": [account],
                "roleRef": {"kind": kind, "name": metadata["name"]},
            },
        ]
    return objects


@pytest.mark.parametrize("mode", MODES)
def test_every_read_is_allowed_by_the_rules_and_every_rule_is_needed(mode: str, at: datetime) -> None:
    settings = Settings.model_validate(MODES[mode])
    with ApiServer(small_cluster(), rbac=rbac_for(rules(settings))) as server:
        reader = ClusterReader(settings, server.client())
        reports = [reader.read(source, at).report for _ in ("list", "watch") for source in SOURCES]
    assert server.forbidden() == []
    assert server.unused_rules() == []
    assert all(report.up for report in reports)


@pytest.mark.parametrize("mode", MODES)
def test_one_rule_too_few_is_noticed(mode: str, at: datetime) -> None:
    settings = Settings.model_validate(MODES[mode])
    kept = [rule for rule in rules(settings) if rule.resource != "jobs"]
    with ApiServer(small_cluster(), rbac=rbac_for(kept)) as server:
        reader = ClusterReader(settings, server.client())
        reports = [reader.read(source, at).report for source in SOURCES]
    assert server.forbidden()
    assert [report.reason for report in reports if not report.up] == [Reason.FORBIDDEN]


def test_secrets_are_never_among_the_rules_by_default() -> None:
    assert "secrets" not in {rule.resource for rule in rules(Settings())}


def test_nothing_but_list_and_watch_and_get_of_namespaces_is_ever_needed() -> None:
    for mode in MODES.values():
        for rule in rules(Settings.model_validate(mode)):
            assert rule.verb in ("list", "watch") or (rule.verb, rule.resource) == ("get", "namespaces")


def test_a_namespaced_install_reads_its_namespaces_and_is_up(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer(small_cluster()) as server:
        reader = reader_of(server, claims={"namespaces": "media,books,gone"}, cluster_scoped=False)
        read = reader.read(Source.KUBERNETES, at)
        policies = reader.read(Source.KYVERNO, at)
        assert all(one.namespace for one in server.asked("persistentvolumeclaims"))
    assert sorted(claim.name for claim in read.lists["core.claims"]) == ["films", "library", "music"]
    assert sorted(space.name for space in read.lists["core.namespaces"]) == ["books", "media"]
    assert read.lists["core.volumes"].reading is Reading.NOT_SERVED
    assert read.report.up
    assert policies.lists["kyverno.cluster_policies"].reading is Reading.NOT_SERVED
    assert policies.report.up


def test_a_namespace_that_is_named_and_left_out_is_not_read(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer(small_cluster()) as server:
        claims = {"namespaces": "media,books", "exclude_namespaces": "books"}
        read = reader_of(server, claims=claims).read(Source.KUBERNETES, at)
    assert {claim.namespace for claim in read.lists["core.claims"]} == {"media"}


def test_a_refusal_in_one_namespace_names_it(reader_of: MakeReader, at: datetime) -> None:
    with ApiServer(small_cluster()) as server:
        server.fail("replicationsources", faults.status(403, namespace="books"))
        read = reader_of(server, claims={"namespaces": "media,books"}).read(Source.VOLSYNC, at)
    assert read.lists["volsync.sources"].reading is Reading.UNREADABLE
    assert "list in books" in read.report.detail


# --- doctor -----------------------------------------------------------------------------------------------------


def checks_of(server: ApiServer, **settings: Any) -> tuple[Check, ...]:
    chosen = Settings.model_validate(settings)
    return check_access(ClusterReader(chosen, server.client()), chosen)


def test_where_all_is_well_every_check_passes_and_asks_for_one_object_each(server: ApiServer) -> None:
    checks = checks_of(server)
    assert {check.ok for check in checks} == {True, None}
    assert all(check.detail for check in checks)
    assert {one.query["limit"] for one in server.requests if one.verb == "list"} == {"1"}
    assert "Kubernetes v1.36.0" in checks[0].detail


def test_a_missing_permission_is_named_with_the_rule_that_grants_it(at: datetime) -> None:
    settings = Settings.model_validate({"claims": {"namespaces": "media"}, "cluster_scoped": False})
    kept = [rule for rule in rules(settings) if rule.resource != "replicationsources"]
    with ApiServer(small_cluster(), rbac=rbac_for(kept)) as server:
        checks = check_access(ClusterReader(settings, server.client()), settings)
    (failed,) = [check for check in checks if check.ok is False]
    assert failed.what == "list volsync.backube replicationsources in media"
    assert "cannot list resource" in failed.detail
    assert failed.fix == (
        "Grant it with a Role in namespace media: "
        '{apiGroups: ["volsync.backube"], resources: ["replicationsources"], verbs: ["list"]}'
    )


def test_that_nothing_may_be_watched_is_no_fault_and_what_would_allow_it_is_named(at: datetime) -> None:
    settings = Settings.model_validate({"sources": "volsync,longhorn"})
    kept = [rule for rule in rules(settings) if rule.verb != "watch"]
    with ApiServer(small_cluster(), rbac=rbac_for(kept)) as server:
        reader = ClusterReader(settings, server.client())
        checks = check_access(reader, settings)
        reads = [reader.read(Source.VOLSYNC, at) for _ in range(3)]
    assert {check.ok for check in checks} == {True, None}
    (watch,) = [check for check in checks if check.what.startswith("watch")]
    assert watch.ok is None
    assert watch.detail.startswith("not allowed for 4 resources")
    assert watch.fix == (
        'To allow it, grant a ClusterRole: {apiGroups: ["volsync.backube"], '
        'resources: ["replicationdestinations", "replicationsources"], verbs: ["watch"]}\n'
        'Role in namespace longhorn-system: {apiGroups: ["longhorn.io"], '
        'resources: ["settings", "volumes"], verbs: ["watch"]}'
    )
    assert "To allow it" in report(checks).plain
    assert all(read.report.up for read in reads)
    assert {one.reason for read in reads[1:] for one in read.report.reads} == {"forbidden"}
    # Twice refused, it is not asked for again at once.
    assert len([one for one in server.asked("replicationsources") if one.verb == "watch"]) == 3


def test_a_watch_that_a_proxy_spoils_is_said_and_is_no_fault(server: ApiServer) -> None:
    server.fail("replicationsources", Fault(How.STATUS, status=502, verb="watch"))
    (watch,) = [check for check in checks_of(server) if check.what.startswith("watch")]
    assert watch.ok is None
    assert "502" in watch.detail


def test_what_is_not_served_is_no_fault() -> None:
    with ApiServer(small_cluster(), without=["longhorn.io", "kyverno.io", "policies.kyverno.io"]) as server:
        checks = checks_of(server)
    absent = [check for check in checks if check.source in (Source.LONGHORN, Source.KYVERNO)]
    assert {check.ok for check in absent} == {None}
    assert all("not served" in check.detail for check in absent)


@pytest.mark.parametrize(("secrets", "says"), [("inferred", "no permission on Secrets"), ("metadata", "metadata-only")])
def test_how_secrets_are_learnt_of_is_said(server: ApiServer, secrets: str, says: str) -> None:
    assert says in checks_of(server, secrets=secrets)[-1].detail


def test_a_server_that_is_gone_is_one_failed_check() -> None:
    with ApiServer() as server:
        settings = Settings()
        reader = ClusterReader(settings, server.client())
    failed = [check for check in check_access(reader, settings) if check.ok is False]
    assert [check.what for check in failed] == ["reach the API server"]
    assert failed[0].fix


def test_a_wrong_token_is_one_failed_check(server: ApiServer) -> None:
    client = server.client()
    server.token = "another"
    failed = [check for check in check_access(ClusterReader(Settings(), client), Settings()) if check.ok is False]
    assert [check.what for check in failed] == ["reach the API server"]
    assert "credentials" in failed[0].fix


def test_a_namespace_in_which_longhorn_is_not_is_noticed(server: ApiServer) -> None:
    """Every volume would seem to be missing."""
    failed = [check for check in checks_of(server, chain={"longhorn_namespace": "elsewhere"}) if check.ok is False]
    assert [check.what for check in failed] == ["list longhorn.io settings in elsewhere"]
    assert "chain.longhorn_namespace" in failed[0].fix


def test_a_server_that_keeps_its_version_to_itself_is_no_fault(server: ApiServer) -> None:
    server.fail("discovery", faults.status(403, times=1))
    checks = checks_of(server)
    assert checks[0].ok is None
    assert not [check for check in checks if check.ok is False]
