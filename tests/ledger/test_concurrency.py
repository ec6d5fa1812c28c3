"""Many at once: sixteen processes on one budget, a thousand tasks in one event loop, workers that are cut off."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from escalator.errors import LedgerError
from escalator.ledger import Held
from escalator.ledger.log import CallTally, TaskTally
from escalator.ledger.postgres import PostgresLedger
from escalator.ledger.sqlite import SqliteLedger
from ledger.buyer import HOLD, Job
from ledger.children import child
from ledger.making import buy, closing, hold, paid, reserve, row, verdict
from ledger.postgres_server import PostgresServer
from ledger.stores import Store

LIMIT = 300 * HOLD


@pytest.mark.clock
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.needs_postgres)])
def test_sixteen_processes_never_pass_a_limit_and_none_starves(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """spent + held stays within the limit at every moment, nine tenths of it are usable, nobody waits for long."""
    target, schema = str(tmp_path / "ledger.sqlite3"), ""
    if kind == "postgres":
        target, schema = request.getfixturevalue("postgres").url, f"sixteen_{secrets.token_hex(4)}"
        PostgresLedger(target, schema=schema).close()
    job = Job(target=target, schema=schema, charges="", processes=16, slots=25, limit=LIMIT, durability="full")
    with child("hammer", json.dumps(asdict(job))) as process:
        out, err = process.communicate(timeout=250)
    assert process.returncode == 0, err
    results = json.loads(out)
    granted = sum(result["granted"] for result in results)
    assert max(result["over"] for result in results) <= LIMIT
    assert 0.9 * LIMIT <= granted <= LIMIT
    assert granted // HOLD + sum(result["refused"] for result in results) == job.processes * job.slots
    assert any(result["refused"] for result in results)
    assert max(result["longest"] for result in results) < 20


class Echo:
    """Answers from another thread and writes nothing: what a thousand tasks cost a loop on this machine right now."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    def __getattr__(self, name: str) -> Callable[..., Future[Held]]:
        return lambda *_: self._pool.submit(lambda: Held(hold_id=1, amount=0))


async def many(ledger: Any, tasks: int) -> float:
    """That many tasks of three calls at once; the longest time the event loop was kept from running, in seconds."""
    stall, stop = 0.0, False

    async def watch() -> None:
        nonlocal stall
        last = time.monotonic()
        while not stop:
            await asyncio.sleep(0.001)
            now = time.monotonic()
            stall, last = max(stall, now - last - 0.001), now

    async def one(name: str) -> None:
        await asyncio.wrap_future(ledger.open_task(row(name)))
        for attempt in range(3):
            held = await asyncio.wrap_future(ledger.reserve(hold(name, str(attempt))))
            assert isinstance(held, Held)
            await asyncio.sleep(0.3)
            await asyncio.wrap_future(ledger.settle(held.hold_id, paid()))
            await asyncio.wrap_future(ledger.record(name, verdict(f"v{attempt}")))
        await asyncio.wrap_future(ledger.close_task(name, closing(attempts=3, cost=12)))

    watcher = asyncio.create_task(watch())
    await asyncio.gather(*(one(f"task-{number}") for number in range(tasks)))
    stop = True
    await watcher
    return stall


@pytest.mark.clock
def test_a_thousand_tasks_in_one_loop_are_exact_and_do_not_block_it(tmp_path: Path) -> None:
    """With full durability the totals are exact and the loop is not kept 50 ms longer than without a ledger (best of ten)."""
    stalls = []
    for turn in range(10):
        ledger = SqliteLedger(tmp_path / f"{turn}.sqlite3")
        idle = asyncio.run(many(Echo(), 1_000))
        stalls.append(asyncio.run(many(ledger, 1_000)) - idle)
        assert ledger.spent(["day"]) == {"day": (12_000, 0)}
        assert [(t.state, t.n, t.cost) for t in ledger.tally(CallTally, ("state",))] == [("done", 3_000, 12_000)]
        assert [(t.status, t.n, t.attempts) for t in ledger.tally(TaskTally, ("status",))] == [
            ("accepted", 1_000, 3_000)
        ]
        ledger.close()
        if stalls[-1] < 0.05:
            break
    assert min(stalls) < 0.05


@pytest.mark.needs_postgres
def test_a_worker_that_was_cut_off_can_finish_one_call_and_start_none(postgres: PostgresServer) -> None:
    """The server ends its session, another takes its task over: it may settle what it paid for, no more."""
    schema = f"cut_{secrets.token_hex(4)}"
    one, two = PostgresLedger(postgres.url, schema=schema), PostgresLedger(postgres.url, schema=schema)
    one.open_task(row()).result()
    hold_id = reserve(one, key="a")
    cut_off(postgres.url, schema)
    assert two.open_task(row()).result().status == "resumed"
    one.settle(hold_id, paid(4)).result()
    wait_for(lambda: two.spent(["day"]) == {"day": (4, 0)})
    with pytest.raises(LedgerError, match="not held by this process"):
        one.reserve(hold(key="b")).result()
    with pytest.raises(LedgerError, match="not held by this process"):
        one.close_task("t", closing()).result()
    buy(two, key="b")
    two.close_task("t", closing()).result()
    assert two.spent(["day"]) == {"day": (8, 0)}
    one.close()
    two.close()


@pytest.mark.needs_postgres
def test_a_server_that_restarts_costs_no_answer(postgres: PostgresServer) -> None:
    """While the server is away nothing is bought; what was paid for is booked when it is back, and work goes on."""
    ledger = PostgresLedger(postgres.url, schema=f"restart_{secrets.token_hex(4)}")
    ledger.open_task(row()).result()
    hold_id = reserve(ledger, key="a")
    postgres.stop_serving()
    ledger.settle(hold_id, paid(4)).result()
    assert "cannot be written" in ledger.trouble()
    with pytest.raises(LedgerError, match="Nothing is bought meanwhile"):
        ledger.reserve(hold(key="b")).result()
    with pytest.raises(LedgerError, match="cannot be read"):
        ledger.spent(["day"])
    postgres.serve()
    wait_for(lambda: ledger.trouble() == "")
    assert ledger.spent(["day"]) == {"day": (4, 0)}
    buy(ledger, key="b")
    assert ledger.open_task(row()).result().status == "running"
    ledger.close()


@pytest.mark.needs_postgres
def test_a_postgres_ledger_refuses_what_it_cannot_use(postgres: PostgresServer) -> None:
    """An unreachable server is named without its password; a newer schema is refused."""
    with pytest.raises(LedgerError, match="cannot be opened") as refused:
        PostgresLedger("postgresql://user:secret@127.0.0.1:1/nothing")
    assert "secret" not in str(refused.value)
    schema = f"newer_{secrets.token_hex(4)}"
    PostgresLedger(postgres.url, schema=schema).close()
    import psycopg

    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"UPDATE {schema}.ledger_version SET version = 99")
    with pytest.raises(LedgerError, match="newer escalator"):
        PostgresLedger(postgres.url, schema=schema)


def test_one_bad_write_does_not_take_others_down(shared: Store) -> None:
    """A request the database refuses for itself fails alone, though others were to be committed with it."""
    ledger = shared.open()
    ledger.open_task(row()).result()

    async def together() -> list[object]:
        requests = [
            ledger.reserve(hold(key=str(number), amount=2**70 if number == 3 else 1)) for number in range(6)
        ]
        return await asyncio.gather(*map(asyncio.wrap_future, requests), return_exceptions=True)

    answers = asyncio.run(together())
    assert [isinstance(answer, Held) for answer in answers] == [True, True, True, False, True, True]
    assert ledger.spent(["day"]) == {"day": (0, 5)}


def cut_off(url: str, schema: str) -> None:
    """End the session that shows that the owner of the task lives, as a fallen network does in time."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        [(owner,)] = connection.execute(f"SELECT owner FROM {schema}.task").fetchall()
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' "
            "AND objid::bigint = %s AND classid::bigint = %s",
            (int(owner) & 0xFFFFFFFF, int(owner) >> 32),
        ).fetchall()
        assert ended == [(True,)]


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    patience = time.monotonic() + seconds
    while not condition() and time.monotonic() < patience:
        time.sleep(0.05)
    assert condition()
