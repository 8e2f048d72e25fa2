"""A stand-in for the Kubernetes API server: the read side of its protocol, over a handful of objects.

    with ApiServer(load("tests/scenarios/volume_faulted")) as server:
        server.fail("pods", faults.status(403))
        api_client = server.client()                     # the real `kubernetes` client, connected to it
        kubeconfig = server.write_kubeconfig(tmp_path)   # or a file for `KUBECONFIG`
        ...
        assert server.requests[-1].resource == "pods"

`applied` is called with each object that a server-side apply has written: that is where a test plays VolSync.

It serves what the real one serves to a reader: discovery (aggregated or not), lists in pages with opaque continue
tokens, watches with bookmarks, single objects, label and field selectors, metadata-only answers, and Status bodies for
what it refuses: 401 without the token, 403 where the given RBAC objects grant nothing, 404, 405, 406, 410. Any answer
can be made to fail (`tests.apiserver.faults`). Every request is logged with the RBAC rule that allowed it.

Arguments of `ApiServer`:

    objects     the objects (dicts with apiVersion and kind); `add` and `remove` change them later
    rbac        Role, ClusterRole and binding objects to enforce; None: everything is allowed
    user        who the token belongs to
    token       the bearer token to ask for; None: anybody may read
    without     API groups that are not served (of those outside the built-in ones)
    versions    the served versions of a group, where they differ from `tests.apiserver.resources`
    aggregated  whether aggregated discovery is offered (Kubernetes 1.27 and later do)
    metadata_only  whether PartialObjectMetadataList can be asked for; else 406
    bookmarks   whether watches have bookmarks
    watch_second  how many seconds a second of a watch's `timeoutSeconds` takes; 0: it ends at once
    page_size   the server's own ceiling of a page, below the client's `limit`; None: none
    tls         (certificate file, key file, client CA file or None) to listen with TLS
"""

import base64
import copy
import json
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import kubernetes
import yaml

from tests.apiserver.exchange import BrokenAnswerError, Json, NoSuchPathError, RefusedError, Request
from tests.apiserver.faults import Fault, How
from tests.apiserver.listener import Listener
from tests.apiserver.rbac import Rule, rules_for
from tests.apiserver.resources import BUILT_IN, METADATA_FIELDS, RESOURCES, Resource
from tests.apiserver.selectors import BadSelectorError, field_value, matches_fields, matches_labels
from tests.apiserver.watching import History, Watch

_JSON = "application/json"
_KEPT_SNAPSHOTS = 256
_SUFFIXES = (".yaml", ".yml", ".json")
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
    "results."
)


def load(*paths: str | Path) -> list[Json]:
    """The objects of YAML and JSON files and folders, in order; documents that are no objects are left out."""
    objects: list[Json] = []
    for path in map(Path, paths):
        files = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES) if path.is_dir() else [path]
        for file in files:
            for document in yaml.load_all(file.read_text(), Loader=_PlainLoader):
                objects += _flatten(document)
    return objects


class _PlainLoader(yaml.SafeLoader):
    """Times stay strings, as they are in the API's JSON."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _flatten(document: Any) -> list[Json]:
    if not isinstance(document, dict) or "kind" not in document:
        return []
    if document["kind"].endswith("List") and "items" in document:
        inherited = {"apiVersion": document["apiVersion"], "kind": document["kind"].removesuffix("List")}
        return [item if "kind" in item else {**inherited, **item} for item in document["items"] or ()]
    return [document]


@dataclass
class _Snapshot:
    """What a list looked like when its first page was given out: later pages come from it."""

    version: str
    items: list[Json]
    selected: bool


@dataclass
class ApiServer:
    """See the module's own description."""

    objects: Iterable[Json] = ()
    rbac: Iterable[Json] | None = None
    user: str = "system:serviceaccount:monitoring:volsync-exporter"
    token: str | None = "standin-token"
    without: Iterable[str] = ()
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    aggregated: bool = True
    metadata_only: bool = True
    bookmarks: bool = True
    watch_second: float = 0.0
    page_size: int | None = None
    tls: tuple[Path, Path, Path | None] | None = None
    requests: list[Request] = field(default_factory=list)
    applied: Callable[[Json], None] | None = None

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self.resources = [self._served(resource) for resource in RESOURCES if resource.group not in set(self.without)]
        self.rules = None if self.rbac is None else rules_for(self.rbac, self.user, ("system:authenticated",))
        self._store: dict[tuple[str, str], dict[tuple[str, str], Json]] = {}
        self._faults: list[tuple[str, str | None, Fault]] = []
        self._snapshots: dict[str, _Snapshot] = {}
        self.history = History(1000)
        self._lists = 0
        for obj in self.objects:
            self.add(obj)

    # --- the world it serves ------------------------------------------------------------------------------------

    def add(self, obj: Json) -> None:
        """Keep *obj*, or replace the one of its name. Raises LookupError for a kind that the table does not know."""
        group = obj["apiVersion"].rpartition("/")[0]
        resource = next((one for one in RESOURCES if (one.group, one.kind) == (group, obj["kind"])), None)
        if resource is None:
            raise LookupError(f"the stand-in serves no {group} {obj['kind']}: add it to tests/apiserver/resources.py")
        obj = copy.deepcopy(obj)
        metadata = obj.setdefault("metadata", {})
        with self.lock:
            self.history.version += 1
            if isinstance(metadata, dict):
                metadata["resourceVersion"] = str(self.history.version)
            name, namespace = (str(metadata.get(key, "")) for key in ("name", "namespace"))
            stored = self._store.setdefault((group, resource.plural), {})
            old, stored[namespace, name] = stored.get((namespace, name)), obj
            self.history.add((group, resource.plural), old, obj)

    def remove(self, plural: str, name: str, namespace: str = "", group: str = "") -> None:
        """Forget one object."""
        with self.lock:
            self.history.version += 1
            self.history.add((group, plural), self._store[group, plural].pop((namespace, name)), None)

    def objects_of(self, group: str, plural: str) -> list[Json]:
        """Every object of one resource."""
        with self.lock:
            return list(self._store.get((group, plural), {}).values())

    def compact(self) -> None:
        """Forget what changed so far, as a restart does too: a watch of what is older has expired."""
        self.history.compact()

    def back_up(self) -> object:
        """All that is there now, for `restore`."""
        with self.lock:
            return self.history.version, {key: dict(stored) for key, stored in self._store.items()}

    def restore(self, backup: object) -> None:
        """Be as at `back_up` again, resourceVersions included, as a store that was restored from a backup is."""
        with self.lock:
            self.history.version, store = copy.deepcopy(backup)  # type: ignore[misc, assignment]
            self._store = store
            self._snapshots.clear()
            self.history.compact()

    def pass_time(self) -> None:
        """Let something happen of which nobody here reads: the store's resourceVersion moves."""
        with self.lock:
            self.history.version += 1

    def stop_serving(self, group: str) -> None:
        """Take an API group away, as deleting its CustomResourceDefinitions does."""
        self.resources = [resource for resource in self.resources if resource.group != group]

    def serve(self, group: str) -> None:
        """Bring an API group (back), as installing its CustomResourceDefinitions does."""
        self.stop_serving(group)
        self.resources += [self._served(resource) for resource in RESOURCES if resource.group == group]

    def fail(self, resource: str, fault: Fault, *, group: str | None = None) -> Fault:
        """Let requests for *resource* (its plural; `discovery` for discovery) meet *fault*; any group if None."""
        self._faults.append((resource, group, fault))
        return fault

    def heal(self) -> None:
        """Forget every fault."""
        self._faults.clear()

    def expire_tokens(self) -> None:
        """Let every continue token that was given out be too old."""
        with self.lock:
            self._snapshots.clear()

    # --- what tests ask -----------------------------------------------------------------------------------------

    def asked(self, resource: str, group: str | None = None) -> list[Request]:
        """The requests for *resource* so far."""
        return [one for one in self.requests if one.resource == resource and group in (None, one.group)]

    def forbidden(self) -> list[Request]:
        """The requests that were refused for want of a permission."""
        return [one for one in self.requests if one.status == 403]

    def unused_rules(self) -> list[tuple[Rule, str, str, str]]:
        """Every granted (rule, group, resource, verb) that no request needed."""
        used = {(one.rule, one.group, one.resource, one.verb) for one in self.requests if one.rule}
        granted = [
            (rule, group, resource, verb)
            for rule in self.rules or ()
            for group in rule.groups
            for resource in rule.resources
            for verb in rule.verbs
        ]
        return [grant for grant in granted if grant not in used]

    # --- being a server -----------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._server = Listener(self)
        if self.tls is not None:
            certificate, key, client_ca = self.tls
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            if client_ca is not None:
                context.load_verify_locations(client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def client(self) -> kubernetes.client.ApiClient:
        """The official client, as its own configuration loader sets it up from a kubeconfig."""
        configuration = kubernetes.client.Configuration()
        configuration.proxy = None  # whatever the environment of the tests says
        kubernetes.config.load_kube_config_from_dict(self.kubeconfig(), client_configuration=configuration)
        return kubernetes.client.ApiClient(configuration)

    def kubeconfig(self) -> Json:
        """A kubeconfig that leads here, with the token."""
        cluster: Json = {"server": self.url}
        if self.tls is not None:
            cluster["certificate-authority"] = str(self.tls[0])
        user = {} if self.token is None else {"token": self.token}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "standin", "cluster": cluster}],
            "users": [{"name": "standin", "user": user}],
            "contexts": [{"name": "standin", "context": {"cluster": "standin", "user": "standin"}}],
            "current-context": "standin",
        }

    def write_kubeconfig(self, folder: Path) -> Path:
        """Write that kubeconfig into *folder* and return the file."""
        path = Path(folder) / "kubeconfig.yaml"
        path.write_text(yaml.safe_dump(self.kubeconfig()))
        return path

    # --- answering ----------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> tuple[Json | Iterator[Json], str]:
        """The body for *request* (the events of a watch) and its content type; fills in what the request means.

        Raises:
            RefusedError: with the Status to answer.
            NoSuchPathError: no API serves the path.
        """
        self._authenticate(request)
        segments = [segment for segment in request.path.split("/") if segment]
        if not _is_resource_path(segments):
            request.verb = "discovery"
            self._meet_fault(request, lambda: self._discovery(segments, request)[0])
            return self._discovery(segments, request)
        self._understand(segments, request)
        self._authorize(request)
        resource = self._resource(request)
        if resource is None:
            raise NoSuchPathError
        partial = self._negotiate(request)
        if request.verb == "watch":
            watch = self._watch(resource, request, partial=partial)
            self._meet_fault(request, lambda: [*replace(watch, second=0.0).lines()])
            return watch.lines(), _JSON
        self._meet_fault(request, lambda: self._body(resource, request, partial=partial))
        return self._body(resource, request, partial=partial), _JSON

    def apply(self, request: Request, wanted: Json) -> Json:
        """Server-side apply of a whole object by its only writer: what others have written of it, its status, stays.

        Raises:
            RefusedError: with the Status to answer.
        """
        self._authenticate(request)
        self._understand([segment for segment in request.path.split("/") if segment], request)
        request.verb = "patch"
        self._authorize(request)
        self._meet_fault(request, dict)
        with self.lock:
            found = self._store.get((request.group, request.resource), {}).get((request.namespace, request.name))
        if found is None:  # which takes a permission of its own
            making = replace(request, verb="create", rule=None)
            self._authorize(making)
            self.requests.append(replace(making, status=201))
        written = {**wanted, **({"status": found["status"]} if found and "status" in found else {})}
        self.add(written)
        if self.applied is not None:
            self.applied(copy.deepcopy(written))
        return written

    def _body(self, resource: Resource, request: Request, *, partial: bool) -> Json:
        if request.verb == "get":
            return self._get(resource, request)
        body = self._list(resource, request)
        return _metadata_only(body) if partial else body

    def _watch(self, resource: Resource, request: Request, *, partial: bool) -> Watch:
        query = request.query
        since = query.get("resourceVersion", "")
        if not since.isdecimal() or since == "0":
            raise RefusedError(400, f"the stand-in watches since a resourceVersion alone, and not since {since!r}")
        kind, api_version = resource.kind, _api_version(request)
        if partial:
            kind, api_version = "PartialObjectMetadata", "meta.k8s.io/v1"

        def shown(obj: Json) -> Json:
            typed = {"kind": kind, "apiVersion": api_version}
            return {**typed, "metadata": obj["metadata"]} if partial else {**obj, **typed}

        return Watch(
            history=self.history,
            resource=(resource.group, resource.plural),
            selects=self._selector(resource, request),
            shown=shown,
            empty={"kind": kind, "apiVersion": api_version},
            since=int(since),
            seconds=_number(query.get("timeoutSeconds", "0"), "timeoutSeconds") or 300.0,
            second=self.watch_second,
            bookmarks=self.bookmarks and query.get("allowWatchBookmarks") in ("1", "true"),
            closing=self.closing,
        )

    def _selector(self, resource: Resource, request: Request) -> Callable[[Json], bool]:
        """Whether an object is one of those that *request* is for."""
        labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
        selectable = METADATA_FIELDS + resource.selectable
        try:
            matches_labels(labels, {})
            matches_fields(fields, dict.fromkeys(selectable, ""))
        except BadSelectorError as problem:
            raise RefusedError(400, str(problem)) from None
        return lambda obj: (
            request.namespace in ("", field_value(obj, "metadata.namespace"))
            and matches_labels(labels, _labels(obj))
            and matches_fields(fields, {path: field_value(obj, path) for path in selectable})
        )

    def _next_fault(self, request: Request) -> Fault | None:
        """The fault that strikes this request, if any."""
        resource = request.resource or request.verb
        with self.lock:
            for name, group, fault in self._faults:
                if (
                    name == resource
                    and group in (None, request.group)
                    and fault.verb in ("", request.verb)
                    and fault.strikes(request.namespace, "continue" in request.query)
                ):
                    return fault
        return None

    def _meet_fault(self, request: Request, body: Callable[[], Json | list[Json]]) -> None:
        fault = self._next_fault(request)
        if fault is None:
            return
        if fault.how is How.EXPIRE:
            raise RefusedError(410, _EXPIRED, metadata={"continue": "inconsistent"})
        if fault.how is How.STATUS:
            what = f"the stand-in was told to answer {fault.status} to {request.resource or request.path}"
            raise RefusedError(fault.status, what, fault.headers)
        raise BrokenAnswerError(fault, {} if fault.how in (How.BODY, How.RESET, How.STALL, How.ENDLESS) else body())

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if self.token is not None and (scheme.lower() != "bearer" or token != self.token):
            raise RefusedError(401, "Unauthorized")

    def _authorize(self, request: Request) -> None:
        if self.rules is None:
            return
        # A request for one Namespace is in that namespace (apiserver `pkg/endpoints/request/requestinfo.go`).
        namespace = request.name if request.resource == "namespaces" else request.namespace
        for rule in self.rules:
            if rule.allows(request.verb, request.group, request.resource, namespace, request.name):
                request.rule = rule
                return
        where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        dotted = f"{request.resource}.{request.group}" if request.group else request.resource
        named = f' "{request.name}"' if request.name else ""
        raise RefusedError(
            403,
            f'{dotted}{named} is forbidden: User "{self.user}" cannot {request.verb} resource '
            f'"{request.resource}" in API group "{request.group}" {where}',
            details={"group": request.group, "kind": request.resource},
        )

    @staticmethod
    def _understand(segments: list[str], request: Request) -> None:
        """Read group, version, namespace, resource and name from a path below /api or /apis."""
        if segments[0] == "api":
            request.version, rest = segments[1], segments[2:]
        else:
            request.group, request.version, rest = segments[1], segments[2], segments[3:]
        if rest[0] == "namespaces" and len(rest) > 2:
            request.namespace, rest = rest[1], rest[2:]
        request.resource = rest[0]
        request.name = rest[1] if len(rest) > 1 else ""
        request.verb = "get" if request.name else "watch" if request.query.get("watch") in ("1", "true") else "list"

    def _resource(self, request: Request) -> Resource | None:
        for one in self.resources:
            if (one.group, one.plural) == (request.group, request.resource) and request.version in one.versions:
                return None if request.namespace and not one.namespaced else one
        return None

    def _negotiate(self, request: Request) -> bool:
        """Whether the client wants metadata only; refuses what cannot be given (the first type that fits wins)."""
        for wanted in request.headers.get("accept", "*/*").split(","):
            kind, *parameters = (part.strip() for part in wanted.split(";"))
            if kind not in (_JSON, "*/*", "application/*"):
                continue
            chosen = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
            if "as" not in chosen:
                return False
            view = (chosen["as"], chosen.get("g"), chosen.get("v"))
            partial = "PartialObjectMetadata" if request.verb == "watch" else "PartialObjectMetadataList"
            if self.metadata_only and view == (partial, "meta.k8s.io", "v1"):
                return True
        raise RefusedError(406, "only the following media types are accepted: application/json, application/yaml")

    def _get(self, resource: Resource, request: Request) -> Json:
        with self.lock:
            found = self._store.get((resource.group, resource.plural), {}).get((request.namespace, request.name))
        if found is None:
            raise RefusedError(404, f'{resource.plural} "{request.name}" not found')
        return found

    def _list(self, resource: Resource, request: Request) -> Json:
        query = request.query
        limit = _number(query.get("limit", "0"), "limit")
        token = query.get("continue", "")
        if "resourceVersionMatch" in query and "resourceVersion" not in query:
            raise RefusedError(400, "resourceVersionMatch is forbidden unless resourceVersion is provided")
        if token and query.get("resourceVersion"):
            raise RefusedError(400, "specifying resource version is not allowed when using continue")
        if query.get("resourceVersion") == "0":
            limit = 0  # served from the watch cache, which knows no pages (kubernetes#96182)
        elif self.page_size is not None:
            limit = min(limit or self.page_size, self.page_size)
        with self.lock:
            key, start = _open_token(token) if token else (self._take_snapshot(resource, request), 0)
            snapshot = self._snapshots.get(key)
        if snapshot is None:
            raise RefusedError(410, _EXPIRED, metadata={"continue": token})
        end = start + limit if limit else len(snapshot.items)
        metadata: Json = {"resourceVersion": snapshot.version}
        if end < len(snapshot.items):
            metadata["continue"] = _seal_token(key, end)
            if not snapshot.selected:
                metadata["remainingItemCount"] = len(snapshot.items) - end
        # Items of a list carry no kind and apiVersion for built-in types, and do for custom resources.
        bare = resource.group in BUILT_IN
        items = [_strip_type(item) if bare else _as_version(item, request) for item in snapshot.items[start:end]]
        return {
            "kind": f"{resource.kind}List",
            "apiVersion": _api_version(request),
            "metadata": metadata,
            "items": items,
        }

    def _take_snapshot(self, resource: Resource, request: Request) -> str:
        stored = self._store.get((resource.group, resource.plural), {})
        selects = self._selector(resource, request)
        items = [stored[key] for key in sorted(stored, key="/".join) if selects(stored[key])]
        self._lists += 1
        key = f"{self.history.version}-{self._lists}"
        while len(self._snapshots) >= _KEPT_SNAPSHOTS:
            del self._snapshots[next(iter(self._snapshots))]
        self._snapshots[key] = _Snapshot(str(self.history.version), items, selected=_is_selected(request))
        return key

    # --- discovery ----------------------------------------------------------------------------------------------

    def _discovery(self, segments: list[str], request: Request) -> tuple[Json, str]:
        aggregated = self._aggregated_version(request)
        if segments == ["version"]:
            return {"major": "1", "minor": "36", "gitVersion": "v1.36.0"}, _JSON
        if segments == ["api"]:
            if aggregated:
                return self._aggregate([""], aggregated)
            return {"kind": "APIVersions", "versions": ["v1"]}, _JSON
        groups = sorted({resource.group for resource in self.resources if resource.group})
        if segments == ["apis"]:
            if aggregated:
                return self._aggregate(groups, aggregated)
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [self._group(name) for name in groups]}, _JSON
        if segments == ["api", "v1"]:
            return self._resource_list("", "v1"), _JSON
        if segments[0] == "apis" and len(segments) == 2 and segments[1] in groups:
            return {"kind": "APIGroup", "apiVersion": "v1", **self._group(segments[1])}, _JSON
        if segments[0] == "apis" and len(segments) == 3 and segments[2] in self._versions_of(segments[1]):
            return self._resource_list(segments[1], segments[2]), _JSON
        raise NoSuchPathError

    def _aggregated_version(self, request: Request) -> str:
        if self.aggregated:
            for wanted in request.headers.get("accept", "").split(","):
                parameters = dict(part.strip().split("=", 1) for part in wanted.split(";")[1:] if "=" in part)
                if parameters.get("g") == "apidiscovery.k8s.io" and parameters.get("v") in ("v2", "v2beta1"):
                    return parameters["v"]
        return ""

    def _aggregate(self, groups: list[str], version: str) -> tuple[Json, str]:
        items = [
            {
                "metadata": {"name": group, "creationTimestamp": None},
                "versions": [
                    {
                        "version": one,
                        "freshness": "Current",
                        "resources": [
                            {
                                "resource": resource.plural,
                                "responseKind": {"group": group, "version": one, "kind": resource.kind},
                                "scope": "Namespaced" if resource.namespaced else "Cluster",
                                "verbs": ["get", "list", "watch"],
                            }
                            for resource in self.resources
                            if resource.group == group and one in resource.versions
                        ],
                    }
                    for one in self._versions_of(group)
                ],
            }
            for group in groups
        ]
        body: Json = {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {},
            "items": items,
        }
        return body, f"{_JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"

    def _versions_of(self, group: str) -> list[str]:
        return sorted({version for one in self.resources if one.group == group for version in one.versions})

    def _group(self, name: str) -> Json:
        versions = [{"groupVersion": f"{name}/{one}", "version": one} for one in self._versions_of(name)]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def _resource_list(self, group: str, version: str) -> Json:
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{group}/{version}" if group else version,
            "resources": [
                {"name": one.plural, "kind": one.kind, "namespaced": one.namespaced, "verbs": ["get", "list", "watch"]}
                for one in self.resources
                if one.group == group and version in one.versions
            ],
        }

    def _served(self, resource: Resource) -> Resource:
        versions = tuple(self.versions.get(resource.group, resource.versions))
        return replace(resource, versions=versions)


def _is_selected(request: Request) -> bool:
    return bool(request.query.get("labelSelector") or request.query.get("fieldSelector"))


def _api_version(request: Request) -> str:
    return f"{request.group}/{request.version}" if request.group else request.version


def _is_resource_path(segments: list[str]) -> bool:
    return len(segments) > {"api": 2, "apis": 3}.get(segments[0] if segments else "", len(segments))


def _labels(obj: Json) -> dict[str, str]:
    labels = (obj.get("metadata") or {}).get("labels") or {}
    return {key: value for key, value in labels.items() if isinstance(value, str)}


def _strip_type(item: Json) -> Json:
    return {key: value for key, value in item.items() if key not in ("kind", "apiVersion")}


def _as_version(item: Json, request: Request) -> Json:
    return {**item, "apiVersion": f"{request.group}/{request.version}"}


def _metadata_only(body: Json) -> Json:
    items = [
        {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
        for item in body["items"]
    ]
    return {**body, "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": items}


def _number(text: str, name: str) -> int:
    try:
        return max(0, int(text))
    except ValueError:
        raise RefusedError(400, f'strconv.ParseInt: parsing "{text}": invalid syntax ({name})') from None


def _seal_token(key: str, start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([key, start]).encode()).decode().rstrip("=")


def _open_token(token: str) -> tuple[str, int]:
    try:
        key, start = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return str(key), int(start)
    except (ValueError, TypeError):
        raise RefusedError(400, "continue key is not valid: illegal base64 data") from None
