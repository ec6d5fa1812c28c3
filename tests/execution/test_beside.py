"""What a validator can do without an answer is done while the model is being asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from escalator.records import Brief, Candidate, Command, Limits, Request, RunResult
from escalator.steps import run
from escalator.validators import passed
from houses import BROKEN, RIGHT, TESTS, House

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


@pytest.fixture(params=["sync", "async"])
def execute(request: pytest.FixtureRequest) -> Execute:
    """`execute` in both colours."""
    if request.param == "sync":
        return lambda house, **options: house.execute(**options)
    return lambda house, **options: asyncio.run(house.aexecute(**options))


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


def test_the_tests_run_on_the_untouched_project_while_the_model_is_asked(execute: Execute) -> None:
    """The test validator's verdict needs one more run, that of the answer: the other one was made before."""
    began = threading.Event()

    def reply(request: Request) -> Any:
        began.set() if _beside() else None
        return RIGHT

    outcome = execute(House(reply), tests=TESTS, validators=["tests"])
    assert outcome.status == "accepted"
    assert began.is_set()
    assert _beside() == []


def test_a_preparation_ends_with_the_deadline_of_its_task(execute: Execute) -> None:
    """What is prepared gets the time that the task has left, not the time that it asked for."""
    validator = Prepares("sleep", "50")
    execute(House(_waits_for(validator, RIGHT)), validators=[validator], deadline=1.0)
    assert isinstance(validator.result, RunResult)
    assert (validator.result.killed, _beside()) == ("wall", [])
