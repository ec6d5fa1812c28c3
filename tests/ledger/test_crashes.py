"""kill -9 at every named point and at random moments, one process and several: no charge is lost or made twice."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from escalator.ledger.log import Archive, LogQuery
from ledger import buyer
from ledger.buyer import COST, HOLD, Job
from ledger.postgres_server import PostgresServer

POINTS = [
    "before_open",
    "after_open",
    "before_reserve",
    "after_reserve",
    "after_charge",
    "after_settle",
    "after_record",
    "before_close",
    "after_close",
    "before_close_ledger",
    "inside_transaction",
]


@dataclass
class Truth:
    """What the provider charged, beside what the books say."""

    real: int
    ledger: int
    doubts: int
    charged: int


def run(job: Job, *, expect: int = 0) -> dict[str, int]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, buyer.__file__, json.dumps(asdict(job))],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=250,
    )
    assert done.returncode == expect, done.stderr
    return json.loads(done.stdout) if done.stdout else {}


def audit(job: Job) -> Truth:
    """The promises, checked on what is left: P1, P2, P3, P4."""
    books = buyer.open_books(job, clock=lambda: 0.0)
    assert isinstance(books, Archive)
    calls = books.calls()
    charges = [line.split() for line in Path(job.charges).read_text(encoding="ascii").splitlines()]
    charged = Counter((task, key) for task, key, _ in charges)
    recorded = Counter((call.task_id, call.key) for call in calls)
    states = Counter(call.state for call in calls)
    real = sum(int(cost) for _, _, cost in charges)
    spent, held = books.spent(["all"])["all"]
    assert max(charged.values(), default=0) <= 1, "something was bought twice"
    assert set(charged) <= set(recorded), "a charge is unknown to the ledger"
    assert states["sent"] == 0
    assert held == 0
    assert spent == states["done"] * COST + states["doubt"] * HOLD
    assert spent >= real
    assert job.limit is None or spent <= job.limit
    tasks = books.tasks(LogQuery())
    assert [task.state for task in tasks if task.state not in ("accepted", "skipped")] == []
    assert len(tasks) == job.tasks
    books.close()
    return Truth(real=real, ledger=spent, doubts=states["doubt"], charged=len(charges))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(target=str(tmp_path / "ledger.sqlite3"), charges=str(tmp_path / "charges"))


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_loses_and_doubles_nothing(job: Job, point: str) -> None:
    """Killed before, between and after the steps, and inside a transaction: the next process goes on exactly."""
    job = replace(job, tasks=3, durability="full")
    nth = 1 if point == "before_close_ledger" else 2
    run(replace(job, die_at=point, die_on=nth), expect=-signal.SIGKILL)
    buyer.work(job)
    truth = audit(job)
    in_doubt = {"after_reserve": (HOLD, 8), "after_charge": (HOLD - COST, 9)}
    extra, charged = in_doubt.get(point, (0, 9))
    if point != "inside_transaction":
        assert (truth.ledger - truth.real, truth.charged, truth.doubts) == (extra, charged, point in in_doubt)


def test_random_kills_of_one_process(job: Job) -> None:
    """Two hundred deaths at random moments, eight threads committing together."""
    job = replace(job, tasks=600, threads=8, kills=200, seed=1, life=0.03)
    assert run(job)["killed"] >= 50
    assert audit(job).charged > 0


def test_random_kills_among_four_processes_on_a_binding_budget(job: Job) -> None:
    """Four processes on one file and one budget: never over it, nothing left held, all tasks closed."""
    job = replace(job, tasks=400, processes=4, kills=40, seed=2, limit=300 * HOLD)
    assert run(job)["killed"] == 40
    truth = audit(job)
    assert truth.ledger >= 0.9 * 300 * HOLD


@pytest.mark.slow
def test_many_random_kills_among_four_processes(job: Job) -> None:
    """The same without a limit and with two hundred deaths."""
    job = replace(job, tasks=3_000, processes=4, kills=200, seed=3)
    assert run(job)["killed"] == 200
    audit(job)


@pytest.mark.needs_postgres
def test_random_kills_among_four_processes_on_postgres(tmp_path: Path, postgres: PostgresServer) -> None:
    """The same promises on the server: a dead worker's session ends, and its tasks are taken over."""
    job = Job(
        target=postgres.url,
        schema=f"kills_{secrets.token_hex(4)}",
        charges=str(tmp_path / "charges"),
        tasks=200,
        processes=4,
        kills=15,
        seed=4,
        life=0.15,
        limit=400 * HOLD,
    )
    assert run(job)["killed"] == 15
    audit(job)
