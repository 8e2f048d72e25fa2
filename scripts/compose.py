"""Compose a scenario's cluster: `python scripts/compose.py NAME [FOLDER]` prints its objects, or writes its files.

A scenario names a base and says how its cluster differs from it; `tests/scenarios/README.md` describes the form. The
folder gets what a user would hand over with `--from`: the objects in `cluster.yaml`, as kubectl prints them, and the
listing of each bucket in `<bucket>.json`, as `aws s3api list-objects-v2` prints it.
"""

import difflib
import fnmatch
import hashlib
import json
import re
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

SCENARIOS = Path(__file__).parent.parent / "tests" / "scenarios"
BASES = SCENARIOS / "bases"
NAMES = sorted(path.stem for path in SCENARIOS.glob("*.yaml"))

Json = dict[str, Any]

_SIZES = {"config": 155, "keys/": 448, "snapshots/": 265, "index/": 3059, "data/": 16452127, "locks/": 158}
"""What the objects of a restic repository take (bytes)."""
_SERIES = re.compile(r"(?P<first>\S+) (?P<step>hourly|daily) (?P<count>\d+)")
_STEPS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1)}
_IN_REPOSITORY = re.compile(
    r"(?P<repository>.+?)/(?:config|(?P<folder>data|index|keys|locks|snapshots)/(?:[0-9a-f]{2}/)?[0-9a-f]{64})"
)


class Composition(msgspec.Struct, frozen=True):
    """How a cluster differs from its base."""

    about: str
    base: str
    copy: dict[str, str] = {}
    """Claims that are as another one is: the objects in its namespace, under other names."""
    remove: list[str] = []
    change: dict[str, Json] = {}
    add: list[Json] = []
    bucket: Json = {}
    """What lies in each bucket, by the bucket's name: see `listed`."""
    listing: Json = {}
    """What else differs in the answer of each bucket's listing, by the bucket's name."""


class _Base(Composition, frozen=True, forbid_unknown_fields=True):
    """A composition of which no verdict is expected."""


class Cluster(msgspec.Struct, frozen=True):
    """The objects of a cluster by `Kind namespace/name`, and by their names what its buckets hold and say."""

    objects: dict[str, Json]
    buckets: Json
    listings: Json


class ScenarioError(Exception):
    """A scenario does not fit its base."""


# --- composing --------------------------------------------------------------------------------------------------


@cache
def compose(name: str) -> Cluster:
    """The cluster of the scenario or base *name*. The result is shared: it must not be changed.

    Raises:
        ScenarioError: there is no such scenario or base, or it speaks of an object that its base does not have.
    """
    folder = BASES / name
    if folder.is_dir():
        return _kept_whole(folder)
    base = BASES / f"{name}.yaml"
    path, form = (base, _Base) if base.is_file() else (SCENARIOS / f"{name}.yaml", Composition)
    if not path.is_file():
        raise ScenarioError(f"{name} is neither a scenario nor a base: there is no {path}")
    try:
        difference = msgspec.convert(read(path), form)
        return applied(difference, compose(difference.base))
    except (ScenarioError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{name}: {error}") from None


def applied(difference: Composition, base: Cluster) -> Cluster:
    """*base* with a *difference*: changes and additions, then copies and what differs in these, then removals."""
    objects = deepcopy(base.objects)
    of_copies = _changed(objects, difference.change)
    for item in difference.add:
        if key_of(item) in objects:
            raise ScenarioError(f"{key_of(item)} is added, and {difference.base} has it already: change it")
        objects[key_of(item)] = deepcopy(item)
    for claim, like in difference.copy.items():
        for key, item in _copied(objects, like, claim).items():
            objects.setdefault(key, item)
    unknown = [*_changed(objects, of_copies), *_removed(objects, difference.remove)]
    for pattern in unknown:
        raise ScenarioError(f"there is no {pattern!r} in {difference.base}; there is: {_alike(pattern, objects)}")
    return Cluster(objects, merged(base.buckets, difference.bucket), merged(base.listings, difference.listing))


def _changed(objects: dict[str, Json], patches: dict[str, Json]) -> dict[str, Json]:
    """Patch the *objects* that fit the patterns; the patches that fit none."""
    rest = {}
    for pattern, patch in patches.items():
        keys = fnmatch.filter(objects, pattern)
        objects.update({key: merged(objects[key], patch) for key in keys})
        if not keys:
            rest[pattern] = patch
    return rest


def _removed(objects: dict[str, Json], patterns: list[str]) -> list[str]:
    """Remove the *objects* that fit the *patterns*; the patterns that fit none."""
    keys = {pattern: fnmatch.filter(objects, pattern) for pattern in patterns}
    for key in {key for found in keys.values() for key in found}:
        del objects[key]
    return [pattern for pattern, found in keys.items() if not found]


def _alike(pattern: str, objects: dict[str, Json]) -> str:
    same_kind = [key for key in objects if key.startswith(f"{pattern.partition(' ')[0]} ")]
    return ", ".join(same_kind or difflib.get_close_matches(pattern, list(objects), cutoff=0.3) or sorted(objects))


def _copied(objects: dict[str, Json], like: str, claim: str) -> dict[str, Json]:
    """The objects in the namespace of *like*, and its volumes, with the names of *claim* and uids of their own."""
    if f"PersistentVolumeClaim {like}" not in objects:
        raise ScenarioError(f"{claim} cannot be a copy of {like}: there is {_alike('PersistentVolumeClaim ', objects)}")
    (old, _, old_name), (new, _, new_name) = like.partition("/"), claim.partition("/")
    theirs = [objects[key] for key in (*fnmatch.filter(objects, f"* {old}/*"), f"Namespace {old}") if key in objects]
    volumes = {item["spec"].get("volumeName") for item in theirs if item["kind"] == "PersistentVolumeClaim"}
    theirs += [item for item in objects.values() if item["metadata"]["name"] in volumes]
    text = json.dumps(theirs).replace(old_name, new_name).replace(old, new)
    for uid in {item["metadata"].get("uid") for item in theirs} - {None}:
        text = text.replace(uid, str(uuid.uuid5(uuid.UUID(uid), claim)))
    return {key_of(item): item for item in json.loads(text)}


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 - any part of an object
    """*target* with a JSON merge patch (RFC 7386); a map patches a list of maps by their `type` or `name`."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    if isinstance(target, list):
        word = next(word for word in ("type", "name") if all(word in item for item in target))
        by_word = merged({item[word]: item for item in target}, patch)
        return [{word: key, **item} for key, item in by_word.items()]
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def key_of(item: Json) -> str:
    """How a scenario names an object: `Kind namespace/name`, or `Kind name`."""
    metadata = item["metadata"]
    return f"{item['kind']} {'/'.join(filter(None, (metadata.get('namespace'), metadata['name'])))}"


def _kept_whole(folder: Path) -> Cluster:
    items = (item for path in sorted(folder.glob("*.yaml")) for item in yaml.load_all(path.read_text(), _Loader))
    listings = (json.loads(path.read_text()) for path in sorted(folder.glob("*.json")))
    return Cluster({key_of(item): item for item in items}, {one["Name"]: _tree(one) for one in listings}, {})


# --- buckets ----------------------------------------------------------------------------------------------------


def listed(name: str, tree: Json, members: Json) -> Json:
    """What `aws s3api list-objects-v2 --no-paginate` prints of the bucket *name*; *members* differ from the usual.

    A *tree* has a `time [bytes]` for each object by its key, where a folder of objects whose names do not matter is a
    list of these by the folder's name, which ends in `/`. There `time hourly 24` (or `daily`) stands for 24 objects,
    the first of this time. Keys with a common beginning may stand below it.
    """
    contents = sorted(_objects(tree), key=lambda item: item["Key"])
    usual = {"Name": name, "Prefix": "", "MaxKeys": 1000, "EncodingType": "url", "KeyCount": len(contents)}
    return merged({"IsTruncated": False, "Contents": contents, **usual}, members)


def _objects(tree: Json, place: str = "") -> Iterator[Json]:
    for name, found in tree.items():
        path = place + name
        if isinstance(found, dict):
            yield from _objects(found, f"{path}/")
            continue
        for line, number in _numbered(_each([found] if isinstance(found, str) else found)):
            moment, _, size = line.partition(" ")
            digest = hashlib.sha256(f"{path} {moment} {number}".encode()).hexdigest()
            folder = digest[:2] + "/" if name == "data/" else ""
            yield {
                "Key": f"{path}{folder}{digest}" if path.endswith("/") and isinstance(found, list) else path,
                "LastModified": moment.replace("Z", "+00:00"),
                "ETag": f'"{digest[:32]}"',
                "Size": int(size or _SIZES.get(name, 1024)),
                "StorageClass": "STANDARD",
            }


def _each(lines: list[str]) -> Iterator[str]:
    """*lines*, with a line for each object of a series."""
    for line in lines:
        if series := _SERIES.fullmatch(line):
            first, step = datetime.fromisoformat(series["first"]), _STEPS[series["step"]]
            yield from (f"{first + number * step:%Y-%m-%dT%H:%M:%SZ}" for number in range(int(series["count"])))
        else:
            yield line


def _numbered(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    """*lines*, each with how often it came before."""
    seen = Counter[str]()
    for line in lines:
        yield line, seen[line]
        seen[line] += 1


def _tree(listing: Json) -> Json:
    """The objects in *listing*, repositories of restic in short form."""
    tree: Json = {}
    for item in listing["Contents"]:
        line = f"{item['LastModified'].replace('+00:00', 'Z')} {item['Size']}"
        if found := _IN_REPOSITORY.fullmatch(item["Key"]):
            repository = tree.setdefault(found["repository"], {})
            if found["folder"]:
                repository.setdefault(f"{found['folder']}/", []).append(line)
            else:
                repository["config"] = line
        else:
            tree[item["Key"]] = line
    return tree


# --- reading and writing ----------------------------------------------------------------------------------------


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml's where it is there
    """Leaves times as they are written."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> Json:
    """The YAML document in *path*."""
    found: Json = yaml.load(path.read_text(), _Loader)
    return found


_USUAL = (
    ("v1", "PersistentVolumeClaim"),
    ("v1", "PersistentVolume"),
    ("v1", "Pod"),
    ("v1", "Event"),
    ("batch/v1", "Job"),
    ("storage.k8s.io/v1", "VolumeAttachment"),
    ("snapshot.storage.k8s.io/v1", "VolumeSnapshot"),
    ("volsync.backube/v1alpha1", "ReplicationSource"),
    ("volsync.backube/v1alpha1", "ReplicationDestination"),
)


def written(objects: Iterable[Json]) -> str:
    """*objects* as YAML documents."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump_all(objects, Dumper=dumper, sort_keys=False, allow_unicode=True, width=1000)


def whole(objects: Iterable[Json]) -> list[Json]:
    """*objects*, and a list without items of each kind of which a cluster may have none: it is whole as it is."""
    found = list(objects)
    kinds = {(one.get("apiVersion"), one.get("kind")) for one in found}
    return [*found, *({"apiVersion": v, "kind": f"{k}List", "items": []} for v, k in _USUAL if (v, k) not in kinds)]


def write(name: str, folder: Path) -> list[Path]:
    """Write the files of the scenario or base *name* into *folder*, which is made; the files."""
    cluster = compose(name)
    folder.mkdir(parents=True, exist_ok=True)
    files = {folder / "cluster.yaml": written(whole(cluster.objects.values()))} if cluster.objects else {}
    for bucket, tree in cluster.buckets.items():
        answer = listed(bucket, tree, cluster.listings.get(bucket, {}))
        files[folder / f"{bucket}.json"] = json.dumps(answer, indent=4) + "\n"
    for path, text in files.items():
        path.write_text(text)
    return list(files)


def main(arguments: list[str]) -> None:
    """Print or write what the command line names."""
    if not 1 <= len(arguments) <= 2:
        sys.exit(__doc__)
    try:
        if len(arguments) == 2:
            print(*write(arguments[0], Path(arguments[1])), sep="\n")
        else:
            print(written(compose(arguments[0]).objects.values()), end="")
    except ScenarioError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
