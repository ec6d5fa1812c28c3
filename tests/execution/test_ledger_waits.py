"""A task's deadline holds also where the ledger keeps everybody waiting, and an event loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from escalator import Escalator, LedgerBusyError
from escalator.ledger.sqlite import SqliteLedger
from escalator.testing import ScriptedProvider
from houses import BASE, RIGHT, adds, matrix

HOLDER = "import fcntl, os, sys, time; fcntl.flock(os.open(sys.argv[1], 66), fcntl.LOCK_EX)"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Another process holds the lock of the ledger; its number."""
    command = [sys.executable, "-c", f"{HOLDER}; print('held', flush=True); time.sleep(600)", f"{path}-lock"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            yield holder.pid
        finally:
            holder.kill()


def small_house(path: Path, **ledger: Any) -> tuple[Escalator, ScriptedProvider]:
    models = ScriptedProvider(lambda _: RIGHT)
    chain = {
        "standard_development": {
            "complexity": [0, 10],
            "chain": ["small"],
            "checker": "none",
            "validators": ["syntax"],
        }
    }
    return Escalator(matrix(task_types=chain, ledger=ledger), ledger=path, providers=models), models


TASK: Any = {"files": BASE, "validators": [adds], "task_type": "standard_development"}


@pytest.mark.parametrize("name", [None, "named"])
def test_a_locked_ledger_stops_the_task_at_its_deadline(tmp_path: Path, name: str | None) -> None:
    """No model is asked, and the outcome says which process was waited for."""
    path = tmp_path / "ledger.sqlite"
    house, models = small_house(path)
    with house:
        assert house.execute("Fix add().", **TASK).status == "accepted"
        with locked(path) as pid:
            outcome = house.execute("Fix add().", task_id=name, deadline=0.5, **TASK)
        assert (outcome.status, outcome.cause) == ("stopped", "deadline")
        assert f"process {pid}" in outcome.reason
        assert len(models.requests) == 1
    with contextlib.closing(SqliteLedger(path)) as ledger:
        assert sum(call.held for call in ledger.calls()) == 0


def test_a_ledger_that_cannot_be_opened_stops_the_task_at_its_deadline(tmp_path: Path) -> None:
    """The first task of a process as well; the next one finds the ledger open."""
    path = tmp_path / "ledger.sqlite"
    house, models = small_house(path)
    with house:
        with locked(path):
            outcome = house.execute("Fix add().", deadline=0.5, **TASK)
        assert (outcome.status, outcome.cause) == ("stopped", "deadline")
        assert models.requests == []
        assert house.execute("Fix add().", **TASK).status == "accepted"


def test_without_a_deadline_the_ledger_is_waited_for_as_long_as_the_matrix_says(tmp_path: Path) -> None:
    """Then the error names who keeps it."""
    path = tmp_path / "ledger.sqlite"
    house, _ = small_house(path, patience=0.3)
    with house:
        house.execute("Fix add().", **TASK)
        with locked(path) as pid, pytest.raises(LedgerBusyError, match=f"process {pid}"):
            house.execute("Fix add().", **TASK)


@pytest.mark.parametrize("first", [True, False])
def test_an_event_loop_goes_on_while_the_ledger_is_waited_for(tmp_path: Path, *, first: bool) -> None:
    """Whether it is being opened or written."""
    path = tmp_path / "ledger.sqlite"
    house, _ = small_house(path)
    if not first:
        house.execute("Fix add().", **TASK)
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    async def work() -> str:
        ticking = asyncio.create_task(tick())
        outcome = await house.aexecute("Fix add().", deadline=2.0, **TASK)
        ticking.cancel()
        return outcome.cause

    with house, locked(path):
        assert asyncio.run(work()) == "deadline"
    assert turns > 20


def test_a_task_whose_end_cannot_be_written_has_its_answer(tmp_path: Path) -> None:
    """A paid answer that comes while the ledger is locked is returned, with a word of what waits in memory."""
    path = tmp_path / "ledger.sqlite"
    house, models = small_house(path, patience=0.3)
    holding = contextlib.ExitStack()

    def answer(_: object) -> str:
        holding.enter_context(locked(path))
        return RIGHT

    models._script = answer  # the lock is taken while the model is asked
    with house:
        outcome = house.execute("Fix add().", **TASK)
        assert outcome.status == "accepted"
        assert any("holds the lock" in warning for warning in outcome.warnings)
        holding.close()
    with contextlib.closing(SqliteLedger(path)) as ledger:
        assert [task.state for task in ledger.tasks()] == ["accepted"]


def test_a_reservation_that_came_too_late_holds_no_money(tmp_path: Path) -> None:
    """The task ended while its reservation waited for the lock: once the lock is free, nothing is held."""
    path = tmp_path / "ledger.sqlite"
    priced = matrix()["models"]["small"] | {"price": {"input": 1, "output": 4}}
    types = {"standard_development": {**matrix()["task_types"]["standard_development"], "chain": ["small"]}}
    data = matrix(models={**matrix()["models"], "small": priced}, task_types=types)
    with Escalator(data, ledger=path, providers=ScriptedProvider(lambda _: RIGHT)) as house:
        assert house.execute("Fix add().", **TASK).status == "accepted"
        with locked(path):
            assert house.execute("Fix add().", deadline=0.5, **TASK).cause == "deadline"
        assert house.execute("Fix add() again.", **TASK).status == "accepted"
        assert {call.state for call in house.ledger.calls()} <= {"done", "failed"}
        assert sum(call.held for call in house.ledger.calls()) == 0
