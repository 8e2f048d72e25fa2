"""Which API groups, versions and resources the server has: what is not served cannot be broken."""

import threading
import time
from typing import TypeVar

import msgspec

from exporter.facts.body import Body
from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.server.transport import JSON, ReadError, Transport
from exporter.facts.reading import Reason

T = TypeVar("T")
_ALWAYS_SERVED = ("", "batch")
_AGGREGATED = ",".join(
    (*(f"{JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")), JSON)
)
"""Everything in one answer (Kubernetes 1.27 and later); an older server answers with its list of groups."""
_KEPT_SECONDS = 300.0
_LOST_SECONDS = 1.0
"""The same, while something is missing that was served before: an API that is away for a moment comes back."""

Served = dict[str, dict[str, frozenset[str]]]
"""The served resources' plurals, by group and version; only of groups that are read."""


class _Name(msgspec.Struct):
    name: str


class _DiscoveredResource(msgspec.Struct):
    resource: str


class _DiscoveredVersion(msgspec.Struct):
    version: str
    resources: tuple[_DiscoveredResource, ...] | None = None


class _DiscoveredGroup(msgspec.Struct):
    metadata: _Name
    versions: tuple[_DiscoveredVersion, ...] | None = None


class _GroupVersion(msgspec.Struct):
    version: str


class _Group(msgspec.Struct):
    name: str
    versions: tuple[_GroupVersion, ...]


class _Aggregated(msgspec.Struct, tag_field="kind", tag="APIGroupDiscoveryList"):
    items: tuple[_DiscoveredGroup, ...]


class _Groups(msgspec.Struct, tag_field="kind", tag="APIGroupList"):
    groups: tuple[_Group, ...]


class _Resources(msgspec.Struct, tag_field="kind", tag="APIResourceList"):
    resources: tuple[_Name, ...]


class Discovery:
    """What the server serves.

    It is asked again after five minutes, when a list is not found, and at every read of what was served and is not.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._served: Served | None = None
        self._read_at = 0.0
        self._met: set[tuple[str, str]] = set()
        """Groups and plurals that were served once."""

    def version(self, kind: Kind, stop: threading.Event | None = None, *, fresh: bool = False) -> str | None:
        """The version to read *kind* in; None when it is not served.

        Raises:
            ReadError: discovery failed, or the kind is served only in versions that cannot be read.
        """
        if kind.about and not any(group in self._current(stop, fresh=fresh) for group in kind.about):
            return None
        if kind.group in _ALWAYS_SERVED:
            return kind.versions[0]
        serving = self._serving(kind, stop, fresh=fresh)
        if not serving and (kind.group, kind.plural) in self._met and not fresh and self._is_older_than(_LOST_SECONDS):
            serving = self._serving(kind, stop, fresh=True)
        if not serving:
            return None
        self._met.add((kind.group, kind.plural))
        readable = next((version for version in kind.versions if version in serving), None)
        if readable is None:
            detail = f"{kind.group} serves {kind.plural} in {', '.join(serving)}; read are {', '.join(kind.versions)}"
            raise ReadError(Reason.NOT_FOUND, detail)
        return readable

    def _serving(self, kind: Kind, stop: threading.Event | None, *, fresh: bool) -> list[str]:
        """The versions that *kind* is served in."""
        versions = self._current(stop, fresh=fresh).get(kind.group, {})
        return [version for version, plurals in versions.items() if kind.plural in plurals]

    def _is_older_than(self, seconds: float) -> bool:
        return time.monotonic() - self._read_at >= seconds

    def _current(self, stop: threading.Event | None, *, fresh: bool) -> Served:
        with self._lock:
            if fresh or self._served is None or self._is_older_than(_KEPT_SECONDS):
                self._served = None
                self._served = self._read(stop)
                self._read_at = time.monotonic()
            return self._served

    def _read(self, stop: threading.Event | None) -> Served:
        body = self._transport.get("/apis", accept=_AGGREGATED, stop=stop)
        answer: _Aggregated | _Groups = _decode(_APIS, body, "/apis")
        if isinstance(answer, _Aggregated):
            return {
                group.metadata.name: {
                    one.version: frozenset(resource.resource for resource in one.resources or ())
                    for one in group.versions or ()
                }
                for group in answer.items
                if group.metadata.name in _read_groups()
            }
        return {
            group.name: {one.version: self._resources(group.name, one.version, stop) for one in group.versions}
            for group in answer.groups
            if group.name in _read_groups()
        }

    def _resources(self, group: str, version: str, stop: threading.Event | None) -> frozenset[str]:
        path = f"/apis/{group}/{version}"
        try:
            body = self._transport.get(path, stop=stop)
        except ReadError as error:
            if error.reason is Reason.NOT_FOUND:  # it went away since the list of groups was given
                return frozenset()
            raise
        return frozenset(resource.name for resource in _decode(_RESOURCES, body, path).resources)


def _read_groups() -> frozenset[str]:
    return frozenset(kind.group for kind in KINDS)


_APIS: msgspec.json.Decoder[_Aggregated | _Groups] = msgspec.json.Decoder(_Aggregated | _Groups)
_RESOURCES = msgspec.json.Decoder(_Resources)


def _decode(decoder: msgspec.json.Decoder[T], body: Body, path: str) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReadError(Reason.MALFORMED_ANSWER, f"{path}: {error}") from None
