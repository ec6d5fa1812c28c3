"""kill -9 at the worst moments: no answer is bought twice, no verdict is given twice, no money is forgotten."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from end_to_end.children import Child, until_gone
from end_to_end.ladders import BASE, PROMPT, RIGHT, SLEEPER, WRONG, ladder, lines, model
from escalator.ledger import open_ledger, to_usd
from escalator.ledger.log import CallRecord, LogQuery
from escalator.simulation import Fleet, Question

TASK: dict[str, Any] = {"task": PROMPT, "files": BASE, "task_type": "standard_development"}
PRICE = {"input": 3, "output": 15}


class Scene:
    """Two priced models of a simulated fleet that answer from a list; an answer of None never comes.

    `asked` counts the requests that arrived, in this process, which nobody kills.
    """

    def __init__(self, folder: Path, *answers: str | None) -> None:
        self._answers = iter(answers)
        self._let_go, self._arrived = threading.Event(), threading.Semaphore(0)
        self.judged, self.book = folder / "judged.txt", folder / "ledger.sqlite"
        self.fleet = Fleet(self._reply)
        self.children: list[Child] = []

    def _reply(self, question: Question) -> str:
        answer = next(self._answers)
        if answer is None:
            self._arrived.release()
            self._let_go.wait(300)
        return answer or ""

    @property
    def asked(self) -> int:
        return sum(self.fleet.asked.values())

    def matrix(self, validators: tuple[Any, ...] | None = None, **sections: Any) -> dict[str, Any]:
        counting = {"end_to_end.ladders:counted": {"path": str(self.judged)}}
        models = {name: model("lmstudio", index, price=PRICE) for index, name in enumerate(("small", "large"))}
        return ladder(
            self.fleet.providers(), models, attempts=2, validators=validators or ("syntax", counting), **sections
        )

    def start(self, call: str = "execute", matrix: dict[str, Any] | None = None, **task: Any) -> Child:
        """A process that executes or resumes the task "t1"."""
        options = {"matrix": matrix or self.matrix(), "ledger": str(self.book), "task": {**TASK, **task}}
        child = Child(call=call, task_id="t1", **options)
        self.children.append(child)
        return child

    def until_in_flight(self) -> None:
        assert self._arrived.acquire(timeout=60), "no request arrived"

    def calls(self, **query: Any) -> list[CallRecord]:
        """The calls in the ledger."""
        ledger = open_ledger(self.book)
        found = ledger.calls(LogQuery(**query))
        ledger.close()
        return found

    def spent(self) -> Decimal:
        """USD the ledger counts for the task, that nothing is held any more, and that its rows fit their chain."""
        ledger = open_ledger(self.book)
        spent, held = ledger.spent(["task:t1"])["task:t1"]
        examined = ledger.examine("t1")
        ledger.close()
        assert held == 0
        assert examined is not None
        assert (examined.kept, examined.faults) == (True, ())
        return to_usd(spent)

    def close(self) -> None:
        self._let_go.set()
        for child in self.children:
            child.close()


@pytest.fixture
def scenes(tmp_path: Path) -> Iterator[Any]:
    """Makes the scene of a test."""
    made: list[Scene] = []

    def make(*answers: str | None) -> Scene:
        scene = Scene(tmp_path, *answers)
        scene.fleet.__enter__()
        made.append(scene)
        return scene

    yield make
    for scene in made:
        scene.close()
        scene.fleet.__exit__(None, None, None)


def test_a_call_in_flight_is_in_doubt_and_counted(scenes: Any) -> None:
    """Killed before the answer came: the call is listed, counted at its full hold, and asked again on resume."""
    scene = scenes(None, RIGHT)
    child = scene.start()
    scene.until_in_flight()
    child.end(signal.SIGKILL)

    outcome = scene.start("resume").result()
    assert outcome["status"] == "accepted", outcome["summary"]
    assert scene.asked == 2
    doubtful, settled = scene.calls()
    assert (doubtful.state, settled.state) == ("doubt", "done")
    assert doubtful.amount > settled.cost > 0
    assert scene.spent() == to_usd(doubtful.amount) + to_usd(settled.cost)
    assert Decimal(outcome["cost"]) == to_usd(settled.cost)
    assert "under way when an earlier process ended: 1" in outcome["warnings"][0]


def test_money_in_doubt_lowers_what_may_still_be_spent(scenes: Any) -> None:
    """A budget that pays for one call does not pay for a second while the first is in doubt."""
    scene = scenes(None, RIGHT)
    child = scene.start(budget="0.02")
    scene.until_in_flight()
    child.end(signal.SIGKILL)
    outcome = scene.start("resume").result()
    assert (outcome["status"], outcome["cause"]) == ("stopped", "budget"), outcome["summary"]
    assert scene.asked == 1
    assert scene.spent() <= Decimal("0.02")


def test_a_settled_answer_is_not_bought_again(scenes: Any) -> None:
    """Killed in the second call: the first answer and its verdicts come from the ledger, once and for all."""
    scene = scenes(WRONG, None, RIGHT)
    child = scene.start()
    scene.until_in_flight()
    child.end(signal.SIGKILL)
    assert (scene.asked, lines(scene.judged)) == (2, 1)

    outcome = scene.start("resume").result()
    assert outcome["status"] == "accepted", outcome["summary"]
    assert outcome["models"] == ["small", "small"]
    assert (scene.asked, lines(scene.judged)) == (3, 2)

    again = scene.start("execute").result()
    assert again == outcome
    assert (scene.asked, lines(scene.judged)) == (3, 2)


def test_two_deaths_buy_nothing_twice(scenes: Any) -> None:
    """The answer to a call that was repeated after one death is still there after the next."""
    scene = scenes(None, WRONG, None, RIGHT)
    for call in ("execute", "resume"):
        child = scene.start(call)
        scene.until_in_flight()
        child.end(signal.SIGKILL)
    outcome = scene.start("resume").result()
    assert outcome["status"] == "accepted", outcome["summary"]
    assert scene.asked == 4
    assert lines(scene.judged) == 2
    assert [call.state for call in scene.calls()] == ["doubt", "done", "doubt", "done"]


@pytest.mark.needs_bwrap
@pytest.mark.usefixtures("bwrap")
def test_killed_while_its_tests_run(scenes: Any) -> None:
    """The sandbox dies with its owner; the resumed task judges the answer it already has and asks nobody."""
    scene = scenes(RIGHT)
    tests = {path: text.replace('"SECONDS"', '"4"') for path, text in SLEEPER.items()}
    matrix = scene.matrix(("syntax", {"tests": {"base_run": False, "rerun_flaky": False}}))
    child = scene.start(matrix=matrix, tests=tests)
    below = child.until_asleep()
    child.end(signal.SIGKILL)
    until_gone(below)
    assert [call.state for call in scene.calls()] == ["done"]

    outcome = scene.start("resume", matrix=matrix).result()
    assert outcome["status"] == "accepted", outcome["summary"]
    assert scene.asked == 1
    assert Decimal(outcome["cost"]) == scene.spent() > 0


def test_a_task_of_a_living_process_is_left_alone(scenes: Any) -> None:
    """While one process works on a task, another is told so and sends nothing."""
    scene = scenes(None, RIGHT)
    first = scene.start()
    scene.until_in_flight()
    second = scene.start()
    told = second.process.communicate(timeout=120)[1]
    assert second.process.returncode != 0
    assert "somebody is working on 't1'" in told
    assert scene.asked == 1
    first.end(signal.SIGKILL)
