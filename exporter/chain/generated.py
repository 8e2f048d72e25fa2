"""What the policy should have generated for a claim, and has not.

Controllers' conditions and events only explain a gap; that there is one is the dependable sign that the links before
it are at fault.
"""

from exporter.chain.backup import Backup
from exporter.chain.links import repository_secret


def missing_object(backup: Backup) -> str | None:
    """The kind of the generated object that is known not to be there; None when nothing is known to be missing."""
    if backup.source is None:
        return "ReplicationSource" if is_source_missing(backup) else None
    return "Secret" if repository_secret.is_missing(backup) else None


def is_source_missing(backup: Backup) -> bool:
    """Whether the claim is known to have no ReplicationSource: none that could not be read can be its own."""
    listing = backup.cluster.volsync.sources
    return not listing.applies or (listing.known and not has_malformed_source(backup))


def has_malformed_source(backup: Backup) -> bool:
    """Whether a ReplicationSource that could not be understood is the claim's, or may be."""
    return backup.cluster.volsync.sources.malformed_about(*backup.key) is not None
