"""Several exporters share the work: each looks at the namespaces of its own shard."""

import re
import zlib
from typing import Final

import msgspec

_SHARD = re.compile(r"(?P<index>[0-9]{1,4})/(?P<count>[0-9]{1,4})")
EVERYTHING: Final = ""
"""The text of no shard: one exporter looks at all namespaces."""


class Shard(msgspec.Struct, frozen=True):
    """The share of one exporter among *count* of them, counted from 0."""

    index: int
    count: int

    def covers(self, namespace: str) -> bool:
        """Whether *namespace* is in it: by a hash of the name, the same everywhere and always."""
        return zlib.crc32(namespace.encode()) % self.count == self.index


def parse_shard(text: str) -> Shard:
    """Read `2/5`: the third of five.

    Raises:
        ValueError: *text* is not of that form, or the shard is not among them.
    """
    match = _SHARD.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:100]!r} is no shard: write 0/3 for the first of three")
    shard = Shard(int(match["index"]), int(match["count"]))
    if shard.index >= shard.count:
        raise ValueError(f"shard {text[:100]!r} is not among {shard.count}: they are counted from 0")
    return shard
