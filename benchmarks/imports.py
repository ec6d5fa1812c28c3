"""What `from escalator import execute` costs: CPU of the import in a fresh interpreter, beside `import httpx`.

Each figure is a process of its own that clocks the statement alone; rounds are interleaved. Byte code is warm.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measure import table

FLOOR = "import httpx"
STATEMENTS = (
    FLOOR,
    "import httpx2",
    "from pydantic import BaseModel",
    "import escalator",
    "from escalator import execute",
    "from escalator import Escalator, Task, Outcome, validate, load_matrix",
)

_CLOCKED = """
import sys, time
modules, begun = len(sys.modules), time.process_time()
{statement}
used = time.process_time() - begun
rss = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS:"))
print(used * 1000, len(sys.modules) - modules, int(rss) / 1024)
"""


@dataclass(frozen=True)
class Cost:
    """One statement: CPU ms at best and in the middle, ratios of both to the floor, modules loaded, RSS in MB."""

    statement: str
    best: float
    median: float
    best_ratio: float
    median_ratio: float
    modules: int
    megabytes: float


def clock(statement: str) -> tuple[float, int, float]:
    """CPU ms, modules and MB of one statement in a new interpreter."""
    command = [sys.executable, "-c", _CLOCKED.format(statement=statement)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    cpu, modules, megabytes = ran.stdout.split()
    return float(cpu), int(modules), float(megabytes)


def measure(*, rounds: int, statements: Sequence[str] = STATEMENTS, floor: str = FLOOR) -> list[Cost]:
    """Every statement once a round; `floor` must be among them."""
    for statement in statements:
        clock(statement)
    runs = {statement: list[tuple[float, int, float]]() for statement in statements}
    for _ in range(rounds):
        for statement in statements:
            runs[statement].append(clock(statement))
    raw = [cpu for cpu, _, _ in runs[floor]]
    costs = []
    for statement, taken in runs.items():
        cpus = [cpu for cpu, _, _ in taken]
        costs.append(
            Cost(
                statement=statement,
                best=min(cpus),
                median=statistics.median(cpus),
                best_ratio=min(cpus) / min(raw),
                median_ratio=statistics.median(own / other for own, other in zip(cpus, raw, strict=True)),
                modules=taken[-1][1],
                megabytes=statistics.median(mb for _, _, mb in taken),
            )
        )
    return costs


def as_table(costs: Sequence[Cost]) -> str:
    """Costs as they are published."""
    heads = ("statement", "CPU ms, best", "median", "best / httpx", "median / httpx", "modules", "RSS MB")
    rows = (
        (f"`{c.statement}`", c.best, c.median, c.best_ratio, c.median_ratio, c.modules, c.megabytes) for c in costs
    )
    return table(heads, rows)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks imports", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args(argv)
    print(as_table(measure(rounds=chosen.rounds)))
