"""What the exporter may read of the cluster: each kind tried once, and the permission that is missing."""

from collections.abc import Sequence

from exporter.facts.cluster.kind import Kind
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.server.api import ClusterReader
from exporter.facts.cluster.server.permissions import Rule, rule, summed, watch_rule
from exporter.facts.cluster.server.targets import ListTarget, Verb, targets
from exporter.facts.cluster.server.transport import ReadError
from exporter.facts.model import Check
from exporter.facts.reading import Reason, Source
from exporter.settings import SecretReading, Settings

_FIXES = {
    Reason.UNAUTHORIZED: "Renew the credentials: the API server does not accept them.",
    Reason.CONNECTION: "Check the server's address, the network policy and the proxy settings.",
    Reason.TLS: "Check the CA of the server's certificate, and the server's name.",
    Reason.TIMEOUT: "Check the network between here and the API server, or raise `poll.timeout`.",
    Reason.THROTTLED: "The API server is busy: raise `poll.cluster`.",
}


_NEVER_EMPTY = {"longhorn.settings": "chain.longhorn_namespace", "core.namespaces": "claims.exclude_namespaces"}
"""Lists that hold something wherever they are read rightly, and the setting that says where."""


def check_access(reader: ClusterReader, settings: Settings) -> tuple[Check, ...]:
    """Try the API server and each kind that *settings* want read, with one object of each."""
    reach, reachable = _check_server(reader)
    if not reachable:
        return (reach, _check_secrets(settings))
    kinds = [(kind, _check_kind(reader, kind, settings)) for kind in KINDS]
    watch = _check_watches(reader, [kind for kind, check in kinds if check.ok], settings)
    return (reach, *(check for _, check in kinds), watch, _check_secrets(settings))


def _check_server(reader: ClusterReader) -> tuple[Check, bool]:
    what = "reach the API server"
    try:
        address, version = reader.server_version()
    except ReadError as error:
        if error.reason in (Reason.FORBIDDEN, Reason.NOT_FOUND):
            return Check(Source.KUBERNETES, what, ok=None, detail="it responds, but its version is not readable"), True
        fix = _FIXES.get(error.reason, "")
        # A server that answers, though not this, can still answer the lists.
        answers = not error.unreachable and error.reason not in (Reason.UNAUTHORIZED, Reason.TIMEOUT)
        return Check(Source.KUBERNETES, what, ok=False, detail=str(error), fix=fix), answers
    return Check(Source.KUBERNETES, what, ok=True, detail=f"Kubernetes {version} at {address}"), True


def _check_kind(reader: ClusterReader, kind: Kind, settings: Settings) -> Check:
    places = targets(kind, settings)
    what = _what(kind, places)
    if not places:
        return Check(kind.source, what, ok=None, detail="not read: excluded by the settings")
    try:
        version = reader.version(kind)
    except ReadError as error:
        return Check(kind.source, what, ok=False, detail=str(error), fix=_FIXES.get(error.reason, ""))
    if version is None:
        return Check(kind.source, what, ok=None, detail="not served: it does not apply to any claim")
    refused: list[tuple[ListTarget, ReadError]] = []
    found = False
    for target in places:
        try:
            found |= reader.probe(kind, version, target)
        except ReadError as error:
            refused.append((target, error))
    if refused:
        detail = "; ".join(str(error) for _, error in refused)
        return Check(kind.source, what, ok=False, detail=detail, fix="\n".join(_fix(kind, *one) for one in refused))
    if not found and kind.field in _NEVER_EMPTY:
        fix = f"Check the setting `{_NEVER_EMPTY[kind.field]}`."
        return Check(kind.source, what, ok=False, detail="allowed, but the list is empty", fix=fix)
    return Check(kind.source, what, ok=True, detail=f"allowed ({version})")


def _check_watches(reader: ClusterReader, kinds: Sequence[Kind], settings: Settings) -> Check:
    """Whether polls can ask for what changed. All works without, so what is missing here is no fault."""
    what = "watch, so that polls read only changes"
    tried = [(kind, target) for kind in kinds for target in targets(kind, settings) if target.verb is Verb.LIST]
    refused: list[Rule] = []
    failed: list[ReadError] = []
    for kind, target in tried:
        try:
            reader.try_watch(kind, target)
        except ReadError as error:
            if error.reason is Reason.FORBIDDEN:
                refused.append(watch_rule(kind, target))
            else:
                failed.append(error)
    if refused:
        number = len({(rule.group, rule.resource) for rule in refused})
        named = f"{number} {'resource' if number == 1 else 'resources'}"
        detail = f"not allowed for {named}: each poll lists them in full, which costs more"
        return Check(Source.KUBERNETES, what, ok=None, detail=detail, fix=f"To allow it, grant a {summed(refused)}")
    if failed:
        detail = f"the response is not usable, so each poll lists everything, which costs more: {failed[0]}"
        return Check(Source.KUBERNETES, what, ok=None, detail=detail)
    return Check(Source.KUBERNETES, what, ok=True if tried else None, detail="allowed" if tried else "nothing to watch")


def _fix(kind: Kind, target: ListTarget, error: ReadError) -> str:
    if error.reason is Reason.FORBIDDEN:
        return f"Grant it with a {rule(kind, target)}"
    return _FIXES.get(error.reason, "")


def _what(kind: Kind, places: tuple[ListTarget, ...]) -> str:
    resource = f"{kind.group} {kind.plural}" if kind.group else kind.plural
    selected = " or ".join(selector for selector in kind.field_selectors if selector)
    parts = [places[0].verb.value if places else "list", resource, f"with {selected}" if selected else ""]
    spaces = ", ".join(target.namespace for target in places if target.namespace)
    return " ".join(filter(None, (*parts, f"in {spaces}" if spaces else "")))


def _check_secrets(settings: Settings) -> Check:
    what = "detect whether Secrets exist"
    if settings.secrets is SecretReading.METADATA:
        return Check(Source.SECRETS, what, ok=True, detail="from metadata-only lists and from other objects")
    detail = "inferred from other objects; no permission on Secrets is needed"
    return Check(Source.SECRETS, what, ok=True, detail=detail)
