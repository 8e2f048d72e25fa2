"""What the policy should have generated for a claim, and has not.

Controllers' conditions and events only explain a gap; that there is one is the dependable sign that the links before
it are at fault.
"""

from exporter.chain.case import Case
from exporter.chain.links import repository_secret
from exporter.chain.verdict import LinkState


def missing_object(case: Case) -> str | None:
    """The kind of the generated object that is known not to be there; None when nothing is known to be missing."""
    if case.source is None:
        return "ReplicationSource" if is_source_missing(case) else None
    secret = repository_secret.judge(case)
    return "Secret" if secret is not None and secret.state is LinkState.BROKEN else None


def is_source_missing(case: Case) -> bool:
    """Whether the claim is known to have no ReplicationSource: none that could not be read can be its own."""
    listing = case.world.cluster.replication_sources
    return not listing.applies or (listing.known and not has_garbled_source(case))


def has_garbled_source(case: Case) -> bool:
    """Whether a ReplicationSource that could not be understood is the claim's, or may be."""
    malformed = case.world.cluster.replication_sources.malformed
    return any(bad.namespace == case.namespace and bad.claim in (None, case.pvc_name) for bad in malformed)
