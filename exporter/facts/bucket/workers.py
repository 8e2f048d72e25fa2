"""Doing the same with many things at once, in threads that never keep the process from ending."""

import queue
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def spread(function: Callable[[A], B], items: Iterable[A], concurrency: int) -> list[B]:
    """What *function* makes of each of *items*, in their order.

    The threads are daemons: those of `concurrent.futures` are waited for when the process ends, and a name server
    that hangs would keep it for ever.

    Raises:
        Exception: the first that *function* raised; nothing is begun after it.
    """
    work: queue.SimpleQueue[tuple[int, A]] = queue.SimpleQueue()
    for entry in enumerate(items):
        work.put(entry)
    count = work.qsize()
    results: dict[int, B] = {}
    errors: list[BaseException] = []

    def run() -> None:
        while not errors:
            try:
                number, item = work.get_nowait()
            except queue.Empty:
                return
            try:
                results[number] = function(item)
            except BaseException as error:  # noqa: BLE001  # it is raised again where the work was given out
                errors.append(error)

    threads = [threading.Thread(target=run, name="bucket", daemon=True) for _ in range(min(concurrency, count))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[number] for number in range(count)]
