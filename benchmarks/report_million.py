"""How long `escalator report` takes over a million attempts: the whole report, its parts, the command.

    python benchmarks/report_million.py [--attempts 1000000] [--file PATH]

The ledger is filled as for `ledger_reports`, through its own writes; --file keeps it for the next run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ledger_reports import DAYS, START, fill, timed
from escalator.ledger.log import LogQuery, day_of
from escalator.ledger.sqlite import SqliteLedger
from escalator.report import attributions, report


def command(path: Path, *words: str) -> float:
    """Milliseconds of the command in a process of its own, the median of five."""
    env = {**os.environ, "ESCALATOR_LEDGER": str(path)}
    code = "from escalator.cli import main; main()"
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, *words], env=env, capture_output=True, check=True)
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attempts", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "ledger.sqlite3"
        now = [START]
        ledger = SqliteLedger(path, durability="normal", clock=lambda: now[0])
        if not ledger.tasks(LogQuery(count=1)):
            begun = time.monotonic()
            fill(ledger, options.attempts, now)
            print(f"filled in {time.monotonic() - begun:.0f} s")
        month = day_of(START + (DAYS - 30) * 86_400)
        newest = LogQuery(count=20, newest=True)
        figures = {
            "the whole report, 90 days": timed(lambda: report(ledger)),
            "the whole report, last 30 days": timed(lambda: report(ledger, since=month)),
            "the newest 20 attempts, attributed": timed(lambda: list(attributions(ledger, newest))),
            "one task's attempts, attributed": timed(
                lambda: list(attributions(ledger, LogQuery(task_id="task-1234")))
            ),
        }
        ledger.close()
        figures["`escalator report`, a process of its own"] = command(path, "report")
        figures["`escalator --help`, for comparison"] = command(path, "--help")
        print(f"{options.attempts:,} attempts, {path.stat().st_size / 1e6:,.0f} MB")
        print("| question | ms |")
        print("|---|---|")
        for name, milliseconds in figures.items():
            print(f"| {name} | {milliseconds:.1f} |")


if __name__ == "__main__":
    main()
