"""Calls a second and memory with many tasks in one event loop, against a server that answers after 20 ms.

The floor is raw `httpx2`, a POST and `.json()` for each task: raw `httpx` 0.28 loses its rate to its own pool
once dozens of connections are open, so it is no floor here. Each contender runs in a process of its own, so
that memory is its own; rounds are interleaved.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import resident_kb, table
from benchmarks.server import server

DELAY = 0.020
CONTENDERS = ("raw httpx2", "raw httpx", "escalator, normal", "escalator, full", "escalator, memory")
FLOOR = "raw httpx2"
PEER = "peer "
"""Stands before the name of a peer."""


@dataclass(frozen=True)
class Run:
    """One contender once: calls a second, failed calls, the slowest of a hundred, and memory at its peak above
    that of an idle process, for each task in flight.
    """

    calls_per_second: float
    errors: int
    p99_ms: float
    kb_per_task: float


async def run(name: str, url: str, folder: Path, *, concurrent: int, calls: int) -> Run:
    """`calls` calls, `concurrent` at a time, after one call of each worker that opens its connection."""
    async with AsyncExitStack() as stack:
        call = await _contender(name, url, folder, stack, concurrent)
        await call()
        idle = resident_kb()
        peak = asyncio.create_task(_peak())
        await asyncio.gather(*(call() for _ in range(concurrent)))
        seconds: list[float] = []
        errors, left = 0, calls

        async def worker() -> None:
            nonlocal errors, left
            while left > 0:
                left -= 1
                begun = time.perf_counter()
                try:
                    await call()
                except Exception as error:  # noqa: BLE001  # every failure counts, whatever it is
                    errors += 1
                    print(f"{name}: {error!r}", file=sys.stderr)
                seconds.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(concurrent)))
        total = time.perf_counter() - begun
        peak.cancel()
        grown = await peak - idle
    return Run(
        calls_per_second=calls / total,
        errors=errors,
        p99_ms=sorted(seconds)[int(len(seconds) * 0.99)] * 1000,
        kb_per_task=grown / concurrent,
    )


async def _peak() -> int:
    """The most memory seen until cancelled, kB."""
    most = resident_kb()
    try:
        while True:
            await asyncio.sleep(0.010)
            most = max(most, resident_kb())
    except asyncio.CancelledError:
        return most


async def _contender(
    name: str, url: str, folder: Path, stack: AsyncExitStack, concurrent: int
) -> Callable[[], Awaitable[None]]:
    if name.startswith("raw"):
        return await _raw(name, url, stack, concurrent)
    if name.startswith(PEER):
        return _peer(name.removeprefix(PEER), url)
    from benchmarks.houses import FILES, PROMPT, house

    escalator = await stack.enter_async_context(house(url, folder, durability=name.split(", ")[1]))  # type: ignore[arg-type]

    async def call() -> None:
        outcome = await escalator.aexecute(PROMPT, files=FILES)
        assert outcome.status == "accepted", outcome.reason

    return call


async def _raw(name: str, url: str, stack: AsyncExitStack, concurrent: int) -> Callable[[], Awaitable[None]]:
    http: Any = __import__(name.removeprefix("raw "))
    limits = http.Limits(max_connections=concurrent, max_keepalive_connections=concurrent)
    client = await stack.enter_async_context(http.AsyncClient(limits=limits, timeout=60))
    body = {"model": "good", "messages": [{"role": "user", "content": "Fix add() in adding.py."}]}

    async def call() -> None:
        answer = await client.post(f"{url}/v1/chat/completions", json=body)
        assert answer.json()["choices"][0]["message"]["content"]

    return call


def _peer(name: str, url: str) -> Callable[[], Awaitable[None]]:
    from benchmarks.houses import PROMPT
    from benchmarks.peer_clients import PEERS

    peer = PEERS[name](url)

    async def call() -> None:
        await peer.ask(PROMPT)

    return call


def apart(name: str, url: str, *, concurrent: int, calls: int) -> Run:
    """One run in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.concurrency", "--one", name, "--url", url]
        command += ["--folder", folder, "--concurrent", str(concurrent), "--calls", str(calls)]
        ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return Run(**json.loads(ran.stdout))


def throughput(
    concurrent: int, *, calls: int, rounds: int, contenders: Sequence[str] = CONTENDERS
) -> list[tuple[str, Run, float]]:
    """Medians of every contender, and of its rate to the floor's of the same round."""
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    with server(delay=DELAY) as served:
        for _ in range(rounds):
            for name in contenders:
                runs[name].append(apart(name, served.url, concurrent=concurrent, calls=calls))
    return [(name, _middle(taken), _to_floor(taken, runs[FLOOR])) for name, taken in runs.items()]


def _middle(runs: list[Run]) -> Run:
    return Run(
        calls_per_second=statistics.median(r.calls_per_second for r in runs),
        errors=sum(r.errors for r in runs),
        p99_ms=statistics.median(r.p99_ms for r in runs),
        kb_per_task=statistics.median(r.kb_per_task for r in runs),
    )


def _to_floor(own: list[Run], floor: list[Run]) -> float:
    pairs = zip(own, floor, strict=True)
    return statistics.median(mine.calls_per_second / raw.calls_per_second for mine, raw in pairs)


async def growth(calls: int, *, quarters: int = 4, warm_up: int = 200) -> list[float]:
    """MB of RSS gained after each quarter of so many tasks, 20 at a time, against an instant server."""
    from benchmarks.houses import FILES, PROMPT, house

    gained = []
    with server() as served, tempfile.TemporaryDirectory() as folder:
        async with house(served.url, Path(folder)) as escalator:

            async def some(number: int) -> None:
                for _ in range(number):
                    assert (await escalator.aexecute(PROMPT, files=FILES)).status == "accepted"

            await some(warm_up)
            before = resident_kb()
            for _ in range(quarters):
                await asyncio.gather(*(some(calls // quarters // 20) for _ in range(20)))
                gained.append((resident_kb() - before) / 1024)
    return gained


def title(concurrent: int) -> str:
    """What a table of `throughput` is called."""
    return f"{concurrent} at a time, server answers after {DELAY * 1000:.0f} ms"


def as_table(rows: Sequence[tuple[str, Run, float]]) -> str:
    """`throughput` as it is published."""
    heads = ("", "calls/s", f"to {FLOOR}", "errors", "p99 ms", "kB a task in flight")
    cells = (
        (n, round(r.calls_per_second), ratio, r.errors, round(r.p99_ms), r.kb_per_task) for n, r, ratio in rows
    )
    return table(heads, cells)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks concurrency", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrent", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--calls", type=int, default=2000, help="calls of one run")
    parser.add_argument("--growth", type=int, default=20_000, help="tasks to watch the memory over; 0 for none")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(argv)
    if chosen.one:
        size = {"concurrent": chosen.concurrent[0], "calls": chosen.calls}
        print(json.dumps(asdict(asyncio.run(run(chosen.one, chosen.url, chosen.folder, **size)))))
        return
    for concurrent in chosen.concurrent:
        rows = throughput(concurrent, calls=chosen.calls, rounds=chosen.rounds)
        print(f"\n{title(concurrent)}\n\n{as_table(rows)}")
    if chosen.growth:
        gained = ", ".join(f"{mb:+.2f}" for mb in asyncio.run(growth(chosen.growth)))
        print(f"\nMB of RSS gained by the end of each quarter of {chosen.growth:,} tasks: {gained}")


if __name__ == "__main__":
    main()
