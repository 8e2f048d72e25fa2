"""One claim with one of its sources: what the links of the chain are judged on."""

import shlex
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property

from exporter.chain import mover_log, scope
from exporter.chain.binding import Binding
from exporter.chain.causes import Cause, Impact, Link
from exporter.chain.instants import earlier, moment_of
from exporter.chain.inventory import Inventory
from exporter.chain.schedule import interval_of, objective_of
from exporter.chain.scope import Scope
from exporter.chain.verdict import LinkState, LinkVerdict, Problem
from exporter.durations import parse_duration
from exporter.facts.cluster.core.objects import Job, PersistentVolumeClaim, Pod
from exporter.facts.cluster.facts import ClusterFacts
from exporter.facts.cluster.object_list import Key
from exporter.facts.cluster.volsync.objects import (
    ReplicationDestination,
    ReplicationDestinationStatus,
    ReplicationSource,
    ReplicationSourceStatus,
)
from exporter.facts.cluster.wire import Condition, Object
from exporter.settings import Settings

SOURCE = "ReplicationSource"
DESTINATION = "ReplicationDestination"
_LONGEST_RUN = timedelta(days=30)


class Backup:
    """A claim and one of its ReplicationSources (None: it has none), at one moment."""

    def __init__(self, inventory: Inventory, key: Key, source: ReplicationSource | None, at: datetime) -> None:
        self.inventory = inventory
        self.key = key
        self.source = source
        self.at = at

    @property
    def cluster(self) -> ClusterFacts:
        return self.inventory.cluster

    @property
    def settings(self) -> Settings:
        return self.inventory.settings

    @property
    def namespace(self) -> str:
        return self.key[0]

    @property
    def pvc_name(self) -> str:
        return self.key[1]

    @cached_property
    def pvc(self) -> PersistentVolumeClaim | None:
        return self.cluster.core.pvcs.get(self.key)

    @cached_property
    def sources(self) -> tuple[ReplicationSource, ...]:
        """All sources of the claim."""
        return self.cluster.volsync.sources_of.get(self.key, ())

    @cached_property
    def destinations(self) -> tuple[ReplicationDestination, ...]:
        return self.inventory.destinations_of(self.key, self.pvc, self.sources)

    @cached_property
    def is_labelled(self) -> bool:
        """Whether the PVC itself asks for the backup: only then have Kyverno and the base Secret to do with it."""
        return self.pvc is not None and self.inventory.asks_for_backup(self.pvc)

    @property
    def source_name(self) -> str:
        """The source's name; empty when the claim has none."""
        return self.source.name if self.source else ""

    @property
    def manager(self) -> str:
        """Which variant of a command makes a missing object: `unmanaged` where no policy does."""
        return "" if self.is_labelled and self.inventory.policy else "unmanaged"

    @cached_property
    def driver(self) -> str:
        """The CSI driver behind the PVC; its storage class, where the driver is not known."""
        return self.cluster.core.driver_of(self.pvc) if self.pvc else ""

    # --- the source's status

    @cached_property
    def status(self) -> ReplicationSourceStatus:
        return (self.source.status if self.source else None) or ReplicationSourceStatus()

    @cached_property
    def condition(self) -> Condition | None:
        return synchronizing(self.status)

    @property
    def reconcile_error(self) -> str:
        """What VolSync's reconciler says is wrong; empty when nothing is."""
        condition = self.condition
        return condition.message if condition and condition.reason == "Error" else ""

    @property
    def is_syncing(self) -> bool:
        """Whether a sync is under way; a failing or a hanging one is, too."""
        return self.status.last_sync_start_time is not None

    @property
    def sync_age(self) -> timedelta:
        """How long the sync that is under way has been so: over all its retries."""
        start = self.status.last_sync_start_time
        return self.at - start if start else timedelta(0)

    @property
    def last_result(self) -> str:
        return self.status.latest_mover_status.result if self.status.latest_mover_status else ""

    @property
    def last_log(self) -> str:
        return self.status.latest_mover_status.logs if self.status.latest_mover_status else ""

    @property
    def last_failed(self) -> bool:
        return self.last_result == "Failed"

    @property
    def saved_nothing(self) -> bool:
        """Whether the last success found an empty volume (volsync `mover-restic/entry.sh`, check_contents)."""
        return self.last_result == "Successful" and "Directory is empty skipping backup" in self.last_log

    @cached_property
    def log_cause(self) -> Cause | None:
        """The cause that the log of the last run names, where that run failed."""
        return mover_log.cause_of_log(self.last_log) if self.last_failed else None

    @property
    def says_nothing_is_left(self) -> bool:
        """Whether the mover says that nothing can be restored: the bucket is gone, or the repository is damaged."""
        is_gone = self.last_failed and mover_log.says_bucket_is_gone(self.last_log)
        return is_gone or self.log_cause is Cause.REPOSITORY_DAMAGED

    @cached_property
    def last_sync_duration(self) -> timedelta | None:
        return duration_of(self.status)

    @cached_property
    def volsync_point(self) -> datetime | None:
        """The recovery point as VolSync reports it: when the data of the last sync that saved something was taken."""
        if self.status.last_sync_time is None or self.saved_nothing:
            return None
        return earlier(self.status.last_sync_time, self.last_sync_duration or timedelta(0))

    # --- the repository

    @cached_property
    def binding(self) -> Binding | None:
        """Where the source writes; None without a source."""
        return self.inventory.bindings.of(self.source) if self.source else None

    @cached_property
    def stores(self) -> tuple[Scope, ...]:
        """The store that the source writes to, the narrowest first: its bucket, and the whole endpoint."""
        return self.inventory.bindings.stores_of(self.source) if self.source else (scope.store(""),)

    @property
    def everywhere(self) -> tuple[Scope, ...]:
        """The claim, its namespace, and VolSync as a whole: for what a person does to sources."""
        return (self.scope, scope.namespace(self.namespace), scope.OPERATOR)

    # --- schedule and objective

    @property
    def schedule(self) -> str:
        trigger = self.source.spec.trigger if self.source else None
        return (trigger.schedule if trigger else None) or ""

    @property
    def manual_trigger(self) -> str:
        trigger = self.source.spec.trigger if self.source else None
        return (trigger.manual if trigger else None) or ""

    @cached_property
    def interval(self) -> timedelta | None:
        """The time between two backups; None without a schedule that can be read."""
        try:
            return interval_of(self.schedule) if self.schedule else None
        except ValueError:
            return None

    @cached_property
    def own_objective(self) -> timedelta | None:
        """The claim's own objective, from its annotation; None when it sets none that can be read."""
        annotations = self.pvc.metadata.annotations if self.pvc else None
        try:
            return parse_duration(annotations.objective) if annotations and annotations.objective else None
        except ValueError:
            return None

    @cached_property
    def objective(self) -> timedelta | None:
        """The greatest age that the recovery point may have; None when nothing sets one."""
        if self.own_objective is not None:
            return self.own_objective
        return objective_of(self.interval) if self.interval is not None else None

    @cached_property
    def began(self) -> datetime | None:
        """When the backup began to be asked for, as far as the API tells.

        A status older than its object is an object that was made anew with it, from a backup of the cluster say.
        """
        made = created(self.source) or created(self.pvc)
        failing_since = moment_of(self.condition.last_transition_time) if self.condition else None
        signs = (made, self.status.last_sync_start_time, failing_since)
        return min((sign for sign in signs if sign), default=None)

    # --- the mover

    @cached_property
    def job(self) -> Job | None:
        return self.cluster.core.job_of(self.source, SOURCE) if self.source else None

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """The mover's pods, the newest first."""
        return self.cluster.core.pods_of(self.job) if self.job else ()

    @cached_property
    def failed_pods(self) -> tuple[Pod, ...]:
        """Those of them that failed, the newest first."""
        return tuple(pod for pod in self.pods if pod.status.phase == "Failed")

    @property
    def log_place(self) -> str:
        """Where the log of a failed mover is still to be read: which variant of a command shows it.

        A Job's log is that of its newest pod, mostly a fresh retry that tells nothing: the failed pod has to be named.
        """
        if self.failed_pods:
            return "pod"
        return "" if self.pods else "status"

    @cached_property
    def owned_pvcs(self) -> tuple[PersistentVolumeClaim, ...]:
        return self.cluster.core.claims.owned_by(self.source, SOURCE) if self.source else ()

    @cached_property
    def cache(self) -> PersistentVolumeClaim | None:
        """The mover's cache PVC: what its pod mounts as such, else the owned PVC that is named so (both namings)."""
        mounted = mounted_as("cache", self.pods)
        if mounted and (pvc := self.cluster.core.pvcs.get((self.namespace, mounted))):
            return pvc
        return next((pvc for pvc in self.owned_pvcs if pvc.name.endswith("-cache")), None)

    @cached_property
    def copy(self) -> PersistentVolumeClaim | None:
        """The point-in-time copy that the mover reads, while there is one."""
        return next((pvc for pvc in self.owned_pvcs if pvc is not self.cache), None)

    @property
    def repository_secret(self) -> str | None:
        """The Secret that the mover takes the repository from."""
        mover = self.source.spec.mover if self.source else None
        return (mover.repository or mover.rclone_config) if mover else None

    @cached_property
    def running_since(self) -> datetime | None:
        """When the mover began to run, in the pod that is running; None while none is."""
        running = next((pod for pod in self.pods if is_running(pod)), None)
        states = [status.state.running for status in (running.status.container_statuses or ())] if running else []
        started = [state.started_at for state in states if state and state.started_at]
        return min(started, default=created(running))

    @property
    def usual_run(self) -> timedelta:
        """How long a run may take: three times the last, or the time between two; a first one its objective."""
        first = self.objective if self.status.last_sync_time is None else None
        usual = 3 * min(self.last_sync_duration or timedelta(0), _LONGEST_RUN)
        return max(self.interval or timedelta(0), usual, first or timedelta(hours=1))

    # --- speaking of it

    @property
    def scope(self) -> Scope:
        """The narrowest scope: the claim itself."""
        return scope.claim(self.namespace, self.pvc_name)

    def problem(
        self,
        cause: Cause,
        reason: str,
        *,
        scopes: tuple[Scope, ...] = (),
        sign: str = "",
        since: datetime | None = None,
        variant: str = "",
        names: Mapping[str, str] | None = None,
    ) -> Problem:
        """A problem of this claim.

        *scopes* are the things that could explain it, the narrowest first (the claim alone, where none are given);
        *names* fill the catalogue's command beside what the backup knows itself.
        """
        entry = cause.entry
        known = {**self._names(), **(names or {})}
        return Problem(
            cause=cause,
            scopes=scopes or (self.scope,),
            impact=entry.impact,
            severity=entry.severity,
            reason=reason,
            command=fill(entry.variants.get(variant, entry.command), known),
            since=since,
            source=self.source.name if self.source else None,
            sign=sign,
            wide_command=fill(entry.wide_command, known),
        )

    def _names(self) -> dict[str, str]:
        chain = self.settings.chain
        return {
            "namespace": self.namespace,
            "pvc": self.pvc_name,
            "source": self.source_name,
            "method": self.source.spec.field if self.source else "",
            "secret": self.repository_secret or "",
            "label": self.settings.claims.label,
            "policy": chain.policy,
            "base_secret": chain.base_secret,
            "namespace_label": chain.namespace_label,
            "kyverno_namespace": chain.kyverno_namespace,
            "longhorn_namespace": chain.longhorn_namespace,
            "job": self.job.name if self.job else f"volsync-src-{self.source.name}" if self.source else "",
            "cache": self.cache.name if self.cache else "",
            "pod": self.pods[0].name if self.pods else "",
            "failed_pod": self.failed_pods[0].name if self.failed_pods else "",
            "driver": self.driver,
        }


def fill(command: str, names: dict[str, str]) -> str:
    """*command* with each `<word>` replaced by its name, quoted for a shell: names come from anyone's objects.

    A name that is not known keeps its angle brackets, and so does one that would be read as an option.
    """
    if not names.get("endpoint", "-"):  # AWS' own, which the command line finds by itself
        command = command.replace(" --endpoint-url <endpoint>", "")
    for word, name in names.items():
        if name and not name.startswith("-"):
            command = command.replace(f"<{word}>", shlex.quote(name))
    return command


def ok(link: Link, evidence: str) -> LinkVerdict:
    """The link holds."""
    return LinkVerdict(link, LinkState.OK, evidence)


def unknown(link: Link, evidence: str) -> LinkVerdict:
    """What the link needs could not be read."""
    return LinkVerdict(link, LinkState.UNKNOWN, evidence)


def broken(link: Link, *problems: Problem) -> LinkVerdict:
    """Blocking problems first; the first one's reason is the evidence."""
    ordered = tuple(sorted(problems, key=lambda problem: problem.impact is Impact.ADVISORY))
    return LinkVerdict(link, LinkState.BROKEN, ordered[0].reason, ordered)


def created(item: Object | None) -> datetime | None:
    """When the API server took the object in."""
    return item.metadata.creation_timestamp if item else None


def duration_of(status: ReplicationSourceStatus | ReplicationDestinationStatus) -> timedelta | None:
    """How long the last sync took; None when that is not there or cannot be read."""
    try:
        return parse_duration(status.last_sync_duration) if status.last_sync_duration else None
    except ValueError:
        return None


def synchronizing(status: ReplicationSourceStatus | ReplicationDestinationStatus) -> Condition | None:
    """VolSync's only condition type (volsync `statemachine/conditions.go`)."""
    return next((c for c in status.conditions or () if c.type == "Synchronizing"), None)


def is_running(pod: Pod) -> bool:
    """Whether *pod* is at work. Some movers have an init container that sleeps up to half an hour, and so run at once.

    A pod that is being deleted may be on a node that is lost, and only look so.
    """
    starts = any(container.state.running for container in pod.status.init_container_statuses or ())
    return (pod.status.phase == "Running" or starts) and not pod.metadata.deletion_timestamp


def claims_of(pod: Pod) -> tuple[str, ...]:
    """The names of the PVCs that *pod* mounts."""
    sources = (volume.persistent_volume_claim for volume in pod.spec.volumes or ())
    return tuple(source.claim_name for source in sources if source)


def mounted_as(volume: str, pods: tuple[Pod, ...]) -> str | None:
    """The PVC that the newest of *pods* mounts under the volume name *volume*."""
    for pod in pods:
        for mounted in pod.spec.volumes or ():
            if mounted.name == volume and mounted.persistent_volume_claim:
                return mounted.persistent_volume_claim.claim_name
    return None
