"""Which claims may go without anyone being told: those of preview environments, for example."""

from fnmatch import fnmatchcase

from exporter.chain.backup import Backup

ANNOTATION = "volsync-exporter.io/may-vanish"
"""On the PVC or on a ReplicationSource of it: `true` where the claim may go."""


def may_vanish(backup: Backup) -> bool:
    """Whether the claim's owner, or the settings' patterns of namespaces, let it go unremarked."""
    owners = (backup.pvc, backup.source)
    said = (one.metadata.annotations.may_vanish for one in owners if one and one.metadata.annotations)
    patterns = backup.settings.claims.may_vanish
    return any(is_true(value) for value in said) or any(fnmatchcase(backup.namespace, one) for one in patterns)


def is_true(value: str | None) -> bool:
    """Whether an annotation's value says yes."""
    return (value or "").strip().lower() == "true"


def fault(value: str) -> str:
    """What is wrong with the annotation's value; empty where it is `true` or `false`."""
    return "" if value.strip().lower() in ("true", "false") else "it is neither true nor false"
