"""However a sound cluster arranges its repositories, nothing is accused with default settings."""

import random
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.chain.causes import Impact
from exporter.chain.judge import judge
from exporter.chain.verdict import ClaimState, Verdict
from exporter.facts.bucket.model import Bucket, ObjectType, Repository, Totals
from exporter.facts.cluster.core.objects import PersistentVolumeClaim
from exporter.facts.cluster.external_secrets.objects import ExternalSecret
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.object_list import ObjectList
from exporter.facts.cluster.volsync.objects import ReplicationSource
from exporter.facts.model import Facts
from exporter.facts.reading import Reading
from exporter.settings import Settings

AT = datetime(2026, 9, 20, 14, 20, tzinfo=UTC)
MADE = AT - timedelta(days=90)
LAYOUTS = (
    "{namespace}/{pvc}",
    "{pvc}",
    "{source}",
    "backup-{pvc}",
    "{namespace}-{pvc}",
    "clusters/home/{pvc}",
    "{namespace}/volsync/{source}",
    "{digest}",
    "",
)
"""The empty one: a bucket for each app. `{digest}`: names that nobody can read."""
SECRETS = ("{pvc}-volsync-secret", "{pvc}-volsync", "{source}-restic", "restic-{namespace}-{pvc}")
APPS = ("plex", "sonarr", "data", "config", "paperless", "atuin", "data-pvc", "config-data", "media")
SCHEDULES = (
    ("0 * * * *", 1),
    ("15 */6 * * *", 6),
    ("5 00/12 * * *", 12),
    ("@daily", 24),
    ("30 2 * * *", 24),
    ("CRON_TZ=Europe/Berlin 14 02 * * *", 24),
    ("TZ=America/New_York @hourly", 1),
    ("@every 6h", 6),
)
METHODS = ("restic", "restic", "restic", "kopia", "rclone", "rsyncTLS", "external")


class Cluster:
    """A sound cluster that *chance* arranges."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.layout = chance.choice(LAYOUTS)
        self.secret = chance.choice(SECRETS)
        self.endpoint = chance.choice(("http://minio.storage:9000", "https://s3.example.com", ""))
        self.has_templates = chance.random() < 0.3
        self.objects: dict[str, list[Any]] = {"core.claims": [], "volsync.sources": []}
        self.templates: list[Any] = []
        self.buckets: dict[str, list[Repository]] = {}
        for namespace in chance.sample(("default", "media", "home"), chance.randint(1, 3)):
            for app in chance.sample(APPS, chance.randint(1, 5)):
                self.add(namespace, app)
        for name in chance.sample(("old", "grafana", "other"), chance.randint(0, 2)):
            self.put(chance.choice(sorted(self.buckets) or ["volsync"]), name, AT - timedelta(minutes=30), 1)

    def add(self, namespace: str, app: str) -> None:
        pvc = app
        self.objects["core.claims"].append(
            {"metadata": meta(pvc, namespace), "spec": {"volumeName": f"pv-{pvc}"}, "status": {"phase": "Bound"}}
        )
        is_read = self.chance.random() < 0.8
        self.back_up(namespace, pvc, self.chance.choice((pvc, f"{pvc}-backup")), is_read=is_read)
        if self.chance.random() < 0.3:
            self.back_up(namespace, pvc, f"{pvc}-remote", is_read=not is_read)

    def back_up(self, namespace: str, pvc: str, source: str, *, is_read: bool) -> None:
        names = {
            "namespace": namespace,
            "pvc": pvc,
            "source": source,
            "digest": f"{zlib.crc32(f'{namespace}/{pvc}'.encode()):x}",
        }
        schedule, hours = self.chance.choice(SCHEDULES)
        took = timedelta(seconds=self.chance.randint(8, 600))
        ended = AT - timedelta(minutes=self.chance.randint(1, 55 * hours))
        method = self.chance.choice(METHODS)
        secret = self.secret.format(**names) + ("" if is_read else "-remote")
        path = self.layout.format(**names)
        bucket = (f"{pvc}-backup" if not self.layout else "volsync") if is_read else "offsite"
        status = {
            "lastSyncTime": text(ended),
            "lastSyncDuration": f"{took.total_seconds()}s",
            "nextSyncTime": text(AT + timedelta(minutes=5)),
            "latestMoverStatus": {"result": "Successful", "logs": "snapshot 5839 saved\nRestic completed in 9s"},
            "conditions": [{"type": "Synchronizing", "status": "False", "reason": "WaitingForSchedule"}],
        }
        self.objects["volsync.sources"].append(
            {
                "metadata": meta(source, namespace),
                "spec": {
                    "sourcePVC": pvc,
                    "trigger": {"schedule": schedule},
                    method: {"repository": secret, "copyMethod": "Snapshot"},
                },
                "status": status,
            }
        )
        if self.has_templates and self.chance.random() < 0.8:
            host = self.endpoint if is_read else "https://elsewhere.example.com"
            whole = f"s3:{host or '{{ .ENDPOINT }}'}/{bucket}/{path}"
            address = self.chance.choice((whole, "{{ .BASE }}/" + path, "{{ .WHOLE }}"))
            self.templates.append(
                {
                    "metadata": meta(secret, namespace),
                    "spec": {"target": {"name": secret, "template": {"data": {"RESTIC_REPOSITORY": address}}}},
                    "status": {
                        "refreshTime": text(AT),
                        "conditions": [{"type": "Ready", "status": "True", "reason": "SecretSynced"}],
                    },
                }
            )
        if is_read and method == "restic":
            self.put(bucket, path, ended - took / 5, hours)

    def put(self, bucket: str, path: str, newest: datetime, hours: int) -> None:
        found = self.buckets.setdefault(bucket, [])
        times = tuple(newest - timedelta(hours=hours * n) for n in range(5, -1, -1))
        known = next((one for one in found if one.prefix == path), None)
        if known is not None:  # two claims under one path: both write there
            found.remove(known)
            times = tuple(sorted((*known.snapshot_times, *times)))
        found.append(
            Repository(
                bucket=bucket,
                prefix=path,
                measured_at=AT,
                present=True,
                created=MADE,
                config_present=True,
                config_at=MADE,
                key_times=(MADE,),
                totals={kind: Totals(6, 6000) for kind in ObjectType},
                data_measured_at=AT,
                snapshots=len(times),
                snapshot_times=times,
                newest_snapshot=times[-1],
                oldest_snapshot=times[0],
            )
        )

    def verdict(self) -> Verdict:
        return judge(self.facts(), Settings(), AT)

    def facts(self) -> Facts:
        kinds = {"core.claims": PersistentVolumeClaim, "volsync.sources": ReplicationSource}
        lists = {field: listed(kinds[field], objects) for field, objects in self.objects.items()}
        if self.templates:
            lists["external_secrets.external_secrets"] = listed(ExternalSecret, self.templates)
        empty = ("core.volumes", "core.pods", "core.jobs", "core.attachments", "volsync.destinations")
        lists |= {field: ObjectList((), Reading.READ, read_at=AT) for field in empty}
        absent = {
            field: ObjectList(reading=Reading.NOT_SERVED) for field, _ in ClusterFacts().lists() if field not in lists
        }
        buckets = tuple(
            Bucket(name, self.endpoint, reading=Reading.READ, read_at=AT, repositories=tuple(repositories))
            for name, repositories in self.buckets.items()
        )
        return Facts(ClusterFacts().with_lists({**lists, **absent}), buckets)


def meta(name: str, namespace: str) -> dict[str, str]:
    return {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}", "creationTimestamp": text(MADE)}


def text(moment: datetime) -> str:
    return moment.isoformat()


def listed(struct: type[Any], objects: list[Any]) -> ObjectList[Any]:
    return ObjectList(tuple(msgspec.convert(one, struct) for one in objects), Reading.READ, read_at=AT)


@settings(deadline=None, max_examples=400)
@given(seed=st.integers(0, 2**32))
def test_a_sound_cluster_is_accused_of_nothing_however_its_repositories_are_arranged(seed: int) -> None:
    verdict = Cluster(random.Random(seed)).verdict()
    blocking = [
        (claim.key, problem.cause, problem.reason)
        for claim in verdict.claims
        for problem in claim.problems
        if problem.impact is Impact.BLOCKING
    ]
    assert blocking == []
    assert {claim.state for claim in verdict.claims} <= {ClaimState.PROTECTED}
    assert verdict.failures == ()


def test_most_readable_arrangements_are_bound() -> None:
    """The property must not hold because nothing is ever bound."""
    bound = total = 0
    for seed in range(60):
        cluster = Cluster(random.Random(seed))
        if "{digest}" in cluster.layout:
            continue
        for claim in cluster.verdict().claims:
            for source in claim.sources:
                total += 1
                bound += source.binding != "unknown"
    assert bound > total / 2
