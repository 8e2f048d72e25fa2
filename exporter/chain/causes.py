"""The catalogue of causes: everything that can break a backup, where in the chain, how bad it is, and what fixes it.

Alerts, runbooks, metrics, the page and the command line all follow from `CATALOGUE`. In a command, `<word>` stands
for a name that the finding fills in.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Link(StrEnum):
    """The links of the chain, in their order; `restore` stands beside it, `none` is about no claim."""

    POLICY = "policy"
    NAMESPACE = "namespace"
    BASE_SECRET = "base_secret"
    REPOSITORY_SECRET = "repository_secret"
    SOURCE = "source"
    VOLUME = "volume"
    MOVER = "mover"
    SYNC = "sync"
    REPOSITORY = "repository"
    RESTORE = "restore"
    NONE = "none"


class Impact(StrEnum):
    BLOCKING = "blocking"
    """The next backup cannot succeed."""
    ADVISORY = "advisory"
    """It can, but something is wrong."""


class Severity(StrEnum):
    CRITICAL = "critical"
    """A claim is unprotected, or will be before anyone looks."""
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Severity).index(self)


class Cause(StrEnum):
    """The closed list. What is known of each stands in `CATALOGUE`."""

    POLICY_MISSING = "policy_missing"
    POLICY_NOT_READY = "policy_not_ready"
    POLICY_FAILING = "policy_failing"
    NAMESPACE_UNLABELLED = "namespace_unlabelled"
    MOVERS_UNPRIVILEGED = "movers_unprivileged"
    BASE_SECRET_MISSING = "base_secret_missing"
    EXTERNAL_SECRET_FAILING = "external_secret_failing"
    EXTERNAL_SECRET_STALE = "external_secret_stale"
    REPOSITORY_SECRET_MISSING = "repository_secret_missing"
    NOT_COVERED = "not_covered"
    SOURCE_MISSING = "source_missing"
    SOURCE_FAILING = "source_failing"
    SOURCE_PAUSED = "source_paused"
    SCHEDULE_IGNORED = "schedule_ignored"
    OPERATOR_STALLED = "operator_stalled"
    CLAIM_UNBOUND = "claim_unbound"
    VOLUME_FAULTED = "volume_faulted"
    VOLUME_UNREACHABLE = "volume_unreachable"
    VOLUME_STUCK = "volume_stuck"
    VOLUME_MISSING = "volume_missing"
    VOLUME_DEGRADED = "volume_degraded"
    COPY_NOT_READY = "copy_not_ready"
    MOVER_REFUSED = "mover_refused"
    MOVER_UNSCHEDULABLE = "mover_unschedulable"
    MOVER_STUCK = "mover_stuck"
    MOVER_IMAGE = "mover_image"
    MOVER_OUT_OF_MEMORY = "mover_out_of_memory"
    MOVER_CACHE_FULL = "mover_cache_full"
    REPOSITORY_LOCKED = "repository_locked"
    REPOSITORY_PASSWORD = "repository_password"
    REPOSITORY_UNREACHABLE = "repository_unreachable"
    REPOSITORY_FULL = "repository_full"
    SOURCE_UNREADABLE = "source_unreadable"
    MOVER_FAILING = "mover_failing"
    MOVER_SLOW = "mover_slow"
    NEVER_SYNCED = "never_synced"
    OVERDUE = "overdue"
    SOURCE_EMPTY = "source_empty"
    ANNOTATION_INVALID = "annotation_invalid"
    CATCHING_UP = "catching_up"
    REPOSITORY_SHARED = "repository_shared"
    REPOSITORY_UNBOUND = "repository_unbound"
    REPOSITORY_MISSING = "repository_missing"
    REPOSITORY_DAMAGED = "repository_damaged"
    SNAPSHOT_MISSING = "snapshot_missing"
    LOCK_STALE = "lock_stale"
    REPOSITORY_REINITIALISED = "repository_reinitialised"
    PRUNE_OVERDUE = "prune_overdue"
    RESTORE_STUCK = "restore_stuck"
    RESTORE_FAILING = "restore_failing"
    RESTORE_EMPTY = "restore_empty"
    RESTORE_UNCONSUMED = "restore_unconsumed"
    RESTORE_STALE = "restore_stale"
    RESTORE_UNPROVEN = "restore_unproven"
    REPOSITORY_ORPHANED = "repository_orphaned"
    BACKUP_WITHDRAWN = "backup_withdrawn"

    @property
    def entry(self) -> "Entry":
        """What is known of it.

        Raises:
            LookupError: the catalogue has no entry for it.
        """
        try:
            return CATALOGUE[self]
        except KeyError:
            raise LookupError(f"give {self} its entry in CATALOGUE of exporter/chain/causes.py") from None

    @property
    def link(self) -> Link:
        return self.entry.link


class Entry(msgspec.Struct, frozen=True):
    """What is known of a cause before any claim has it."""

    link: Link
    impact: Impact
    severity: Severity
    meaning: str
    """One sentence, in the present."""
    command: str
    """What fixes it, or the first step to it; names in `<angle brackets>`."""
    variants: Mapping[str, str] = {}
    """The command where another thing of the same cause is broken: by what, `cache` for example."""
    wide_command: str = ""
    """What fixes it, or shows it, where it hits several claims; empty: the command, claim by claim."""


SYNCHRONISED = "synchronised"
"""The variant for objects that Kyverno keeps as it generated them: what is patched there is undone within a second."""

CORRUPT = "corrupt"
"""The variant for a repository in which an object's bytes are not those of its name."""

_TRIGGER = 'kubectl annotate pvc <pvc> -n <namespace> kyverno.io/trigger="$(date +%s)" --overwrite'
_UNLOCK = (
    "kubectl patch replicationsource <source> -n <namespace> --type merge "
    """-p '{"spec":{"<method>":{"unlock":"'"$(date +%s)"'"}}}'"""
)
_SYNC_NOW = (
    "t=$(date +%s); kubectl patch replicationsource <source> -n <namespace> --type merge "
    """-p '{"spec":{"trigger":{"manual":"'$t'"}}}' && """
    "kubectl wait replicationsource <source> -n <namespace> "
    "--for=jsonpath='{.status.lastManualSync}'=$t --timeout=1h; "
    "kubectl patch replicationsource <source> -n <namespace> --type json "
    """-p '[{"op":"remove","path":"/spec/trigger/manual"}]'"""
)
"""A manual trigger that is left in place would switch the schedule off: it is taken away again."""
_RESTART_OPERATOR = (
    "n=$(kubectl get deployment -A -l app.kubernetes.io/name=volsync -o jsonpath='{.items[0].metadata.namespace}') && "
    'kubectl -n "$n" rollout restart deployment -l app.kubernetes.io/name=volsync'
)
"""The operator is wherever its chart was installed."""
_SYNC_ANEW = f"kubectl describe replicationsource <source> -n <namespace>; {_RESTART_OPERATOR}"
"""VolSync ignores triggers while a sync is under way; a restart makes it continue that one."""
_TRIGGER_ALL = 'kubectl annotate pvc -n <namespace> -l <label> kyverno.io/trigger="$(date +%s)" --overwrite'
"""What was not generated while its base Secret was missing is not generated later, unless the PVC is touched."""
_SYNC_SECRET = 'kubectl -n <namespace> annotate externalsecret <external_secret> force-sync="$(date +%s)" --overwrite'
_SHOW_CLUSTER_EXTERNAL_SECRET = "kubectl describe clusterexternalsecret <cluster_external_secret>"
_SHOW_EXTERNAL_SECRETS = "kubectl get pods -A -l app.kubernetes.io/name=external-secrets"
"""The label is the chart's; in which namespace the controller runs is not known."""
_EDIT_POLICY = "kubectl edit <policy_kind> <policy> -n <namespace>"
"""The namespace is that of a policy for one namespace, which is the PVC's; one of the whole cluster has none."""
_UNLOCK_BY_POD = (
    "kubectl run unlock-<source> -n <namespace> --rm -i --restart=Never --image=restic/restic "
    """--overrides='{"spec":{"containers":[{"name":"restic","image":"restic/restic","args":["unlock"],"""
    """"envFrom":[{"secretRef":{"name":"'<secret>'"}}]}]}}'"""
)
"""What VolSync itself does when it is told to unlock (volsync `mover-restic/entry.sh`, do_unlock)."""
_ROLE = "volsync:kyverno-background-controller"
_ALLOW = (
    f"kubectl create clusterrole {_ROLE} --verb=get,list,watch,create,update,patch,delete "
    "--resource=secrets,replicationsources.volsync.backube,replicationdestinations.volsync.backube && "
    f"kubectl label clusterrole {_ROLE} rbac.kyverno.io/aggregate-to-background-controller=true && "
)
"""What the background controller may generate is aggregated from roles with that label (kyverno's chart)."""
_MAY_GENERATE = (
    "kubectl auth can-i create <missing> -n <namespace> "
    "--as system:serviceaccount:<kyverno_namespace>:kyverno-background-controller; "
)
_NEW_CACHE = "kubectl delete pvc <cache> -n <namespace> --wait=false && kubectl delete job <job> -n <namespace>"
_MOVER_LOGS = "kubectl logs -n <namespace> job/<job> --tail=50"
_SHOW_MOVER = f"kubectl describe job <job> -n <namespace>; {_MOVER_LOGS}"
_REFUSALS = "kubectl get events -n <namespace> --field-selector reason=FailedCreate,involvedObject.name=<job>"
_LAST_LOG = "kubectl get replicationsource <source> -n <namespace> -o jsonpath='{.status.latestMoverStatus.logs}'"
_DIGEST_OF_OBJECT = "aws s3 cp s3://<bucket>/<object> - --endpoint-url <endpoint> | sha256sum"
"""Anybody can see for themselves: it should print the object's name."""
_LOGS = {"pod": "kubectl logs -n <namespace> <failed_pod> --tail=50", "status": _LAST_LOG}
"""Where a failed pod is there, or no pod at all any more."""


def _blocking(
    link: Link, meaning: str, command: str, variants: Mapping[str, str] | None = None, wide: str = ""
) -> Entry:
    return Entry(link, Impact.BLOCKING, Severity.CRITICAL, meaning, command, variants or {}, wide)


def _warning(link: Link, meaning: str, command: str, variants: Mapping[str, str] | None = None) -> Entry:
    return Entry(link, Impact.ADVISORY, Severity.WARNING, meaning, command, variants or {})


def _info(link: Link, meaning: str, command: str, variants: Mapping[str, str] | None = None, wide: str = "") -> Entry:
    return Entry(link, Impact.ADVISORY, Severity.INFO, meaning, command, variants or {}, wide)


CATALOGUE: Mapping[Cause, Entry] = {
    # --- policy
    Cause.POLICY_MISSING: _blocking(
        Link.POLICY,
        "The Kyverno policy that generates the backup's objects is missing.",
        "kubectl apply -f <policy>.yaml",
    ),
    Cause.POLICY_NOT_READY: _blocking(
        Link.POLICY,
        "The Kyverno policy is not ready: it is not registered with the admission webhook.",
        "kubectl -n <kyverno_namespace> rollout restart deployment kyverno-admission-controller",
    ),
    Cause.POLICY_FAILING: _blocking(
        Link.POLICY,
        "A generate rule of the Kyverno policy fails, so an object of the backup is never created.",
        f"{_EDIT_POLICY} && {_TRIGGER}",
        {
            "refused": f"{_ALLOW}{_TRIGGER}",
            "pending": "kubectl -n <kyverno_namespace> rollout restart deployment kyverno-background-controller",
            "untold": f"{_MAY_GENERATE}{_TRIGGER}",
        },
    ),
    # --- namespace
    Cause.NAMESPACE_UNLABELLED: _blocking(
        Link.NAMESPACE,
        "The namespace lacks the label that selects it for the base Secret.",
        f"kubectl label namespace <namespace> <namespace_label> --overwrite && {_TRIGGER_ALL}",
    ),
    Cause.MOVERS_UNPRIVILEGED: _info(
        Link.NAMESPACE,
        "The namespace has the label but not the annotation that VolSync reads, so its movers run unprivileged.",
        "kubectl annotate namespace <namespace> volsync.backube/privileged-movers=true --overwrite",
    ),
    # --- base secret
    Cause.BASE_SECRET_MISSING: _blocking(
        Link.BASE_SECRET,
        "The base Secret with the store's credentials is missing in the namespace.",
        f"{_SYNC_SECRET} && {_TRIGGER_ALL}",
        {
            "unmanaged": "kubectl get secret -A --field-selector metadata.name=<base_secret>",
            "clusterexternalsecret": _SHOW_CLUSTER_EXTERNAL_SECRET,
            "operator": _SHOW_EXTERNAL_SECRETS,
        },
    ),
    Cause.EXTERNAL_SECRET_FAILING: _blocking(
        Link.BASE_SECRET,
        "External Secrets cannot create or update a Secret of the backup.",
        f"{_SYNC_SECRET} && kubectl -n <namespace> describe externalsecret <external_secret>",
        {
            "clusterexternalsecret": _SHOW_CLUSTER_EXTERNAL_SECRET,
            "clustersecretstore": "kubectl describe clustersecretstore <store>",
            "secretstore": "kubectl -n <namespace> describe secretstore <store>",
            "operator": _SHOW_EXTERNAL_SECRETS,
        },
    ),
    Cause.EXTERNAL_SECRET_STALE: _warning(
        Link.BASE_SECRET,
        "External Secrets reports a Secret of the backup as ready, but has not refreshed it for two intervals.",
        _SYNC_SECRET,
        {"operator": _SHOW_EXTERNAL_SECRETS},
    ),
    # --- repository secret
    Cause.REPOSITORY_SECRET_MISSING: _blocking(
        Link.REPOSITORY_SECRET,
        "The Secret with the repository's address and password is missing, or lacks a key.",
        _TRIGGER,
        {
            "unmanaged": "kubectl describe secret <secret> -n <namespace>",
            "externalsecret": f"{_SYNC_SECRET} && kubectl -n <namespace> describe secret <secret>",
        },
    ),
    # --- source
    Cause.NOT_COVERED: _blocking(
        Link.SOURCE,
        "The PVC's backup label has a value that the policy does not match.",
        "kubectl label pvc <pvc> -n <namespace> <label> --overwrite",
    ),
    Cause.SOURCE_MISSING: _blocking(
        Link.SOURCE,
        "No ReplicationSource backs up the PVC.",
        _TRIGGER,
        {"unmanaged": "kubectl get replicationsource -n <namespace>"},
    ),
    Cause.SOURCE_FAILING: _blocking(
        Link.SOURCE,
        "VolSync cannot reconcile the ReplicationSource.",
        "kubectl describe replicationsource <source> -n <namespace>",
    ),
    Cause.SOURCE_PAUSED: _blocking(
        Link.SOURCE,
        "The ReplicationSource is paused.",
        'kubectl patch replicationsource <source> -n <namespace> --type merge -p \'{"spec":{"paused":false}}\'',
        {SYNCHRONISED: _EDIT_POLICY, "restoring": "kubectl get replicationdestination <destination> -n <namespace> -w"},
    ),
    Cause.SCHEDULE_IGNORED: _blocking(
        Link.SOURCE,
        "The ReplicationSource has a manual trigger, so VolSync ignores its schedule.",
        "kubectl patch replicationsource <source> -n <namespace> --type json "
        """-p '[{"op":"remove","path":"/spec/trigger/manual"}]'""",
        {SYNCHRONISED: _EDIT_POLICY},
    ),
    Cause.OPERATOR_STALLED: _blocking(
        Link.SOURCE,
        "VolSync's operator has not started a due sync.",
        _RESTART_OPERATOR,
    ),
    # --- volume
    Cause.CLAIM_UNBOUND: _blocking(
        Link.VOLUME,
        "The PVC was never bound to a volume: there is nothing to back up, and pods that mount it cannot start.",
        "kubectl describe pvc <pvc> -n <namespace>",
        {
            "populator": "kubectl describe replicationdestination <destination> -n <namespace>",
            "no_populator": "kubectl get replicationdestination -n <namespace>; "
            "kubectl describe pvc <pvc> -n <namespace>",
            "class": "kubectl get storageclass; kubectl describe pvc <pvc> -n <namespace>",
        },
    ),
    Cause.VOLUME_FAULTED: _blocking(
        Link.VOLUME,
        "A Longhorn volume that the backup needs is faulted, so it cannot be attached.",
        # Longhorn salvages a volume once nothing holds it: the mover lets go, and VolSync makes a new one.
        "kubectl -n <namespace> delete job <job> --ignore-not-found && "
        "kubectl -n <longhorn_namespace> get volumes.longhorn.io <volume> -w",
        {"cache": "kubectl -n <namespace> delete pvc <cache> --wait=false && kubectl -n <namespace> delete job <job>"},
    ),
    Cause.VOLUME_UNREACHABLE: _blocking(
        Link.VOLUME,
        "The volume is attached, but Longhorn cannot reach its engine: the node or its instance manager is down.",
        "kubectl get node <node> && kubectl -n <longhorn_namespace> get instancemanagers.longhorn.io",
    ),
    Cause.VOLUME_STUCK: _blocking(
        Link.VOLUME,
        "A volume that a pod needs does not attach.",
        "kubectl get volumeattachments | grep <volume> && kubectl -n <namespace> delete job <job>",
        {
            "no_room": "kubectl -n <longhorn_namespace> describe nodes.longhorn.io | grep -i storage; "
            "kubectl -n <longhorn_namespace> describe volumes.longhorn.io <volume>",
            "share": "kubectl -n <longhorn_namespace> get pods -l longhorn.io/component=share-manager; "
            "kubectl -n <longhorn_namespace> describe sharemanagers.longhorn.io <volume>",
        },
    ),
    Cause.VOLUME_MISSING: _blocking(
        Link.VOLUME,
        "The PVC's volume does not exist.",
        "kubectl describe pvc <pvc> -n <namespace> && kubectl -n <longhorn_namespace> get volumes.longhorn.io",
    ),
    Cause.VOLUME_DEGRADED: _warning(
        Link.VOLUME,
        "The volume has fewer healthy replicas than it should have.",
        "kubectl -n <longhorn_namespace> get replicas.longhorn.io -l longhornvolume=<volume>",
    ),
    # --- mover
    Cause.COPY_NOT_READY: _blocking(
        Link.MOVER,
        "The snapshot or clone that the mover reads does not become ready.",
        "kubectl describe volumesnapshot <copy> -n <namespace>",
        {
            "pvc": "kubectl describe pvc <copy> -n <namespace>",
            # VolSync uses a clone again that is there: only a new one helps. It goes once no pod mounts it.
            "clone": "kubectl delete pvc <copy> -n <namespace> --wait=false && "
            "kubectl delete job <job> -n <namespace> --ignore-not-found",
        },
        "kubectl get csidriver <driver>; kubectl get volumesnapshotclass; "
        "kubectl get volumesnapshot,pvc -A -l app.kubernetes.io/created-by=volsync",
    ),
    Cause.MOVER_REFUSED: _blocking(
        Link.MOVER,
        "The mover's pods are rejected at admission: by pod security, a quota, a limit range or a webhook.",
        f"{_REFUSALS}; kubectl describe resourcequota,limitrange -n <namespace>; "
        "kubectl get namespace <namespace> --show-labels",
        {"webhook": f"{_REFUSALS}; kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"},
        "kubectl get events -A --field-selector reason=FailedCreate,involvedObject.kind=Job",
    ),
    Cause.MOVER_UNSCHEDULABLE: _blocking(
        Link.MOVER,
        "The mover pod cannot be scheduled on any node.",
        "kubectl describe pod <pod> -n <namespace>",
        {"pvc": "kubectl describe pvc <unbound> -n <namespace>"},
        "kubectl get pods -A -l app.kubernetes.io/created-by=volsync --field-selector status.phase=Pending; "
        "kubectl describe nodes | grep -A 9 '^Allocated resources'",
    ),
    Cause.MOVER_STUCK: _blocking(
        Link.MOVER,
        "The mover pod was scheduled to a node, but its container does not start.",
        "kubectl delete job <job> -n <namespace>",
        {"node": "kubectl describe node <node>"},
    ),
    Cause.MOVER_IMAGE: _blocking(
        Link.MOVER, "The mover's image cannot be pulled.", "kubectl describe pod <pod> -n <namespace>"
    ),
    Cause.MOVER_OUT_OF_MEMORY: _blocking(
        Link.MOVER,
        "The mover ran out of memory and was killed.",
        "kubectl patch replicationsource <source> -n <namespace> --type merge "
        """-p '{"spec":{"<method>":{"moverResources":{"limits":{"memory":"'<memory>'"}}}}}'""",
        {SYNCHRONISED: _EDIT_POLICY},
    ),
    Cause.MOVER_CACHE_FULL: _blocking(
        Link.MOVER,
        "The mover's cache volume is full, so the mover can neither read nor write the repository.",
        # VolSync asks for the greater size on the PVC that is there, which not every storage class allows
        # (`volumehandler.go`, EnsureNewPVC); a cache that is deleted is made again, and filled from the repository.
        "s=$(kubectl get pvc <cache> -n <namespace> -o jsonpath='{.spec.resources.requests.storage}') && "
        "n=${s%%[!0-9]*} && kubectl patch replicationsource <source> -n <namespace> --type merge "
        """-p '{"spec":{"<method>":{"cacheCapacity":"'"$((2 * n))${s#"$n"}"'"}}}' && """
        f"{_NEW_CACHE}",
        {SYNCHRONISED: f"{_EDIT_POLICY} && {_NEW_CACHE}"},
    ),
    Cause.REPOSITORY_LOCKED: _blocking(
        Link.MOVER, "A lock in the repository keeps the mover out.", _UNLOCK, {SYNCHRONISED: _UNLOCK_BY_POD}
    ),
    Cause.REPOSITORY_PASSWORD: _blocking(
        Link.MOVER,
        "The repository does not open with the password in the Secret.",
        "kubectl describe secret <secret> -n <namespace>",
    ),
    Cause.REPOSITORY_UNREACHABLE: _blocking(
        Link.MOVER, "The mover cannot reach the store, or the store refuses it.", _MOVER_LOGS, _LOGS
    ),
    Cause.REPOSITORY_FULL: _blocking(Link.MOVER, "The store is full.", _MOVER_LOGS, _LOGS),
    Cause.SOURCE_UNREADABLE: _blocking(
        Link.MOVER,
        "The mover is not allowed to read some of the volume's files.",
        "kubectl annotate namespace <namespace> volsync.backube/privileged-movers=true --overwrite",
    ),
    Cause.MOVER_FAILING: _blocking(
        Link.MOVER, "The mover fails, and its log shows no known reason.", _MOVER_LOGS, _LOGS
    ),
    Cause.MOVER_SLOW: _warning(
        Link.MOVER, "The mover has been running for longer than the time between two backups.", _MOVER_LOGS
    ),
    Cause.CATCHING_UP: _info(
        Link.MOVER,
        "A mover is running after a fault and has not exceeded its usual time: the backup is in progress.",
        "kubectl get replicationsource <source> -n <namespace>",
    ),
    # --- sync
    Cause.NEVER_SYNCED: _blocking(
        Link.SYNC,
        "The ReplicationSource has never completed a sync, and nothing earlier explains it.",
        _SYNC_NOW,
        {"begun": _SYNC_ANEW, "running": _SHOW_MOVER, SYNCHRONISED: _SYNC_ANEW},
    ),
    Cause.OVERDUE: _blocking(
        Link.SYNC,
        "The last backup is older than its objective, and nothing earlier explains it.",
        _SYNC_NOW,
        {"begun": _SYNC_ANEW, "running": _SHOW_MOVER, SYNCHRONISED: _SYNC_ANEW},
    ),
    Cause.SOURCE_EMPTY: _warning(
        Link.SYNC,
        "The volume is empty: VolSync reports success and saves nothing.",
        "kubectl describe pvc <pvc> -n <namespace>",
    ),
    Cause.ANNOTATION_INVALID: _warning(
        Link.SYNC,
        "An annotation on the PVC cannot be understood, so it is not followed.",
        "kubectl annotate pvc <pvc> -n <namespace> <annotation>-",
    ),
    # --- repository
    Cause.REPOSITORY_MISSING: _blocking(
        Link.REPOSITORY,
        "VolSync reports success, but the bucket contains no repository.",
        _LAST_LOG,
    ),
    Cause.REPOSITORY_DAMAGED: _blocking(
        Link.REPOSITORY,
        "The repository is damaged: its config, keys, index or packs are missing or corrupt, so some or all of the "
        "data cannot be restored.",
        _LAST_LOG,
        {CORRUPT: _DIGEST_OF_OBJECT},
    ),
    Cause.REPOSITORY_SHARED: _warning(
        Link.REPOSITORY,
        "Several claims write to the same repository under the same name, so retention for one claim removes "
        "snapshots of another.",
        "kubectl get replicationsource -n <namespace> -o custom-columns="
        "NAME:.metadata.name,PVC:.spec.sourcePVC,REPOSITORY:.spec.restic.repository",
    ),
    Cause.REPOSITORY_UNBOUND: _info(
        Link.REPOSITORY,
        "It is unknown which repository in the store belongs to a source, so VolSync's report cannot be verified.",
        "kubectl annotate replicationsource <source> -n <namespace> "
        "volsync-exporter.io/repository=s3:https://<endpoint>/<bucket>/<path>",
    ),
    Cause.SNAPSHOT_MISSING: _blocking(
        Link.REPOSITORY,
        "VolSync reports success, but the bucket contains no new snapshot.",
        _LAST_LOG,
    ),
    Cause.LOCK_STALE: _warning(
        Link.REPOSITORY,
        "The repository has a stale lock of a dead client, so nothing can be pruned.",
        _UNLOCK,
        {SYNCHRONISED: _UNLOCK_BY_POD},
    ),
    Cause.REPOSITORY_REINITIALISED: _warning(
        Link.REPOSITORY,
        "The repository was created after backups had already been written to it: its history is lost.",
        "aws --endpoint-url <endpoint> s3api list-object-versions --bucket <bucket> --prefix <prefix>/config",
    ),
    Cause.PRUNE_OVERDUE: _warning(
        Link.REPOSITORY,
        "The repository has not been pruned for more than twice its prune interval, so it keeps growing.",
        "kubectl describe replicationsource <source> -n <namespace>",
    ),
    # --- restore
    Cause.RESTORE_STUCK: _warning(
        Link.RESTORE,
        "A restore does not complete. Backups are not affected.",
        "kubectl delete job <job> -n <namespace>",
    ),
    Cause.RESTORE_FAILING: _warning(
        Link.RESTORE,
        "A restore fails. Backups are not affected.",
        "kubectl describe replicationdestination <destination> -n <namespace>",
    ),
    Cause.RESTORE_EMPTY: _warning(
        Link.RESTORE,
        "A restore found no snapshot, but reports success with an empty volume.",
        "kubectl describe replicationdestination <destination> -n <namespace>",
    ),
    Cause.RESTORE_UNCONSUMED: _info(
        Link.RESTORE,
        "A restored volume is not used by anything: it takes space, and no application has the data.",
        "kubectl get pvc <image> -n <namespace>",
    ),
    Cause.RESTORE_STALE: _info(
        Link.RESTORE,
        "A new volume would be filled from a restored image that is older than the newest backup.",
        "kubectl patch replicationdestination <destination> -n <namespace> --type merge "
        """-p '{"spec":{"trigger":{"manual":"'"$(date +%s)"'"}}}'""",
        {SYNCHRONISED: _EDIT_POLICY},
    ),
    Cause.RESTORE_UNPROVEN: _info(
        Link.RESTORE,
        "No restore has proven the claim's backup within the required time. It is a warning if an annotation or "
        "the settings require a proof.",
        "volsync-exporter drill <namespace>/<pvc>",
        wide="volsync-exporter drill --unproven",
    ),
    # --- beside the claims
    Cause.REPOSITORY_ORPHANED: _info(
        Link.NONE,
        "A repository in the bucket no longer belongs to any claim.",
        "aws --endpoint-url <endpoint> s3 ls s3://<bucket>/<prefix>/",
    ),
    Cause.BACKUP_WITHDRAWN: _warning(
        Link.NONE,
        "A repository was in use until recently, but its PVC or the PVC's label is gone.",
        "kubectl get pvc <pvc> -n <namespace> --show-labels",
    ),
}
