"""What touches the world, in threads and in event loops: the loop stays free, and who goes away leaves nothing."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from threading import get_ident
from typing import Any

import pytest

from escalator import Escalator, LedgerError
from escalator.execution.effects import BIG
from escalator.providers import ThreadedProvider
from escalator.records import Candidate, Completion, Request
from escalator.testing import MemoryLedger, ScriptedProvider, fenced, no_model_requests
from houses import BASE, RIGHT, WRONG, House, chain_of, matrix

Execute = Callable[..., Any]

PAID = chain_of("haiku", max_attempts=2)
LONG = fenced("def add(a, b):\n    return a + b\n" + "# so it is\n" * (BIG // 10), path="adding.py")


def held(ledger: MemoryLedger) -> int:
    """Nano-dollars held over all calls."""
    return sum(call.held for call in ledger.calls())


@pytest.mark.parametrize(("answer", "outside"), [(RIGHT, False), (LONG, True)], ids=["short", "long"])
def test_pure_work_leaves_the_loop_where_there_is_much_of_it(answer: str, outside: bool) -> None:
    """A validator that reads a long answer runs in another thread; a short one is not worth the way there."""
    seen: list[int] = []

    def looks(candidate: Candidate) -> bool:
        seen.append(get_ident())
        return True

    asyncio.run(House({"small": [answer]}).aexecute(validators=[looks]))
    assert (seen != [get_ident()]) == outside


def test_the_loop_goes_on_while_a_long_answer_is_judged() -> None:
    """The validator waits for something that only the loop can do, and gets it."""
    begun, done = threading.Event(), threading.Event()

    def waits(candidate: Candidate) -> bool:
        begun.set()
        return done.wait(60)

    async def go() -> Any:
        work = asyncio.ensure_future(House({"small": [LONG]}).aexecute(validators=[waits]))
        await asyncio.to_thread(begun.wait, 60)
        done.set()
        return await work

    assert asyncio.run(go()).status == "accepted"


def test_who_is_cancelled_during_pure_work_goes_when_it_has_ended() -> None:
    """A thread cannot be stopped and its flow not be closed under it; then the task is there to be taken up."""
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def waits(candidate: Candidate) -> bool:
        begun.set()
        go_on.wait(60)
        ended.set()
        return True

    house = House({"haiku": [LONG]}, task_types=PAID)

    async def go() -> None:
        work = asyncio.ensure_future(house.aexecute(task_id="t", validators=[waits]))
        await asyncio.to_thread(begun.wait, 60)
        work.cancel()
        await asyncio.sleep(0)
        assert not work.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert ended.is_set()

    asyncio.run(go())
    again = House({}, ledger=house.ledger, task_types=PAID)
    assert again.execute(task_id="t", validators=[waits]).status == "accepted"
    assert (again.models(), held(house.ledger)) == ([], 0)


class Silent(ScriptedProvider):
    """A provider whose answers never come; it says when it was asked and when it was left."""

    def __init__(self) -> None:
        super().__init__(lambda _: RIGHT)
        self.asked, self.left = asyncio.Event(), asyncio.Event()

    async def acomplete(self, request: Request) -> Completion:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()
        raise AssertionError


def test_a_cancelled_call_is_given_up_and_counts_in_full() -> None:
    """Nobody knows what was billed: nothing stays held, the books have the highest cost, and a resume asks anew."""
    ledger = MemoryLedger()

    async def go() -> None:
        silent = Silent()
        house = Escalator(matrix(task_types=PAID), ledger=ledger, providers=silent)
        work = asyncio.ensure_future(house.aexecute("Fix add().", files=BASE, validators=["syntax"], task_id="t"))
        await silent.asked.wait()
        assert held(ledger) > 0
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert silent.left.is_set()

    asyncio.run(go())
    (call,) = ledger.calls()
    assert (call.state, call.held) == ("doubt", 0)
    assert call.cost > 0
    outcome = House({"haiku": [RIGHT]}, ledger=ledger, task_types=PAID).escalator.resume("t")
    assert (outcome.status, len(ledger.calls())) == ("accepted", 2)
    assert any("under way when an earlier process ended: 1;" in warning for warning in outcome.warnings)


class Failing:
    """A ledger one of whose writes fails, as on a disk that is full."""

    def __init__(self, *names: str) -> None:
        self.within, self.names = MemoryLedger(), names

    def __getattr__(self, name: str) -> Any:
        return self._fails if name in self.names else getattr(self.within, name)

    def _fails(self, *_: Any, **__: Any) -> Future[Any]:
        failed: Future[Any] = Future()
        failed.set_exception(LedgerError("the disk is full"))
        return failed


@pytest.mark.parametrize("name", ["close_task", "settle", "reserve", "open_task"])
def test_a_write_that_fails_is_raised_and_loses_nothing(execute: Execute, name: str) -> None:
    """The caller hears of it; what was paid is in the books, and the task goes on once there is room."""
    ledger: Any = Failing(name)
    house = House({"haiku": [RIGHT]}, ledger=ledger, task_types=PAID)
    with pytest.raises(LedgerError, match="the disk is full"):
        execute(house, task_id="t", validators=["syntax"])
    ledger.names = ()
    again = House({"haiku": [RIGHT]}, ledger=ledger, task_types=PAID)
    assert execute(again, task_id="t", validators=["syntax"]).status == "accepted"
    assert len(house.models()) + len(again.models()) == 1
    assert held(ledger.within) == 0
    assert sum(call.cost for call in ledger.within.calls()) > 0


class Slow:
    """A ledger that has not yet written how the task ended; `write` lets it."""

    def __init__(self) -> None:
        self.within, self.closing = MemoryLedger(), Future[Any]()
        self.closing.set_running_or_notify_cancel()
        self.asked = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.within, name)

    def close_task(self, *told: Any) -> Future[Any]:
        self.within.close_task(*told).result()
        self.asked.set()
        return self.closing

    def write(self) -> None:
        self.closing.set_result(None)


def test_the_loop_is_woken_by_a_write_of_another_thread() -> None:
    """A task that waits for its ledger keeps nobody else waiting."""
    ledger: Any = Slow()

    async def go() -> Any:
        work = asyncio.ensure_future(House({"small": [RIGHT]}, ledger=ledger).aexecute())
        await asyncio.to_thread(ledger.asked.wait, 60)
        await asyncio.to_thread(ledger.write)
        return await work

    assert asyncio.run(go()).status == "accepted"


def test_cancelling_who_waits_for_a_write_does_not_cancel_the_write(caplog: pytest.LogCaptureFixture) -> None:
    """It ends when the loop of who waited is long closed, and nobody is troubled by that."""
    ledger: Any = Slow()
    house = House({"small": [RIGHT]}, ledger=ledger)

    async def go() -> None:
        work = asyncio.ensure_future(house.aexecute(task_id="t"))
        await asyncio.to_thread(ledger.asked.wait, 60)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(go())
    with caplog.at_level(logging.DEBUG):
        thread = threading.Thread(target=ledger.write)
        thread.start()
        thread.join()
    assert (ledger.closing.done(), ledger.closing.cancelled(), caplog.records) == (True, False, [])
    assert house.execute(task_id="t").status == "accepted"
    assert house.models() == ["small"]


def test_an_error_of_a_provider_that_is_no_failure_of_a_call_goes_upward(execute: Execute) -> None:
    """A bug is not a fallback: the caller sees it, nothing stays held, and the task can be taken up again."""
    house = House({"haiku": [ZeroDivisionError("a bug"), RIGHT]}, task_types=PAID)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        execute(house, task_id="t", validators=["syntax"])
    assert held(house.ledger) == 0
    assert execute(house, task_id="t", validators=["syntax"]).status == "accepted"


class Blocking(ThreadedProvider):
    """A provider without a coroutine of its own, whose answer waits for something the loop does."""

    def __init__(self) -> None:
        self.name, self.asked, self.go_on = "blocking", threading.Event(), threading.Event()

    def complete(self, request: Request) -> Completion:
        self.asked.set()
        assert self.go_on.wait(60)
        return Completion(text=RIGHT, model=request.model.id)


def test_a_provider_that_can_only_block_blocks_a_thread() -> None:
    """The loop that waits for it is free to do what it waits for."""

    async def go() -> Any:
        provider = Blocking()
        house = Escalator(matrix(), ledger=":memory:", providers=provider)
        options: Any = {"files": BASE, "validators": ["syntax"], "task_type": "quick_edit"}
        work = asyncio.ensure_future(house.aexecute("Fix add().", **options))
        while not provider.asked.is_set():  # noqa: ASYNC110  # a thread is waited for
            await asyncio.sleep(0)
        provider.go_on.set()
        return await work

    assert asyncio.run(go()).status == "accepted"


def test_a_guard_against_requests_holds_until_the_outermost_is_left() -> None:
    """Two tests of one process may each have a guard; the first to end does not lift the other's."""
    answered = Blocking()
    answered.go_on.set()
    house = Escalator(matrix(), ledger=":memory:", providers=answered)

    def do() -> Any:
        return house.execute("Fix add().", files=BASE, validators=["syntax"], task_type="quick_edit")

    with no_model_requests():
        with no_model_requests():
            pass
        outcome = do()
        assert {attempt.failure.kind for attempt in outcome.attempts} == {"network_blocked"}
        assert (outcome.cost, answered.asked.is_set()) == (0, False)
    assert do().status == "accepted"


def test_the_plain_call_and_the_coroutine_do_the_same(execute: Execute) -> None:
    """One walk, two colours: the same models in the same order, the same events, the same outcome."""
    script = {"small": [WRONG, RIGHT]}
    one, other = House(script), House(script)
    first, second = one.execute(task_id="t"), execute(other, task_id="t")
    assert first == second
    assert one.events == other.events
