"""Whether a budget holds when everybody spends at once: spent / limit, and how much of the limit could be used.

Every call costs the same, so the limit allows a known number of them. Tasks are thrown at it from threads, from
one event loop and from processes that share one ledger file, more than it can pay for. A worker whose task was
stopped by the budget waits 50 ms and starts another one, and goes home after five stops in a row: what is held
for calls under way comes back when they are settled.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.houses import FILES, PRICE, PROMPT, matrix
from benchmarks.measure import table
from benchmarks.server import USAGE, server
from escalator import Escalator, Outcome
from escalator.ledger import open_ledger, to_usd

DELAY = 0.020
PATIENCE = 5
"""Stops in a row after which a worker goes home."""
PAUSE = 0.050
COST = Decimal(USAGE["prompt_tokens"] * PRICE["input"] + USAGE["completion_tokens"] * PRICE["output"]) / 1_000_000
"""USD of one call."""


@dataclass(frozen=True)
class Spending:
    """One way of calling at once: tasks, those done and those stopped by the budget, USD spent, the limit."""

    name: str
    tasks: int
    done: int
    stopped: int
    spent: Decimal
    limit: Decimal

    @property
    def share(self) -> float:
        """Spent / limit: never above 1, and the part of the limit that was usable."""
        return float(self.spent / self.limit)


def ways(concurrent: int, processes: int) -> dict[str, tuple[int, Callable[..., list[str]]]]:
    """How tasks are thrown at the budget, by name, with how many at once."""
    return {
        f"{concurrent} threads": (concurrent, from_threads),
        f"{concurrent} asynchronous tasks": (concurrent, from_tasks),
        f"{processes} processes": (processes, from_processes),
    }


def measure(*, concurrent: int = 50, processes: int = 16, affordable: int = 200) -> list[Spending]:
    """`affordable` calls fit into the limit; the workers go on until it is used up."""
    found = []
    limit = COST * affordable
    with server(delay=DELAY) as served:
        for name, (workers, way) in ways(concurrent, processes).items():
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "ledger.sqlite"
                statuses = way(_data(served.url, limit), file, workers)
                found.append(_spending(name, file, statuses, limit))
    return found


def _data(url: str, limit: Decimal) -> dict[str, Any]:
    data = matrix(url, budgets={"task": limit, "day": limit, "month": limit}, max_output=64)
    return {**data, "ledger": {"durability": "normal"}}


def _spending(name: str, file: Path, statuses: list[str], limit: Decimal) -> Spending:
    ledger = open_ledger(file)
    spent = to_usd(sum(call.cost for call in ledger.calls()))
    ledger.close()
    return Spending(
        name=name,
        tasks=len(statuses),
        done=statuses.count("accepted"),
        stopped=statuses.count("stopped by budget"),
        spent=spent,
        limit=limit,
    )


def _status(outcome: Outcome) -> str:
    return f"stopped by {outcome.cause}" if outcome.status == "stopped" else outcome.status


def _work(escalator: Escalator) -> list[str]:
    """One worker: the statuses of its tasks."""
    statuses: list[str] = []
    while not _used_up(statuses):
        statuses.append(_status(escalator.execute(PROMPT, files=FILES)))
        if statuses[-1] != "accepted":
            time.sleep(PAUSE)
    return statuses


async def _awork(escalator: Escalator) -> list[str]:
    """The same on an event loop."""
    statuses: list[str] = []
    while not _used_up(statuses):
        statuses.append(_status(await escalator.aexecute(PROMPT, files=FILES)))
        if statuses[-1] != "accepted":
            await asyncio.sleep(PAUSE)
    return statuses


def _used_up(statuses: list[str]) -> bool:
    return len(statuses) >= PATIENCE and "accepted" not in statuses[-PATIENCE:]


def from_threads(data: dict[str, Any], file: Path, workers: int) -> list[str]:
    """Threads that share one `Escalator`."""
    with Escalator(data, ledger=file) as escalator, ThreadPoolExecutor(workers) as pool:
        return _flat(pool.map(_work, [escalator] * workers))


def from_tasks(data: dict[str, Any], file: Path, workers: int) -> list[str]:
    """Tasks of one event loop that share one `Escalator`."""

    async def everybody() -> list[str]:
        async with Escalator(data, ledger=file) as escalator:
            return _flat(await asyncio.gather(*(_awork(escalator) for _ in range(workers))))

    return asyncio.run(everybody())


def from_processes(data: dict[str, Any], file: Path, workers: int) -> list[str]:
    """Processes that share nothing but the ledger file."""
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        return _flat(pool.starmap(_in_process, [(data, file)] * workers, chunksize=1))


def _in_process(data: dict[str, Any], file: Path) -> list[str]:
    with Escalator(data, ledger=file) as escalator:
        return _work(escalator)


def _flat(lists: Iterable[list[str]]) -> list[str]:
    return [status for statuses in lists for status in statuses]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks budgets", description=__doc__.splitlines()[0])
    parser.add_argument("--concurrent", type=int, default=50)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--affordable", type=int, default=200, help="calls that fit into the limit")
    chosen = parser.parse_args(argv)
    found = measure(concurrent=chosen.concurrent, processes=chosen.processes, affordable=chosen.affordable)
    heads = ("at once", "tasks", "accepted", "stopped by the budget", "spent, USD", "limit, USD", "spent / limit")
    rows = ((s.name, s.tasks, s.done, s.stopped, s.spent, s.limit, f"{s.share:.3f}") for s in found)
    print(table(heads, rows))
