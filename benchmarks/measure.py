"""How things are measured here: short interleaved blocks, a ratio for each round, the median of the ratios."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Block: TypeAlias = "Callable[[], Coroutine[Any, Any, None] | None]"
"""One block of work: a plain function, or one that returns a coroutine."""


@dataclass(frozen=True)
class Ratio:
    """A contender beside the floor: wall and CPU as medians of each round's ratio, and the spread of wall."""

    name: str
    milliseconds: float
    wall: float
    cpu: float
    low: float
    high: float


def interleave(
    blocks: Mapping[str, Block], *, floor: str, rounds: int, calls: int, runner: asyncio.Runner
) -> list[Ratio]:
    """Run every block once a round, each round beginning with another one; `calls` is what one block does."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in blocks}
    names = list(blocks)
    for name in names:
        _once(blocks[name], runner)
    for number in range(rounds):
        turn = number % len(names)
        for name in (*names[turn:], *names[:turn]):
            taken[name].append(_once(blocks[name], runner))
    return [_ratio(name, taken[name], taken[floor], calls) for name in names]


def _once(block: Block, runner: asyncio.Runner) -> tuple[float, float]:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    coroutine = block()
    if coroutine is not None:
        runner.run(coroutine)
    return time.perf_counter() - wall, time.process_time() - cpu


def _ratio(
    name: str, own: Sequence[tuple[float, float]], floor: Sequence[tuple[float, float]], calls: int
) -> Ratio:
    walls = sorted(mine[0] / theirs[0] for mine, theirs in zip(own, floor, strict=True))
    cpus = [mine[1] / theirs[1] for mine, theirs in zip(own, floor, strict=True)]
    edge = len(walls) // 4
    return Ratio(
        name=name,
        milliseconds=statistics.median(wall for wall, _ in own) / calls * 1000,
        wall=statistics.median(walls),
        cpu=statistics.median(cpus),
        low=walls[edge],
        high=walls[-1 - edge],
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(cell: object) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def ratio_table(ratios: Sequence[Ratio], *, unit: str = "H") -> str:
    """Ratios as they are published: the middle half of the rounds in brackets."""
    heads = ("", "ms a call", f"wall, {unit}", "middle half", f"CPU, {unit}")
    return table(heads, ((r.name, r.milliseconds, r.wall, f"{r.low:.2f}-{r.high:.2f}", r.cpu) for r in ratios))


def resident_kb() -> int:
    """Memory of this process that is in RAM, kB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))
