"""What a drill asks the API server: lists and objects to read, and one kind of object to write."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec
import urllib3
from urllib3 import exceptions

from exporter.facts.cluster.server.official import ApiClient
from exporter.facts.cluster.server.transport import JSON, MOST_BYTES, ReadError, Transport
from exporter.facts.reading import Reason

GROUP = "/apis/volsync.backube/v1alpha1"
_APPLY = "application/apply-patch+yaml"
"""Server-side apply takes JSON too, which is YAML; it makes the object, or changes what this writer has set."""
_PAGE = "200"
_WRITER = "volsync-exporter-drill"


class Cluster:
    """One API server, in the namespaces that are looked at (none: all)."""

    def __init__(self, client: ApiClient, namespaces: Sequence[str], timeout: timedelta) -> None:
        self._transport = _Writer(client, timeout)
        self._namespaces = tuple(namespaces)

    def sources(self) -> list[Mapping[str, Any]]:
        """All ReplicationSources. Raises ReadError, as all that asks."""
        return [
            {"apiVersion": "volsync.backube/v1alpha1", "kind": "ReplicationSource", **one}
            for one in self._list(GROUP, "replicationsources")
        ]

    def destinations(self) -> list[Mapping[str, Any]]:
        """All ReplicationDestinations."""
        return list(self._list(GROUP, "replicationdestinations"))

    def pvcs(self) -> list[Mapping[str, Any]]:
        """All PersistentVolumeClaims."""
        return list(self._list("/api/v1", "persistentvolumeclaims"))

    def source(self, namespace: str, name: str) -> Mapping[str, Any]:
        """One ReplicationSource as it is now."""
        return self._get(_path(GROUP, "replicationsources", namespace, name))

    def destination(self, namespace: str, name: str) -> Mapping[str, Any]:
        """One ReplicationDestination as it is now."""
        return self._get(_path(GROUP, "replicationdestinations", namespace, name))

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Make a ReplicationDestination, or give the one that is there these values."""
        metadata = manifest["metadata"]
        path = _path(GROUP, "replicationdestinations", metadata["namespace"], metadata["name"])
        self._transport.apply(path, msgspec.json.encode(manifest))

    def _get(self, path: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = _decoded(self._transport.get(path))
        return found

    def _list(self, group: str, plural: str) -> Iterator[Mapping[str, Any]]:
        for namespace in self._namespaces or ("",):
            token = ""
            while True:
                query = {"limit": _PAGE, **({"continue": token} if token else {})}
                page = _decoded(self._transport.get(_path(group, plural, namespace), query))
                yield from page.get("items") or ()
                token = (page.get("metadata") or {}).get("continue") or ""
                if not token:
                    break


class _Writer(Transport):
    def apply(self, path: str, body: bytes) -> None:
        """Send one PATCH.

        Raises:
            ReadError: the server refused it, or did not answer in time; the object may have been written.
        """
        query = {"fieldManager": _WRITER, "force": "true"}
        try:
            response = self._client.rest_client.pool_manager.request(
                "PATCH",
                f"{self.address}{path}?{'&'.join(f'{name}={value}' for name, value in query.items())}",
                body=body,
                headers={**self._headers(JSON), "Content-Type": _APPLY},
                timeout=urllib3.Timeout(total=self._timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            answer = response.read(MOST_BYTES)
            response.release_conn()
        except (exceptions.HTTPError, OSError) as error:
            raise ReadError(Reason.CONNECTION, str(error)) from None
        if response.status not in (200, 201):
            raise ReadError(Reason.OTHER, f"{response.status} {_error_message(answer)}")


def _error_message(answer: bytes) -> str:
    try:
        return str(msgspec.json.decode(answer).get("message", ""))
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
        return "without a Status"


def _decoded(body: Any) -> Any:  # noqa: ANN401 - JSON
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ReadError(Reason.MALFORMED_ANSWER, "the answer is no JSON") from None
    if not isinstance(found, dict):
        raise ReadError(Reason.MALFORMED_ANSWER, "the answer is no object")
    return found


def _path(group: str, plural: str, namespace: str, name: str = "") -> str:
    where = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{group}{where}/{plural}" + (f"/{quote(name, safe='')}" if name else "")


class Clock:
    """The time, and waiting for it to pass."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
