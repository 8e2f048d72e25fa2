"""Python's cyclic garbage collector, while much is made at once that stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_rest() -> Iterator[None]:
    """Without the collector, in all threads, for as long as this takes; also as a decorator.

    A verdict from nothing makes hundreds of thousands of objects that stay and no cycle, and the collector would go
    through them again and again, then and while they are rendered: a quarter of the time (`make bench`).
    """
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()
