"""What is settled before a task is walked: its validators, its type, its plan. None of it asks a worker."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from threading import get_ident
from typing import Any

import pytest

from escalator import ConfigError, TaskError
from escalator.records import Candidate, ValidatorSpec
from escalator.testing import failure
from houses import BASE, RIGHT, House, matrix

LABEL = '{"task_type": "critical", "complexity": 9.5, "confidence": 0.9, "reasons": ["money"]}'


def judge(name: str, cost: str) -> Any:
    """A validator that passes everything and states what it costs."""

    def passes(candidate: Candidate) -> bool:
        return True

    passes.name, passes.cost = name, cost  # type: ignore[attr-defined]
    return passes


@pytest.mark.parametrize(
    "wrong",
    [{}, {"syntax": {}, "compile": {}}, {"syntax": 5}, {3: {}}, [{}], ["syntax", {"syntax": None, "tests": None}]],
)
def test_no_validator_that_was_asked_for_is_left_out_in_silence(wrong: Any) -> None:
    """A mapping is one validator and its options; two in one, or none, is an error before anybody is asked."""
    house = House({"small": [RIGHT]})
    with pytest.raises(TaskError, match=r"is written as \{name: \{option: value\}\}.*an item of its own"):
        house.execute(validators=wrong)
    assert house.models() == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["syntax", "syntax"], "the validator 'syntax' stands in the list twice"),
        (["syntax", {"syntax": {"languages": ["python"]}}], "stands in the list twice"),
        ([judge("syntax", "instant"), "syntax"], "stands in the list twice"),
        ([{"syntax": {"langages": ["python"]}}], "has no option 'langages' .did you mean 'languages'"),
    ],
)
def test_a_validator_that_cannot_be_built_is_found_before_a_model_is_asked(wrong: Any, says: str) -> None:
    """The error names the validator and, for a misspelt option, the one that was meant."""
    house = House({"small": [RIGHT]})
    with pytest.raises(ConfigError, match=says):
        house.execute(validators=wrong)
    assert (house.models(), house.ledger.tasks()) == ([], [])


@pytest.mark.parametrize(
    "given",
    [
        "syntax",
        ("syntax",),
        {"syntax": None},
        [{"syntax": {"required": True}}],
        ValidatorSpec(name="syntax"),
        [ValidatorSpec(name="syntax")],
    ],
)
def test_one_validator_can_be_written_in_many_ways(given: Any) -> None:
    """All of them mean the same."""
    assert House({}).escalator.plan("Fix it.", validators=given).validators == (ValidatorSpec(name="syntax"),)


def test_validators_are_asked_cheapest_first_and_equals_as_they_were_written() -> None:
    """Nobody waits for a process, or pays a model, for an answer that a look would have refused."""
    costs = {"opinion": "model", "run": "process", "look": "instant", "glance": "instant", "bench": "process"}
    judges = [judge(name, cost) for name, cost in costs.items()]
    plan = House({}).escalator.plan("Fix it.", files=BASE, validators=judges)
    assert [spec.name for spec in plan.validators] == ["look", "glance", "run", "bench", "opinion"]


@pytest.mark.parametrize(
    ("said", "task_type", "complexity"),
    [
        ({"task_type": "critical"}, "critical", 9.5),
        ({"complexity": 4}, "standard_development", 4),
        ({"complexity": 2.5}, "standard_development", 3),
        ({"complexity": 0}, "quick_edit", 0),
        ({"complexity": 10}, "critical", 10),
        ({"task_type": "quick_edit", "complexity": 9}, "quick_edit", 2),
    ],
)
def test_of_type_and_complexity_the_caller_may_leave_one_to_the_other(
    said: dict[str, Any], task_type: str, complexity: float
) -> None:
    """A type has the middle of its band, a complexity the type whose band it is in; the plan keeps them together."""
    found = House({}).escalator.plan("Fix it.", **said).classification
    assert (found.task_type, found.complexity, found.source) == (task_type, complexity, "caller")


def test_what_the_caller_says_is_not_asked_of_a_model() -> None:
    """A classifier that costs something is for tasks nobody described."""
    house = House({}, classifier={"llm": "large"})
    assert house.escalator.classify("Round the total.", task_type="quick_edit").source == "caller"
    assert house.escalator.plan("Round the total.", complexity=4).classification.source == "caller"
    assert house.models() == []


@pytest.mark.parametrize("what", ["classify", "plan"])
def test_a_look_at_a_task_is_paid_like_any_other_call_and_leaves_it_closed(what: str) -> None:
    """The classifying model's call is on the books of a task that says what it was for; no worker is asked."""
    house = House({"haiku": [LABEL]}, classifier={"llm": "haiku"})
    found = getattr(house.escalator, what)("Round the total.")
    kind = found if what == "classify" else found.classification
    (row,), (call,) = house.ledger.tasks(), house.ledger.calls()
    assert (kind.task_type, row.task_type, row.status, row.reason) == (
        "critical",
        "critical",
        "skipped",
        "only classified",
    )
    assert (call.purpose, call.held) == ("classifier", 0)
    assert call.cost > 0


@pytest.mark.parametrize("what", ["classify", "plan"])
def test_a_look_without_a_model_writes_nothing(what: str) -> None:
    """The built-in rules cost nothing, so there is nothing to keep."""
    house = House({})
    getattr(house.escalator, what)("Fix the typo in the docstring of add().", files=BASE)
    assert (house.ledger.tasks(), house.events) == ([], [])


def test_the_plan_is_what_is_done() -> None:
    """Chain, validators and limits of the plan are those of the outcome, for the same task."""
    house = House({"small": [RIGHT]})
    given: dict[str, Any] = {"files": BASE, "task_type": "standard_development"}
    planned = house.escalator.plan("Fix add() in adding.py.", **given)
    assert house.escalator.execute("Fix add() in adding.py.", **given).plan == planned


def test_tasks_of_one_kind_keep_what_was_said_of_each() -> None:
    """Sharing their plan, they share neither complexity nor reasons."""
    house = House({})
    plans = [house.escalator.plan("Fix it.", complexity=value) for value in (3, 4, 5, 4)]
    assert [plan.classification.complexity for plan in plans] == [3, 4, 5, 4]
    assert plans[1] == plans[3]
    assert all(plan.validators == plans[0].validators for plan in plans)


def test_validators_of_one_call_are_not_those_of_the_next() -> None:
    """What a caller brings is for that task, however alike the next one is."""
    house = House({})
    plain = partial(house.escalator.plan, "Fix it.", task_type="quick_edit")
    names = [[spec.name for spec in made.validators] for made in (plain(), plain(validators="compile"), plain())]
    assert names == [["syntax"], ["compile"], ["syntax"]]


def test_a_changed_matrix_has_plans_of_its_own(tmp_path: Path) -> None:
    """A file that is edited between two tasks decides the second."""
    import yaml

    from escalator import Escalator

    path = tmp_path / "matrix.yaml"
    path.write_text(yaml.safe_dump(matrix()))
    with Escalator(path, ledger=":memory:") as house:
        assert len(house.plan("Fix it.", task_type="quick_edit").chain) == 3
        changed = matrix()
        changed["task_types"]["quick_edit"]["chain"] = ["large"]
        path.write_text(yaml.safe_dump(changed))
        assert [rung.model.name for rung in house.plan("Fix it.", task_type="quick_edit").chain] == ["large"]


class Schema:
    """A response schema that knows which thread asked for it."""

    def __init__(self) -> None:
        self.asked_in: int | None = None

    def model_json_schema(self) -> dict[str, Any]:
        self.asked_in = get_ident()
        return {"type": "object"}


@pytest.mark.parametrize(("files", "outside"), [(BASE, False), (["adding.py"], True)])
def test_a_task_is_read_away_from_the_loop_where_files_are_read(tmp_path: Path, files: Any, outside: bool) -> None:
    """A slow disk keeps nobody else waiting; what is in memory already is not worth a thread."""
    (tmp_path / "adding.py").write_text(BASE["adding.py"])
    schema: Any = Schema()
    house = House({"small": ["{}"]})
    workspace = tmp_path if outside else None
    asyncio.run(house.aexecute(files=files, workspace=workspace, response_schema=schema, validators=["syntax"]))
    assert (schema.asked_in != get_ident()) == outside


def test_a_classifier_that_asks_for_a_process_is_told_what_it_may_do() -> None:
    """Only models may be asked by who classifies."""
    house = House({}, classifier={"name": "execution.test_preparing:runs"})
    with pytest.raises(TypeError, match="a classifier may ask models and nothing else, not Run"):
        house.escalator.classify("Fix it.")


def runs() -> Any:
    """A stranger's classifier that oversteps."""
    from escalator.records import Command
    from escalator.steps import run

    def classify(brief: Any) -> Any:
        return (yield from run(Command(argv=("true",)), validator="classify"))

    return classify


def test_a_classifier_nobody_has_is_named_with_its_key() -> None:
    """The matrix is wrong, and the error says where."""
    house = House({}, classifier={"name": "no_such.module:thing"})
    with pytest.raises(ConfigError, match=r"classifier\.name"):
        house.execute(task_type=None)
    assert house.models() == []


def test_a_look_falls_back_to_the_rules_where_the_classifier_is_down() -> None:
    """As in a task that is done: an opinion that cannot be had stops nothing."""
    house = House({"haiku": [failure("server")] * 3}, classifier={"llm": "haiku"})
    assert house.escalator.classify("Fix the typo in the docstring of add().").task_type == "quick_edit"
