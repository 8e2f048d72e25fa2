"""Verdicts, and the exposition of each: from nothing, where nothing has changed, and where some of it has.

The other way is to judge and to render everything again, as after a start; of a verdict from nothing it is the same
cluster in one namespace, which must cost no more.

    python -m bench.verdict 1000
"""

import gc
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from bench.poll import Row
from bench.worlds import AT, world
from exporter.chain.incremental import Judge
from exporter.facts.cluster.volsync.objects import ReplicationSource
from exporter.facts.model import Facts
from exporter.publication.render import Renderer
from exporter.settings import Settings

_TIMES = 3
"""The best of so many counts: what disturbs a measurement only ever adds to it."""


def run(claims: int) -> list[Row]:
    """Measure verdicts on *claims* claims."""
    spread, together = world(claims, claims), world(claims, 1)
    gc.collect()
    gc.freeze()  # as after a start: what was read stays, and is not walked through again and again
    first, rendered = _from_nothing(spread), _from_nothing(spread, is_rendered=True)
    what = f"{claims} claims in as many namespaces, as many schedules"
    rows = [Row(f"verdict from nothing: {what}", 1000 * first, 1000 * _from_nothing(together), 1.0, "ms CPU")]
    rows[0] = rows[0]._replace(ratio=rows[0].naive / rows[0].ours)
    for after, every in (("nothing changed", 0), ("one source changed", claims), ("1 % of the sources changed", 100)):
        again = _again(spread, every)
        rows.append(
            Row(f"verdict and exposition, {after}: {what}", 1000 * again, 1000 * rendered, rendered / again, "ms CPU")
        )
    return rows


def _from_nothing(facts: Facts, *, is_rendered: bool = False) -> float:
    def work() -> None:
        verdict = Judge(Settings()).verdict(_unindexed(facts), AT)
        if is_rendered:
            Renderer().render(verdict)

    return min(_seconds(work) for _ in range(_TIMES))


def _again(facts: Facts, every: int) -> float:
    """The seconds for the next verdict, and its exposition, after one in *every* sources has synced."""
    judging, renderer = Judge(Settings()), Renderer()
    renderer.render(judging.verdict(facts, AT))
    best = float("inf")
    for turn in range(1, _TIMES + 1):
        facts = _synced(facts, every) if every else msgspec.structs.replace(facts)
        at = AT + timedelta(seconds=turn)
        best = min(best, _seconds(lambda facts=facts, at=at: renderer.render(judging.verdict(facts, at))))
    return best


def _seconds(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _unindexed(facts: Facts) -> Facts:
    """*facts* as they are just read, without what was looked up in them."""
    lists = {field: msgspec.structs.replace(listing) for field, listing in facts.cluster.lists()}
    return msgspec.structs.replace(facts, cluster=facts.cluster.with_lists(lists))


def _synced(facts: Facts, every: int) -> Facts:
    """*facts* in which one in *every* sources has synced half a minute later."""
    listing = facts.cluster.volsync.sources
    items = tuple(_later(source) if place % every == 0 else source for place, source in enumerate(listing.items))
    changed = {"volsync.sources": msgspec.structs.replace(listing, items=items)}
    return msgspec.structs.replace(facts, cluster=facts.cluster.with_lists(changed))


def _later(source: ReplicationSource) -> ReplicationSource:
    status = source.status
    if status is None or status.last_sync_time is None:
        raise AssertionError(f"{source.name} has not synced")
    synced = msgspec.structs.replace(status, last_sync_time=status.last_sync_time + timedelta(seconds=30))
    return msgspec.structs.replace(source, status=synced)


def main() -> None:
    for row in run(int(sys.argv[1]) if sys.argv[1:] else 1000):
        print(f"{row.what:<100} {row.ours:>9.2f} {row.naive:>9.2f} {row.unit:<8} {row.ratio:>8.1f} x")


if __name__ == "__main__":
    main()
