"""A measurement in a new process: a process counts its parent's peak memory as its own."""

import importlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

Row = tuple[str, float, float, float, str]
"""What, ours, the other way, how many times better ours is, and the unit of both."""


def measured(module: str, *sizes: int) -> list[Row]:
    """The rows that *module*'s `run` gives for *sizes*."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, module, sizes).result()


def _run(module: str, sizes: tuple[int, ...]) -> list[Row]:
    # As plain tuples: the rows' own classes would bring the modules' weight into the parent.
    return [tuple(row) for row in importlib.import_module(module).run(*sizes)]
