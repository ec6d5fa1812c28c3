"""Where the time of one task goes: each part alone, beside one raw call.

CPU microseconds, the least of many short blocks, so that a loaded machine disturbs little. H is one raw
`httpx.AsyncClient` POST and `.json()` against the instant loopback server, in the same rounds. "The whole
task" has a scripted model and a ledger in memory: all that is ours beside HTTP and the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from benchmarks.houses import FILES, PROMPT, matrix
from benchmarks.measure import table
from benchmarks.overhead import LONG
from benchmarks.server import PATH, RIGHT, server
from escalator import Escalator, Task
from escalator.answers import extract
from escalator.answers.prompts import compose
from escalator.classify import classify_brief
from escalator.execution.briefing import make_brief
from escalator.execution.budgets import scopes
from escalator.execution.context import TaskContext
from escalator.execution.prepare import planned
from escalator.execution.rows import task_row
from escalator.execution.spending import digests_of
from escalator.flow import drive
from escalator.pricing import ceiling, token_ceiling
from escalator.records import Brief, Candidate, ChangeSet, ValidatorSpec
from escalator.resources import Resources
from escalator.testing import ScriptedProvider
from escalator.validators import judge

_NOW = 1_800_000_000.0
_TODAY = datetime.fromtimestamp(_NOW, UTC)

RAW = "one raw call (H)"
SLOWEST = 0.004
"""Seconds of one block: parts that take less are called several times in it."""


@dataclass(frozen=True)
class Part:
    """CPU microseconds of one call of a part, and how many raw calls that is."""

    name: str
    microseconds: float
    ratio: float


def measure(*, rounds: int) -> list[Part]:
    """Every part, the raw call first."""
    house = Escalator(matrix("http://127.0.0.1:9"), ledger=":memory:", providers=ScriptedProvider(lambda _: RIGHT))
    with server() as served, asyncio.Runner() as runner, house:
        client = httpx.AsyncClient()
        url, body = f"{served.url}/v1/chat/completions", {"model": "good", "messages": [], "max_tokens": 9}

        async def raw() -> None:
            (await client.post(url, json=body)).json()

        async def task(prompt: str) -> None:
            assert (await house.aexecute(prompt, files=FILES)).status == "accepted"

        long = f"{PROMPT}\n\n{LONG}"
        parts: dict[str, Callable[[], Any]] = {
            RAW: lambda: runner.run(raw()),
            **_pure_parts("", PROMPT),
            "the whole task, asynchronous": lambda: runner.run(task(PROMPT)),
            "the whole task, synchronous": lambda: house.execute(PROMPT, files=FILES),
            **_pure_parts(", 100 kB", long),
            "the whole task, asynchronous, 100 kB": lambda: runner.run(task(long)),
        }
        try:
            return _timed(parts, rounds)
        finally:
            runner.run(client.aclose())


def _pure_parts(suffix: str, prompt: str) -> dict[str, Callable[[], Any]]:
    task = Task(prompt=prompt, files=FILES)
    context = _context()
    brief = make_brief(task)
    kind = classify_brief(brief)
    plan = planned(context, brief, kind, None, {})
    rung = plan.chain[0]
    request = compose(brief, plan, rung, ())
    price = context.prices.price_of(rung.model, at=_TODAY)
    assert price is not None
    budgets = context.matrix.file.cost_guard.budgets
    parts: dict[str, Callable[[], Any]] = {
        "reading": lambda: make_brief(task),
        "classification": lambda: classify_brief(brief),
        "plan": lambda: planned(context, brief, kind, None, {}),
        "the task's row": lambda: task_row(context, brief, kind, plan),
        "prompt": lambda: compose(brief, plan, rung, ()),
        "digests": lambda: digests_of(request),
        "price": lambda: context.prices.price_of(rung.model, at=_TODAY),
        "ceiling": lambda: ceiling(price, input_tokens=token_ceiling(request), max_output_tokens=1024),
        "scopes": lambda: scopes(budgets, brief, task_type=kind.task_type, team="", now=_NOW),
    }
    if not suffix:
        parts |= _answer_parts(brief)
    return {f"{name}{suffix}": part for name, part in parts.items()}


def _answer_parts(brief: Brief) -> dict[str, Callable[[], Any]]:
    """Answers are never twice the same, so each call gets another one."""
    syntax = _context().validator(ValidatorSpec(name="syntax"))
    number = 0

    def fresh() -> str:
        nonlocal number
        number += 1
        return RIGHT.replace("return a + b", f"return a + b + {number}")

    def extracted() -> ChangeSet:
        changes = extract(fresh(), target=PATH, workspace=brief.files)
        assert isinstance(changes, ChangeSet)
        return changes

    def judged(changes: ChangeSet) -> None:
        candidate = Candidate(brief=brief, changes=changes)
        assert drive(judge(syntax, candidate), lambda step: step).passed

    return {
        "extraction": extracted,
        "extraction and syntax": lambda: judged(extracted()),
        "syntax": lambda: judged(ChangeSet(files={PATH: f"def add(a, b):\n    return a + b + {len(fresh())}\n"})),
    }


def _context() -> TaskContext:
    """What a task works with, as an `Escalator` makes it."""
    resources = Resources(
        matrix("http://127.0.0.1:9"),
        ledger=":memory:",
        providers=None,
        approve=None,
        on_event=None,
        clock=time.time,
        timer=time.monotonic,
    )
    return resources.context()


def _timed(parts: Mapping[str, Callable[[], Any]], rounds: int) -> list[Part]:
    times = {name: _calls_in_a_block(part) for name, part in parts.items()}
    least = dict.fromkeys(parts, float("inf"))
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, part in parts.items():
                least[name] = min(least[name], _block(part, times[name]) / times[name])
            gc.collect()
    finally:
        gc.enable()
    return [Part(name, seconds * 1e6, seconds / least[RAW]) for name, seconds in least.items()]


def _calls_in_a_block(part: Callable[[], Any]) -> int:
    for _ in range(3):
        part()
    return max(1, round(SLOWEST / max(_block(part, 3) / 3, 1e-7)))


def _block(part: Callable[[], Any], calls: int) -> float:
    begun = time.process_time()
    for _ in range(calls):
        part()
    return time.process_time() - begun


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks micro", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    chosen = parser.parse_args(argv)
    rows = [(part.name, f"{part.microseconds:.0f}", part.ratio) for part in measure(rounds=chosen.rounds)]
    print(table(("", "CPU us", "H"), rows))
