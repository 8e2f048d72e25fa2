"""What cannot be read of a dump: a whole file, or one object of it."""

import msgspec


class FileError(ValueError):
    """A file cannot be read. The message names it, and the line where there is one; it never quotes the content."""


class Refused(msgspec.Struct, frozen=True):
    """One object that cannot be read, among others that can."""

    path: str
    reason: str
    """Where it stands, and what is wrong with it; it never quotes the content."""
    api_version: str
    kind: str
    namespace: str = ""
    name: str = ""
    claim: str | None = None
    """The PVC that a ReplicationSource names, where that much could be read."""
