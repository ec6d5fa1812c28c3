"""Nobody is paid for an answer that cannot be judged: a paid call waits a moment for what runs beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from escalator.records import Brief, Candidate, Command, Limits, Request
from escalator.steps import run
from escalator.validators import passed, unavailable
from houses import BROKEN, RIGHT, House, chain_of

Execute = Callable[..., Any]

PAID = chain_of("haiku", max_attempts=2)
MIXED = chain_of("small", "haiku", max_attempts=1)
WHY, MEND = "The tests need a plug-in that is not there.", "pip install the-plugin"


class Foresees:
    """A validator that finds out beside the model whether it can judge at all."""

    name, cost = "foresees", "process"

    def __init__(self, *argv: str, hopeless: bool = True) -> None:
        self.argv, self.hopeless, self.known, self.times = argv or ("true",), hopeless, False, 0

    def prepare(self, brief: Brief) -> Any:
        self.times += 1
        yield from run(Command(argv=self.argv, limits=Limits(wall=60)), validator=self.name)
        self.known = True

    def foresees(self, brief: Brief) -> Any:
        return unavailable(self.name, WHY, MEND) if self.known and self.hopeless else None

    def __call__(self, candidate: Candidate) -> Any:
        return unavailable(self.name, WHY, MEND) if self.hopeless else passed(self.name)


def _beside() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "escalator-beside"]


def test_a_paid_model_is_not_asked_where_no_answer_can_be_judged(execute: Execute) -> None:
    """The task stops before anything is spent, with the line that mends it."""
    house = House({}, task_types=PAID)
    outcome = execute(house, validators=[Foresees()])
    assert (outcome.status, outcome.cause, house.models(), outcome.cost) == ("stopped", "unjudgeable", [], 0)
    assert "(unavailable)" in outcome.reason
    assert MEND in outcome.reason
    assert (outcome.attempts, house.ledger.calls(), _beside()) == ((), [], [])


def test_nobody_is_asked_to_approve_what_cannot_be_judged(execute: Execute) -> None:
    """A person's consent is not wanted for a call that would be in vain."""
    asked: list[object] = []

    def approve(wanted: object) -> bool:
        asked.append(wanted)
        return True

    house = House({}, task_types=PAID, approve=approve, cost_guard={"before_paid": "confirm"})
    assert execute(house, validators=[Foresees()]).cause == "unjudgeable"
    assert asked == []


def test_where_answers_can_be_judged_the_paid_model_is_asked(execute: Execute) -> None:
    """It has waited for the preparation, of which there is one."""
    validator = Foresees(hopeless=False)
    seen: list[bool] = []

    def reply(request: Request) -> Any:
        seen.append(validator.known)
        return RIGHT

    outcome = execute(House(reply, task_types=PAID), validators=[validator])
    assert (outcome.status, seen, validator.times) == ("accepted", [True], 1)


def test_a_free_model_never_waits(execute: Execute) -> None:
    """It is asked while the preparation runs; the paid one after it is not, once that has shown what it shows."""
    validator = Foresees("sleep", "1")
    seen: list[bool] = []

    def reply(request: Request) -> Any:
        seen.append(validator.known)
        return BROKEN

    house = House(reply, task_types=MIXED)
    outcome = execute(house, validators=["syntax", validator])
    assert (outcome.cause, house.models(), seen) == ("unjudgeable", ["small"], [False])


def test_a_preparation_slower_than_the_bound_delays_the_call_and_no_more(execute: Execute) -> None:
    """A short deadline leaves its time to the model: the call goes out, and the verdict tells what it always told."""
    validator = Foresees("sleep", "3")
    seen: list[bool] = []

    def reply(request: Request) -> Any:
        seen.append(validator.known)
        return RIGHT

    outcome = execute(House(reply, task_types=PAID), validators=[validator], deadline=4.0)
    assert (outcome.status, outcome.cause, seen) == ("stopped", "foresees", [False])


def test_the_matrix_may_want_answers_that_were_not_judged(execute: Execute) -> None:
    """Where an unavailable validator leads to a review, the model is asked for what is to be reviewed."""
    house = House({"haiku": [RIGHT]}, task_types=PAID, policies={"unavailable": "review"})
    outcome = execute(house, validators=["syntax", Foresees()])
    assert (outcome.status, house.models()) == ("needs_review", ["haiku"])


def test_where_an_unavailable_validator_is_advice_the_model_is_asked(execute: Execute) -> None:
    """What is only advice may be missing."""
    validator = Foresees()
    house = House({"haiku": [RIGHT]}, task_types=PAID, policies={"unavailable": "advisory"})
    assert execute(house, validators=["syntax", validator]).status == "accepted"


def test_a_resumed_task_pays_nothing_twice_and_replays_what_was_paid(execute: Execute) -> None:
    """An answer that is in the ledger needs no foresight; the next call of the same model waits for it again."""
    first = Foresees(hopeless=False)
    house = House({"haiku": [BROKEN, KeyboardInterrupt()]}, task_types=PAID)
    with pytest.raises(KeyboardInterrupt):
        execute(house, task_id="t", validators=["syntax", first])
    again = House({}, task_types=PAID, ledger=house.ledger)
    outcome = execute(again, task_id="t", validators=["syntax", Foresees()])
    assert (outcome.status, outcome.cause, again.models()) == ("stopped", "unjudgeable", [])
    assert [attempt.failure is None for attempt in outcome.attempts] == [True, False]
    assert outcome.cost == outcome.attempts[0].cost > 0
