"""The status page: what is broken and what to type, for whoever opens the exporter in a browser."""

from exporter.publication.page.routes import canonical, respond

__all__ = ["canonical", "respond"]
