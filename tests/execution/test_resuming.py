"""Taking a task up again: the same task or none, what was answered as it was, the rest by today's matrix."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from escalator import ConfigError, TaskError
from escalator.events import CallFinished, Warned
from escalator.ledger import NANO
from escalator.testing import MemoryLedger, failure
from escalator.validators import failed, passed, unavailable
from houses import BASE, BROKEN, RIGHT, WRONG, House, adds, chain_of, matrix

Stop = KeyboardInterrupt
OUTAGES = (
    "auth",
    "connection",
    "model_loading",
    "model_not_found",
    "model_not_loaded",
    "out_of_memory",
    "overloaded",
    "quota",
    "rate_limit",
    "server",
    "server_timeout",
    "timeout",
)


def again(house: House, **options: Any) -> Any:
    """The same task once more under its id."""
    return house.execute(task_id="t", **options)


def asked_anew(house: House) -> list[str]:
    """Models of the calls that did not come from the record."""
    return [e.call.model for e in house.events if isinstance(e, CallFinished) and not e.replayed]


@pytest.mark.parametrize("kind", OUTAGES)
def test_whoever_was_away_is_asked_once_it_is_back(kind: Any) -> None:
    """An outage is no answer: the task waits, says so, and is finished by the first call after it."""
    ledger = MemoryLedger()
    away = [failure(kind)] * 3
    first = again(House({"small": away, "large": away, "haiku": away}, ledger=ledger))
    assert first.status == "stopped"
    assert "`escalator resume t` asks again" in first.reason
    back = House({"small": [RIGHT]}, ledger=ledger)
    assert (again(back).status, back.models()) == ("accepted", ["small"])


def test_a_wrong_answer_is_not_asked_for_again_after_an_outage_above_it() -> None:
    """A chain whose upper rungs could not be reached is not used up; what below them answered stays answered."""
    ledger = MemoryLedger()
    first = again(
        House(
            {"small": [WRONG, WRONG], "large": [failure("connection")], "haiku": [failure("auth")]}, ledger=ledger
        )
    )
    assert (first.status, first.cause) == ("stopped", "connection")
    assert "small did not pass" in first.reason
    assert "large, haiku could not be asked" in first.reason
    back = House({"large": [RIGHT]}, ledger=ledger)
    assert (again(back).status, back.models()) == ("accepted", ["large"])


def test_a_chain_is_used_up_where_its_last_model_answered() -> None:
    """An outage below does not make a task wait: who was to help in it was asked."""
    house = House({"small": [failure("connection")], "large": [WRONG, WRONG], "haiku": [WRONG, WRONG]})
    assert again(house).status == "skipped"


def test_what_was_answered_after_an_outage_is_not_bought_again() -> None:
    """The outage is history then: the paid answer was given because of it."""
    ledger = MemoryLedger()
    types = chain_of("small", "haiku", "large")
    first = House(
        {"small": [failure("server")], "haiku": [BROKEN], "large": [Stop()]}, ledger=ledger, task_types=types
    )
    with pytest.raises(Stop):
        again(first)
    second = House({"large": [RIGHT]}, ledger=ledger, task_types=types)
    assert (again(second).status, second.models()) == ("accepted", ["large"])


def test_what_a_failed_call_may_have_cost_stays_in_the_outcome() -> None:
    """It was charged, so the task that goes on tells it, though no attempt of it does."""
    ledger = MemoryLedger()
    types = chain_of("haiku")
    again(House({"haiku": [failure("timeout", billed=True)]}, ledger=ledger, task_types=types))
    outcome = again(House({"haiku": [RIGHT]}, ledger=ledger, task_types=types))
    charged = sum(call.cost for call in ledger.calls())
    assert outcome.status == "accepted"
    assert outcome.cost == Decimal(charged) / NANO > 0
    assert [call.error for call in outcome.overhead] == ["timeout"]


def test_a_classifiers_failed_call_is_told_once_however_often_the_task_goes_on() -> None:
    """It failed and it was a classifier's: two reasons for one place in the outcome."""
    ledger = MemoryLedger()
    types = chain_of("haiku")
    for reply in (failure("timeout", billed=True), failure("timeout", billed=True), RIGHT):
        provider = {"haiku": [failure("timeout", billed=True), reply] if not ledger.calls() else [reply]}
        house = House(provider, ledger=ledger, task_types=types, classifier={"llm": "haiku"})
        outcome = house.execute(task_id="t", task_type=None)
        assert outcome.cost == Decimal(sum(call.cost for call in ledger.calls())) / NANO > 0
    assert outcome.status == "accepted"
    assert [call.purpose for call in outcome.overhead].count("classifier") == 1


def test_a_plan_from_before_it_said_whose_its_validators_are_keeps_them() -> None:
    """A task of an older ledger is the same one with its validators or none given, and is judged by them still."""
    ledger = MemoryLedger()
    types = chain_of("small")
    away = {"small": [failure("connection")] * 3}
    House(away, ledger=ledger, task_types=types).execute(task_id="t", validators=[adds])
    opened = ledger.look("t")
    assert opened is not None
    plan = json.loads(opened.row.plan)
    del plan["own_validators"]
    older = MemoryLedger()
    older.open_task(replace(opened.row, plan=json.dumps(plan))).result()
    older.release("t").result()
    house = House({"small": [RIGHT]}, ledger=older, task_types=types, models=models(small={"context": 9999}))
    outcome = house.execute(task_id="t", validators=[adds])
    assert outcome.status == "accepted"
    assert {verdict.validator for verdict in outcome.attempts[0].verdicts} == {"adds"}


def test_a_verdict_that_decided_nothing_is_asked_for_again() -> None:
    """A tool that was missing is there now; the answer it judges is the one of before."""
    ledger = MemoryLedger()
    there = [False]

    def tool(candidate: Any) -> Any:
        if not there[0]:
            return unavailable("tool", "install it")
        return passed("tool")

    tool.name = "tool"  # type: ignore[attr-defined]
    assert again(House({"small": [RIGHT]}, ledger=ledger), validators=[tool]).status == "stopped"
    there[0] = True
    house = House({}, ledger=ledger)
    assert (again(house, validators=[tool]).status, house.models()) == ("accepted", [])


def test_a_verdict_that_decided_is_not_asked_for_again() -> None:
    """Also where it decided against the answer."""
    ledger, judged = MemoryLedger(), list[str]()

    def once(candidate: Any) -> Any:
        judged.append(candidate.answer)
        return failed("once", feedback="no")

    once.name, once.cost = "once", "process"  # type: ignore[attr-defined]
    types = chain_of("small", "large")
    first = House({"small": [WRONG], "large": [failure("connection")] * 3}, ledger=ledger, task_types=types)
    assert again(first, validators=[once]).status == "stopped"
    again(House({"large": [failure("connection")] * 3}, ledger=ledger, task_types=types), validators=[once])
    assert judged == [WRONG]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"prompt": "Delete add()."}, "task_id"),
        ({"files": {"adding.py": "def add(a, b):\n    return 7\n"}}, "files"),
        ({"files": {**BASE, "other.py": "x = 1\n"}}, "files"),
        ({"files": {"other.py": "x = 1\n"}}, "files"),
        ({"tests": {"test_adding.py": "def test_add():\n    assert False\n"}}, "tests"),
        ({"requirements": ["be fast"]}, "requirements"),
        ({"language": "python"}, "language"),
        ({"local_only": True}, "local_only"),
        ({"response_schema": {"type": "object"}}, "response_schema"),
        ({"benchmark": {"call": "add(1, 2)"}}, "benchmark"),
        ({"tags": ["night"]}, "tags"),
        ({"validators": ["syntax"]}, "validators"),
        ({"validators": [{"syntax": {"required": False}}, adds]}, "validators"),
        ({"task_type": "quick_edit"}, "task_type"),
    ],
)
@pytest.mark.parametrize("done", [False, True])
def test_another_task_under_a_known_id_is_refused(changes: dict[str, Any], field: str, done: bool) -> None:
    """By its whole brief, whether it waits or is done: nobody gets the verdict on something else."""
    ledger = MemoryLedger()
    first = House({"small": [RIGHT] if done else [Stop()]}, ledger=ledger)
    if done:
        assert again(first).status == "accepted"
    else:
        with pytest.raises(Stop):
            again(first)
    house = House({"small": [RIGHT]}, ledger=ledger)
    with pytest.raises(TaskError, match=r"as another task: .*choose a new task id") as caught:
        again(house, **changes)
    assert (caught.value.field, house.models()) == (field, [])
    assert again(house).status == "accepted"


def test_other_limits_are_no_other_task() -> None:
    """A budget or a deadline may be another each time."""
    ledger = MemoryLedger()
    assert (
        again(House({"small": [failure("connection")] * 3}, ledger=ledger, task_types=chain_of("small"))).status
        == "stopped"
    )
    house = House({"small": [RIGHT]}, ledger=ledger, task_types=chain_of("small"))
    assert again(house, budget="1", deadline=60).status == "accepted"


def test_a_task_whose_answer_was_applied_is_still_the_same(tmp_path: Path) -> None:
    """Its own change in the tree does not make it another; somebody else's does."""
    (tmp_path / "adding.py").write_text(BASE["adding.py"])
    house = House({"small": [RIGHT]})
    given: dict[str, Any] = {"workspace": tmp_path, "files": ["adding.py"]}
    first = again(house, **given)
    first.apply()
    assert again(house, **given).attempts == first.attempts
    (tmp_path / "adding.py").write_text("x = 1\n")
    with pytest.raises(TaskError, match=r"adding.py is not as then"):
        again(house, **given)


def test_what_a_resume_cannot_take_along_is_said_at_once(tmp_path: Path) -> None:
    """Tests and files are those of the start; who changed them is told, with how to have the new ones."""
    (tmp_path / "adding.py").write_text(BASE["adding.py"])
    (tmp_path / "test_adding.py").write_text(
        "from adding import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"
    )
    ledger, types = MemoryLedger(), chain_of("small")
    given: dict[str, Any] = {"workspace": tmp_path, "files": ["adding.py"], "tests": ["test_adding.py"]}
    first = House({"small": [failure("connection")] * 3}, ledger=ledger, task_types=types)
    assert again(first, validators=["syntax"], **given).status == "stopped"
    (tmp_path / "test_adding.py").write_text("def test_add():\n    assert True\n")
    (tmp_path / "adding.py").unlink()
    second = House({"small": [RIGHT]}, ledger=ledger, task_types=types)
    outcome = second.escalator.resume("t")
    said = [event.message for event in second.events if isinstance(event, Warned)]
    assert outcome.status == "accepted"
    assert outcome.warnings[:2] == tuple(said[:2])
    assert said[0].startswith(
        "test_adding.py has changed since this task was started, which judges by the old text"
    )
    assert said[1].startswith("adding.py has changed")
    assert all("new task id" in message for message in said[:2])


def test_nothing_is_said_of_a_tree_that_is_as_it_was(tmp_path: Path) -> None:
    """No warning without a reason."""
    (tmp_path / "adding.py").write_text(BASE["adding.py"])
    ledger, types = MemoryLedger(), chain_of("small")
    first = House({"small": [failure("connection")] * 3}, ledger=ledger, task_types=types)
    again(first, validators=["syntax"], workspace=tmp_path, files=["adding.py"])
    second = House({"small": [RIGHT]}, ledger=ledger, task_types=types)
    assert second.escalator.resume("t").warnings == ()


def stopped_at(ledger: MemoryLedger, **changes: Any) -> None:
    """A task whose first model answered wrong, and whose others could not be reached."""
    away = [failure("model_not_found")]
    house = House({"small": [WRONG, WRONG], "large": away, "haiku": away}, ledger=ledger, **changes)
    assert house.execute(task_id="t", validators=["syntax", "houses:adding"]).status == "stopped"


def models(**changes: dict[str, Any]) -> dict[str, Any]:
    """The models of the small matrix, some with other settings."""
    return {name: {**section, **changes.get(name, {})} for name, section in matrix()["models"].items()}


def test_a_corrected_matrix_is_what_a_resume_goes_on_by() -> None:
    """The model of the right id is asked, and said that the matrix is another; the wrong answers stay bought."""
    ledger = MemoryLedger()
    stopped_at(ledger)
    house = House({"large": [RIGHT]}, ledger=ledger, models=models(large={"id": "large:32b"}))
    outcome = house.escalator.resume("t")
    assert (outcome.status, house.models()) == ("accepted", ["large"])
    assert house.provider.requests[0].model.id == "large:32b"
    assert any("goes by today's" in warning for warning in outcome.warnings)
    assert ledger.look("t").row.plan.count("large:32b") >= 1  # type: ignore[union-attr]


def test_the_same_matrix_is_not_said_to_be_another() -> None:
    """Nothing changed, nothing is said."""
    ledger = MemoryLedger()
    stopped_at(ledger)
    assert House({"large": [RIGHT]}, ledger=ledger).escalator.resume("t").warnings == ()


def test_a_chain_that_grew_is_climbed_from_where_the_answers_end() -> None:
    """A rung put in front of those that answered was not needed then; one after them is asked."""
    ledger = MemoryLedger()
    stopped_at(ledger)
    more = models() | {"other": {**matrix()["models"]["large"], "id": "other:8b"}}
    types = {
        "standard_development": {
            **matrix()["task_types"]["standard_development"],
            "chain": ["other", "small", "haiku"],
        }
    }
    house = House({"haiku": [RIGHT]}, ledger=ledger, models=more, task_types=types)
    outcome = house.escalator.resume("t")
    assert (outcome.status, house.models()) == ("accepted", ["haiku"])
    assert [rung.model.name for rung in outcome.plan.chain] == ["small", "haiku"]


def test_a_model_that_is_gone_keeps_its_answers_and_gives_no_more() -> None:
    """What it said is told to the next one; it is not asked for another attempt."""
    ledger = MemoryLedger()
    types = chain_of("small", "large", max_attempts=3)
    first = House({"small": [WRONG, Stop()]}, ledger=ledger, task_types=types)
    with pytest.raises(Stop):
        first.execute(task_id="t", validators=["syntax", "houses:adding"])
    left = {name: section for name, section in models().items() if name != "small"}
    house = House({"large": [RIGHT]}, ledger=ledger, models=left, task_types=chain_of("large"))
    outcome = house.escalator.resume("t")
    assert (outcome.status, house.models()) == ("accepted", ["large"])
    assert [attempt.model for attempt in outcome.attempts] == ["small", "large"]


def test_a_resumed_call_is_booked_at_todays_price() -> None:
    """A price that rose meanwhile is what is held and booked."""
    ledger = MemoryLedger()
    stopped_at(ledger)
    dear = models(haiku={"price": {"input": 1000, "output": 1000}}, large={"id": "gone"})
    house = House({"large": [failure("model_not_found")], "haiku": [RIGHT]}, ledger=ledger, models=dear)
    assert house.escalator.resume("t", budget="100").status == "accepted"
    usage = house.provider.requests[-1]
    assert usage.model.price is not None
    assert max(call.cost for call in ledger.calls()) > NANO // 100


@pytest.mark.parametrize(
    ("then", "now", "status"), [("warn", "deny", "stopped"), ("confirm", "warn", "needs_review")]
)
def test_the_stricter_consent_of_then_and_now_holds(then: str, now: str, status: str) -> None:
    """A paid model that may no longer be asked, or had to be asked for, is not asked unsaid."""
    ledger = MemoryLedger()
    away = [failure("model_not_found")]
    first = House(
        {"small": [WRONG, WRONG], "large": away, "haiku": away}, ledger=ledger, cost_guard={"before_paid": then}
    )
    first.execute(task_id="t", validators=["syntax", "houses:adding"])
    house = House({"large": away, "haiku": [RIGHT]}, ledger=ledger, cost_guard={"before_paid": now})
    outcome = house.escalator.resume("t")
    assert outcome.status == status
    assert "haiku" not in house.models()


def test_a_provider_that_moved_off_the_machine_gets_no_local_task() -> None:
    """Where a model runs is asked of today's matrix."""
    ledger = MemoryLedger()
    types = chain_of("small", "large")
    away = [failure("connection")] * 3
    first = House({"small": away, "large": away}, ledger=ledger, task_types=types)
    assert again(first, local_only=True).status == "stopped"
    moved = {**matrix()["providers"], "here": {"kind": "ollama", "base_url": "https://models.example.com"}}
    second = House({"large": [RIGHT]}, ledger=ledger, task_types=types, providers=moved)
    outcome = again(second, local_only=True)
    assert (outcome.status, second.models()) == ("accepted", ["large"])


def test_a_matrix_without_the_tasks_type_is_refused() -> None:
    """It is not taken for a task of another type in silence."""
    ledger = MemoryLedger()
    stopped_at(ledger)
    only = {"everything": chain_of("small")["standard_development"]}
    with pytest.raises(ConfigError, match=r"of type 'standard_development', which this matrix does not have"):
        House({}, ledger=ledger, task_types=only).escalator.resume("t")
    assert House({"large": [RIGHT]}, ledger=ledger).escalator.resume("t").status == "accepted"


def test_a_validator_that_the_matrix_dropped_is_named() -> None:
    """Today's validators judge; that others did when the task was started is said."""
    ledger = MemoryLedger()
    judged = chain_of("small", validators=["syntax", {"json_schema": {}}])
    first = House({"small": [failure("connection")] * 3}, ledger=ledger, task_types=judged)
    again(first, validators=None)
    second = House({"small": [RIGHT]}, ledger=ledger, task_types=chain_of("small"))
    outcome = again(second, validators=None)
    assert outcome.status == "accepted"
    assert any("json_schema judged this task when it was started" in warning for warning in outcome.warnings)


def test_a_question_and_a_repeat_of_the_one_before_it_are_two_places() -> None:
    """A checker asked twice, whose first request was sent twice, pays for three calls under three keys."""
    from escalator.records import Message, Request
    from escalator.steps import ask

    ledger = MemoryLedger()

    def twice(candidate: Any) -> Any:
        def flow() -> Any:
            for words in ("first?", "second?"):
                request = Request(model=candidate.checker, messages=(Message(role="user", text=words),))
                yield from ask("checker", request)
            return passed("twice")

        return flow()

    twice.name, twice.cost = "twice", "model"  # type: ignore[attr-defined]
    types = chain_of("small", checker="large")
    house = House({"small": [RIGHT], "large": [failure("server"), "yes", "yes"]}, ledger=ledger, task_types=types)
    assert again(house, validators=["syntax", twice]).status == "accepted"
    keys = [call.key for call in ledger.calls()]
    assert keys == ["r0.a1.worker", "r0.a1.twice", "r0.a1.twice~1", "r0.a1.twice.1"]


def test_one_reset_bars_neither_the_provider_nor_its_other_models() -> None:
    """A connection is taken to be down once it failed twice; until then another model of it may answer."""
    models_here = models(large={"provider": "here"})
    house = House(
        {"small": [failure("connection"), RIGHT]}, models=models_here, task_types=chain_of("small", "large")
    )
    assert (again(house).status, house.models()) == ("accepted", ["small", "small"])
    house = House(
        {"small": [failure("connection")] * 3, "large": [RIGHT]},
        models=models_here,
        task_types=chain_of("small", "large", "haiku"),
    )
    house.execute(task_id="u")
    assert house.models()[:2] == ["small", "large"]


def test_after_an_outage_every_task_is_finished_and_nothing_answered_is_asked_twice() -> None:
    """A hundred tasks cut by an outage at any place: a resume finishes each, and asks only where nobody had answered."""
    chance, ledger = random.Random(7), MemoryLedger()
    types = chain_of("small", "large", "haiku", max_attempts=2)
    for number in range(100):
        answers = chance.randrange(6)
        script: dict[str, list[Any]] = {"small": [], "large": [], "haiku": []}
        for at in range(6):
            name = ("small", "large", "haiku")[at // 2]
            word = f"a - b - {at}"
            script[name].append(WRONG.replace("a - b", word) if at < answers else failure(chance.choice(OUTAGES)))
        script = {name: [*replies, *[replies[-1]] * 4] for name, replies in script.items()}
        first = House(script, ledger=ledger, task_types=types)
        stopped = first.execute(task_id=f"t{number}")
        second = House({name: [RIGHT] * 3 for name in script}, ledger=ledger, task_types=types)
        outcome = second.execute(task_id=f"t{number}")
        assert (stopped.status, outcome.status) == ("stopped", "accepted"), (number, stopped.reason)
        answered = [a.answer for a in stopped.attempts if a.failure is None]
        assert [a.answer for a in outcome.attempts if a.failure is None][: len(answered)] == answered
        assert len(asked_anew(second)) == 1
