"""Reading files in place of a cluster: any mixture of what kubectl and `aws s3api list-objects-v2` print."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from exporter.facts.bucket.model import Bucket
from exporter.facts.cluster.decode import convert, describe
from exporter.facts.cluster.dump.manifests import EmptyList, Manifest, find_files, read_manifests
from exporter.facts.cluster.dump.refusal import FileError, Refused
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kind import VOLSYNC_OBJECTS, Kind, Reach
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import MalformedObject, ObjectList
from exporter.facts.cluster.wire import Object
from exporter.facts.model import Facts, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.settings import Settings

_CLUSTER_SOURCES = tuple(source for source in Source if source is not Source.S3)
_ALWAYS_READ = frozenset(
    kind.field
    for kind in KINDS
    if kind.source in (Source.KUBERNETES, Source.VOLSYNC) and kind.field != "core.namespaces"
)
"""Kinds of which a dump without any says that the cluster has none."""
_OPERATORS = {
    "longhorn.io": Source.LONGHORN,
    "kyverno.io": Source.KYVERNO,
    "policies.kyverno.io": Source.KYVERNO,
    "external-secrets.io": Source.EXTERNAL_SECRETS,
}
"""Groups of which any object says that the operator is there, and that its other kinds were dumped too."""
_NEVER_PRESUMED = frozenset({"external_secrets.cluster_secret_stores", "external_secrets.secret_stores"})
"""But for these: who dumps ExternalSecrets does not think of their stores."""
_EVENTS = ("events.k8s.io", "Event")
"""The other name of the core group's events."""
_VOLSYNC_OWNERS = ("Job", "ReplicationSource", "ReplicationDestination")
_LISTING_KEYS = frozenset(
    {
        "CommonPrefixes", "ContinuationToken", "Contents", "Delimiter", "EncodingType", "IsTruncated", "KeyCount",
        "MaxKeys", "Name", "NextContinuationToken", "NextToken", "Prefix", "RequestCharged", "StartAfter",
    }
)  # fmt: skip
"""The members of an answer of ListObjectsV2 as the AWS command line prints it; an empty one may have none."""


def read_files(paths: Sequence[str | Path], at: datetime, settings: Settings | None = None) -> Facts:
    """The facts that stand in files and folders (`-` is the input), dated *at*.

    Kinds are told apart by what the objects say they are; unknown ones are left out. Of an object that comes twice
    the last one counts. What the API server would filter by a selector is filtered here.

    Raises:
        FileError: a file cannot be read, or one that was named holds nothing that could be used.
    """
    dump = _Dump(settings or Settings())
    for file in find_files(paths):
        useful, refused = False, ""
        for document in read_manifests(file.path):
            useful |= dump.take(document)
            refused = refused or (document.reason if isinstance(document, Refused) else "")
        if file.named and not useful:
            raise FileError(refused or f"{file.path}: it holds no Kubernetes object and no bucket listing")
    return dump.facts(at)


class _Dump:
    """What was found so far."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._objects: dict[str, dict[tuple[str, str], Object | MalformedObject]] = {kind.field: {} for kind in KINDS}
        self._read: set[str] = set(_ALWAYS_READ)
        self._listings: list[tuple[str, dict[str, Any]]] = []

    def take(self, document: Manifest | EmptyList | Refused) -> bool:
        """Keep what can be used of *document*; False when it is neither an object nor a listing."""
        if isinstance(document, EmptyList):
            self._take_empty(document)
            return True
        if isinstance(document, Refused):
            self._take_refused(document)
            return False
        body = document.body
        if _is_bucket_listing(body):
            self._listings.append((document.path, body))
            return True
        kind, group = body.get("kind"), _group(body.get("apiVersion"))
        if not isinstance(kind, str) or group is None:
            return False
        if kind == "CustomResourceDefinition":
            self._take_definition(body)
        self._know(group, kind)
        for one in _kinds(group, kind):
            if _is_selected(one, body) and self._is_in_reach(one, body):
                found = convert(one, body)
                key = (found.namespace, found.name or f"nameless {len(self._objects[one.field])}")
                self._objects[one.field].pop(key, None)
                self._objects[one.field][key] = found
        return True

    def facts(self, at: datetime) -> Facts:
        listings = {kind.field: self._listing(kind, at) for kind in KINDS}
        buckets = _read_listings(self._listings, self._settings, at)
        reports = [_report(source, listings, at) for source in _CLUSTER_SOURCES]
        reports.append(_bucket_report(buckets, at))
        return Facts(ClusterFacts().with_lists(listings), buckets, tuple(reports))

    def _listing(self, kind: Kind, at: datetime) -> ObjectList[Any]:
        if kind.field not in self._read or not self._is_wanted(kind):
            return ObjectList(reading=Reading.NOT_SERVED, detail="not among the files", read_at=at)
        found = self._objects[kind.field].values()
        items = tuple(one for one in found if not isinstance(one, MalformedObject))
        return ObjectList(
            items, Reading.READ, read_at=at, malformed=tuple(one for one in found if isinstance(one, MalformedObject))
        )

    def _take_empty(self, empty: EmptyList) -> None:
        if empty.kind:
            self._know(_group(empty.api_version) or "", empty.kind)
            return
        stem = Path(empty.path).stem.lower()
        for kind in KINDS:
            if stem in (kind.plural, kind.kind.lower(), f"{kind.plural}.{kind.group}"):
                self._read.add(kind.field)

    def _take_refused(self, refused: Refused) -> None:
        """What is read of its kind may lack it: it costs the claim that it is about, or its namespace's."""
        group = _group(refused.api_version) or ""
        self._know(group, refused.kind)
        for kind in _kinds(group, refused.kind):
            claim = refused.name if kind.kind == "PersistentVolumeClaim" else refused.claim
            bad = MalformedObject(kind.kind, refused.namespace, refused.name, refused.reason, claim or None)
            objects = self._objects[kind.field]
            objects[bad.namespace, bad.name or f"nameless {len(objects)}"] = bad

    def _take_definition(self, body: Mapping[str, Any]) -> None:
        spec = body.get("spec")
        names = spec.get("names") if isinstance(spec, Mapping) else None
        if isinstance(spec, Mapping) and isinstance(names, Mapping):
            self._read.update(one.field for one in _kinds(spec.get("group"), names.get("kind")))

    def _know(self, group: str, kind: str) -> None:
        operator = _OPERATORS.get(group)
        self._read.update(one.field for one in KINDS if one.source is operator and one.field not in _NEVER_PRESUMED)
        self._read.update(one.field for one in _kinds(group, kind))

    def _is_wanted(self, kind: Kind) -> bool:
        return kind.source is Source.SECRETS or kind.source.value in self._settings.sources

    def _is_in_reach(self, kind: Kind, body: Mapping[str, Any]) -> bool:
        """Whether the settings look at the object's namespace. Where operators live does not matter in a dump."""
        claims = self._settings.claims
        if kind.reach is Reach.CLAIMS:
            namespace = _metadata(body).get("namespace")
        elif kind.plural == "namespaces":
            namespace = _metadata(body).get("name")
        else:
            return True
        return namespace not in claims.exclude_namespaces and (not claims.namespaces or namespace in claims.namespaces)


# --- what the API server would do -------------------------------------------------------------------------------


def _kinds(group: object, kind: object) -> list[Kind]:
    if (group, kind) == _EVENTS:
        group = ""
    return [one for one in KINDS if (one.group, one.kind) == (group, kind)]


def _group(api_version: object) -> str | None:
    """The API group of an `apiVersion`; None when there is none."""
    return api_version.rpartition("/")[0] if isinstance(api_version, str) and api_version else None


def _metadata(body: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = body.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _is_selected(kind: Kind, body: Mapping[str, Any]) -> bool:
    if not any(_matches(selector, body) for selector in kind.field_selectors):
        return False
    return not kind.label_selector or _is_volsyncs(_metadata(body))


def _matches(selector: str, body: Mapping[str, Any]) -> bool:
    """Whether an event is what *selector* asks for. One of events.k8s.io names its object `regarding`."""
    about = body.get("involvedObject") or body.get("regarding")
    known = {
        "reason": body.get("reason"),
        "involvedObject.kind": about.get("kind") if isinstance(about, Mapping) else "",
    }
    terms = (term.partition("=") for term in selector.split(",") if term)
    return all(known.get(field) == value for field, _, value in terms)


def _is_volsyncs(metadata: Mapping[str, Any]) -> bool:
    """Whether VolSync made it. Objects cut down by hand may have lost the label, and still name their owner."""
    labels, owners = metadata.get("labels"), metadata.get("ownerReferences")
    key, _, value = VOLSYNC_OBJECTS.partition("=")
    if isinstance(labels, Mapping) and labels.get(key) == value:
        return True
    return any(
        isinstance(owner, Mapping) and owner.get("kind") in _VOLSYNC_OWNERS
        for owner in (owners if isinstance(owners, list) else ())
    )


# --- buckets and reports ----------------------------------------------------------------------------------------


def _is_bucket_listing(body: Mapping[str, Any]) -> bool:
    return _LISTING_KEYS.issuperset(body)


def _read_listings(
    listings: Sequence[tuple[str, dict[str, Any]]], settings: Settings, at: datetime
) -> tuple[Bucket, ...]:
    if not listings:
        return ()
    from exporter.facts.bucket.offline import read_listing  # noqa: PLC0415 - boto3 is not needed without a listing

    try:
        return read_listing(listings, settings, at)
    except ValueError as error:
        raise FileError(str(error)) from None


def _report(source: Source, listings: Mapping[str, ObjectList[Any]], at: datetime) -> SourceReport:
    own = [listings[kind.field] for kind in KINDS if kind.source is source]
    read = any(listing.reading is Reading.READ for listing in own)
    malformed = [one for listing in own for one in listing.malformed]
    errors = Counter({Reason.MALFORMED_OBJECT: len(malformed)} if malformed else {})
    return SourceReport(
        source,
        Reading.READ if read else Reading.NOT_SERVED,
        detail=describe(malformed) if read else "not among the files",
        last_success=at,
        errors=dict(errors),
    )


def _bucket_report(buckets: Iterable[Bucket], at: datetime) -> SourceReport:
    buckets = tuple(buckets)
    if not buckets:
        return SourceReport(Source.S3, Reading.NOT_SERVED, detail="not among the files", last_success=at)
    failed = next((bucket for bucket in buckets if bucket.reading is not Reading.READ), None)
    if failed is None:
        return SourceReport(Source.S3, Reading.READ, last_success=at)
    return SourceReport(Source.S3, failed.reading, failed.reason, failed.detail)
