"""Reading files in place of a cluster: any mixture of what kubectl and `aws s3api list-objects-v2` print."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from exporter.facts.bucket.model import Bucket
from exporter.facts.cluster.decode import convert, describe
from exporter.facts.cluster.dump.contents import PLAIN, DumpContents, DumpManifest, manifest_of
from exporter.facts.cluster.dump.manifests import (
    STDIN,
    EmptyList,
    Manifest,
    Skipped,
    find_files,
    read_manifests,
)
from exporter.facts.cluster.dump.refusal import FileError, Refused
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kind import VOLSYNC_OBJECTS, Kind, Reach
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.object_list import MalformedObject, ObjectList
from exporter.facts.cluster.wire import Object
from exporter.facts.model import Facts, SourceReport
from exporter.facts.reading import Reading, Reason, Source
from exporter.settings import Settings

_CLUSTER_SOURCES = tuple(source for source in Source if source.is_of_cluster)
_TOLD: Final = 5
"""Files that were passed over, in a message."""
_EVENTS = ("events.k8s.io", "Event")
"""The other name of the core group's events."""
_VOLSYNC_OWNERS = ("Job", "ReplicationSource", "ReplicationDestination")
_HOLDS_NOTHING: Final = "it holds no Kubernetes object and no bucket listing"
_OF_NOTHING: Final = "it is an empty list, and neither it nor the name of its file says of what"
_LISTING_KEYS = frozenset(
    {
        "CommonPrefixes", "ContinuationToken", "Contents", "Delimiter", "EncodingType", "Endpoint", "IsTruncated",
        "KeyCount", "MaxKeys", "Name", "NextContinuationToken", "NextToken", "Prefix", "RequestCharged", "StartAfter",
    }
)  # fmt: skip
"""The members of an answer of ListObjectsV2 as the AWS command line prints it; an empty one may have none."""


class Dump(msgspec.Struct, frozen=True):
    """What files and folders hold."""

    facts: Facts
    at: datetime
    """The moment that they are dated, and are to be judged at."""
    files: tuple[str, ...]
    """The files that held something."""
    skipped: tuple[Skipped, ...]
    """The files that did not, each with why."""
    manifest: DumpManifest | None
    """What a dump that this program made says of itself."""
    namespaces: frozenset[str]
    """Every namespace that is there or that an object lies in, also those that the settings leave out."""


def read_files(paths: Sequence[str | Path], at: datetime | None = None, settings: Settings | None = None) -> Facts:
    """The facts of `read_dump`. Raises FileError as that does."""
    return read_dump(paths, at, settings).facts


def read_dump(paths: Sequence[str | Path], at: datetime | None = None, settings: Settings | None = None) -> Dump:
    """What stands in files and folders (`-` is the input), dated *at*: by default when the dump was made, or now.

    Raises:
        FileError: a file cannot be read, one that was named holds nothing that could be used, or none does.
    """
    dump = _Dump(settings or Settings())
    found, skipped = find_files(paths)
    files: list[str] = []
    for file in found:
        useful, refused, of_nothing = False, "", False
        for document in read_manifests(file.path):
            useful |= dump.take(document)
            refused = refused or (document.reason if isinstance(document, Refused) else "")
            of_nothing |= isinstance(document, EmptyList)
        if useful:
            files.append(file.path)
            continue
        why = _OF_NOTHING if of_nothing else "it is empty" if _is_empty(file.path) else _HOLDS_NOTHING
        if file.named:
            raise FileError(refused or f"{file.path}: {why}")
        skipped.append(Skipped(file.path, refused or why))
    if dump.is_empty:
        raise FileError(_nothing(paths, skipped))
    return dump.done(at, tuple(files), tuple(skipped))


def _is_empty(path: str) -> bool:
    return path != STDIN and Path(path).stat().st_size == 0


def _nothing(paths: Sequence[str | Path], skipped: Sequence[Skipped]) -> str:
    """That nothing was read, what was passed over, and what would do."""
    names = ", ".join(map(str, paths))
    told = [f"{one.path}: {one.why}" for one in skipped[:_TOLD]]
    more = [f"and {len(skipped) - _TOLD} more"] if len(skipped) > _TOLD else []
    lines = [f"{names}: there is nothing in it that a verdict could rest on", *(f"  {one}" for one in (*told, *more))]
    return "\n".join([*lines, "`volsync-exporter dump FOLDER` writes what is needed; docs/dump.md tells more."])


class _Dump:
    """What was found so far."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._objects: dict[str, dict[tuple[str, str], Object | MalformedObject]] = {kind.field: {} for kind in KINDS}
        self._contents = DumpContents()
        self._namespaces: set[str] = set()
        self._listings: list[tuple[str, dict[str, Any]]] = []

    def take(self, document: Manifest | EmptyList | Refused) -> bool:
        """Keep what can be used of *document*; False when it tells nothing."""
        if isinstance(document, EmptyList):
            return self._take_empty(document)
        if isinstance(document, Refused):
            self._take_refused(document)
            return False
        body = document.body
        if manifest := manifest_of(body):
            self._contents.manifests.append(manifest)
            return True
        if _is_bucket_listing(body):
            self._listings.append((document.path, body))
            return True
        kind, group = body.get("kind"), _group(body.get("apiVersion"))
        if not isinstance(kind, str) or group is None:
            return False
        if kind == "CustomResourceDefinition":
            self._take_definition(body)
        self._contents.record(group, _kinds(group, kind))
        if isinstance(namespace := _metadata(body).get("name" if kind == "Namespace" else "namespace"), str):
            self._namespaces.add(namespace)
        for one in _kinds(group, kind):
            if _is_selected(one, body) and self._is_in_reach(one, body):
                found = convert(one, body)
                key = (found.namespace, found.name or f"nameless {len(self._objects[one.field])}")
                self._objects[one.field].pop(key, None)
                self._objects[one.field][key] = found
        return True

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found that a verdict could rest on."""
        return self._contents.is_empty and not self._listings

    def done(self, at: datetime | None, files: tuple[str, ...], skipped: tuple[Skipped, ...]) -> Dump:
        manifest = next(iter(self._contents.manifests), None)
        at = at or (manifest.at if manifest else datetime.now(UTC))
        listings = {kind.field: self._listing(kind, at) for kind in KINDS}
        buckets = _read_listings(self._listings, self._settings, at)
        reports = [_report(source, listings, at) for source in _CLUSTER_SOURCES]
        reports.append(_bucket_report(buckets, at))
        reports.append(SourceReport(Source.SCRUB, Reading.NOT_SERVED, detail="no file holds objects", last_success=at))
        facts = Facts(ClusterFacts().with_lists(listings), buckets, tuple(reports))
        return Dump(facts, at, files, skipped, manifest, frozenset(self._namespaces))

    def _listing(self, kind: Kind, at: datetime) -> ObjectList[Any]:
        if not self._is_wanted(kind):
            return ObjectList(reading=Reading.NOT_SERVED, detail="the settings leave it out", read_at=at)
        return self._contents.listing(kind, self._objects, at, self._settings.grace.operator)

    def _take_empty(self, empty: EmptyList) -> bool:
        """Whether it is known what there is none of."""
        if empty.kind:
            group = _group(empty.api_version) or ""
            self._contents.record(group, _kinds(group, empty.kind))
            return True
        stem = Path(empty.path).stem.lower()
        found = [kind for kind in KINDS if stem in (kind.plural, kind.kind.lower(), f"{kind.plural}.{kind.group}")]
        for kind in found:
            self._contents.holds(kind)
        return bool(found)

    def _take_refused(self, refused: Refused) -> None:
        """What is read of its kind may lack it: it costs the claim that it is about, or its namespace's."""
        group = _group(refused.api_version) or ""
        self._contents.record(group, _kinds(group, refused.kind))
        for kind in _kinds(group, refused.kind):
            claim = refused.name if kind.kind == "PersistentVolumeClaim" else refused.claim
            bad = MalformedObject(kind.kind, refused.namespace, refused.name, refused.reason, claim or None)
            objects = self._objects[kind.field]
            objects[bad.namespace, bad.name or f"nameless {len(objects)}"] = bad

    def _take_definition(self, body: Mapping[str, Any]) -> None:
        spec = body.get("spec")
        names = spec.get("names") if isinstance(spec, Mapping) else None
        if isinstance(spec, Mapping) and isinstance(names, Mapping):
            self._contents.record("", _kinds(spec.get("group"), names.get("kind")))

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
        if not isinstance(namespace, str):
            return not claims.namespaces
        return claims.leave_in(namespace) and (kind.source is Source.VOLSYNC or claims.is_of_shard(namespace))


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
    readings = {listing.reading for listing in own}
    malformed = [one for listing in own for one in listing.malformed]
    errors = Counter({Reason.MALFORMED_OBJECT: len(malformed)} if malformed else {})
    unread = [listing for listing in own if listing.reading is Reading.UNREADABLE]
    # Of an operator a part may do: where more is needed, the claims that need it are unknown.
    if unread and (source in PLAIN or Reading.READ not in readings or any(one.reason for one in unread)):
        detail = "; ".join(dict.fromkeys(listing.detail for listing in unread))
        return SourceReport(source, Reading.UNREADABLE, unread[0].reason, detail, at, errors=dict(errors))
    if Reading.READ in readings:
        return SourceReport(source, Reading.READ, detail=describe(malformed), last_success=at, errors=dict(errors))
    return SourceReport(source, Reading.NOT_SERVED, detail=own[0].detail, last_success=at)


def _bucket_report(buckets: Iterable[Bucket], at: datetime) -> SourceReport:
    buckets = tuple(buckets)
    if not buckets:
        return SourceReport(Source.S3, Reading.NOT_SERVED, detail="not among the files", last_success=at)
    failed = next((bucket for bucket in buckets if bucket.reading is not Reading.READ), None)
    if failed is None:
        return SourceReport(Source.S3, Reading.READ, last_success=at)
    return SourceReport(Source.S3, failed.reading, failed.reason, failed.detail)
