"""The stand-in against the official client's own typed calls: that it speaks as the API server does."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes
import pytest
from kubernetes.client import ApiException
from kubernetes.dynamic import DynamicClient

from tests.apiserver import faults
from tests.apiserver.server import ApiServer
from tests.cluster.conftest import Json, obj, small_cluster


def core(server: ApiServer) -> kubernetes.client.CoreV1Api:
    return kubernetes.client.CoreV1Api(server.client())


def refusal(call: Callable[..., object], **arguments: Any) -> tuple[int, Json]:
    with pytest.raises(ApiException) as raised:
        call(**arguments)
    return raised.value.status, json.loads(raised.value.body)


def test_the_typed_client_pages_through_it(server: ApiServer) -> None:
    api, seen, token = core(server), [], None
    while True:
        page = api.list_persistent_volume_claim_for_all_namespaces(limit=3, _continue=token)
        seen += [claim.metadata.name for claim in page.items]
        token = page.metadata._continue
        if not token:
            break
        assert page.metadata.remaining_item_count == 1
    assert seen == ["library", "etcd", "films", "music"]


def test_the_dynamic_client_discovers_custom_resources_in_it(server: ApiServer, tmp_path: Path) -> None:
    dynamic = DynamicClient(server.client(), cache_file=str(tmp_path / "cache"))
    sources = dynamic.resources.get(api_version="volsync.backube/v1alpha1", kind="ReplicationSource")
    assert len(sources.get().items) == 4


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("app=jellyfin", 1),
        ("app==jellyfin", 1),
        ("app!=jellyfin", 4),
        ("app", 1),
        ("!app", 4),
        ("app in (jellyfin, plex)", 1),
        ("app notin (jellyfin)", 4),
        ("app=jellyfin,app.kubernetes.io/created-by", 0),
        ("app.kubernetes.io/created-by in (volsync),!app", 4),
    ],
)
def test_label_selectors(server: ApiServer, selector: str, found: int) -> None:
    assert len(core(server).list_pod_for_all_namespaces(label_selector=selector).items) == found


@pytest.mark.parametrize(
    ("selector", "found"),
    [("reason=FailedMount", 1), ("reason!=FailedMount", 6), ("metadata.namespace=media,reason==Scheduled", 1)],
)
def test_field_selectors(server: ApiServer, selector: str, found: int) -> None:
    assert len(core(server).list_event_for_all_namespaces(field_selector=selector).items) == found


def test_what_it_cannot_select_by_is_a_bad_request(server: ApiServer) -> None:
    assert refusal(core(server).list_pod_for_all_namespaces, field_selector="spec.foo=1")[0] == 400
    assert refusal(core(server).list_pod_for_all_namespaces, label_selector="a=b=c")[0] == 400
    assert refusal(core(server).list_pod_for_all_namespaces, _continue="nonsense")[0] == 400
    assert refusal(core(server).list_pod_for_all_namespaces, resource_version_match="Exact")[0] == 400


def test_from_the_watch_cache_a_limit_is_ignored(server: ApiServer) -> None:
    page = core(server).list_persistent_volume_claim_for_all_namespaces(limit=1, resource_version="0")
    assert len(page.items) == 4


def test_an_expired_token_is_gone(server: ApiServer) -> None:
    api = core(server)
    token = api.list_persistent_volume_claim_for_all_namespaces(limit=1).metadata._continue
    server.expire_tokens()
    status, body = refusal(api.list_persistent_volume_claim_for_all_namespaces, limit=1, _continue=token)
    assert (status, body["reason"], body["code"]) == (410, "Expired", 410)


def test_single_objects_and_their_absence(server: ApiServer) -> None:
    api = core(server)
    assert api.read_namespace("media").metadata.name == "media"
    status, body = refusal(api.read_namespace, name="gone")
    assert (status, body["reason"]) == (404, "NotFound")


def test_it_only_reads(server: ApiServer) -> None:
    body = kubernetes.client.V1Namespace(metadata=kubernetes.client.V1ObjectMeta(name="new"))
    assert refusal(core(server).create_namespace, body=body)[0] == 405


def test_who_has_no_token_is_not_known(server: ApiServer) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{server.url}/api/v1/pods", timeout=5)


def test_a_path_that_no_api_serves_is_not_found_in_plain_text(server: ApiServer) -> None:
    request = urllib.request.Request(
        f"{server.url}/apis/nobody.example/v1/things", headers={"Authorization": f"Bearer {server.token}"}
    )
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=5)
    assert raised.value.read() == b"404 page not found\n"


ROLE = {
    "kind": "Role",
    "metadata": {"name": "reader", "namespace": "media"},
    "rules": [{"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": ["list", "get"]}],
}
BINDING = {
    "kind": "RoleBinding",
    "metadata": {"name": "reader", "namespace": "media"},
    "subjects": [{"kind": "ServiceAccount", "name": "volsync-exporter", "namespace": "monitoring"}],
    "roleRef": {"kind": "Role", "name": "reader"},
}


def test_a_role_holds_in_its_namespace_alone() -> None:
    with ApiServer(small_cluster(), rbac=[ROLE, BINDING]) as server:
        api = core(server)
        assert len(api.list_namespaced_pod("media").items) == 3
        assert api.read_namespace("media").metadata.name == "media"
        for call, arguments in (
            (api.list_namespaced_pod, {"namespace": "books"}),
            (api.list_pod_for_all_namespaces, {}),
            (api.read_namespace, {"name": "books"}),
            (api.list_namespace, {}),
            (api.list_namespaced_secret, {"namespace": "media"}),
        ):
            status, body = refusal(call, **arguments)
            assert (status, body["reason"]) == (403, "Forbidden")
            assert 'User "system:serviceaccount:monitoring:volsync-exporter" cannot' in body["message"]
        assert len(server.forbidden()) == 5
        assert {(group, resource, verb) for _, group, resource, verb in server.unused_rules()} == {
            ("", "pods", "get"),
            ("", "namespaces", "list"),
        }


def test_a_cluster_role_bound_in_a_namespace_holds_there_alone() -> None:
    role = {**ROLE, "kind": "ClusterRole", "metadata": {"name": "reader"}}
    binding = {**BINDING, "roleRef": {"kind": "ClusterRole", "name": "reader"}}
    with ApiServer(small_cluster(), rbac=[role, binding]) as server:
        assert core(server).list_namespaced_pod("media").items
        assert refusal(core(server).list_pod_for_all_namespaces)[0] == 403


def test_metadata_only_is_what_it_says(server: ApiServer) -> None:
    request = urllib.request.Request(
        f"{server.url}/api/v1/secrets",
        headers={
            "Authorization": f"Bearer {server.token}",
            "Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
        },
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        body = json.load(answer)
    assert body["kind"] == "PartialObjectMetadataList"
    assert {tuple(sorted(item)) for item in body["items"]} == {("apiVersion", "kind", "metadata")}


def test_a_fault_strikes_as_often_as_it_is_told_to(server: ApiServer) -> None:
    fault = server.fail("pods", faults.status(500, times=1))
    api = core(server)
    assert refusal(api.list_pod_for_all_namespaces)[0] == 500
    assert api.list_pod_for_all_namespaces().items
    assert fault.struck == 1


def test_an_object_of_a_kind_that_it_does_not_know_is_refused() -> None:
    with pytest.raises(LookupError, match="Teapot"):
        ApiServer([obj("v1", "Teapot", "t")])
