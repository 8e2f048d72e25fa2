"""What External Secrets says of a Secret: whether it is there, and what keeps it from being made or refreshed.

A failing ExternalSecret leaves the Secret that it made before as it is, so that backups go on; its condition is
general, and the detail stands only in an event (external-secrets `externalsecret_controller.go`, 2.9).
"""

import re
from datetime import datetime

import msgspec

from exporter.chain import scope
from exporter.chain.backup import Backup, created, fill
from exporter.chain.causes import Cause
from exporter.chain.instants import moment_of
from exporter.chain.refreshing import patience_of, slack_of
from exporter.chain.scope import EXTERNAL_SECRETS, Scope
from exporter.chain.text import one_line, sign_of
from exporter.chain.verdict import Problem
from exporter.facts.cluster.external_secrets.objects import ClusterExternalSecret, ExternalSecret, StoreReference

_ABSENT = ("SecretMissing", "SecretDeleted")
"""Reasons of a Ready condition that is True and says that the Secret is not there (`externalsecret_types.go`)."""
_RETAINED = "retained"
"""The provider holds nothing, and what there is was kept: the Secret may never have been made."""
_OWN = re.compile(r"owned by another|take ownership|immutable|delete|update secret|template", re.IGNORECASE)
"""Errors that are about the ExternalSecret or its target, and not about where the data comes from."""
_STORE = re.compile(r'\b(?P<kind>(?:Cluster)?SecretStore) "(?P<name>[^"]+)"(?: is not ready|, )')
"""A store that the condition names as the fault (external-secrets `client_manager.go`)."""

_MESSAGE = 1024
"""So much of a condition's message is looked at."""


class SecretReport(msgspec.Struct, frozen=True):
    """Whether a Secret is there, by its ExternalSecret."""

    present: bool
    evidence: str
    at: datetime | None
    """When that was so, as far as the ExternalSecret tells."""


class PossibleFault(msgspec.Struct, frozen=True):
    """The things that could explain a failing ExternalSecret, and what shows them."""

    scopes: tuple[Scope, ...]
    variant: str = ""
    """Of the command: for the narrowest of the scopes."""
    wide_variant: str = ""
    """Of the command: for a wider one."""
    names: dict[str, str] = {}
    detail: str = ""


def bringing(backup: Backup, secret: str) -> tuple[ExternalSecret, ...]:
    """The ExternalSecrets that write a Secret of the claim's namespace."""
    return backup.cluster.external_secrets.bringing(backup.namespace, secret)


def report_on(backup: Backup, secret: str) -> SecretReport | None:
    """What the ExternalSecrets of a Secret say of it; None when they say nothing.

    Of several for one Secret, one that has written it is enough.
    """
    absent: SecretReport | None = None
    for one in bringing(backup, secret):
        ready = one.ready
        if ready is None or ready.status != "True" or _RETAINED in ready.message:
            continue
        last = max((at for at in (one.refreshed, moment_of(ready.last_transition_time)) if at), default=None)
        if ready.reason not in _ABSENT:
            return SecretReport(present=True, evidence="its ExternalSecret is ready", at=last)
        absent = SecretReport(present=False, evidence="according to its ExternalSecret", at=last)
    return absent


def failing(backup: Backup, secret: str, *, at_once: bool = False) -> Problem | None:
    """The ExternalSecret of a Secret that fails: of several for one Secret, the first.

    One that has only just begun to may well succeed at its next try; *at_once* is for a Secret that is not there.
    """
    for one in bringing(backup, secret):
        ready = one.ready
        if ready is None or ready.status != "False":
            continue
        since = moment_of(ready.last_transition_time)
        if not at_once and since is not None and backup.at - since < backup.settings.grace.generation:
            continue
        message = (ready.message or ready.reason)[:_MESSAGE]
        why = _explain(backup, one, message)
        reason = f"ExternalSecret {one.namespace}/{one.name}: {one_line(message)}{why.detail}."
        return _problem(backup, reason, why, sign_of(message), since)
    return None


def unattended(backup: Backup, secret: str) -> Problem | None:
    """The ExternalSecret of a Secret that is not there, which External Secrets has done nothing about."""
    facts = backup.cluster.external_secrets
    for one in bringing(backup, secret):
        made = created(one)
        if (
            one.ready is not None
            or one.refreshed
            or made is None
            or backup.at - made < backup.settings.grace.generation
        ):
            continue
        own = scope.external_secret(one.name, one.namespace)
        is_served = facts.last_refresh is not None and facts.last_refresh > made
        why = PossibleFault(
            scopes=(own,) if is_served else (own, EXTERNAL_SECRETS),
            wide_variant="" if is_served else "operator",
            names={"external_secret": one.name},
        )
        if is_silent(backup):
            why = PossibleFault(scopes=(EXTERNAL_SECRETS,), variant="operator")
        reason = f"ExternalSecret {one.namespace}/{one.name} has no status: External Secrets has not acted on it."
        return _problem(backup, reason, why, "no status", made)
    return None


def stale(backup: Backup, secret: str) -> Problem | None:
    """An ExternalSecret that says Ready and was not refreshed for two intervals: the condition is a memory.

    The controller itself is what is broken where it refreshed nothing else either since this one was due.
    """
    for one in bringing(backup, secret):
        patience = patience_of(one.spec)
        if patience is None or one.refreshed is None or backup.at - one.refreshed <= patience:
            continue
        if one.ready is not None and one.ready.status == "False":
            continue
        last = backup.cluster.external_secrets.last_refresh
        is_alive = last is not None and last - one.refreshed > slack_of(one.spec, backup.settings.grace.operator)
        return backup.problem(
            Cause.EXTERNAL_SECRET_STALE,
            f"ExternalSecret {one.namespace}/{one.name} was last refreshed at {one.refreshed:%Y-%m-%d %H:%M:%SZ}.",
            scopes=(scope.external_secret(one.name, one.namespace) if is_alive else EXTERNAL_SECRETS,),
            variant="" if is_alive else "operator",
            since=one.refreshed,
            names={"external_secret": one.name},
        )
    return None


def not_provisioned(backup: Backup, owner: ClusterExternalSecret, message: str) -> Problem:
    """A ClusterExternalSecret that could not put its ExternalSecret into the claim's namespace."""
    why = PossibleFault(
        scopes=(
            scope.external_secret(owner.external_secret, backup.namespace),
            scope.external_secret(owner.name),
        ),
        variant="clusterexternalsecret",
        names={"cluster_external_secret": owner.name},
    )
    reason = f"ClusterExternalSecret {owner.name}: {one_line(message)}."
    return _problem(backup, reason, why, sign_of(message[:_MESSAGE]), None)


def is_silent(backup: Backup) -> bool:
    """Whether the controller has refreshed nothing of all that it should have."""
    since = backup.inventory.external_secrets_silent_from
    return since is not None and backup.at > since


# --- what could explain a failure


def _explain(backup: Backup, one: ExternalSecret, message: str) -> PossibleFault:
    """The store that is proven to be broken; else the ExternalSecret, what made it, and the stores that it reads."""
    for store in (*_named(message), *one.stores):
        if (told := _down(backup, one, store)) is not None or store in _named(message):
            names = {"store": store.name, "external_secret": one.name}
            detail = f" ({told})" if told else ""
            return PossibleFault((_scope(store, one),), variant=store.kind.lower(), names=names, detail=detail)
    owner = next((o.name for o in one.metadata.owner_references or () if o.kind == "ClusterExternalSecret"), None)
    stores = () if _OWN.search(message) else one.stores
    scopes = [scope.external_secret(one.name, one.namespace)]
    names = {"external_secret": one.name}
    wide = ""
    if owner:
        scopes.append(scope.external_secret(owner))
        names["cluster_external_secret"], wide = owner, "clusterexternalsecret"
    if stores:
        scopes.extend(_scope(store, one) for store in stores)
        names["store"], wide = stores[0].name, stores[0].kind.lower()
    return PossibleFault(tuple(scopes), wide_variant=wide, names=names)


def _named(message: str) -> tuple[StoreReference, ...]:
    found = _STORE.search(message)
    return (StoreReference(kind=found["kind"], name=found["name"]),) if found else ()


def _down(backup: Backup, one: ExternalSecret, store: StoreReference) -> str | None:
    """What is wrong with a store; None when nothing is known to be."""
    listing = backup.cluster.external_secrets.stores(store)
    namespace = "" if store.is_clusters else one.namespace
    found = listing.get(store.name, namespace)
    if found is not None and found.ready is not None and found.ready.status == "False":
        kind = f" ({found.provider})" if found.provider else ""
        told = one_line(found.ready.message or found.ready.reason)
        return f"{store.kind} {store.name}{kind} is not ready: {told}"
    if listing.lacks(store.name, namespace, wanted_since=created(one)):
        return f"there is no {store.kind} {store.name}"
    return None


def _scope(store: StoreReference, one: ExternalSecret) -> Scope:
    return scope.secret_store(store.name, "" if store.is_clusters else one.namespace)


def _problem(backup: Backup, reason: str, why: PossibleFault, sign: str, since: datetime | None) -> Problem:
    problem = backup.problem(
        Cause.EXTERNAL_SECRET_FAILING,
        reason,
        scopes=why.scopes,
        sign=sign,
        since=since,
        variant=why.variant,
        names=why.names,
    )
    if not why.wide_variant:
        return problem
    wide = Cause.EXTERNAL_SECRET_FAILING.entry.variants[why.wide_variant]
    names = {"namespace": backup.namespace, **why.names}
    return msgspec.structs.replace(problem, wide_command=fill(wide, names))
