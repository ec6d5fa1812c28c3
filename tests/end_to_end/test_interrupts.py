"""Interrupting: by Ctrl-C, by cancelling a coroutine, by a deadline. Nothing stays open and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from end_to_end.children import Child, alive, asleep, until_gone
from end_to_end.ladders import BASE, PROMPT, SLEEPER, ladder, model
from end_to_end.servers import Server, until
from escalator import Escalator
from escalator.ledger import open_ledger
from escalator.sandbox.tree import descendants
from processor import Stopwatch, check_soon

FAST = ("syntax", {"end_to_end.ladders:counted": {"path": os.devnull}})
TASK: dict[str, Any] = {"task": PROMPT, "files": BASE, "task_type": "standard_development"}
TESTED = ("syntax", {"tests": {"base_run": False, "rerun_flaky": False}})


def slowly(seconds: float) -> dict[str, str]:
    """Tests that hold the sandbox for so long."""
    return {path: text.replace("SECONDS", str(seconds)) for path, text in SLEEPER.items()}


def one_rung(server: Server, validators: tuple[Any, ...] = FAST, **sections: Any) -> dict[str, Any]:
    """A matrix with the test's server alone."""
    return ladder({"here": server.provider()}, {"small": model("here", 0)}, validators=validators, **sections)


@pytest.mark.clock
@pytest.mark.parametrize("call", ["execute", "aexecute"])
def test_ctrl_c_ends_a_request_under_way(server: Server, children: list[Child], book: Path, call: str) -> None:
    """The server sees its client hang up, the process ends at once, and the task can be resumed from its ledger."""
    server.silent = True
    matrix = one_rung(server)
    child = Child(matrix=matrix, ledger=str(book), call=call, task_id="t1", task=TASK)
    children.append(child)
    server.until_waiting(1)
    told = child.end(signal.SIGINT)
    assert "KeyboardInterrupt" in told
    check_soon(server.is_left, 5)
    assert server.asked == 1

    server.silent = False
    with Escalator(matrix, ledger=book) as house:
        outcome = house.resume("t1")
    assert outcome.status == "accepted", outcome.summary()
    assert server.asked == 2


@pytest.mark.needs_bwrap
@pytest.mark.usefixtures("bwrap")
@pytest.mark.parametrize("call", ["execute", "aexecute"])
def test_ctrl_c_ends_what_runs_in_the_sandbox(
    server: Server, children: list[Child], book: Path, call: str
) -> None:
    """No process of the sandbox outlives the one that was interrupted, and the answer is not bought again."""
    task = {**TASK, "tests": slowly(60)}
    child = Child(matrix=one_rung(server, TESTED), ledger=str(book), call=call, task_id="t1", task=task)
    children.append(child)
    below = child.until_asleep()
    told = child.end(signal.SIGINT)
    assert "KeyboardInterrupt" in told
    until_gone(below)

    ledger = open_ledger(book)
    left = ledger.look("t1")
    ledger.close()
    assert left is not None
    assert left.status == "resumed"
    assert [(entry.key, entry.state) for entry in left.entries if entry.kind == "call"] == [
        ("r0.a1.worker", "done")
    ]


@pytest.mark.clock
def test_ctrl_c_with_tasks_in_eight_threads_leaves_nothing_open(
    server: Server, children: list[Child], book: Path
) -> None:
    """Threads cannot be interrupted, but the process that holds them ends at once, and every task can be resumed."""
    server.silent = True
    matrix = one_rung(server)
    child = Child(matrix=matrix, ledger=str(book), call="execute", task_id="t", task=TASK, threads=8)
    children.append(child)
    server.until_waiting(8)
    child.end(signal.SIGINT)
    check_soon(server.is_left, 5)

    server.silent = False
    with Escalator(matrix, ledger=book) as house:
        outcomes = [house.resume(f"t-{i}") for i in range(8)]
    assert Counter(outcome.status for outcome in outcomes) == {"accepted": 8}
    assert server.asked == 16


@pytest.mark.clock
def test_cancelling_a_coroutine_ends_its_request(server: Server, book: Path) -> None:
    """The server sees the client hang up before the coroutine ends, and the task can be resumed on the same object."""
    server.silent = True

    async def go() -> Any:
        async with Escalator(one_rung(server), ledger=book) as house:
            task = asyncio.create_task(house.aexecute(**TASK, task_id="t1"))
            await asyncio.to_thread(server.until_waiting, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(check_soon, server.is_left, 5)
            server.silent = False
            return await house.aresume("t1")

    assert asyncio.run(go()).status == "accepted"
    assert server.asked == 2


@pytest.mark.needs_bwrap
@pytest.mark.usefixtures("bwrap")
def test_cancelling_a_coroutine_ends_what_runs_in_the_sandbox(server: Server, book: Path) -> None:
    """When the cancelled coroutine has ended, so have all processes it started."""

    async def go() -> list[int]:
        async with Escalator(one_rung(server, TESTED), ledger=book) as house:
            task = asyncio.create_task(house.aexecute(**TASK, tests=slowly(60)))
            await asyncio.to_thread(until, lambda: any(map(asleep, descendants(os.getpid()))))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return descendants(os.getpid())

    before = set(descendants(os.getpid()))
    assert not [pid for pid in asyncio.run(go()) if pid not in before and alive(pid)]


def test_a_task_cancelled_at_any_moment_can_be_executed_again(server: Server, book: Path) -> None:
    """Whatever the coroutine was doing, the same object can take the task up again under its id."""

    async def go() -> Any:
        async with Escalator(one_rung(server), ledger=book) as house:
            for number in range(40):
                task = asyncio.create_task(house.aexecute(**TASK, task_id=f"t{number}"))
                for _ in range(number):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            return [await house.aexecute(**TASK, task_id=f"t{number}") for number in range(40)]

    assert Counter(outcome.status for outcome in asyncio.run(go())) == {"accepted": 40}


@pytest.mark.timeout(200)
def test_closing_right_after_a_cancellation_does_not_hang(server: Server, book: Path) -> None:
    """Whatever was being written for the cancelled task, the ledger is closed and another process can go on."""
    matrix = one_rung(server)

    async def go(number: int) -> None:
        async with Escalator(matrix, ledger=book) as house:
            task = asyncio.create_task(house.aexecute(**TASK, task_id=f"t{number}"))
            for _ in range(number):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    for number in range(2, 14):
        asyncio.run(go(number))
    with Escalator(matrix, ledger=book) as house:
        outcomes = [house.execute(**TASK, task_id=f"t{number}") for number in range(2, 14)]
    assert Counter(outcome.status for outcome in outcomes) == {"accepted": 12}


def test_eight_threads_share_one_house(server: Server, book: Path) -> None:
    """Real requests from eight threads at once: every task has its own outcome and one request."""
    outcomes: list[Any] = []
    with Escalator(one_rung(server), ledger=book) as house:
        threads = [
            threading.Thread(target=lambda i=i: outcomes.append(house.execute(**TASK, task_id=f"t{i}")))
            for i in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert Counter(outcome.status for outcome in outcomes) == {"accepted": 8}
    assert {outcome.task_id for outcome in outcomes} == {f"t{i}" for i in range(8)}
    assert server.asked == 8


@pytest.mark.clock
@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("rungs", [1, 2])
def test_a_deadline_ends_a_hanging_call(server: Server, book: Path, colour: str, rungs: int) -> None:
    """The task stops when it has to and not with the limits of its call, says so, and has left no request open."""
    server.silent = True
    models = {name: model("here", index) for index, name in enumerate(("small", "large")[:rungs])}
    matrix = ladder({"here": server.provider()}, models, attempts=2, validators=FAST)
    with Escalator(matrix, ledger=book) as house:
        took = Stopwatch()
        if colour == "sync":
            outcome = house.execute(**TASK, deadline=2.0)
        else:
            outcome = asyncio.run(house.aexecute(**TASK, deadline=2.0))
        took.stop()
        assert (outcome.status, outcome.cause) == ("stopped", "deadline"), outcome.summary()
        assert "deadline" in outcome.reason
        assert server.asked == 1
        check_soon(server.is_left, 5)
    took.check(1.9, 3.5)


def test_a_task_stopped_by_its_deadline_asks_again_when_resumed(server: Server, book: Path) -> None:
    """A call that the deadline cut short says nothing of the model, so it is made again; its answer is kept."""
    server.silent = True
    with Escalator(one_rung(server), ledger=book) as house:
        assert house.execute(**TASK, task_id="t1", deadline=2.0).cause == "deadline"
        server.silent = False
        outcome = house.resume("t1")
        assert outcome.status == "accepted", outcome.summary()
        assert house.execute(**TASK, task_id="t1") == outcome
    assert server.asked == 2


@pytest.mark.needs_bwrap
@pytest.mark.usefixtures("bwrap")
def test_a_deadline_ends_what_runs_in_the_sandbox(server: Server, book: Path) -> None:
    """A test that hangs does not outlive its task's deadline, and is not taken for a wrong answer."""
    before = set(descendants(os.getpid()))
    with Escalator(one_rung(server, TESTED), ledger=book) as house:
        outcome = house.execute(**TASK, tests=slowly(60), deadline=2.0)
    assert (outcome.status, outcome.cause) == ("stopped", "deadline"), outcome.summary()
    assert outcome.count("escalation") == 0
    assert not [pid for pid in descendants(os.getpid()) if pid not in before and alive(pid)]
