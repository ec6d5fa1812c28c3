"""What a broken first model costs with default settings: seconds, requests, and what it is called afterwards.

The first model of the chain fails in one way, the second is well. Wanted each time: a typed verdict or failure,
the second model asked and accepted, nothing charged to the first that a provider would not bill.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from benchmarks.houses import FILES, PROMPT, house
from benchmarks.measure import table
from benchmarks.server import FAULTS, server
from escalator.story import cause

SLOW = ("hang", "stall in the body")


@dataclass(frozen=True)
class Finding:
    """One fault: time, requests to either model, how the first attempt and the task ended, USD of the first."""

    fault: str
    seconds: float
    first: int
    second: int
    cause: str
    move: str
    status: str
    charged: Decimal


def measure(faults: Iterable[str] = FAULTS, *, timeout: float = 1.0) -> list[Finding]:
    """Each fault once, on connections already open. `timeout`: the attempt's limit where a server falls silent."""
    with server() as served, tempfile.TemporaryDirectory() as folder:
        return [_one(served.url, Path(folder), served.counts, fault, timeout) for fault in faults]


def _one(url: str, folder: Path, counts: object, fault: str, timeout: float) -> Finding:
    assert callable(counts)
    limits = {"timeout": {"first_byte": timeout, "total": timeout}} if fault in SLOW else {}
    with house(url, folder, models=("another",)) as warm:  # answered by `good`, so that prices are read as well
        warm.execute(PROMPT, files=FILES)
    with house(url, folder, models=(fault, "good"), **limits) as escalator:
        escalator.classify(PROMPT)
        before = counts()
        begun = time.perf_counter()
        outcome = escalator.execute(PROMPT, files=FILES)
        seconds = time.perf_counter() - begun
        after = counts()
    first = outcome.attempts[0]
    return Finding(
        fault=fault,
        seconds=seconds,
        first=after.get(fault, 0) - before.get(fault, 0),
        second=after.get("good", 0) - before.get("good", 0),
        cause=cause(first),
        move=outcome.transitions[0].kind if outcome.transitions else "none",
        status=f"{outcome.status} from {outcome.model}"
        if outcome.model
        else f"{outcome.status}: {outcome.reason}",
        charged=first.cost,
    )


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks faults", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--timeout", type=float, default=1.0, help="limit of an attempt at a silent server, seconds"
    )
    chosen = parser.parse_args(argv)
    heads = ("fault of the first model", "s", "requests", "called", "move", "outcome", "USD charged to it")
    rows = (
        (
            f.fault,
            f"{f.seconds:.3f}",
            f"{f.first}/{f.second}",
            f.cause,
            f.move,
            f.status,
            f"{f.charged.normalize():f}",
        )
        for f in measure(timeout=chosen.timeout)
    )
    print(f"The limit of an attempt at a silent server is {chosen.timeout:g} s.\n\n{table(heads, rows)}")
