"""A worker that buys answers from a stub that never forgets a charge, and a foreman that kills such workers.

Run as a program: `python buyer.py '{"target": ..., ...}'`. The foreman forks workers, so that a life lasts
milliseconds and hundreds of deaths fit into a test. It prints one JSON line about what it did.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escalator.ledger import Closing, Entry, Held, Hold, Ledger, Scope, Settlement, TaskRow

HOLD, COST = 5_000, 4_300


@dataclass(frozen=True)
class Job:
    """What is to be bought: `tasks` times `slots` calls, on the ledger `target`, within `limit`."""

    target: str
    charges: str
    tasks: int = 20
    slots: int = 3
    limit: int | None = None
    threads: int = 1
    durability: str = "normal"
    schema: str = ""
    die_at: str = ""
    die_on: int = 0
    kills: int = 0
    processes: int = 1
    seed: int = 0
    life: float = 0.06


class Bomb:
    """Kills its own process, as `kill -9` does, the nth time it is passed at the named point."""

    def __init__(self, job: Job) -> None:
        self._at, self._left = job.die_at, job.die_on

    def __call__(self, point: str) -> None:
        if point == self._at:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def open_books(job: Job, clock: Callable[[], float]) -> Ledger:
    if job.schema:
        from escalator.ledger.postgres import PostgresLedger

        return PostgresLedger(job.target, schema=job.schema)
    from escalator.ledger.sqlite import SqliteLedger

    return SqliteLedger(job.target, durability=job.durability, clock=clock)  # type: ignore[arg-type]


def work(job: Job) -> None:
    """Open, buy what is not bought yet, close; every task once."""
    bomb = Bomb(job)

    def clock() -> float:
        bomb("inside_transaction")
        return time.time()

    ledger = open_books(job, clock)
    charges = os.open(job.charges, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    names = [f"task-{number}" for number in range(job.tasks)]
    if job.threads == 1:
        for name in names:
            do_task(ledger, job, charges, bomb, name)
    else:
        with ThreadPoolExecutor(job.threads) as pool:
            list(pool.map(lambda name: do_task(ledger, job, charges, bomb, name), names))
    bomb("before_close_ledger")
    ledger.close()


def do_task(ledger: Ledger, job: Job, charges: int, bomb: Bomb, name: str) -> None:
    row = TaskRow(task_id=name, brief="{}", plan="{}", task_type="quick_edit", complexity=1)
    bomb("before_open")
    opened = ledger.open_task(row).result()
    bomb("after_open")
    if opened.status in ("closed", "running"):
        return
    known = {entry.key: entry for entry in opened.entries}
    bought = [entry for entry in known.values() if entry.kind == "call"]
    status = "accepted"
    for slot in range(job.slots):
        if f"call/{slot}" not in known and not buy(ledger, job, charges, bomb, name, f"call/{slot}"):
            status = "skipped"
            break
    bomb("before_close")
    closing = Closing(status=status, reason="done", outcome="{}", attempts=len(bought))  # type: ignore[arg-type]
    ledger.close_task(name, closing).result()
    bomb("after_close")


def buy(ledger: Ledger, job: Job, charges: int, bomb: Bomb, name: str, key: str) -> bool:
    scopes = (Scope(name="all", limit=job.limit), Scope(name=f"task:{name}"))
    hold = Hold(
        task_id=name,
        key=key,
        digest="",
        amount=HOLD,
        scopes=scopes,
        purpose="worker",
        model="m",
        provider="p",
    )
    bomb("before_reserve")
    held = ledger.reserve(hold).result()
    bomb("after_reserve")
    if not isinstance(held, Held):
        return False
    os.write(charges, f"{name} {key} {COST}\n".encode())
    bomb("after_charge")
    ledger.settle(held.hold_id, Settlement(cost=COST, state="done", payload='{"answer": 1}')).result()
    bomb("after_settle")
    ledger.record(name, Entry(key=f"verdict/{key}", kind="verdict", digest="", payload="{}")).result()
    bomb("after_record")
    return True


def foreman(job: Job) -> dict[str, Any]:
    """Let `processes` workers work; kill a random one after a random while, `kills` times, starting another."""
    warm_up(job)
    dice = random.Random(job.seed)
    alive = [start(job) for _ in range(job.processes)]
    killed = 0
    while killed < job.kills:
        time.sleep(dice.uniform(0.001, job.life))
        victim = dice.choice(alive)
        finished, status = os.waitpid(victim, os.WNOHANG)
        if finished:
            must_be_well(status)
            if Path(job.charges).exists() and len(alive) == 1:
                break
        else:
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            killed += 1
        alive.remove(victim)
        alive.append(start(job))
    for worker in alive:
        must_be_well(os.waitpid(worker, 0)[1])
    must_be_well(os.waitpid(start(job), 0)[1])
    return {"killed": killed}


def warm_up(job: Job) -> None:
    """Import before forking what every worker needs, or short lives would end in the importing."""
    if job.schema:
        import psycopg  # noqa: F401

        import escalator.ledger.postgres  # noqa: F401


def start(job: Job) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work(job)
    except BaseException as error:  # noqa: BLE001  # a forked child must end here, whatever happens
        print(f"worker failed: {error!r}", file=sys.stderr, flush=True)
        os._exit(3)
    os._exit(0)


def must_be_well(status: int) -> None:
    if status:
        raise SystemExit(f"a worker ended with status {status}")


if __name__ == "__main__":
    order = Job(**json.loads(sys.argv[1]))
    if order.die_at:
        work(order)
    else:
        print(json.dumps(foreman(order)))
