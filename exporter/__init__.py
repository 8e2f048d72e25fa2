"""volsync-exporter: could every volume be restored now, what is broken if not, and what to type to mend it."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("volsync-exporter")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
