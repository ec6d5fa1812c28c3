"""How long a search and the exports take on a ledger of many tasks, and how much memory an export needs.

    python benchmarks/ledger_search.py [--tasks 100000] [--file PATH]

The tasks are those of `ledger_reports`: two attempts, two calls, a description of a few words. With --file
the ledger is kept, and used again by the next run.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from escalator.ledger.log import LogQuery
from escalator.ledger.sqlite import SqliteLedger
from escalator.report import attributions, export

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.ledger_reports import CALLS, START, fill


def measured(name: str, work: Callable[[], int]) -> None:
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    rows = work()
    after, seconds = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - begun
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    grown = (after.ru_maxrss - before.ru_maxrss) / 1024
    rate = f", {rows / cpu:,.0f} rows a second of CPU" if rows else ""
    print(f"{name:28} {seconds:6.2f} s ({cpu:.2f} s CPU), {rows:,} rows{rate}, +{grown:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "ledger.sqlite"
        now = [START]
        ledger = SqliteLedger(path, durability="normal", clock=lambda: now[0])
        if not ledger.tasks(LogQuery(count=1)):
            fill(ledger, options.tasks * CALLS, now)
        for word in ("task number 77", "nowhere to be found", "tests"):
            measured(
                f"tasks, {word!r}", lambda word=word: len(ledger.tasks(LogQuery(text=word, count=20, newest=True)))
            )
            query = LogQuery(count=20, newest=True)
            measured(
                f"attempts, {word!r}",
                lambda word=word, query=query: len(list(attributions(ledger, query, text=word))),
            )
        for kind in ("tasks", "calls", "attempts"):
            target = Path(folder) / f"{kind}.jsonl"
            measured(f"export of {kind}", lambda kind=kind, target=target: export(ledger, kind, target))
        ledger.close()


if __name__ == "__main__":
    main()
