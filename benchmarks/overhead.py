"""What `execute` adds to one model call: classification, plan, ledger, budget, extraction, syntax check, log.

H is one raw `httpx.AsyncClient` POST and `.json()` against the same instant server, one call at a time. Every
contender is alive at once and runs in short interleaved blocks; figures are medians of per-round ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import httpx2

from benchmarks.houses import FILES, PROMPT, house
from benchmarks.measure import Block, Ratio, interleave, ratio_table
from benchmarks.server import Server, server
from escalator import Escalator

LONG = "Here is how the module came about, for context only. " * 1_930
"""A prompt of about 100 kB."""


def measure(*, rounds: int, calls: int) -> dict[str, list[Ratio]]:
    """Every comparison, by its title."""
    with ExitStack() as stack:
        served = stack.enter_context(server())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runner = stack.enter_context(asyncio.Runner())
        bench = _Bench(served, folder, runner, rounds, calls)
        try:
            return {
                "One call, short prompt": bench.one_call(),
                "One call, 100 kB prompt": bench.one_call(f"{PROMPT}\n\n{LONG}"),
                "First model 500, second answers; H is two raw calls": bench.fallback(),
                "From plain code; H is one raw asynchronous call": bench.facade(),
            }
        finally:
            bench.close()


class _Bench:
    def __init__(self, served: Server, folder: Path, runner: asyncio.Runner, rounds: int, calls: int) -> None:
        self._url, self._folder, self._runner = served.url, folder, runner
        self._rounds, self._calls = rounds, calls
        self._chat = f"{served.url}/v1/chat/completions"
        self._httpx, self._httpx2 = httpx.AsyncClient(), httpx2.AsyncClient()
        self._sync = httpx.Client()
        self._houses: list[Escalator] = []

    def one_call(self, prompt: str = PROMPT) -> list[Ratio]:
        body = _body(prompt)
        return self._interleave(
            {
                "raw httpx": lambda: self._raw(self._httpx, body),
                "raw httpx2": lambda: self._raw(self._httpx2, body),
                "aexecute, SQLite normal": self._aexecute(prompt),
                "aexecute, SQLite full": self._aexecute(prompt, durability="full"),
                "aexecute, ledger in memory": self._aexecute(prompt, durability="memory"),
                "aexecute, free local model, SQLite normal": self._aexecute(prompt, paid=False),
            }
        )

    def fallback(self) -> list[Ratio]:
        bodies = (_body(PROMPT, "500 always"), _body(PROMPT))
        models = ("500 always", "good")
        return self._interleave(
            {
                "raw httpx": lambda: self._raw(self._httpx, *bodies),
                "raw httpx2": lambda: self._raw(self._httpx2, *bodies),
                "aexecute, SQLite normal": self._aexecute(PROMPT, models=models),
                "aexecute, SQLite full": self._aexecute(PROMPT, models=models, durability="full"),
            }
        )

    def facade(self) -> list[Ratio]:
        body = _body(PROMPT)
        return self._interleave(
            {
                "raw httpx": lambda: self._raw(self._httpx, body),
                "raw httpx, synchronous": lambda: self._raw_sync(body),
                "aexecute, SQLite normal": self._aexecute(PROMPT),
                "execute, SQLite normal": self._execute(PROMPT),
                "execute, SQLite full": self._execute(PROMPT, durability="full"),
            }
        )

    def close(self) -> None:
        async def aclose() -> None:
            await self._httpx.aclose()
            await self._httpx2.aclose()
            for escalator in self._houses:
                await escalator.aclose()

        self._runner.run(aclose())
        self._sync.close()

    def _interleave(self, blocks: Mapping[str, Block]) -> list[Ratio]:
        return interleave(blocks, floor="raw httpx", rounds=self._rounds, calls=self._calls, runner=self._runner)

    async def _raw(self, client: Any, *bodies: dict[str, Any]) -> None:
        for _ in range(self._calls):
            for body in bodies:
                (await client.post(self._chat, json=body)).json()

    def _raw_sync(self, body: dict[str, Any]) -> None:
        for _ in range(self._calls):
            self._sync.post(self._chat, json=body).json()

    def _house(self, **options: Any) -> Escalator:
        self._houses.append(house(self._url, self._folder, **options))
        return self._houses[-1]

    def _aexecute(self, prompt: str, **options: Any) -> Block:
        escalator = self._house(**options)

        async def block() -> None:
            for _ in range(self._calls):
                outcome = await escalator.aexecute(prompt, files=FILES)
                assert outcome.status == "accepted", outcome.reason

        return block

    def _execute(self, prompt: str, **options: Any) -> Block:
        escalator = self._house(**options)

        def block() -> None:
            for _ in range(self._calls):
                outcome = escalator.execute(prompt, files=FILES)
                assert outcome.status == "accepted", outcome.reason

        return block


def _body(prompt: str, model: str = "good") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": 1024}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks overhead", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=40, help="calls in one block")
    chosen = parser.parse_args(argv)
    for title, ratios in measure(rounds=chosen.rounds, calls=chosen.calls).items():
        print(f"\n{title}\n\n{ratio_table(ratios)}")
