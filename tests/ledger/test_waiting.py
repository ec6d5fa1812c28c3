"""No wait is without limit: a stopped process, a stopped server, a server that is away for a moment."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import Popen

import pytest

from escalator.errors import LedgerBusyError, LedgerError
from escalator.ledger.postgres import PostgresLedger
from escalator.ledger.sqlite import SqliteLedger
from ledger.children import child
from ledger.making import buy, closing, hold, paid, reserve, row
from ledger.postgres_server import PostgresServer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def stopped(path: Path) -> Iterator[Popen[str]]:
    """A process that holds the ledger's lock and does nothing any more."""
    SqliteLedger(path).close()
    with child("hold_the_lock", path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGSTOP)
        yield process


def test_opening_waits_for_a_stopped_process_no_longer_than_it_should(path: Path, stopped: Popen[str]) -> None:
    """Whoever holds the lock is named with its process number, and that it is stopped."""
    with pytest.raises(LedgerBusyError, match=rf"could not be opened for 0.3 s: process {stopped.pid} .*stopped"):
        SqliteLedger(path, patience=0.3)


def test_a_write_that_nobody_waits_for_any_more_holds_nothing(path: Path, tmp_path: Path) -> None:
    """A reservation given up for a stopped process is not made later; what must be kept is written then."""
    ledger = SqliteLedger(path, patience=0.3)
    ledger.open_task(row()).result()
    hold_id = reserve(ledger, key="a", amount=10)
    with child("hold_the_lock", path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(LedgerBusyError, match=f"process {process.pid}"):
            ledger.reserve(hold(key="b", amount=10)).result()
        settled = ledger.settle(hold_id, paid(4))
        with pytest.raises(LedgerBusyError):
            settled.result(0.1)
        assert ledger.spent(["day"]) == {"day": (0, 10)}
    settled.result(60)
    assert ledger.spent(["day"]) == {"day": (4, 0)}
    assert [call.key for call in ledger.calls()] == ["a"]
    ledger.close()


def test_closing_behind_a_stopped_process_says_what_is_lost(path: Path) -> None:
    """It does not wait for ever, and does not keep quiet."""
    ledger = SqliteLedger(path, patience=0.3)
    ledger.open_task(row()).result()
    hold_id = reserve(ledger)
    with child("hold_the_lock", path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        ledger.settle(hold_id, paid(4))
        with pytest.raises(LedgerError, match="lost"):
            ledger.close()


@pytest.fixture
def schema() -> str:
    return f"waiting_{secrets.token_hex(4)}"


@pytest.mark.needs_postgres
def test_a_server_that_restarts_is_waited_for(postgres: PostgresServer, schema: str) -> None:
    """Twenty tasks at work while it is away for a moment all come to their end, and the books are exact."""
    ledger = PostgresLedger(postgres.url, schema=schema, patience=60)

    def work(number: int) -> None:
        name = f"task-{number}"
        ledger.open_task(row(name)).result()
        for turn in range(10):
            hold_id = reserve(ledger, name, str(turn))
            ledger.settle(hold_id, paid(4)).result()
            assert ledger.look(name) is not None
        ledger.close_task(name, closing()).result()

    with ThreadPoolExecutor(20) as pool:
        working = [pool.submit(work, number) for number in range(20)]
        time.sleep(0.3)
        postgres.stop_serving()
        postgres.serve()
        for future in working:
            future.result()
    assert ledger.spent(["day"]) == {"day": (20 * 10 * 4, 0)}
    ledger.close()


@pytest.mark.needs_postgres
def test_many_threads_read_over_few_connections(postgres: PostgresServer, schema: str) -> None:
    """Sixty threads get their answers where the server lets this user have ten connections."""
    import psycopg

    user = f"few_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN CONNECTION LIMIT 10")
        connection.execute(f"GRANT CREATE ON DATABASE postgres TO {user}")
    ledger = PostgresLedger(postgres.url.replace("tester@", f"{user}@"), schema=schema)
    ledger.open_task(row()).result()
    start = threading.Barrier(60)

    def ask(_: int) -> str:
        start.wait(60)
        found = ledger.look("t")
        assert found is not None
        return found.status

    with ThreadPoolExecutor(60) as pool:
        assert set(pool.map(ask, range(60))) == {"running"}
    ledger.close()


@pytest.mark.needs_postgres
def test_a_server_that_stops_answering_is_given_up(postgres: PostgresServer, schema: str) -> None:
    """Neither a write nor a read waits for it longer than the ledger's patience; afterwards work goes on."""
    import psycopg

    ledger = PostgresLedger(postgres.url, schema=schema, patience=2)
    ledger.open_task(row()).result()
    assert ledger.look("t") is not None
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'escalator' AND pid <> pg_backend_pid()"
        frozen = [pid for (pid,) in connection.execute(sql).fetchall()]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(LedgerBusyError):
            ledger.reserve(hold(key="a")).result(1)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    ledger.open_task(row("next")).result(60)
    buy(ledger, "next", key="b")
    assert ledger.look("t") is not None
    ledger.close()
