"""How many reserve and settle pairs a second a ledger does, and how long an event loop is kept from running.

    python benchmarks/ledger_throughput.py [--postgres postgresql://...] [--seconds 2] [--folder DIR]

Every pair counts to three scopes, two of them shared by everybody; there is no think time, so this is the worst
case. A figure is worth something beside another of the same run on the same machine, and no more.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from escalator.ledger import Closing, Entry, Held, Hold, Ledger, MemoryLedger, Scope, Settlement, TaskRow
from escalator.ledger.sqlite import SqliteLedger

LIMIT = 10**15


@dataclass(frozen=True)
class Place:
    """Where the books are kept."""

    name: str
    target: str
    durability: str = "full"
    schema: str = ""

    def open(self) -> Ledger:
        if self.name == "memory":
            return MemoryLedger()
        if self.schema:
            from escalator.ledger.postgres import PostgresLedger

            return PostgresLedger(self.target, schema=self.schema)
        return SqliteLedger(self.target, durability="full" if self.durability == "full" else "normal")


def row(task_id: str) -> TaskRow:
    return TaskRow(task_id=task_id, brief="{}", plan="{}", task_type="quick_edit", complexity=1)


def hold(task_id: str, key: str) -> Hold:
    scopes = (Scope(name="day", limit=LIMIT), Scope(name="type", limit=LIMIT), Scope(name=task_id, limit=LIMIT))
    return Hold(
        task_id=task_id, key=key, digest="", amount=5_000, scopes=scopes, purpose="worker", model="m", provider="p"
    )


PAID = Settlement(cost=4_300, state="done", payload='{"answer": "x"}', seconds=0.3)
DONE = Closing(status="accepted", reason="done", outcome="{}", worker="m", attempts=3, cost=3 * 4_300)


def hammer(place: Place, name: str, seconds: float, out: multiprocessing.Queue[tuple[int, float]]) -> None:
    """Pairs without a pause; how many, and the longest wait of one write."""
    ledger = place.open()
    ledger.open_task(row(name)).result()
    pairs, longest, end = 0, 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        held = ledger.reserve(hold(name, str(pairs))).result()
        between = time.monotonic()
        if isinstance(held, Held):
            ledger.settle(held.hold_id, PAID).result()
        longest = max(longest, between - begun, time.monotonic() - between)
        pairs += 1
    ledger.close()
    out.put((pairs, longest))


def throughput(places: list[Place], seconds: float) -> None:
    print("| ledger | processes | pairs/s | longest wait, ms | pairs of a process, least..most |")
    print("|---|---|---|---|---|")
    spawn = multiprocessing.get_context("spawn")
    for place in places:
        for processes in (1,) if place.name == "memory" else (1, 4, 16):
            out: multiprocessing.Queue[tuple[int, float]] = spawn.Queue()
            names = [f"{place.name}-{processes}-{number}" for number in range(processes)]
            workers = [spawn.Process(target=hammer, args=(place, name, seconds, out)) for name in names]
            for worker in workers:
                worker.start()
            results = [out.get() for _ in workers]
            for worker in workers:
                worker.join()
            pairs = [count for count, _ in results]
            longest = max(wait for _, wait in results) * 1000
            spread = f"{min(pairs)}..{max(pairs)}"
            print(f"| {place.name} | {processes} | {sum(pairs) / seconds:,.0f} | {longest:,.0f} | {spread} |")


async def many(ledger: Ledger, tasks: int, think: float) -> tuple[float, float]:
    """Seconds for all tasks of three calls each, and the longest time the loop was kept from running."""
    stall, stop = 0.0, False

    async def watch() -> None:
        nonlocal stall
        last = time.monotonic()
        while not stop:
            await asyncio.sleep(0.001)
            now = time.monotonic()
            stall = max(stall, now - last - 0.001)
            last = now

    async def one(number: int) -> None:
        name = f"task-{number}"
        await asyncio.wrap_future(ledger.open_task(row(name)))
        for attempt in range(3):
            held = await asyncio.wrap_future(ledger.reserve(hold(name, str(attempt))))
            await asyncio.sleep(think)
            if isinstance(held, Held):
                await asyncio.wrap_future(ledger.settle(held.hold_id, PAID))
            entry = Entry(key=f"v{attempt}", kind="verdict", digest="", payload="{}")
            await asyncio.wrap_future(ledger.record(name, entry))
        await asyncio.wrap_future(ledger.close_task(name, DONE))

    watcher = asyncio.create_task(watch())
    begun = time.monotonic()
    await asyncio.gather(*(one(number) for number in range(tasks)))
    total = time.monotonic() - begun
    stop = True
    await watcher
    return total, stall


def stalls(make: Callable[[], list[Place]]) -> None:
    print("\n1,000 tasks in one event loop, three calls of 0.3 s each (ideal: 0.9 s); medians of 3 runs")
    print("| ledger | total, s | longest stall of the loop, ms |")
    print("|---|---|---|")
    runs: dict[str, list[tuple[float, float]]] = {}
    for _ in range(3):
        for place in make():
            ledger = place.open()
            runs.setdefault(place.name, []).append(asyncio.run(many(ledger, 1_000, 0.3)))
            ledger.close()
    for name, results in runs.items():
        total = statistics.median(total for total, _ in results)
        stall = statistics.median(stall for _, stall in results) * 1000
        print(f"| {name} | {total:.2f} | {stall:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postgres", default="", help="address of a PostgreSQL database to measure as well")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--folder", default=None, help="where the files are made (default: the system's)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:

        def places() -> list[Place]:
            def file() -> str:
                return str(Path(folder) / f"{secrets.token_hex(4)}.sqlite3")

            made = [
                Place(name="memory", target=""),
                Place(name="sqlite NORMAL", target=file(), durability="normal"),
                Place(name="sqlite FULL", target=file()),
            ]
            if options.postgres:
                schema = f"bench_{secrets.token_hex(4)}"
                made.append(Place(name="postgresql", target=options.postgres, schema=schema))
            return made

        throughput(places(), options.seconds)
        stalls(places)


if __name__ == "__main__":
    main()
