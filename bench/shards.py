"""One of several exporters that share a cluster: what it takes of CPU, the rest by arithmetic.

Only what one shard keeps is made: the claims of its namespaces with all that belongs to them, and of the others what is
not dropped, VolSync's own objects and Longhorn's volumes.

    python -m bench.shards 100000 5
"""

import gc
import sys
import time
from collections.abc import Callable

import msgspec

from bench.poll import Row
from bench.worlds import AT, world
from exporter.chain.incremental import Judge
from exporter.facts.model import Facts
from exporter.publication.render import Renderer
from exporter.settings import Settings
from exporter.sharding import Shard

_NAMESPACES = 1000


def run(claims: int, shards: int) -> list[Row]:
    """Measure the first of *shards* exporters over *claims* claims, beside what all of them take together."""
    settings = Settings.model_validate({"claims": {"shard": f"0/{shards}"}})
    facts = world(claims, _NAMESPACES, Shard(0, shards))
    gc.collect()
    gc.freeze()
    judging, renderer = Judge(settings), Renderer()
    first = _seconds(lambda: renderer.render(judging.verdict(facts, AT)))
    idle = _seconds(lambda: renderer.render(judging.verdict(_read_again(facts), AT)))
    what = f"one of {shards} exporters over {claims} claims ({len(judging.verdict(facts, AT).claims)} its own)"
    return [
        Row(f"first verdict and exposition: {what}", first, first * shards, float(shards), "s CPU"),
        Row(f"the next, nothing changed: {what}", 1000 * idle, 1000 * idle * shards, float(shards), "ms CPU"),
    ]


def _read_again(facts: Facts) -> Facts:
    return msgspec.structs.replace(facts)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    for row in run(int(sys.argv[1]), int(sys.argv[2])):
        print(f"{row.what}: {row.ours:,.3g} {row.unit}, {row.naive:,.3g} by all")
