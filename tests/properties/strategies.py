"""Any facts: objects with any field missing, and names from so small a stock that they often belong together.

Hypothesis draws a seed and what to leave out, and plain code makes the objects: drawing each of a cluster's thousand
fields would take seconds.
"""

import random
import types
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from exporter.facts.bucket.model import Bucket, ObjectType, Repository, Totals
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.kinds import KINDS
from exporter.facts.cluster.longhorn.objects import LonghornSetting, LonghornVolume
from exporter.facts.cluster.object_list import MalformedObject, ObjectList
from exporter.facts.cluster.wire import Object
from exporter.facts.model import Facts
from exporter.facts.reading import Reading, Reason

NOON = datetime(2026, 1, 18, 12, 0, tzinfo=UTC)

_NAMESPACES = ("n8n", "karakeep")
_NAMES = ("data", "media")
_LONGHORN_NAMES = ("pvc-1", "pvc-2")
_TEXT: Mapping[str, tuple[str, ...]] = {
    "namespace": (*_NAMESPACES, ""),
    "name": (*_NAMES, "data-backup", "data-volsync-secret", "volsync-rustfs-base", "volsync-smart-protection", "pvc-1"),
    "uid": ("uid-1", "uid-2", ""),
    "kind": ("ReplicationSource", "ReplicationDestination", "Job", "PersistentVolumeClaim", "ClusterPolicy", ""),
    "sourcePVC": (*_NAMES, "gone", ""),
    "volumeName": (*_LONGHORN_NAMES, ""),
    "volumeHandle": _LONGHORN_NAMES,
    "driver": ("driver.longhorn.io", "nfs.csi.k8s.io"),
    "claimName": (*_NAMES, "volsync-src-data-backup-cache"),
    "repository": ("data-volsync-secret", "gone", ""),
    "schedule": ("0 * * * *", "0 3 * * *", "@weekly", "@every 90m", "61 * * * *", "0 0 30 2 *", ""),
    "manual": ("", "1768680000"),
    "lastSyncDuration": ("41.2s", "1m33.5s", "", "a while", "9e99h"),
    "result": ("Successful", "Failed", "", "Odd"),
    "logs": ("== Directory is empty skipping backup ===", "=== Initialize Dir ===", "already locked by PID 3", "",
             "restoring snapshot 0ff74383 of [/data] at 2026-01-18 09:00:05.8 +0000 UTC by root@volsync to .",
             "restoring snapshot 0ff74383 of [/data] at 0001-01-01 00:00:00 +2359 UTC by root@volsync to ."),
    "type": ("Synchronizing", "Ready", "PodScheduled", "Scheduled"),
    "status": ("True", "False", "Unknown"),
    "reason": ("Error", "SyncInProgress", "WaitingForSchedule", "WaitingForManual", "Unschedulable", "PolicyError",
               "ContainerCreating", "ImagePullBackOff", "OOMKilled", "SecretSyncedError", "FailedMount", ""),
    "message": ('Secret "data-volsync-secret" not found', "secret is missing field: RESTIC_REPOSITORY", "no", ""),
    "phase": ("Pending", "Running", "Failed", "Succeeded", "Bound", "Lost", ""),
    "state": ("attached", "detached", "attaching", "detaching", "Pending", "Failed", "", "odd"),
    "robustness": ("healthy", "degraded", "faulted", "unknown", ""),
    "operator": ("In", "NotIn", "Exists", "DoesNotExist", "Odd"),
    "value": ("true", '{"v1":"3"}', "{", ""),
    "refreshInterval": ("1h", "0", "soon", "1h0m0s"),
    "volsync-exporter.io/exempt": ("a cache", "", " "),
    "volsync-exporter.io/exempt-until": ("2026-01-19", "2026-01-17T00:00:00Z", "2026-01-18T13:00:00", "soon", ""),
    "volsync-exporter.io/may-vanish": ("true", "false", "yes", ""),
    "volsync-exporter.io/objective": ("6h", "2d", "0", "soon", "", "-3h"),
    "volsync-exporter.io/restore-proof": ("6h", "2d", "0", "soon", "", "-3h"),
}  # fmt: skip
"""What a string may be, by its field's name on the wire; any other one is one of a few."""
_OTHER_TEXT = ("", "data", "hourly", "true")
_LABELS = ("backup", "volsync.backube/privileged-movers", "app.kubernetes.io/created-by")
_LABEL_VALUES = ("hourly", "daily", "false", "true", "volsync", "")
_NUMBERS = (0, 1, 2, 8, 137, -1, 2**40)
_AHEAD = timezone(timedelta(hours=23, minutes=59))
_FAR_TIMES = (
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=_AHEAD),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 30, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(-_AHEAD.utcoffset(None))),
)
"""The last of them in UTC are beyond the calendar."""
CLOCKS = st.one_of(
    st.just(NOON),
    st.timedeltas(timedelta(days=-3), timedelta(days=3)).map(lambda later: NOON + later),
    st.sampled_from(_FAR_TIMES),
)


_IN_ONE_NAMESPACE = (LonghornSetting, LonghornVolume)
"""Kinds that stand in one namespace alone."""


class RandomFacts:
    """Makes things of any type at random, the same ones for the same *seed*."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.fullness = self.random.random()
        """How likely an optional field is there."""

    def struct(self, struct: type[msgspec.Struct]) -> Any:
        """Any *struct*: each optional field may be missing, each other one is of its type."""
        fields = {
            name: self.value(hint, wire)
            for name, wire, hint, required in _fields_of(struct)
            if required or self.random.random() < self.fullness
        }
        return struct(**fields)

    def value(self, hint: Any, name: str) -> Any:
        """Anything of the type *hint*, in a field that is called *name* on the wire."""
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in (types.UnionType, Union):
            return self.value(self.random.choice(arguments), name)
        if origin is tuple:
            return tuple(self.value(arguments[0], name) for _ in range(self.random.choice((0, 1, 1, 2))))
        if origin is dict and arguments == (str, str):
            return {label: self.random.choice(_LABEL_VALUES) for label in self.subset(_LABELS)}
        if origin is dict and issubclass(arguments[0], Enum):
            return {key: self.value(arguments[1], name) for key in self.subset(list(arguments[0]))}
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            return self.struct(hint)
        return self._plain(hint, name)

    def _plain(self, hint: Any, name: str) -> Any:
        if hint is str:
            return self.random.choice(_TEXT.get(name, _OTHER_TEXT))
        if hint is datetime:
            return self.time()
        if hint is int:
            return self.random.choice(_NUMBERS)
        if hint is bool:
            return self.random.random() < 0.5
        return None if hint is type(None) else {}

    def time(self) -> datetime:
        """Mostly a moment of the last two days, at times one of the future, or one that no program would write."""
        if self.random.random() < 0.05:
            return self.random.choice(_FAR_TIMES)
        return NOON + timedelta(seconds=self.random.randint(-200_000, 3_600))

    def subset(self, items: Sequence[Any]) -> list[Any]:
        """Any of *items*, in any order."""
        return self.random.sample(items, self.random.randint(0, len(items)))

    def optional(self, value: Any) -> Any:
        """*value* or none."""
        return value if self.random.random() < 0.7 else None

    def listing(self, struct: type[Object]) -> ObjectList[Any]:
        """A list that was read, most often."""
        if self.random.random() < 0.15:
            reading = self.random.choice((Reading.UNREADABLE, Reading.PENDING, Reading.NOT_SERVED))
            return ObjectList(reading=reading, reason=self.optional(Reason.FORBIDDEN))
        made = [self.struct(struct) for _ in range(self.random.randint(0, 4))]
        bad = (
            MalformedObject(
                struct.__name__,
                self.random.choice(_NAMESPACES),
                self.random.choice(_TEXT["name"]),
                "no",
                self.optional(self.random.choice(_NAMES)),
            ),
        )
        return ObjectList(
            tuple({item.name if struct in _IN_ONE_NAMESPACE else item.key: item for item in made}.values()),
            Reading.READ,
            read_at=self.optional(self.time()),
            malformed=bad if self.random.random() < 0.1 else (),
        )

    def bucket(self) -> Bucket:
        """A bucket with repositories of claims and of nobody."""
        prefixes = [f"{namespace}/{name}" for namespace in _NAMESPACES for name in (*_NAMES, "gone")]
        return Bucket(
            name="volsync-backup",
            reading=self.random.choice((Reading.READ, Reading.READ, *Reading)),
            read_at=self.optional(self.time()),
            repositories=tuple(self.repository(prefix) for prefix in self.subset(prefixes)),
        )

    def repository(self, prefix: str) -> Repository:
        """Any repository at *prefix*."""
        return Repository(
            bucket="volsync-backup",
            prefix=prefix,
            measured_at=self.time(),
            present=self.random.choice((True, True, False, None)),
            created=self.optional(self.time()),
            totals={
                kind: Totals(self.random.randint(0, 9), self.random.randint(0, 9))
                for kind in self.subset([*ObjectType])
            },
            snapshots=self.random.randint(0, 3),
            newest_snapshot=self.optional(self.time()),
            oldest_snapshot=self.optional(self.time()),
            oldest_lock=self.optional(self.time()),
            stale_locks=self.random.randint(0, 2),
            suspect=tuple(self.subset([Reason.INCOMPLETE])),
        )


@cache
def _fields_of(struct: type[msgspec.Struct]) -> list[tuple[str, str, Any, bool]]:
    """Of each field: its name, that on the wire, its type, and whether it has to be there."""
    hints = get_type_hints(struct)
    return [(f.name, f.encode_name, hints[f.name], f.required) for f in msgspec.structs.fields(struct)]


def _facts(seed: int, without: set[str]) -> Facts:
    made = RandomFacts(seed)
    cluster = {kind.field: made.listing(kind.struct) for kind in KINDS}
    absent = dict.fromkeys(without, ObjectList(reading=Reading.READ))
    return Facts(ClusterFacts().with_lists({**cluster, **absent}), tuple(made.bucket() for _ in made.subset([0])))


SEEDS = st.integers(0, 2**32 - 1)
FACTS = st.builds(_facts, SEEDS, st.sets(st.sampled_from([kind.field for kind in KINDS])))
"""Any facts at all."""
