"""JSON that is nested more deeply than a parser can follow, cut down to what it can."""

import re

_DEEPEST = 500
"""Levels that are kept; the API's own types have some thirty."""
_TOKEN = re.compile(r'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def shallow(text: str, start: int, mark: str) -> tuple[str, int] | None:
    """The JSON at *start*, with *mark* (JSON too) for what is nested too deeply, and its end; None: it does not end."""
    parts, kept, depth = [], start, 0
    for token in _TOKEN.finditer(text, start):
        if token[0] in "[{":
            depth += 1
            if depth == _DEEPEST + 1:
                parts += [text[kept : token.start()], mark]
        elif token[0] in "]}":
            depth -= 1
            if depth == _DEEPEST:
                kept = token.end()
            if depth <= 0:
                parts.append(text[kept : token.end()])
                return "".join(parts), token.end()
    return None
