"""Is the policy there that generates the backup's objects, in force, and does it work?

The link applies where a policy generates VolSync's objects for the PVC, where the source says that one made it, and
where the settings name one. Whatever else Kyverno is there for says nothing here.
"""

from datetime import datetime

from exporter.chain import external_secrets, scope
from exporter.chain.backup import Backup, broken, created, ok, unknown
from exporter.chain.causes import Cause, Impact, Link
from exporter.chain.generated import missing_object
from exporter.chain.kyverno import failures
from exporter.chain.kyverno.generated import PolicyReference, maker_of
from exporter.chain.kyverno.policy import SECRET, SOURCE, BackupPolicy
from exporter.chain.links import base_secret, namespace, repository_secret
from exporter.chain.text import one_line
from exporter.chain.verdict import LinkState, LinkVerdict


def judge(backup: Backup) -> LinkVerdict | None:
    policies = backup.inventory.policies
    if not policies.apply or not (backup.is_labelled or backup.maker):
        return None
    if absent := _absent(backup):
        return _missing(backup, absent)
    if not backup.policies:
        return _without_policy(backup)
    missing = missing_object(backup)
    makers = backup.policies_for(missing) if missing else ()
    if failed := _not_ready(backup, makers or backup.policies, every=missing is not None):
        return failed
    if missing and (failed := _failing(backup, makers, missing)):
        return failed
    policy = (makers or backup.policies)[0]
    return ok(Link.POLICY, f"{policy.kind} {policy.name} is ready.")


# --- not there


def _absent(backup: Backup) -> PolicyReference | None:
    """The policy that should be there for the claim and is not.

    It is the one that made the source. For a PVC that has none it is the one of the settings, or one that others'
    objects are left of; unless there is one for the PVC, or for its label, that tells more.
    """
    policies = backup.inventory.policies
    if backup.maker is not None:
        return backup.maker if policies.lack(backup.maker) else None
    if backup.policies or policies.reading(backup.inventory.selection.label):
        return None
    if backup.source is not None and not backup.settings.chain.policy:
        return None
    return next(iter(backup.inventory.absent_policies), None)


def _missing(backup: Backup, absent: PolicyReference) -> LinkVerdict:
    return broken(
        Link.POLICY,
        backup.problem(
            Cause.POLICY_MISSING,
            f"There is no policy {absent.name}.",
            scopes=(scope.policy(absent.name, absent.namespace),),
            names={"policy": absent.name},
        ),
    )


def _without_policy(backup: Backup) -> LinkVerdict | None:
    """No policy matches the PVC; whether one asks for its label is the source's link to judge."""
    policies = backup.inventory.policies
    if policies.unread:
        return unknown(Link.POLICY, f"{one_line(policies.unread)}.")
    readers = policies.reading(backup.inventory.selection.label)
    if readers and (failed := _not_ready(backup, readers, every=True)):
        return failed
    return ok(Link.POLICY, f"{readers[0].kind} {readers[0].name} is ready.") if readers else None


# --- not in force


def _not_ready(backup: Backup, makers: tuple[BackupPolicy, ...], *, every: bool) -> LinkVerdict | None:
    """One of *makers* that is not in force; with *every*, only if none is."""
    grace = backup.settings.grace.generation
    failed = [(maker, why) for maker in makers if (why := maker.why_not_ready(backup.at, grace))]
    if not failed or (every and len(failed) < len(makers)):
        return None
    maker, why = failed[0]
    return broken(
        Link.POLICY,
        backup.problem(
            Cause.POLICY_NOT_READY,
            f"{maker.kind} {maker.name} is not ready: {one_line(why)}.",
            scopes=(maker.scope,),
            names={"policy": maker.name, "policy_kind": maker.resource},
        ),
    )


# --- in force, and at fault


def _failing(backup: Backup, makers: tuple[BackupPolicy, ...], missing: str) -> LinkVerdict | None:
    """What shows the fault is the text of the policy, or the gap itself where nothing else explains it.

    What Kyverno says beside that (events of an hour, requests of seconds) only explains it: it changes no cause.
    """
    for maker in makers:
        if fault := maker.fault(missing):
            return _policy_failing(backup, maker, missing, fault)
    grace = backup.settings.grace.generation
    responsible = next((maker for maker in makers if _should_have_made(backup, maker, missing)), None)
    if responsible is None or _is_explained(backup):
        return None
    said = failures.words(backup.cluster.kyverno, responsible, backup.key, backup.at, grace)
    return _policy_failing(backup, responsible, missing, said)


def _should_have_made(backup: Backup, maker: BackupPolicy, missing: str) -> bool:
    """Whether nothing but a failure of *maker* keeps the object from being there."""
    if missing == SOURCE and backup.inventory.policies.exceptions_unread:
        return False
    asked = created(backup.pvc)
    since = asked if missing == SOURCE else created(backup.source) or asked
    if asked is None or since is None or backup.at - since < backup.settings.grace.generation:
        return False
    if not (_has_made_nothing(backup) if missing == SOURCE else _was_never_made(backup, maker)):
        return False
    came_later = maker.created is not None and maker.created > asked and not maker.takes_existing(missing)
    return not came_later and not _base_secret_came_later(backup, asked)


def _has_made_nothing(backup: Backup) -> bool:
    """Whether no policy has made anything of VolSync's for the PVC: what is gone beside the rest was deleted."""
    return not any(maker_of(destination.metadata.labels) for destination in backup.destinations)


def _was_never_made(backup: Backup, maker: BackupPolicy) -> bool:
    """Whether the source is the policy's, and its Secret was never there: a sync shows that it was."""
    seen = repository_secret.presence(backup)
    is_absent = seen is not None and not seen.present
    is_its_own = backup.maker is not None and backup.maker.name == maker.name
    return is_absent and is_its_own and backup.status.last_sync_time is None


def _base_secret_came_later(backup: Backup, asked: datetime) -> bool:
    """Whether the base Secret came after the PVC: what Kyverno could not generate then it does not generate now."""
    if not backup.base_secret:
        return False
    there = backup.cluster.core.secrets.get(backup.base_secret, backup.namespace)
    moments = (created(one) for one in (there, *external_secrets.bringing(backup, backup.base_secret)))
    return any(moment > asked for moment in moments if moment)


def _is_explained(backup: Backup) -> bool:
    """Whether a link between the policy and the object is at fault, or not known."""
    verdicts = (judge_link(backup) for judge_link in (namespace.judge, base_secret.judge))
    return any(verdict is not None and _blocks(verdict) for verdict in verdicts)


def _blocks(verdict: LinkVerdict) -> bool:
    is_blocked = any(problem.impact is Impact.BLOCKING for problem in verdict.problems)
    return verdict.state is LinkState.UNKNOWN or is_blocked


def _policy_failing(backup: Backup, maker: BackupPolicy, missing: str, words: str | None) -> LinkVerdict:
    why = one_line(words) if words else "it matches the PVC, but Kyverno reports nothing about it"
    return broken(
        Link.POLICY,
        backup.problem(
            Cause.POLICY_FAILING,
            f"Policy {maker.name} fails to generate the {missing}: {why}.",
            scopes=(maker.scope,),
            variant="untold" if words is None else failures.kind_of(words),
            names={"policy": maker.name, "policy_kind": maker.resource, "missing": _RESOURCES.get(missing, "")},
        ),
    )


_RESOURCES = {SOURCE: "replicationsources.volsync.backube", SECRET: "secrets"}
"""The kinds as kubectl takes them."""
