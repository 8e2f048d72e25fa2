"""What a dump holds of an object, and what it does not."""

import pytest

from exporter.facts.cluster.core.objects import Namespace, PersistentVolumeClaim, Pod, Secret
from exporter.facts.cluster.dump.masking import annotations_of, shareable
from exporter.masking import masked as mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("s3:https://user:hunter2@store:9000/b", "s3:https://***@store:9000/b"),
        ("rest:http://u:p@h/", "rest:http://***@h/"),
        ("AWS_SECRET_ACCESS_KEY=hunter2hunter2", "AWS_SECRET_ACCESS_KEY=***"),
        ('{"password": "hunter2"}', '{"password": ***}'),
        ("Authorization: Bearer eyJhbGciOi.x.y", "Authorization: ***"),
        ("key AKIAIOSFODNN7EXAMPLE is wrong", "key *** is wrong"),
        ("s3:https://store:9000/volsync-backup/n8n/data", "s3:https://store:9000/volsync-backup/n8n/data"),
        ("Fatal: wrong password or no key found", "Fatal: wrong password or no key found"),
        ("secret n8n/data-volsync-secret not found", "secret n8n/data-volsync-secret not found"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_annotations_are_kept_where_the_reader_has_a_name_for_them() -> None:
    assert "volsync.backube/privileged-movers" in annotations_of(Namespace)
    annotations = {"volsync-exporter.io/exempt": "scratch", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    body = {"kind": "PersistentVolumeClaim", "metadata": {"name": "a", "annotations": annotations, "managedFields": []}}
    assert shareable(body, PersistentVolumeClaim)["metadata"] == {
        "name": "a",
        "annotations": {"volsync-exporter.io/exempt": "scratch"},
    }


def test_an_environment_keeps_its_names_and_a_secret_its_metadata() -> None:
    pod = {
        "kind": "Pod",
        "metadata": {"name": "a"},
        "spec": {"containers": [{"env": [{"name": "K", "value": "hunter2"}]}]},
    }
    assert "hunter2" not in repr(shareable(pod, Pod))
    secret = {"kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "aHVudGVyMg=="}}
    assert shareable(secret, Secret) == {"kind": "Secret", "metadata": {"name": "a"}}
