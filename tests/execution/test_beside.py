"""What a validator can do without an answer is done while the model is being asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from escalator.events import Answered
from escalator.records import Brief, Candidate, Command, Limits, Request, RunResult
from escalator.steps import run
from escalator.testing import failure
from escalator.validators import passed
from houses import BROKEN, RIGHT, House

Execute = Callable[..., Any]


class Prepares:
    """A validator that runs a process before there is an answer, and says when it began."""

    name, cost = "prepares", "process"

    def __init__(self, *argv: str) -> None:
        self.argv = argv
        self.begun, self.times, self.result = threading.Event(), 0, None

    def prepare(self, brief: Brief) -> Any:
        self.times += 1
        self.begun.set()
        self.result = yield from run(Command(argv=self.argv, limits=Limits(wall=60)), validator=self.name)

    def __call__(self, candidate: Candidate) -> Any:
        return passed(self.name, evidence={"prepared": isinstance(self.result, RunResult)})


def _beside() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "escalator-beside"]


def _waits_for(validator: Prepares, *replies: Any) -> Callable[[Request], Any]:
    """A model that answers only once the validator has begun to prepare."""
    left = iter(replies)

    def reply(request: Request) -> Any:
        assert validator.begun.wait(30), "nothing was begun while the model was asked"
        return next(left)

    return reply


def test_a_preparation_begins_before_the_answer_and_is_there_for_the_verdict(execute: Execute) -> None:
    """The model answers only after the preparation began, and the verdict finds its result; one for two attempts."""
    validator = Prepares("true")
    outcome = execute(House(_waits_for(validator, BROKEN, RIGHT)), validators=["syntax", validator])
    assert outcome.status == "accepted"
    assert len(outcome.attempts) == 2
    assert outcome.attempts[-1].verdicts[-1].evidence == {"prepared": True}
    assert (validator.times, _beside()) == (1, [])


def test_a_preparation_nobody_needs_any_more_is_killed(execute: Execute) -> None:
    """Where no answer comes as far as the validator, what it started is gone when the task has ended."""
    validator = Prepares("sleep", "50")
    house = House(_waits_for(validator, *[BROKEN] * 6), cost_guard={"before_paid": "deny"})
    outcome = execute(house, validators=["syntax", validator])
    assert outcome.status == "skipped"
    assert (validator.result, _beside()) == (None, [])


def test_an_interrupted_task_leaves_no_preparation_behind() -> None:
    """Ctrl-C while the model is asked kills what was begun beside it."""
    validator = Prepares("sleep", "50")
    with pytest.raises(KeyboardInterrupt):
        House(_waits_for(validator, KeyboardInterrupt())).execute(validators=[validator])
    assert (validator.result, _beside()) == (None, [])


def test_a_preparation_that_breaks_is_no_trouble_of_the_task(execute: Execute) -> None:
    """What could not be prepared is made where it is needed."""
    validator = Prepares("there-is-no-such-program")
    outcome = execute(House(_waits_for(validator, RIGHT)), validators=[validator])
    assert outcome.status == "accepted"
    assert outcome.attempts[-1].verdicts[-1].evidence == {"prepared": False}


def test_a_preparation_ends_with_the_deadline_of_its_task(execute: Execute) -> None:
    """What is prepared gets the time that the task has left, not the time that it asked for."""
    validator = Prepares("sleep", "50")
    execute(House(_waits_for(validator, RIGHT)), validators=[validator], deadline=1.0)
    assert isinstance(validator.result, RunResult)
    assert (validator.result.killed, _beside()) == ("wall", [])


def test_a_resumed_task_prepares_when_a_model_is_asked_again(execute: Execute) -> None:
    """What an earlier process had recorded is replayed without it; the first live call has it beside it again."""
    first, second = Prepares("true"), Prepares("true")
    house = House({"small": [BROKEN, KeyboardInterrupt()]})
    with pytest.raises(KeyboardInterrupt):
        execute(house, task_id="t", validators=["syntax", first])
    again = House(_waits_for(second, RIGHT), ledger=house.ledger)
    outcome = execute(again, task_id="t", validators=["syntax", second])
    assert (outcome.status, len(outcome.attempts), len(again.models())) == ("accepted", 2, 1)
    assert (first.times, second.times, _beside()) == (1, 1, [])


def test_a_resumed_task_whose_answer_is_recorded_asks_and_prepares_nothing(execute: Execute) -> None:
    """An answer that only needs its verdict is judged; nobody is asked, so there is nothing to do meanwhile."""
    first, second = Prepares("true"), Prepares("true")

    died: list[Candidate] = []

    def dies_once(candidate: Candidate) -> Any:
        died.append(candidate)
        if len(died) == 1:
            raise KeyboardInterrupt
        return True

    house = House({"small": [RIGHT]})
    with pytest.raises(KeyboardInterrupt):
        execute(house, task_id="t", validators=[dies_once, first])
    again = House({}, ledger=house.ledger)
    assert execute(again, task_id="t", validators=[dies_once, second]).status == "accepted"
    assert (again.models(), second.times) == ([], 0)


def test_a_second_rung_finds_what_was_prepared_for_the_first(execute: Execute) -> None:
    """A failed call and an escalation start nothing anew."""
    validator = Prepares("true")
    replies = [failure("server"), failure("server"), RIGHT]
    house = House(_waits_for(validator, *replies), cost_guard={"before_paid": "warn"})
    outcome = execute(house, validators=["syntax", validator])
    assert (outcome.status, outcome.model) == ("accepted", "haiku")
    assert (validator.times, _beside()) == (1, [])


def test_cancelling_while_a_verdict_waits_for_what_was_prepared_kills_it() -> None:
    """The answer is there and the preparation is not: a caller who goes away leaves no process behind."""
    validator = Prepares("sleep", "600")
    house = House({"small": [RIGHT]})

    async def leave() -> None:
        task = asyncio.ensure_future(house.aexecute(validators=[validator]))
        while not any(isinstance(event, Answered) for event in house.events):  # noqa: ASYNC110  # no await tells it
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert (validator.begun.is_set(), validator.result, _beside()) == (True, None, [])
