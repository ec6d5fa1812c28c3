"""Thousands of tasks under faults, kills, forks and a database that restarts: whether all sums agree afterwards.

    python -m benchmarks soak [--tasks 20000] [--processes 4] [--postgres] [--between 400]

Processes share one ledger and work through tasks on a server that refuses, drops, cuts and hangs. One of them is
killed every few hundred tasks and started again, each forks now and then, and with `--postgres` the database is
stopped and started twice. Then the server is healed and every task is finished. The last line must say that the
server's bill is at most what was booked, that nothing is held, and that every task ended once.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from benchmarks.houses import FILES, PROMPT, matrix
from benchmarks.soak_server import Faulty, faulty_server
from escalator import Escalator, EscalatorError
from escalator.ledger import open_ledger, to_usd
from escalator.ledger.protocol import FINAL

AT_ONCE = 25
"""Tasks that one process has under way."""

FORK_EVERY = 200
"""Tasks of a process after which it forks a child that does one."""


@dataclass(frozen=True, kw_only=True)
class Sums:
    """How it ended. Money is nano-dollars: `booked` is the sum of the calls, `counted` what the day's budget says.

    `ended`: tasks that are accepted or given up for good, once. `errors`: what tasks stopped for, or raised.
    """

    tasks: int
    requests: int
    billed: int
    booked: int
    counted: int
    held: int
    ended: int
    kills: int
    forks: int
    restarts: int
    errors: Counter[str]
    fates: dict[str, int]
    seconds: float

    @property
    def agree(self) -> bool:
        """Whether nothing was billed that is not booked, nothing is held, and every task ended once."""
        return self.billed <= self.booked == self.counted and not self.held and self.ended == self.tasks


def measure(
    *, tasks: int = 20_000, processes: int = 4, postgres: bool = False, between: int = 400, seed: int = 1
) -> Sums:
    """Work through the tasks, then count."""
    begun, chance = time.perf_counter(), random.Random(seed)
    with faulty_server(seed) as served, _store(postgres) as (target, database):
        data = _matrix(served.url)
        crew = Crew(data, target, tasks, processes)
        crew.start()
        restarts = _trouble(crew, database, chance, between)
        served.ask("heal")
        errors = crew.finish()
        return _sums(
            served, target, tasks, crew=crew, errors=errors, restarts=restarts, seconds=time.perf_counter() - begun
        )


def _matrix(url: str) -> dict[str, Any]:
    limits = {"connect": 5, "first_byte": 3, "idle": 3, "total": 5}
    data = matrix(url, ("one", "two"), max_output=256, timeout=limits, budgets={"task": 5, "day": 1_000_000})
    data["cost_guard"]["budgets"]["month"] = 1_000_000
    return {**data, "ledger": {"durability": "normal"}, "transport": {"retries": 1, "patience": 1}}


@contextmanager
def _store(postgres: bool) -> Iterator[tuple[str, Any]]:
    """Where the ledger is, and the database server that can be restarted, if there is one."""
    if not postgres:
        with tempfile.TemporaryDirectory() as folder:
            yield str(Path(folder) / "ledger.sqlite"), None
        return
    sys.path.append(str(Path(__file__).parents[1] / "tests" / "ledger"))
    from postgres_server import PostgresServer

    database = PostgresServer()
    try:
        yield database.url, database
    finally:
        database.stop()


class Crew:
    """Processes that share a ledger; each has its part of the tasks and begins it anew when it was killed."""

    def __init__(self, data: dict[str, Any], target: str, tasks: int, processes: int) -> None:
        self._spawn = multiprocessing.get_context("spawn")
        names = [f"task-{number}" for number in range(tasks)]
        self._parts = [names[number::processes] for number in range(processes)]
        self._data, self._target = data, target
        self._done = [self._spawn.Value("i", 0) for _ in self._parts]
        self._errors = self._spawn.Queue()
        self._forks = self._spawn.Value("i", 0)
        self._running: list[BaseProcess] = []
        self.kills = 0

    @property
    def forks(self) -> int:
        """Children that did a task of their own."""
        return self._forks.value

    def start(self) -> None:
        self._running = [self._process(number) for number in range(len(self._parts))]

    def at_work(self) -> list[int]:
        """Numbers of the processes that have not come to the end of their part."""
        return [number for number, process in enumerate(self._running) if process.is_alive()]

    def kill(self, number: int) -> None:
        """Kill one as `kill -9` does, and start it again."""
        process = self._running[number]
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        self.kills += 1
        self._running[number] = self._process(number)

    def progress(self) -> int:
        return sum(done.value for done in self._done)

    def finish(self) -> Counter[str]:
        """Wait for everybody, then do what is not done in one process more; the errors met on the way."""
        for process in self._running:
            process.join()
        last = Crew(self._data, self._target, 0, 1)
        last._parts = [[name for part in self._parts for name in part]]
        last.start()
        last._running[0].join()
        found = Counter[str]()
        for queue in (self._errors, last._errors):
            while not queue.empty():
                found[queue.get()] += 1
        return found

    def _process(self, number: int) -> BaseProcess:
        given = (self._data, self._target, self._parts[number], self._done[number], self._forks, self._errors)
        process = self._spawn.Process(target=_work, args=given)
        process.start()
        return process


def _trouble(crew: Crew, database: Any, chance: random.Random, between: int) -> int:
    """Kill somebody every so many tasks until all are through; the database goes away twice. How often it did."""
    restarts, told, due = 0, time.monotonic(), float(between)
    while busy := crew.at_work():
        time.sleep(0.05)
        if crew.progress() < due:
            continue
        due = crew.progress() + between * chance.uniform(0.5, 1.5)
        crew.kill(chance.choice(busy))
        if database is not None and restarts < 2 and crew.kills % 5 == 4:
            database.stop_serving()
            time.sleep(1.0)
            database.serve()
            restarts += 1
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(f"  {crew.progress():,} tasks, {crew.kills} kills, {crew.forks} forks", flush=True)
    return restarts


def _work(data: dict[str, Any], target: str, names: Sequence[str], done: Any, forks: Any, errors: Any) -> None:
    """One process: its tasks from where it was killed, many at a time, and a fork now and then."""
    start = done.value = max(done.value - 2 * AT_ONCE, 0)

    async def everybody() -> None:
        left = iter(names[start:])
        async with Escalator(data, ledger=target) as escalator:
            await asyncio.gather(*(some(escalator, left) for _ in range(AT_ONCE)))

    async def some(escalator: Escalator, left: Iterator[str]) -> None:
        for name in left:
            try:
                outcome = await escalator.aexecute(PROMPT, files=FILES, task_id=name)
                if outcome.status == "stopped":
                    errors.put(f"stopped: {outcome.cause}")
            except EscalatorError as error:
                errors.put(f"{type(error).__name__}: {str(error)[:60]}")
            with done.get_lock():
                done.value += 1
            if done.value % FORK_EVERY == FORK_EVERY - 1:
                await asyncio.to_thread(_in_a_child, escalator, f"{name}-child", forks)

    asyncio.run(everybody())


def _in_a_child(escalator: Escalator, name: str, forks: Any) -> None:
    """A forked child does a task with what it inherited."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if escalator.execute(PROMPT, files=FILES, task_id=name).status != "needs_review" else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == 0:
        with forks.get_lock():
            forks.value += 1


def _sums(
    served: Faulty, target: str, tasks: int, *, crew: Crew, errors: Counter[str], restarts: int, seconds: float
) -> Sums:
    bill = served.ask("bill")
    ledger = open_ledger(target)
    try:
        ledger.sweep().result()
        calls = ledger.calls()
        day = time.strftime("day:%Y-%m-%d", time.gmtime())
        counted, held = ledger.spent([day])[day]
        ended = Counter(row.task_id for row in ledger.tasks() if row.state in FINAL)
    finally:
        ledger.close()
    booked = sum(call.cost for call in calls)
    return Sums(
        tasks=tasks,
        requests=int(str(bill["requests"])),
        billed=int(str(bill["billed"])),
        booked=booked,
        counted=counted,
        held=held,
        ended=sum(1 for name, times in ended.items() if times == 1 and not name.endswith("-child")),
        kills=crew.kills,
        forks=crew.forks,
        restarts=restarts,
        errors=errors,
        fates=bill["fates"],  # type: ignore[arg-type]
        seconds=seconds,
    )


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--between", type=int, default=400, help="tasks between two kills")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(argv)
    sums = measure(
        tasks=chosen.tasks,
        processes=chosen.processes,
        postgres=chosen.postgres,
        between=chosen.between,
        seed=chosen.seed,
    )
    print("  the server:", ", ".join(f"{name} {times:,}" for name, times in sums.fates.items()))
    for name, times in sums.errors.most_common():
        print(f"  {times:6,} x {name}")
    print(
        f"{sums.tasks:,} tasks, {sums.requests:,} requests, {sums.kills} kills, {sums.forks} forks, "
        f"{sums.restarts} restarts in {sums.seconds:.0f} s: billed ${to_usd(sums.billed):.6f} <= "
        f"booked ${to_usd(sums.booked):.6f} (counted ${to_usd(sums.counted):.6f}), held ${to_usd(sums.held)}, "
        f"ended once {sums.ended:,}: {'all sums agree' if sums.agree else 'THEY DO NOT AGREE'}"
    )
    if not sums.agree:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
