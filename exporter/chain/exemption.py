"""Whether a claim's owner has said that it needs no backup for now."""

from datetime import UTC, datetime, time

from exporter.chain.backup import Backup


def exemption(backup: Backup) -> str:
    """The reason why the claim is exempt, in its owner's words; empty when it is not, or not any more."""
    annotations = backup.pvc.metadata.annotations if backup.pvc else None
    if annotations is None or not (annotations.exempt or "").strip():
        return ""
    until = end_of(annotations.exempt_until) if annotations.exempt_until else None
    if annotations.exempt_until and (until is None or backup.at >= until):
        return ""
    return (annotations.exempt or "").strip()


def end_of(value: str) -> datetime | None:
    """The moment that *value* means: a date means its last; None when it is no date."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if len(value) <= len("2026-12-31"):
        moment = datetime.combine(moment.date(), time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
