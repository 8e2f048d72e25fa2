"""volsync-exporter: could every volume be restored now, what is broken if not, and what to type to fix it."""


def __getattr__(name: str) -> str:
    """`__version__`, looked up when it is asked for: `importlib.metadata` is slow to import."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("volsync-exporter")
    except PackageNotFoundError:  # a source tree that was never installed
        return "0.0.0"
