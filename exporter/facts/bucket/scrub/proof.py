"""Whether one object is what its name says: never on a single suspicious read."""

from enum import StrEnum

import msgspec

from exporter.facts.bucket.client import Client, is_absent
from exporter.facts.bucket.failure import BucketError
from exporter.facts.bucket.model import Proof
from exporter.facts.bucket.throughput import Throughput
from exporter.facts.reading import Reason

_READS = 3
_SLOWEST = 64 << 10
"""Bytes per second. An object that comes more slowly than that is not read."""


class Outcome(StrEnum):
    SOUND = "sound"
    CORRUPT = "corrupt"
    GONE = "gone"
    """It was listed, and is not there: a prune removed it, or the listing showed what is no more."""


class Listed(msgspec.Struct, frozen=True):
    """One object, as a listing shows it."""

    key: str
    size: int
    modified: str

    @property
    def digest(self) -> str:
        """What the SHA-256 of its bytes should be: its name."""
        return self.key[-64:]


class Judged(msgspec.Struct, frozen=True):
    """What is found of one object."""

    outcome: Outcome
    proof: Proof = Proof.CONTENT
    digest: str = ""
    """CORRUPT: the SHA-256 of what the store brings."""
    keeps_digest: bool = False
    """Whether the store keeps the object's SHA-256."""

    @property
    def is_corrupt(self) -> bool:
        return self.outcome is Outcome.CORRUPT

    @property
    def is_sound(self) -> bool:
        return self.outcome is Outcome.SOUND


def prove(client: Client, listed: Listed, throughput: Throughput, *, ask_first: bool) -> Judged:
    """Find out what *listed* is; where *ask_first*, by the store's own SHA-256, if that is what the name says.

    It is sound when one read brings what the name says. It is corrupt when two reads, over two connections, bring the
    same other bytes, as many as the listing says. Whatever else comes is no evidence of anything.

    Raises:
        BucketError: it could not be read, or each read brought something else.
        Stopped: the program is to stop.
    """
    try:
        if ask_first and client.stored_digest(listed.key) == listed.digest:
            return Judged(Outcome.SOUND, Proof.CHECKSUM, keeps_digest=True)
        return _read(client, listed, throughput)
    except BucketError as failure:
        if is_absent(failure):
            return Judged(Outcome.GONE)
        raise


def _read(client: Client, listed: Listed, throughput: Throughput) -> Judged:
    seen: set[tuple[str, str]] = set()
    allowed = listed.size / min(_SLOWEST, throughput.per_second / 8)
    for attempt in range(_READS):
        if attempt:
            client.reconnect()
        read = client.read(listed.key, throughput, allowed)
        if read.digest == listed.digest:
            return Judged(Outcome.SOUND, keeps_digest=read.stored_digest == listed.digest)
        if read.size != listed.size:
            detail = f"{listed.key} is listed with {listed.size} bytes and comes with {read.size}"
            raise BucketError(Reason.CONTRADICTED, detail)
        if (read.digest, read.etag) in seen:
            return Judged(Outcome.CORRUPT, digest=read.digest)
        seen.add((read.digest, read.etag))
    raise BucketError(Reason.CONTRADICTED, f"{listed.key} comes with other bytes at each read")
