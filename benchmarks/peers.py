"""Escalator and its peers side by side: one call, a long prompt, a fallback, many at once, the import.

Everybody is asked by one server in one interleaved run; H is one raw `httpx.AsyncClient` POST and `.json()`. Like
with like: escalator streams, so the server answers it with events in one piece where the others read one body.
Only escalator classifies, reserves money, writes a ledger, takes the answer apart and checks it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import httpx
import httpx2

from benchmarks import concurrency, imports
from benchmarks.houses import FILES, PROMPT, house
from benchmarks.measure import Block, Ratio, interleave, ratio_table
from benchmarks.overhead import LONG
from benchmarks.peer_clients import BROKEN, GOOD, IMPORTS, PEERS, TOKENS, Ask, Peer
from benchmarks.server import server

MANY = (concurrency.FLOOR, "raw httpx", "escalator, normal")
"""Who else is measured with many tasks at once."""

IMPORT_FLOOR = "sys.modules['click'] = None; import httpx"
"""httpx without its command line, which it loads where click is installed: the peers bring click, we do not."""

SLOWEST = 0.25
"""Seconds of a call against an instant server from which on it is measured once."""


def machine() -> str:
    """What the figures were taken on, and with which versions."""
    names = ("httpx", "httpx2", "aiohttp", *PEERS)
    found = ", ".join(f"{name} {_version(name)}" for name in names)
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}; {found}"


def _version(name: str) -> str:
    try:
        return version("pydantic-ai-slim" if name == "pydantic-ai" else name)
    except PackageNotFoundError:
        return "not installed"


def usable(url: str) -> dict[str, Peer]:
    """The peers that answer here; who does not is named with the reason."""
    found: dict[str, Peer] = {}
    for name, made in PEERS.items():
        try:
            found[name] = made(url)
        except ImportError as error:
            print(f"left out: {name}: {error}", file=sys.stderr)
    return found


def one_at_a_time(*, rounds: int, calls: int) -> Iterator[tuple[str, list[Ratio]]]:
    """Every comparison of single calls, by its title."""
    with ExitStack() as stack:
        served = stack.enter_context(server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runner = stack.enter_context(asyncio.Runner())
        peers = usable(served.url)
        raw, raw2 = httpx.AsyncClient(), httpx2.AsyncClient()
        plain, chain = house(served.url, folder), house(served.url, folder, models=(BROKEN, GOOD))

        def blocks(prompt: str, models: tuple[str, ...], asked: Callable[[Peer], Ask]) -> dict[str, Block]:
            house_of = chain if len(models) > 1 else plain

            async def ours(prompt: str) -> None:
                outcome = await house_of.aexecute(prompt, files=FILES)
                assert outcome.status == "accepted", outcome.reason

            asks: dict[str, Ask] = {
                "raw httpx": _raw(raw, served.url, models),
                "raw httpx2": _raw(raw2, served.url, models),
                "escalator, normal": ours,
            }
            for name, peer in peers.items():
                if _is_quick(name, asked(peer), prompt, runner):
                    asks[name] = asked(peer)
            return {name: _block(ask, prompt, calls) for name, ask in asks.items()}

        kinds: Mapping[str, Callable[[], dict[str, Block]]] = {
            "One call, short prompt": lambda: blocks(PROMPT, (GOOD,), lambda peer: peer.ask),
            "One call, 100 kB prompt": lambda: blocks(f"{PROMPT}\n\n{LONG}", (GOOD,), lambda peer: peer.ask),
            "First model 500, second answers; H is two raw calls": lambda: blocks(
                PROMPT, (BROKEN, GOOD), lambda peer: peer.fallback
            ),
        }
        for title, made in kinds.items():
            with _quiet():
                contenders = made()
                found = interleave(contenders, floor="raw httpx", rounds=rounds, calls=calls, runner=runner)
            yield title, found
        runner.run(_closed(raw, raw2))
        plain.close()
        chain.close()


def _raw(client: Any, url: str, models: tuple[str, ...]) -> Ask:
    async def ask(prompt: str) -> None:
        for model in models:
            body = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": TOKENS}
            (await client.post(f"{url}/v1/chat/completions", json=body)).json()

    return ask


def _is_quick(name: str, ask: Ask, prompt: str, runner: asyncio.Runner) -> bool:
    """Whether a peer can be asked hundreds of times; one that cannot is told with its seconds."""
    runner.run(_asked(ask, prompt))
    begun = time.perf_counter()
    runner.run(_asked(ask, prompt))
    seconds = time.perf_counter() - begun
    if seconds > SLOWEST:
        print(f"\nnot measured further: {name} takes {seconds:.1f} s a call of {len(prompt):,} characters")
    return seconds <= SLOWEST


async def _asked(ask: Ask, prompt: str) -> None:
    await ask(prompt)


def _block(ask: Ask, prompt: str, calls: int) -> Block:
    async def block() -> None:
        for _ in range(calls):
            await ask(prompt)

    return block


async def _closed(*clients: Any) -> None:
    for client in clients:
        await client.aclose()


@contextmanager
def _quiet() -> Iterator[None]:
    """Some peers tell every failure on standard error and in the log, which is not what is measured."""
    import logging

    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks peers", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--calls", type=int, default=20, help="calls in one block")
    parser.add_argument("--many", type=int, default=1500, help="calls of one run with many at once; 0 for none")
    chosen = parser.parse_args(argv)
    print(machine())
    for title, ratios in one_at_a_time(rounds=chosen.rounds, calls=chosen.calls):
        print(f"\n{title}\n\n{ratio_table(ratios)}", flush=True)
    contenders = (*MANY, *(f"peer {name}" for name in PEERS if _version(name) != "not installed"))
    for concurrent in (50, 500) if chosen.many else ():
        rows = concurrency.throughput(concurrent, calls=chosen.many, rounds=3, contenders=contenders)
        print(f"\n{concurrency.title(concurrent)}\n\n{concurrency.as_table(rows)}", flush=True)
    statements = (IMPORT_FLOOR, "from escalator import execute", *IMPORTS.values())
    costs = imports.measure(rounds=5, statements=statements, floor=IMPORT_FLOOR)
    print(f"\nCPU of the import in a fresh process\n\n{imports.as_table(costs)}")
