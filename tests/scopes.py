"""Scopes, read from the text that they are shown as."""

from exporter.chain.scope import Scope, ScopeKind


def scope(text: str) -> Scope:
    """The scope that *text* (`claim/n8n/data`) is."""
    kind, *inside, name = text.split("/")
    return Scope(ScopeKind(kind), name, "/".join(inside))
