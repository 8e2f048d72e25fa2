"""Credentials in text from outside, masked before anybody sees the text.

Errors of servers, movers and libraries quote what they were given: a URL with its password, a header, a key. What
looks like one is replaced by `***` wherever such text is taken into a reason, a detail, an evidence or a log.
What is masked needlessly costs a reader a word; what is not masked may cost a repository.
"""

import re
from typing import Final

MASK: Final = "***"
_LONGEST = 1 << 16
"""Characters that are looked at, and kept."""
_URL = re.compile(r"(?:\bs3:)?(?:https?:)?//|\bs3:")
_SPACED = re.compile(r"((?://|\bs3:)[^\s@/:\"']{1,200}:)(?!//|\d{1,5}(?:[/?\s\"']|$))[^\n]{0,500}@")
"""A user and what may be a password with blanks in it."""
_WORDS = (
    "expired|invalid|incorrect|required|missing|not|is|has|no|none|the|a|an|and|empty|unknown|wrong|denied|must|cannot|"
    "could|was|were|for|from|in|of|or|too|does|failed|rejected|revoked|unauthorized|forbidden|malformed|unsupported"
)
"""What follows a colon in plain speech (`password: required`), where a value would in YAML."""
_KEY = (
    r"(?:passw(?:or)?d|passphrase|passwd|pwd|secret[-_ ]?(?:access[-_ ]?)?key|access[-_ ]?key(?:[-_ ]?id)?|"
    r"account[-_ ]?key|api[-_ ]?key|private[-_ ]?key|client[-_ ]?secret)"
)
_THING = r"(?:secret|token|credentials?|signature|\bsig)"
"""In plain speech an error follows these and a colon (`cannot get the token: connection refused`)."""
_QUOTED = r"\\{0,4}\"[^\"\\]*\\{0,4}\"?|\\{0,4}'[^'\\]*\\{0,4}'?"
_VALUE = rf"(?:{_QUOTED}|[^\s,;&\"'}}]+)"
_PATTERNS: Final = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        MASK,
    ),
    (
        re.compile(
            r"(?i)(\b(?:proxy-)?authorization[\"'\\]{0,3}\s{0,5}[:=]\s{0,5}[\[\"'\\]{0,4})"
            r"(?:(?:bearer|basic|digest|negotiate|token|aws4-[\w-]{1,20})\s{1,5})?[^\s\"',;]+"
            r"(?:,\s{0,5}(?:SignedHeaders|Signature|Credential)=[^\s\"',;]+){0,3}"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer)\s{1,5}[\w.~+/=-]{16,}"), rf"\1 {MASK}"),
    (re.compile(r"(?i)\b(basic)\s{1,5}(?=[A-Za-z]{0,200}[0-9+/=])[\w+/=]{8,}"), rf"\1 {MASK}"),
    (
        re.compile(r"\b((?:Invalid|Unsupported|Duplicate) value: )(?:\"(?:[^\"\\]|\\.)*\"|'[^']*')"),
        rf"\1{MASK}",
    ),
    (
        re.compile(
            rf"(?i)({_KEY}[\w-]{{0,20}}[\"'\\]{{0,6}}\s{{0,5}}(?:=|:(?!\s{{1,5}}(?:{_WORDS})\b))\s{{0,5}}){_VALUE}"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(rf"(?i)({_THING}[\w-]{{0,20}}[\"'\\]{{0,6}}\s{{0,5}}=\s{{0,5}}){_VALUE}"), rf"\1{MASK}"),
    (re.compile(rf"(?i)({_THING}[\"'\\]{{0,6}}:)(?:\s{{0,5}}(?:{_QUOTED})|[^\s,;&\"'}}\\]+)"), rf"\1{MASK}"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), MASK),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|hv[sb]\.|xox[abps]-|AGE-SECRET-KEY-1)[\w.-]{10,}"), MASK),
)
"""Each is linear in the text: what may repeat without end is never tried from every place."""


_MARKS = re.compile(
    r"(?i)@|auth|bearer|basic|value: |pass|pwd|key|secret|token|credential|sig|AKIA|ASIA|eyJ|gh[pousr]_|github_pat_|"
    r"glpat-|hv[sb]\.|xox"
)
"""Where none of these is, there is nothing to mask; most text has none."""


def masked(text: str) -> str:
    """*text* with what looks like credentials replaced by `***`.

    In a URL that is all up to its last `@`, since a password may hold an `@` or a slash. What is very long is cut
    off, at a blank, so that no credential loses the end that it is known by.
    """
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST].rpartition(' ')[0]} …"
    if not _MARKS.search(text):
        return text
    if "@" in text:
        text = _SPACED.sub(rf"\1{MASK}@", re.sub(r"\S+", lambda word: _masked_url(word[0]), text))
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _masked_url(word: str) -> str:
    start, end = _URL.search(word), word.rfind("@")
    return word if start is None or end < start.end() else f"{word[: start.end()]}{MASK}{word[end:]}"
