"""`make bench`: every measurement of the budgets, as one Markdown table.

python -m bench --claims 100,1000,10000 --objects 1000000 --repositories 10000 --real-objects 100000 --scrub-mib 512
"""

import argparse
import platform
from collections.abc import Iterator

from bench.isolated import Row, measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", default="100,1000,10000", help="sizes of the cluster (%(default)s)")
    parser.add_argument("--objects", type=int, default=1_000_000, help="in the bucket (%(default)s)")
    parser.add_argument("--repositories", type=int, default=10_000, help="in the idle bucket (%(default)s)")
    parser.add_argument(
        "--real-objects", type=int, default=100_000, help="on SeaweedFS, at most --objects; 0 for none (%(default)s)"
    )
    parser.add_argument("--scrub-mib", type=int, default=512, help="to be scrubbed; 0 for none (%(default)s)")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()} on {platform.machine()}\n")
    print("| what | ours | the other way | better by |")
    print("| --- | ---: | ---: | ---: |")
    sizes = [int(size) for size in arguments.claims.split(",")]
    for row in _rows(sizes, arguments.objects, arguments.repositories, arguments.real_objects):
        print(_line(row), flush=True)
    for row in measured("bench.scrub", arguments.scrub_mib) if arguments.scrub_mib else ():
        print(_line(row), flush=True)


def _rows(sizes: list[int], objects: int, repositories: int, real_objects: int) -> Iterator[Row]:
    for claims in sizes:
        yield from measured("bench.scrape", claims)
    for claims in sizes:
        yield from measured("bench.verdict", claims)
    for claims in sizes:
        # The lists of one kind are `python -m bench.poll`'s own table; here their sum stands for them.
        yield from (row for row in measured("bench.poll", claims) if row[0].startswith(("decode all", "memory")))
    for claims in sizes:
        yield from measured("bench.idle", claims)
    yield from measured("bench.sweep", objects, repositories, real_objects)


def _line(row: Row) -> str:
    what, ours, other, ratio, unit = row
    return f"| {what} | {_figure(ours)} {unit} | {_figure(other)} {unit} | {_figure(ratio)} x |"


def _figure(value: float) -> str:
    """Three digits, as many as a measurement on a shared machine is worth."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main()
