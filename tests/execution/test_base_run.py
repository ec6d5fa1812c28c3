"""The tests' run on the untouched project: beside the model call, once a task, and never half of one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from escalator.records import Brief, Candidate, Request
from escalator.sandbox import Sandbox
from escalator.steps import Run
from escalator.validators.tests.suite import pytest_suite
from houses import RIGHT, TESTS, WRONG, House

Execute = Callable[..., Any]
SLOW = {
    "test_adding.py": TESTS["test_adding.py"].replace("    assert", "    import time; time.sleep(3)\n    assert")
}

pytestmark = pytest.mark.needs_bwrap


@pytest.fixture(autouse=True)
def _sandbox() -> None:
    why = Sandbox(isolation="bwrap").unavailable()
    if why is not None:
        pytest.skip(why)


class Counted:
    """The test validator, and the files laid over the project in each of its runs, in order."""

    name, cost, version = "counted", "process", "1"

    def __init__(self, **options: Any) -> None:
        self.inner = pytest_suite(rerun_flaky=False, **options)
        self.runs: list[str] = []

    def prepare(self, brief: Brief) -> Any:
        return self._noted(self.inner.prepare(brief))

    def __call__(self, candidate: Candidate) -> Any:
        return self._noted(self.inner(candidate))

    def _noted(self, flow: Generator[Any, Any, Any]) -> Any:
        reply = None
        while True:
            try:
                step = flow.send(reply)
            except StopIteration as ended:
                return ended.value
            assert isinstance(step, Run)
            self.runs.append(str(step.command.files["adding.py"]).split("return ")[1].strip())
            reply = yield step


@pytest.fixture(params=["sync", "async"])
def execute(request: pytest.FixtureRequest) -> Execute:
    """`execute` in both colours."""
    if request.param == "sync":
        return lambda house, **options: house.execute(**{"tests": TESTS, **options})
    return lambda house, **options: asyncio.run(house.aexecute(**{"tests": TESTS, **options}))


def _beside() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "escalator-beside"]


def test_the_untouched_project_runs_while_the_model_is_asked(execute: Execute) -> None:
    """The model finds the run begun; the verdict needs one more, that of the answer."""
    seen: list[int] = []

    def reply(request: Request) -> Any:
        seen.append(len(_beside()))
        return RIGHT

    validator = Counted()
    outcome = execute(House(reply), validators=[validator])
    assert (outcome.status, seen, validator.runs) == ("accepted", [1], ["None", "a + b"])
    assert _beside() == []


def test_attempts_and_rungs_share_one_run_of_the_untouched_project(execute: Execute) -> None:
    """Two attempts of one model and one of the next: one run without an answer, one with each."""
    products = [WRONG.replace("a - b", "a * b"), WRONG.replace("a - b", "a // b")]
    house = House({"small": products, "large": [RIGHT]})
    validator = Counted()
    outcome = execute(house, validators=[validator])
    assert (outcome.status, outcome.model, len(outcome.attempts)) == ("accepted", "large", 3)
    assert validator.runs == ["None", "a * b", "a // b", "a + b"]


def test_without_a_run_of_the_untouched_project_there_is_none_beside_the_model(execute: Execute) -> None:
    """`base_run: false` means it: only the answer is run."""
    validator = Counted(base_run=False)
    assert execute(House({"small": [RIGHT]}), validators=[validator]).status == "accepted"
    assert validator.runs == ["a + b"]


def test_two_tasks_with_the_same_tests_have_a_run_of_their_own_each(execute: Execute) -> None:
    """What was seen of one task's project is not believed of another's."""
    house, validator = House({"small": [RIGHT, RIGHT]}), Counted()
    for _ in range(2):
        assert execute(house, validators=[validator]).status == "accepted"
    assert validator.runs == ["None", "a + b"] * 2


def test_a_run_cut_short_by_the_deadline_is_made_again_by_the_resumed_task(execute: Execute) -> None:
    """Its half is not taken for what the untouched project does: the resumed task has one of full length."""

    def late(request: Request) -> Any:
        for thread in _beside():
            thread.join()  # the deadline has ended the run that was begun
        house.clock.sleep(2.0)
        return RIGHT

    house, validator = House(late), Counted()
    first = execute(house, task_id="t", tests=SLOW, validators=[validator], deadline=1.0)
    assert (first.status, first.cause, validator.runs) == ("stopped", "deadline", ["None"])
    second = execute(house, task_id="t", tests=SLOW, validators=[validator], deadline=60.0)
    assert second.status == "accepted", second.summary()
    assert second.attempts[-1].verdicts[-1].evidence["base"] == "1 of 1 failed"
    assert validator.runs == ["None", "None", "a + b"]
