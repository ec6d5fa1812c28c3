"""What needs a person is put into the queue by the task itself, once, with what is needed to decide."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Any

import pytest

from escalator import Escalator, LedgerError
from escalator.events import PaidModelAhead, Substitution
from escalator.execution.filing import substitution_of
from escalator.records.codec import OUTCOMES
from escalator.testing import MemoryLedger, ScriptedProvider
from houses import BASE, BROKEN, RIGHT, House, matrix

CONFIRM = {"before_paid": "confirm"}
FREE_FAIL = {"small": [BROKEN, BROKEN], "large": [BROKEN, BROKEN]}


def pending(**more: Any) -> House:
    """A task that waits for somebody to allow the paid model."""
    house = House({**FREE_FAIL, "haiku": [RIGHT]}, cost_guard=CONFIRM, **more)
    assert house.execute(task_id="t", validators=["syntax"]).cause == "pending"
    return house


def test_a_task_that_waits_for_money_is_filed_with_the_question() -> None:
    """The case has what the callback would have been asked, to the last digit."""
    house = pending()
    (case,) = house.ledger.reviews()
    (event,) = [event for event in house.events if isinstance(event, PaidModelAhead)]
    assert (case.kind, case.state, case.task_id) == ("approval", "waiting", "t")
    assert substitution_of(case) == event.substitution
    assert "haiku" in case.summary


def test_an_answer_that_a_person_must_see_is_filed_whole() -> None:
    """It asks for no money, and its outcome is the one that was returned."""
    house = House({"small": [RIGHT]})
    outcome = house.execute(task_type="critical", validators=["syntax"])
    (case,) = house.ledger.reviews()
    assert (case.kind, case.summary, substitution_of(case)) == ("answer", outcome.reason, None)
    assert json.loads(case.payload)["outcome"] == OUTCOMES.dump(outcome)


@pytest.mark.parametrize(
    ("script", "guard", "status"),
    [
        ({"small": [RIGHT]}, {}, "accepted"),
        (FREE_FAIL, {"before_paid": "deny"}, "skipped"),
        (FREE_FAIL, {"budgets": {"day": 0}}, "stopped"),
    ],
)
def test_what_needs_nobody_is_not_filed(script: Any, guard: dict[str, Any], status: str) -> None:
    """A queue with cases that nobody can decide is soon read by nobody."""
    house = House(script, cost_guard=guard)
    assert house.execute(validators=["syntax"]).status == status
    assert house.ledger.reviews() == []


def test_a_task_that_waits_again_renews_its_case() -> None:
    """Two resumes without a decision leave one line in the queue."""
    house = pending()
    for _ in range(2):
        assert house.escalator.resume("t").cause == "pending"
    assert len(house.ledger.reviews()) == 1
    assert house.models() == ["small", "small", "large", "large"]


def test_a_coroutine_may_answer_for_what_the_queue_does_not_know() -> None:
    """The callback of a resume is any callback."""
    asked: list[Substitution] = []

    async def approve(wanted: Substitution) -> bool:
        asked.append(wanted)
        return True

    house = pending()
    assert house.escalator.resume("t", approve=approve).status == "accepted"
    assert [wanted.to_model for wanted in asked] == ["haiku"]


def test_a_ledger_that_keeps_no_answers_files_none() -> None:
    """The case says why it waits; the text of the answer is nowhere in it."""
    settings: Any = {"ledger": {"store_answers": False}}
    with Escalator(
        {**matrix(), **settings}, ledger=":memory:", providers=ScriptedProvider({"small": [RIGHT]})
    ) as house:
        house.execute("Fix add().", files=BASE, task_type="critical", validators=["syntax"])
        (case,) = house.ledger.reviews()
    assert "a + b" not in case.payload
    assert case.summary


class Full:
    """A ledger whose queue cannot be written to."""

    def __init__(self) -> None:
        self.within, self.full = MemoryLedger(), True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.within, name)

    def review_add(self, *told: Any) -> Future[Any]:
        if not self.full:
            return self.within.review_add(*told)
        failed: Future[Any] = Future()
        failed.set_exception(LedgerError("the disk is full"))
        return failed


def test_a_case_that_could_not_be_filed_is_told_to_the_caller_and_filed_by_a_resume() -> None:
    """It would wait for somebody who never hears of it; the outcome says so, and nothing bought is lost."""
    ledger: Any = Full()
    house = House({**FREE_FAIL}, ledger=ledger, cost_guard=CONFIRM)
    outcome = house.execute(task_id="t", validators=["syntax"])
    assert (outcome.cause, outcome.unrecorded) == ("pending", "the disk is full")
    ledger.full = False
    again = House({}, ledger=ledger, cost_guard=CONFIRM)
    assert again.escalator.resume("t").cause == "pending"
    assert (len(ledger.within.reviews()), again.models()) == (1, [])
