"""Asking before money is spent: what is asked, when, how often, and what an answer is good for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from escalator import TaskError
from escalator.events import PaidModelAhead, Substitution
from escalator.execution.consent import VALID_SECONDS
from escalator.testing import MemoryLedger, failure
from houses import RIGHT, WRONG, House, chain_of, matrix

Execute = Callable[..., Any]

CONFIRM = {"before_paid": "confirm"}
OTHER_WRONG = WRONG.replace("a - b", "b - a")


def two_paid() -> dict[str, Any]:
    """The models of the small matrix and a second paid one."""
    models = matrix()["models"]
    return {**models, "dear": {**models["haiku"], "id": "claude-opus-4-8", "tier": "opus"}}


def house(script: Any, *names: str, attempts: int = 2, **more: Any) -> House:
    """A house that asks before every paid model of this chain."""
    return House(script, task_types=chain_of(*names, max_attempts=attempts), cost_guard=CONFIRM, **more)


class Asked:
    """An `approve` callback that remembers what it was asked and says the same to everything."""

    def __init__(self, answer: Any = True) -> None:
        self.answer, self.wanted = answer, list[Substitution]()

    def __call__(self, wanted: Substitution) -> Any:
        self.wanted.append(wanted)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def told(house: House) -> list[bool | None]:
    """What the events say was answered."""
    return [event.approved for event in house.events if isinstance(event, PaidModelAhead)]


def test_who_is_asked_learns_what_would_happen_and_for_how_long(execute: Execute) -> None:
    """The first model of a chain is nobody's successor, and an answer counts for a quarter of an hour."""
    approve = Asked()
    asking = house({"haiku": [RIGHT]}, "haiku", approve=approve)
    began = asking.clock.clock()
    outcome = execute(asking)
    (wanted,) = approve.wanted
    assert (wanted.task_id, wanted.from_model, wanted.to_model) == (outcome.task_id, "", "haiku")
    assert wanted.reason == "it is the first model of the chain"
    assert wanted.expires == began + VALID_SECONDS
    assert wanted.highest_cost >= outcome.cost > 0
    assert told(asking) == [True]


def test_a_model_is_asked_for_once_and_all_its_attempts(execute: Execute) -> None:
    """What is named covers every attempt of the rung, so nobody is asked between two of them."""
    approve, single = Asked(), Asked()
    outcome = execute(house({"haiku": [WRONG, OTHER_WRONG, RIGHT]}, "haiku", attempts=3, approve=approve))
    execute(house({"haiku": [RIGHT]}, "haiku", attempts=1, approve=single))
    assert (outcome.status, len(outcome.attempts), len(approve.wanted)) == ("accepted", 3, 1)
    assert approve.wanted[0].highest_cost == 3 * single.wanted[0].highest_cost
    assert outcome.cost <= approve.wanted[0].highest_cost


def test_a_yes_for_one_model_is_none_for_the_next(execute: Execute) -> None:
    """Each paid model is a question of its own, with the one it would replace and why."""
    approve = Asked()
    script = {"haiku": [WRONG, OTHER_WRONG], "dear": [RIGHT]}
    outcome = execute(house(script, "haiku", "dear", approve=approve, models=two_paid()))
    assert outcome.model == "dear"
    assert [(wanted.from_model, wanted.to_model) for wanted in approve.wanted] == [
        ("", "haiku"),
        ("haiku", "dear"),
    ]
    assert "adds failed" in approve.wanted[1].reason


def test_a_free_model_needs_nobody(execute: Execute) -> None:
    """A question that costs nothing is not worth a person's time."""
    approve = Asked(answer=False)
    assert execute(house({"small": [RIGHT]}, "small", "haiku", approve=approve)).status == "accepted"
    assert approve.wanted == []


@pytest.mark.parametrize("answer", [1, 0, "yes", [], object()])
def test_only_yes_no_and_later_are_answers(execute: Execute, answer: Any) -> None:
    """Anything else is an error that says what to return; nothing is sent and nothing is decided."""
    asking = house({"haiku": [RIGHT]}, "haiku", approve=Asked(answer))
    with pytest.raises(TaskError, match=r"approve returned .*return True to approve, False to decline, None to"):
        execute(asking, task_id="t", validators=["syntax"])
    assert (asking.models(), told(asking)) == ([], [])
    assert asking.escalator.resume("t", approve=Asked()).status == "accepted"


def test_a_callback_that_raises_is_heard_and_leaves_the_task_as_it_was(execute: Execute) -> None:
    """The caller's own error goes upward; no money is held, no model was asked, and the task can be resumed."""
    asking = house({"haiku": [RIGHT]}, "haiku", approve=Asked(OSError("the pager is down")))
    with pytest.raises(OSError, match="the pager is down"):
        execute(asking, task_id="t", validators=["syntax"])
    assert (asking.models(), told(asking), asking.ledger.calls()) == ([], [], [])
    assert asking.escalator.resume("t", approve=Asked()).status == "accepted"


def _later(answer: Any) -> Any:
    async def approve(wanted: Substitution) -> Any:
        await asyncio.sleep(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return approve


@pytest.mark.parametrize(("answer", "status"), [(True, "accepted"), (False, "stopped"), (None, "needs_review")])
def test_a_coroutine_may_answer(execute: Execute, answer: Any, status: str) -> None:
    """What counts is what it comes to: a coroutine is no yes."""
    asking = house({"haiku": [RIGHT]}, "haiku", approve=_later(answer))
    assert execute(asking, validators=["syntax"]).status == status
    assert told(asking) == [answer]


def test_a_coroutine_that_raises_is_heard(execute: Execute) -> None:
    """As with a plain function."""
    asking = house({"haiku": [RIGHT]}, "haiku", approve=_later(OSError("the pager is down")))
    with pytest.raises(OSError, match="the pager is down"):
        execute(asking)
    assert asking.models() == []


def test_a_coroutine_is_awaited_where_the_task_is() -> None:
    """It may use what belongs to the caller's loop, and the plain call has a loop of its own for it."""
    loops: list[Any] = []

    async def approve(wanted: Substitution) -> bool:
        loops.append(asyncio.get_running_loop())
        return True

    async def go() -> None:
        await house({"haiku": [RIGHT]}, "haiku", approve=approve).aexecute()
        assert loops == [asyncio.get_running_loop()]
        house({"haiku": [RIGHT]}, "haiku", approve=approve).execute()
        assert loops[1] is not loops[0]

    asyncio.run(go())


def test_a_person_who_takes_long_does_not_hold_the_loop_up() -> None:
    """A callback that blocks is called in a thread; the loop answers it from the side."""
    asked, answer = threading.Event(), threading.Event()

    def approve(wanted: Substitution) -> bool:
        asked.set()
        return answer.wait(60)

    async def go() -> Any:
        work = asyncio.ensure_future(house({"haiku": [RIGHT]}, "haiku", approve=approve).aexecute())
        while not asked.is_set():  # noqa: ASYNC110  # a thread is waited for
            await asyncio.sleep(0)
        answer.set()
        return await work

    assert asyncio.run(go()).status == "accepted"


def test_who_is_cancelled_while_a_person_decides_has_decided_nothing() -> None:
    """No approval is kept, nothing is held, and the next call asks the same question."""
    asking = house({"haiku": [RIGHT]}, "haiku")

    async def go() -> None:
        asked = asyncio.Event()

        async def approve(wanted: Substitution) -> bool:
            asked.set()
            await asyncio.Event().wait()
            return True

        work = asyncio.ensure_future(asking.aexecute(task_id="t", validators=["syntax"], approve=approve))
        await asked.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(go())
    assert (asking.ledger.allowed("t", "haiku"), asking.ledger.calls(), told(asking)) == (0, [], [])
    approve = Asked()
    assert asking.escalator.resume("t", approve=approve).status == "accepted"
    assert len(approve.wanted) == 1


def test_the_callback_of_the_call_is_the_one_that_is_asked(execute: Execute) -> None:
    """One given for a task stands for that task in place of the configured one."""
    usual, own = Asked(answer=False), Asked()
    asking = house({"haiku": [RIGHT, RIGHT]}, "haiku", approve=usual)
    assert execute(asking, approve=own).status == "accepted"
    assert execute(asking).cause == "declined"
    assert (len(own.wanted), len(usual.wanted)) == (1, 1)


def test_a_no_is_about_this_model_and_names_what_it_would_have_cost(execute: Execute) -> None:
    """The reason can be read without the log."""
    outcome = execute(house({}, "haiku", approve=Asked(answer=False)))
    assert (outcome.status, outcome.cause) == ("stopped", "declined")
    assert "asking haiku for up to $" in outcome.reason
    assert outcome.cost == 0


def test_an_approval_that_expires_during_the_work_is_asked_for_again() -> None:
    """A second attempt a quarter of an hour later is nothing that was agreed to; it waits and says why."""
    approve, replies = Asked(), iter([WRONG, RIGHT])

    def slowly(_: Any) -> str:
        asking.clock.sleep(VALID_SECONDS + 1)
        return next(replies)

    asking = house(slowly, "haiku", approve=approve)
    outcome = asking.execute(task_id="t", validators=["syntax", "houses:adding"])
    assert (outcome.status, outcome.cause) == ("needs_review", "pending")
    assert "more than what is left of the approval for haiku" in outcome.reason
    (case,) = asking.ledger.reviews()
    assert "is used up or has expired" in case.payload
    assert asking.escalator.resume("t").status == "accepted"
    assert (len(approve.wanted), asking.models()) == (2, ["haiku", "haiku"])


def test_what_is_agreed_to_is_a_limit(execute: Execute) -> None:
    """Over all its calls the model costs no more than was named."""
    approve = Asked()
    outcome = execute(house({"haiku": [WRONG, RIGHT]}, "haiku", approve=approve))
    spent = sum((call.cost for call in outcome.calls if call.model == "haiku"), Decimal(0))
    assert 0 < spent <= approve.wanted[0].highest_cost


def test_a_checker_that_costs_money_is_asked_for_as_one() -> None:
    """The worker was free; the question says what the paid model is wanted for."""
    types = chain_of("small", max_attempts=2, checker="haiku", validators=["syntax", "semantic"])
    approve = Asked(answer=False)
    asking = House({"small": [RIGHT, RIGHT]}, task_types=types, cost_guard=CONFIRM, approve=approve)
    outcome = asking.execute(validators=["syntax", "semantic"])
    assert {(wanted.to_model, wanted.reason) for wanted in approve.wanted} == {("haiku", "needed as checker")}
    assert (set(asking.models()), outcome.cost) == ({"small"}, 0)


def test_a_fallback_says_that_the_cheaper_model_was_down(execute: Execute) -> None:
    """A provider's failure is a reason of another kind than a wrong answer."""
    approve = Asked()
    execute(house({"small": [failure("connection")], "haiku": [RIGHT]}, "small", "haiku", approve=approve))
    (wanted,) = approve.wanted
    assert (wanted.from_model, "connection" in wanted.reason) == ("small", True)


def test_two_tasks_are_two_questions() -> None:
    """What was agreed to for one is not spent by another, on the same ledger and the same model."""
    ledger, approve = MemoryLedger(), Asked()
    asking = house({"haiku": [RIGHT, RIGHT]}, "haiku", ledger=ledger, approve=approve)
    tasks = [asking.execute(task_id=name, validators=["syntax"]) for name in ("one", "two")]
    assert [task.status for task in tasks] == ["accepted", "accepted"]
    assert [wanted.task_id for wanted in approve.wanted] == ["one", "two"]
