"""A pause of Python's cyclic garbage collector, while much is made that stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause the collector in all threads while the block, or the decorated function, runs.

    A verdict from nothing makes hundreds of thousands of objects that stay and no cycle, and the collector would go
    through them again and again, then and while they are rendered: a quarter of the time (`make bench`).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
