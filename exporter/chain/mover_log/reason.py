"""What a reason is, and the places that tell whose fault a line is about."""

import re

import msgspec

from exporter.chain.causes import Cause

_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")

VOLUME = r"(?<![\w.-])/data\b"
CACHE = r"(?<![\w.-])/\.?cache\b"
SHARE = r"(?<![\w.-])/(?:repository|mnt)\b"
"""A share that is mounted into the mover: VolSync mounts `moverVolumes` at `/mnt/<name>`."""
MOVERS_OWN = r"(?<![\w.-])/(?:data|\.?cache|tmp)\b"
"""Places that are not the store (volsync `mover/restic/mover.go`)."""


class Words(msgspec.Struct, frozen=True):
    """Words of lower case, any of which may stand in a text: plain ones, which are found fastest, and patterns."""

    plain: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    """One by one: `re` finds a pattern that begins with a letter many times faster than one of several."""

    def stand_in(self, text: str) -> bool:
        return any(word in text for word in self.plain) or any(pattern.search(text) for pattern in self.patterns)


def any_of(*words: str) -> Words:
    """Any of *words*, each a pattern; `^` is the beginning of a line."""
    plain = tuple(word for word in words if not _SPECIAL.search(word))
    patterns = tuple(re.compile(word, re.MULTILINE) for word in words if _SPECIAL.search(word))
    return Words(plain, patterns)


class FailureReason(msgspec.Struct, frozen=True):
    """One way to fail, and how it is recognised in a line of lower case."""

    name: str
    cause: Cause | None
    """None: known, and no cause of the catalogue; it keeps more general words from being believed."""
    says: Words
    where: Words | None = None
    """What the same line must have as well,"""
    unless: Words | None = None
    """and what it must not have."""
    is_hint: bool = False
    """Whether it only follows from something else, which stands in another line or is cut off."""

    def gives(self, line: str) -> bool:
        return (
            self.says.stand_in(line)
            and (self.where is None or self.where.stand_in(line))
            and not (self.unless and self.unless.stand_in(line))
        )
