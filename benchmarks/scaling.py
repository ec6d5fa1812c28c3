"""Tasks a second that one process, several processes on one SQLite file, and one PostgreSQL carry.

    python -m benchmarks scaling [--postgres postgresql://...] [--seconds 4] [--processes 1 2 4 8]

Whole tasks with a paid call, a syntax check and budgets that everybody shares. The model is scripted and answers
at once, so a figure is the most that our own work allows; a real model is slower by orders of magnitude.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import secrets
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.houses import FILES, PROMPT, matrix
from benchmarks.measure import table
from benchmarks.server import RIGHT
from escalator import Escalator
from escalator.testing import ScriptedProvider

AT_ONCE = 20
"""Tasks in flight in each process."""

START = 120.0
"""Seconds within which every process must be ready."""


@dataclass(frozen=True)
class Load:
    """What so many processes did together on one ledger: tasks a second, the slowest of a hundred, CPU a task."""

    ledger: str
    processes: int
    tasks_per_second: float
    p99_ms: float
    cpu_ms: float


_start: Any = None


def _meets(start: Any) -> None:
    global _start  # noqa: PLW0603  a barrier is handed to a process when it is made, or never
    _start = start


def work(target: str, durability: str, seconds: float) -> tuple[list[float], int, float]:
    """Tasks without a pause in one process: how long each took, how many ended in time, and the CPU of all."""
    ledger = {} if durability == "memory" else {"ledger": {"durability": durability}}
    data = {**matrix("http://127.0.0.1:9", budgets={"week": 10_000}), **ledger}
    times: list[float] = []
    in_time = 0

    async def some(house: Escalator) -> None:
        end = time.monotonic() + seconds

        async def worker() -> None:
            nonlocal in_time
            while (begun := time.monotonic()) < end:
                assert (await house.aexecute(PROMPT, files=FILES)).status == "accepted"
                times.append(time.monotonic() - begun)
                in_time += begun + times[-1] < end
                await asyncio.sleep(0)

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))

    with Escalator(data, ledger=target, providers=ScriptedProvider(lambda _: RIGHT)) as house:
        house.execute(PROMPT, files=FILES)
        _start.wait(START)
        cpu = time.process_time()
        asyncio.run(some(house))
        return times, in_time, time.process_time() - cpu


def load(name: str, target: str, durability: str, *, processes: int, seconds: float) -> Load:
    """One measurement: all processes begin together. Raises what one of them raised, also that it died."""
    spawn = multiprocessing.get_context("spawn")
    together = (spawn.Barrier(processes),)
    with ProcessPoolExecutor(processes, spawn, initializer=_meets, initargs=together) as pool:
        working = [pool.submit(work, target, durability, seconds) for _ in range(processes)]
        results = [future.result() for future in working]
    times = sorted(each for taken, _, _ in results for each in taken)
    return Load(
        ledger=name,
        processes=processes,
        tasks_per_second=sum(in_time for _, in_time, _ in results) / seconds,
        p99_ms=times[int(len(times) * 0.99)] * 1000,
        cpu_ms=sum(cpu for _, _, cpu in results) / len(times) * 1000,
    )


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks scaling", description=__doc__.splitlines()[0])
    parser.add_argument("--postgres", default="", help="address of a PostgreSQL database to measure as well")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8])
    chosen = parser.parse_args(argv)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        places = [("in memory", "memory"), ("SQLite, normal", "normal"), ("SQLite, full", "full")]
        places += [("PostgreSQL", "full")] if chosen.postgres else []
        for name, durability in places:
            for processes in (1,) if durability == "memory" else chosen.processes:
                file = str(Path(folder) / f"{secrets.token_hex(4)}.sqlite")
                target = {"in memory": ":memory:", "PostgreSQL": chosen.postgres}.get(name, file)
                found = load(name, target, durability, processes=processes, seconds=chosen.seconds)
                cells = (round(found.tasks_per_second), round(found.p99_ms), found.cpu_ms)
                rows.append((found.ledger, found.processes, *cells))
    print(table(("ledger", "processes", "tasks/s", "p99 ms", "CPU ms a task"), rows))
