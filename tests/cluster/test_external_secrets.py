"""Of External Secrets' objects nothing is kept that could be a secret, and what is kept can be looked up."""

from typing import Any

import msgspec
import pytest

from exporter.facts.cluster.external_secrets.facts import ExternalSecretsFacts
from exporter.facts.cluster.external_secrets.objects import ExternalSecret, SecretStore
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.reading import Reading


def external_secret(name: str = "app", **spec: Any) -> ExternalSecret:
    wire = {"metadata": {"name": name, "namespace": "media"}, "spec": spec}
    return msgspec.json.decode(msgspec.json.encode(wire), type=ExternalSecret)


def templated(**template: Any) -> ExternalSecret:
    return external_secret(target={"template": template})


def test_the_template_of_the_repositorys_address_is_kept() -> None:
    secret = templated(data={"RESTIC_REPOSITORY": "{{ .BASE }}/app", "RESTIC_PASSWORD": "in the clear"})
    assert secret.addresses == ("{{ .BASE }}/app",)
    assert b"in the clear" not in msgspec.json.encode(secret)


def test_of_a_literal_that_makes_several_keys_only_the_address_is_kept() -> None:
    secret = templated(
        templateFrom=[{"literal": 'RESTIC_PASSWORD: clear\nRESTIC_REPOSITORY: "s3:http://minio/b/app"\n'}]
    )
    assert secret.addresses == ("s3:http://minio/b/app",)
    assert b"clear" not in msgspec.json.encode(secret)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("rest:https://user:pass@store:8000/app", "rest:https://***@store:8000/app"),
        ("rest:https://user:pa/ss@word@store:8000/app", "rest:https://***@store:8000/app"),
        ("rest:https://{{ .USER }}:{{ .PASS }}@store/app", "rest:https://***@store/app"),
        ("s3:https://{{ .ACCOUNT }}.example.com/volsync/app", "s3:https://{{ .ACCOUNT }}.example.com/volsync/app"),
    ],
)
def test_credentials_in_an_address_are_masked(text: str, kept: str) -> None:
    assert templated(data={"RESTIC_REPOSITORY": text}).addresses == (kept,)
    assert templated(templateFrom=[{"literal": f"RESTIC_REPOSITORY: {text}"}]).addresses == (kept,)


def test_what_is_too_long_to_be_an_address_is_not_kept() -> None:
    assert templated(data={"RESTIC_REPOSITORY": "s3:" + 2000 * "x" + "@store/app"}).addresses == ()


def test_of_a_stores_provider_only_its_kind_is_kept() -> None:
    wire = {
        "metadata": {"name": "store"},
        "spec": {"provider": {"fake": {"data": [{"key": "password", "value": "in the clear"}]}}},
    }
    store = msgspec.json.decode(msgspec.json.encode(wire), type=SecretStore)
    assert store.provider == "fake"
    assert b"in the clear" not in msgspec.json.encode(store)


def test_the_stores_of_single_entries_are_stores_too() -> None:
    own, other = {"kind": "ClusterSecretStore", "name": "vault"}, {"name": "local"}
    secret = external_secret(
        secretStoreRef=own,
        data=[{"secretKey": "a", "remoteRef": {"key": "k"}, "sourceRef": {"storeRef": other}}],
        dataFrom=[{"extract": {"key": "k"}}, {"sourceRef": {"generatorRef": {"kind": "Password", "name": "p"}}}],
    )
    assert [(store.kind, store.name) for store in secret.stores] == [
        ("ClusterSecretStore", "vault"),
        ("SecretStore", "local"),
    ]


def test_a_secret_is_found_by_its_target_and_not_where_none_is_written() -> None:
    secrets = (
        external_secret("b", target={"name": "shared"}),
        external_secret("a", target={"name": "shared"}),
        external_secret("c", target={"name": "shared", "creationPolicy": "None"}),
        external_secret("d", target={"name": "shared", "manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}),
        external_secret("e"),
    )
    facts = ExternalSecretsFacts(external_secrets=ObjectList(secrets, Reading.READ))
    assert [secret.name for secret in facts.bringing("media", "shared")] == ["a", "b"]
    assert [secret.name for secret in facts.bringing("media", "e")] == ["e"]
    assert facts.bringing("other", "e") == ()
