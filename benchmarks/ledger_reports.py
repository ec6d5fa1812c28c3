"""How long the usual reports take on a large ledger, which is first filled through the ledger's own writes.

    python benchmarks/ledger_reports.py [--attempts 1000000] [--file PATH]

Days, types, models, results and durations are drawn as in a busy quarter, so that the roll-ups have as many rows
as they would. With --file the ledger is kept, and used again by the next run.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from escalator.ledger import Closing, Hold, Scope, Settlement, TaskRow, Tried
from escalator.ledger import tasks as writing
from escalator.ledger.log import LogQuery, day_of
from escalator.ledger.money import reserve, settle
from escalator.ledger.reports import by_model, by_pair, by_task_type, by_worker, savings
from escalator.ledger.sqlite import SqliteLedger
from escalator.records import Usage

DAYS, CALLS = 90, 2
TYPES = ["quick_edit", "standard_development", "complex_architecture", "critical"]
MODELS = ["local-14b", "qwen3-30b", "local-32b", "flash", "haiku", "sonnet", "opus"]
START = 1_780_000_000.0


def fill(ledger: SqliteLedger, attempts: int, now: list[float]) -> None:
    """Write whole tasks of two attempts, two hundred to a transaction."""
    dice = random.Random(1)
    tasks = attempts // CALLS
    for first in range(0, tasks, 200):
        now[0] = START + first / tasks * DAYS * 86_400
        numbers = range(first, min(first + 200, tasks))
        write = ledger._writing().submit  # noqa: SLF001  # one transaction for many tasks
        write(lambda session, numbers=numbers: [task(session, dice, n) for n in numbers]).result()


def task(session: Any, dice: random.Random, number: int) -> None:
    name, kind = f"task-{number}", dice.choices(TYPES, (50, 35, 10, 5))[0]
    about = f"Make the parser of task number {number} keep what it reads"
    row = TaskRow(task_id=name, brief="{}", plan="{}", task_type=kind, complexity=3, description=about)
    writing.open_task(session, row)
    worker = dice.randrange(len(MODELS) - 1)
    tries = []
    for place in range(CALLS):
        model, seconds = MODELS[worker + place], dice.lognormvariate(1.5, 1.0)
        scopes = (Scope(name=f"day:{day_of(session.now)}"), Scope(name=f"type:{kind}"))
        hold = Hold(
            task_id=name,
            key=f"call/{place}",
            digest="d" * 16,
            amount=5_000,
            scopes=scopes,
            purpose="worker",
            model=model,
            provider="p",
        )
        usage = Usage(input_tokens=1_000, output_tokens=400)
        ending = Settlement(cost=4_000, state="done", payload="x" * 200, usage=usage, seconds=seconds)
        settle(session, reserve(session, hold).hold_id, ending, keep=True)
        result = "passed" if place else dice.choice(["failed", "failed", "unusable"])
        cause = "" if place else dice.choice(["tests", "syntax"])
        checker = dice.choice(["", "flash"])
        tries.append(Tried(model=model, result=result, cause=cause, checker=checker, cost=4_000, seconds=seconds))
    closing = Closing(
        status="accepted",
        reason="passed",
        outcome="{}",
        worker=tries[-1].model,
        attempts=CALLS,
        escalations=1,
        seconds=sum(tried.seconds for tried in tries),
        cost=8_000,
        baseline=20_000,
        tries=tuple(tries),
    )
    writing.close_task(session, name, closing, keep=True)


def timed(question: Callable[[], object]) -> float:
    """Milliseconds, the median of five."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        question()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attempts", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "ledger.sqlite3"
        now = [START]
        ledger = SqliteLedger(path, durability="normal", clock=lambda: now[0])
        if not ledger.tasks(LogQuery(count=1)):
            begun = time.monotonic()
            fill(ledger, options.attempts, now)
            print(f"filled in {time.monotonic() - begun:.0f} s")
        month = day_of(START + (DAYS - 30) * 86_400)
        last_day = START + (DAYS - 1) * 86_400
        questions: dict[str, Callable[[], object]] = {
            "by task type: tasks, escalations, cost, latency": lambda: by_task_type(ledger),
            "by worker and task type: success": lambda: by_worker(ledger),
            "worker and checker pairs": lambda: by_pair(ledger),
            "by model: calls, tokens, cost, p50, p95": lambda: by_model(ledger),
            "savings": lambda: savings(ledger),
            "by task type, last 30 days": lambda: by_task_type(ledger, since=month),
            "last 100 attempts": lambda: ledger.tries(LogQuery(count=100, newest=True)),
            "100 attempts of the last day": lambda: ledger.tries(LogQuery(since=last_day, count=100)),
            "calls in doubt": lambda: ledger.calls(LogQuery(status="doubt")),
            "one task's calls": lambda: ledger.calls(LogQuery(task_id="task-1234")),
        }
        print(f"{options.attempts:,} attempts, {path.stat().st_size / 1e6:,.0f} MB")
        print("| question | ms |")
        print("|---|---|")
        for name, question in questions.items():
            print(f"| {name} | {timed(question):.1f} |")
        ledger.close()


if __name__ == "__main__":
    main()
