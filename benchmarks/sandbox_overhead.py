"""What the sandbox adds to starting a process, in interleaved runs: `python benchmarks/sandbox_overhead.py`.

Each round starts every variant once, in turn, so that load of the machine falls on all alike. The goal is a
median of at most 25 ms over a plain subprocess; the exit status is 1 when bubblewrap misses it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from escalator.records import Command
from escalator.sandbox import Sandbox

GOAL_MS = 25.0
WORKLOADS = {
    "true": (shutil.which("true") or "/bin/true",),
    "python -I -c pass": (sys.executable, "-I", "-c", "pass"),
}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=40)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    sandboxes = working()
    rows = [row for name, argv in WORKLOADS.items() for row in measure(name, argv, sandboxes, options.rounds)]
    rows += measure_copies(sandboxes, max(5, options.rounds // 4))
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        show(rows)
    missed = [row for row in rows if row["mode"] == "bwrap" and row["goal"] and row["over_plain_ms"] > GOAL_MS]
    return 1 if missed else 0


def working() -> dict[str, Sandbox]:
    found = {}
    for name in ("bwrap", "landlock", "none"):
        sandbox = Sandbox(isolation=name, allow_unsandboxed=name == "none")
        if sandbox.unavailable() is None:
            found[name] = sandbox
    return found


def measure(
    name: str, argv: tuple[str, ...], sandboxes: dict[str, Sandbox], rounds: int
) -> list[dict[str, object]]:
    """One row for each mode: the medians, and the median of the differences within a round."""
    variants: dict[str, Callable[[], object]] = {
        "plain": lambda: subprocess.run(argv, check=True, capture_output=True)
    }
    for mode, sandbox in sandboxes.items():
        variants[mode] = lambda sandbox=sandbox: sandbox.run(Command(argv=argv))
    return rows_of(name, interleaved(variants, rounds), base="plain", goal=True)


def measure_copies(sandboxes: dict[str, Sandbox], rounds: int) -> list[dict[str, object]]:
    """The same with a project of 2,000 files, which is copied for each run."""
    if not sandboxes:
        return []
    mode, sandbox = next(iter(sandboxes.items()))
    argv = WORKLOADS["true"]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(2000):
            place = Path(folder, f"package{number % 50}", f"module{number}.py")
            place.parent.mkdir(exist_ok=True)
            place.write_text("x = 1\n" * 300)
        variants: dict[str, Callable[[], object]] = {
            f"{mode}, empty": lambda: sandbox.run(Command(argv=argv)),
            mode: lambda: sandbox.run(Command(argv=argv, workspace=Path(folder))),
        }
        return rows_of("true, 2,000 files", interleaved(variants, rounds), base=f"{mode}, empty", goal=False)


def interleaved(variants: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    for start in variants.values():
        start()
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds):
        order = list(variants.items())
        for name, start in order if number % 2 == 0 else reversed(order):
            began = time.perf_counter()
            start()
            taken[name].append((time.perf_counter() - began) * 1000)
    return taken


def rows_of(workload: str, taken: dict[str, list[float]], *, base: str, goal: bool) -> list[dict[str, object]]:
    rows = []
    for mode, times in taken.items():
        over = statistics.median(mine - plain for mine, plain in zip(times, taken[base], strict=True))
        rows.append(
            {
                "workload": workload,
                "mode": mode,
                "min_ms": round(min(times), 1),
                "median_ms": round(statistics.median(times), 1),
                "over_plain_ms": round(over, 1),
                "goal": goal,
            }
        )
    return rows


def show(rows: list[dict[str, object]]) -> None:
    print(f"{'workload':<20}{'mode':<14}{'min ms':>9}{'median ms':>11}{'over plain ms':>15}")
    for row in rows:
        print(
            f"{row['workload']:<20}{row['mode']:<14}{row['min_ms']:>9}{row['median_ms']:>11}{row['over_plain_ms']:>15}"
        )


if __name__ == "__main__":
    raise SystemExit(main())
